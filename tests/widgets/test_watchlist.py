from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from engine.core.clock import MINUTE
from tests.widgets import samples
from widgets.tables.painting import PADDING
from widgets.tables.watchlist import Watchlist


@pytest.fixture
def watch(qtbot, dark):
    made = Watchlist(dark, ("XAUUSD", "EURUSD"))
    qtbot.addWidget(made)
    made.resize(400, 300)
    return made


def rows(watch) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in watch.state()["rows"]}


def test_a_quote_shows_bid_ask_spread_and_the_days_change(watch):
    watch.set_day("XAUUSD", 240_600.0, [1.0, 2.0])
    watch.update_quotes([samples.QUOTE], samples.NOW)
    assert rows(watch)["XAUUSD"][:4] == ["2,412.08", "2,412.31", "+0.26", "23"]
    assert rows(watch)["EURUSD"][:4] == ["–", "–", "–", "–"]


def test_the_instrument_chosen_is_shown_at_a_glance(watch):
    watch.select("XAUUSD")
    assert watch.state()["glance"] == {}
    watch.set_day("XAUUSD", 240_600.0, [2406.5, 2401.25, 2412.0])
    watch.update_quotes([samples.QUOTE], samples.NOW)
    assert watch.state()["glance"] == {
        "price": "2,412.08",
        "change": "▲ +6.20 (+0.26\u00a0%)",
        "Day's closes": "2,401.25 – 2,412.00",
        "Before": "2,406.00",
        "Spread": "23 ticks",
        "Spread a lot": "23.00 USD",
    }
    watch.select("EURUSD")
    assert watch.state()["glance"] == {}


def test_a_quote_of_an_instrument_not_followed_is_ignored(watch):
    watch.update_quotes([samples.QUOTE._replace(symbol="XAGUSD")], samples.NOW)
    assert set(rows(watch)) == {"XAUUSD", "EURUSD"}


def test_old_quotes_look_old_and_say_how_old(watch):
    watch.update_quotes([samples.QUOTE], samples.NOW)
    assert watch.table.painting.dim == frozenset()
    watch.update_quotes([], samples.NOW + 2 * MINUTE)
    assert watch.table.painting.dim == {"XAUUSD"}
    assert rows(watch)["XAUUSD"][2] == "2 min"
    watch.update_quotes([samples.QUOTE._replace(at=samples.NOW + 2 * MINUTE)], samples.NOW + 2 * MINUTE)
    assert watch.table.painting.dim == frozenset()


def test_a_price_that_is_not_to_be_traded_on_is_dim_and_says_why(watch):
    reason = "prices of XAUUSD are delayed"
    watch.update_quotes([samples.QUOTE], samples.NOW, {"XAUUSD": reason})
    assert watch.table.painting.dim == {"XAUUSD"}
    at = list(watch.rows).index("XAUUSD")
    tip = watch.model.index(at, 1).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.endswith("Prices of XAUUSD are delayed.")
    watch.select("XAUUSD")
    assert watch.glance.price.property("role") == "hint"
    assert watch.glance.price.toolTip() == "Bid. Prices of XAUUSD are delayed."
    watch.update_quotes([], samples.NOW)
    assert watch.table.painting.dim == frozenset()
    assert "delayed" not in watch.model.index(at, 1).data(Qt.ItemDataRole.ToolTipRole)


def test_both_prices_of_a_long_name_are_in_sight_on_a_laptop(watch):
    watch.show()
    watch.add("PAXGUSDT")
    watch.update_quotes([samples.QUOTE._replace(symbol="PAXGUSDT", bid=418_978, ask=418_988)], samples.NOW)
    watch.resize(220, 300)
    assert {"Bid", "Ask"} <= set(watch.state()["columns"])


def test_a_narrow_list_keeps_the_columns_that_matter_most(watch):
    watch.show()
    watch.update_quotes([samples.QUOTE], samples.NOW)
    watch.resize(170, 300)
    assert watch.state()["columns"] == ["Symbol", "Bid", "Ask"]
    watch.resize(400, 300)
    assert len(watch.state()["columns"]) == 6


def test_numbers_are_never_cut_where_there_is_room(watch):
    watch.show()
    watch.update_quotes([samples.QUOTE], samples.NOW)
    table = watch.table
    for at in range(4):
        text = watch.model.text(0, at)
        assert table.fontMetrics().horizontalAdvance(text) + 2 * PADDING <= table.columnWidth(at)


def test_a_width_dragged_by_hand_stays(watch, qtbot):
    watch.show()
    header = watch.table.horizontalHeader()
    header.resizeSection(1, 90)
    qtbot.mouseRelease(header.viewport(), Qt.MouseButton.LeftButton)
    watch.resize(500, 300)
    assert watch.table.columnWidth(1) == 90


def test_columns_chosen_by_hand_stay_whatever_the_width(watch):
    watch.show()
    watch.table.pick_column(1, False)
    watch.resize(180, 300)
    assert "Spr" in watch.state()["columns"]
    assert "Bid" not in watch.state()["columns"]


@pytest.mark.parametrize("text", ["xagusd", "XAG", "silver", "XAGUSD  Silver spot / US dollar"])
def test_an_instrument_is_added_by_symbol_or_name(watch, qtbot, text):
    with qtbot.waitSignal(watch.added) as added:
        watch.add(text)
    assert added.args == ["XAGUSD"]
    assert "XAGUSD" in rows(watch)


def test_an_instrument_is_never_listed_twice(watch, qtbot):
    with qtbot.assertNotEmitted(watch.added):
        watch.add("XAUUSD")
    assert len(rows(watch)) == 2


def test_a_search_without_match_names_what_is_listed(watch):
    watch.add("nothing")
    assert "No instrument matches 'nothing'" in watch.message.text()
    assert "XAUUSD" in watch.message.text()


def test_choosing_a_row_selects_the_instrument_and_tells_its_terms(watch, qtbot):
    with qtbot.waitSignal(watch.selected) as chosen:
        watch.select("XAUUSD")
    assert chosen.args == ["XAUUSD"]
    assert "1 lot = 100 oz" in watch.detail.text()
    assert "tick 0.01 = 1.00 USD a lot" in watch.detail.text()
    assert "step 0.01 lot = 1 oz" in watch.detail.text()


def test_the_selected_instrument_is_removed(watch, qtbot):
    watch.select("EURUSD")
    with qtbot.waitSignal(watch.removed) as gone:
        watch.remove_selected()
    assert gone.args == ["EURUSD"]
    assert set(rows(watch)) == {"XAUUSD"}


def test_an_empty_list_points_to_the_search(watch):
    for symbol in ("XAUUSD", "EURUSD"):
        watch.select(symbol)
        watch.remove_selected()
    assert watch.state()["empty"]["action"] == "Search"


def test_the_line_of_the_day_is_drawn(watch, qtbot):
    watch.resize(400, 200)
    watch.show()
    before = watch.table.viewport().grab().toImage()
    watch.set_day("XAUUSD", 240_600.0, range(300))
    assert watch.table.viewport().grab().toImage() != before
