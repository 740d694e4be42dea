from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QInputDialog

from engine.domain.instrument import cash
from engine.domain.intents import ClosePosition, EditProtection, Flatten, ReversePosition
from tests.widgets import samples
from widgets.tables.positions import PositionsPanel

EQUITY = cash(100_000)


@pytest.fixture
def panel(qtbot, dark):
    made = PositionsPanel(dark)
    qtbot.addWidget(made)
    made.show_positions((samples.position(),), EQUITY)
    return made


@pytest.fixture
def asked(panel):
    intents = []
    panel.intent.connect(intents.append)
    return intents


def column(panel, name: str) -> int:
    return next(n for n, column in enumerate(panel.model.columns) if column.name == name)


def edit(panel, name: str, text: str) -> None:
    panel.model.setData(panel.model.index(0, column(panel, name)), text)


def test_the_header_of_what_is_booked_says_of_which_trade(panel):
    told = panel.model.headerData(column(panel, "realised"), Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert told == "Already realised on this trade"
    assert panel.model.headerData(0, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole) is None


def test_a_position_shows_what_it_is_worth_and_what_it_risks(panel):
    row = dict(zip(panel.state()["columns"], panel.state()["rows"][0], strict=True))
    assert row["Side"] == "LONG"
    assert row["Open P/L USD"] == "+782.00"
    assert row["Risk USD"] == "1,648.00"
    assert row["Risk %"] == "1.65"
    assert row["Protection"] == "protected"


def test_a_position_without_a_stop_for_every_unit_says_how_much_is_bare(panel):
    panel.show_positions((samples.position(protected=15),), EQUITY)
    assert "0.25 lot bare" in panel.state()["rows"][0]


def test_the_only_position_is_closed_without_being_selected_first(panel, asked, qtbot):
    panel.close_all()
    assert asked == [ClosePosition("XAUUSD")]


@pytest.mark.parametrize(("part", "steps"), [(25, 10), (50, 20), (75, 30)])
def test_a_part_is_closed_in_lot_steps(panel, asked, part, steps):
    panel.close_part(part)
    assert asked == [ClosePosition("XAUUSD", steps)]


def test_a_part_below_one_lot_step_is_refused_with_the_remedy(panel, asked):
    panel.show_positions((samples.position(quantity=1),), EQUITY)
    panel.close_part(50)
    assert asked == []
    assert "close all instead" in panel.message.text()
    assert panel.state()["buttons"]["50 %"] is False


@pytest.mark.parametrize(
    ("text", "intent"),
    [("0.10", ClosePosition("XAUUSD", 10)), ("0.40", ClosePosition("XAUUSD", 0)), (" 0.2 ", ClosePosition("XAUUSD", 20))],
)
def test_a_typed_quantity_is_closed(panel, asked, text, intent):
    panel.close_lots("XAUUSD", text)
    assert asked == [intent]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("0.50", "Only 0.40"),
        ("abc", "not a number"),
        ("0,01", "write 0.01 with a point"),
        ("0.005", "multiple"),
        ("-1", "above zero"),
    ],
)
def test_a_quantity_that_cannot_be_closed_says_why(panel, asked, text, word):
    panel.close_lots("XAUUSD", text)
    assert asked == []
    assert word in panel.message.text()


def test_a_position_that_went_flat_meanwhile_is_not_closed_again(panel, asked):
    panel.show_positions((), EQUITY)
    panel.close_lots("XAUUSD", "0.10")
    assert asked == []
    assert "already flat" in panel.message.text()


def test_reverse_and_flatten_ask_twice(panel, asked, qtbot):
    for button, intent in ((panel.reverse, ReversePosition("XAUUSD")), (panel.flatten, Flatten())):
        asked.clear()
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert asked == []
        assert button.is_armed
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert asked == [intent]


def test_the_stop_is_edited_in_place(panel, asked):
    edit(panel, "stop", "2407.50")
    assert asked == [EditProtection("XAUUSD", stop_loss=240_750)]


def test_an_empty_target_removes_it(panel, asked):
    edit(panel, "target", "")
    assert asked == [EditProtection("XAUUSD", take_profit=0)]


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("stop", "2415", "below"),
        ("target", "2400", "above"),
        ("stop", "x", "not a number"),
        ("stop", "2407,5", "write 2407.5 with a point"),
        ("stop", "2407.505", "multiple"),
        ("stop", "", "not a number"),
    ],
)
def test_an_exit_on_the_wrong_side_of_the_market_is_refused(panel, asked, name, text, word):
    edit(panel, name, text)
    assert asked == []
    assert word in panel.message.text()


def test_a_short_has_its_stop_above(panel, asked):
    panel.show_positions((samples.position(quantity=-40, stop=241_900, target=240_000),), EQUITY)
    edit(panel, "stop", "2418")
    assert asked == [EditProtection("XAUUSD", stop_loss=241_800)]


def test_without_positions_nothing_can_be_pressed(panel):
    panel.show_positions((), EQUITY)
    assert not any(panel.state()["buttons"].values())
    assert panel.state()["empty"]["action"] == "New order (F9)"


def test_a_new_mark_flashes_in_its_colour(panel):
    panel.show_positions((samples.position(mark=241_300),), EQUITY)
    assert panel.model.flashes.role("XAUUSD", column(panel, "mark")) == "up"


def test_a_decimal_comma_in_the_custom_amount_is_refused_and_ok_is_dead(panel, asked):
    panel.table.select_key("XAUUSD")
    panel.ask_quantity()
    dialog = panel.findChild(QInputDialog)
    ok = dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok)
    dialog.setTextValue("0,1")
    assert dialog.labelText() == "'0,1' has a comma; write 0.1 with a point."
    assert not ok.isEnabled()
    dialog.setTextValue("0.1")
    assert dialog.labelText() == "Quantity in lots, up to 0.40"
    ok.click()
    assert asked == [ClosePosition("XAUUSD", 10)]
