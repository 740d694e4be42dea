from __future__ import annotations

import csv

import pytest
from PySide6.QtGui import QGuiApplication

from engine.domain.instrument import cash
from tests.widgets import samples
from widgets.format import Display
from widgets.tables import export
from widgets.tables.fills import FillsPanel
from widgets.tables.trades import TradesPanel


@pytest.fixture
def trades(qtbot, dark):
    panel = TradesPanel(dark)
    qtbot.addWidget(panel)
    panel.update_rows((samples.trade(1, "-1234.5"), samples.trade(2, 50), samples.trade(3, 7, signal="=cmd()")))
    return panel


def read(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@sum", "\tx", "\rx"])
def test_a_text_that_a_spreadsheet_would_run_is_quoted(text):
    assert export.safe(text) == "'" + text


@pytest.mark.parametrize("text", ["-1234.50", "+3", "plain", "1e5", ""])
def test_numbers_and_plain_words_are_left_alone(text):
    assert export.safe(text) == text


def test_an_export_has_bare_numbers_and_safe_words(trades, tmp_path):
    path = tmp_path / "trades.csv"
    trades.table.export_csv(path)
    rows = {row["#"]: row for row in read(path)}
    assert rows["1"]["Net USD"] == "-1234.50"
    assert rows["3"]["Signal"] == "'=cmd()"
    assert rows["2"]["Closed"].endswith("+00:00")


def test_an_export_is_what_is_shown(trades, tmp_path):
    path = tmp_path / "trades.csv"
    trades.table.setColumnHidden(0, True)
    trades.table.sort_by("result", descending=True)
    trades.model.set_filter(lambda row: row.number != 3)
    trades.table.export_csv(path)
    rows = read(path)
    assert [row["Net USD"] for row in rows] == ["50.00", "-1234.50"]
    assert "#" not in rows[0]


def test_an_export_that_cannot_be_written_says_so_in_the_panel(trades, tmp_path):
    trades.table.export_csv(tmp_path / "no" / "where.csv")
    assert "could not be written" in trades.message.text()


def test_the_selected_rows_are_copied_with_their_header(trades):
    trades.table.select_key(2)
    trades.table.copy()
    header, row = QGuiApplication.clipboard().text().split("\n")
    assert header.split("\t")[0] == "#"
    assert row.split("\t")[0] == "2"


def test_the_layout_is_remembered(trades, qtbot, dark):
    trades.table.setColumnWidth(2, 111)
    trades.table.pick_column(5, False)
    trades.table.horizontalHeader().moveSection(3, 0)
    trades.table.sort_by("result", descending=True)
    trades.table.set_compact(True)
    state = trades.save_state()
    other = TradesPanel(dark)
    qtbot.addWidget(other)
    other.restore_state(state)
    assert other.save_state() == state


def test_a_layout_with_foreign_columns_is_taken_as_far_as_it_goes(trades):
    trades.restore_state({"widths": {"nowhere": 9, "symbol": 99}, "order": ["nowhere", "symbol"], "sort": ["nowhere", True]})
    state = trades.save_state()
    assert state["widths"]["symbol"] == 99
    assert state["order"][0] == "symbol"


def test_the_selection_stays_with_its_row_through_a_reset(trades):
    trades.table.select_key(2)
    trades.update_rows(tuple(samples.trade(number, 1) for number in range(1, 100)))
    assert trades.table.current().number == 2


def test_the_totals_are_those_of_what_is_shown(trades):
    assert trades.state()["totals"] == {"Trades": "3", "Win rate": "66.7\u00a0%", "Profit factor": "0.05", "Net": "−1,177.50 USD"}
    trades.model.set_filter(lambda row: row.number == 2)
    assert trades.state()["totals"]["Profit factor"] == "–"
    assert trades.state()["totals"]["Net"] == "+50.00 USD"


def test_a_result_is_net_of_costs(qtbot, dark):
    panel = TradesPanel(dark)
    qtbot.addWidget(panel)
    panel.update_rows((samples.trade(1, "1.00", costs="1.40"),))
    assert panel.state()["totals"]["Win rate"] == "0.0\u00a0%"
    assert panel.state()["totals"]["Net"] == "−0.40 USD"


def test_an_empty_panel_says_what_would_fill_it(qtbot, dark):
    panel = FillsPanel(dark)
    qtbot.addWidget(panel)
    assert panel.state()["empty"]["sentence"] == "Executions appear here as orders fill."
    panel.update_rows((samples.fill(1),))
    assert panel.state()["empty"] is None


def test_the_filter_keeps_rows_that_hold_every_word(qtbot, dark):
    panel = FillsPanel(dark)
    qtbot.addWidget(panel)
    panel.update_rows((samples.fill(1), samples.fill(2, order="ng-77", realised=cash(5))))
    panel._filter("buy NG-77", lambda row: f"{row.side.value} {row.order}")
    assert [row.execution for row in panel.model.rows()] == ["x2"]


def test_times_follow_the_users_zone(qtbot, dark):
    panel = FillsPanel(dark)
    qtbot.addWidget(panel)
    panel.update_rows((samples.fill(0),))
    panel.set_display(Display("Asia/Bangkok"))
    assert panel.state()["rows"][0][0] == "2026-11-20 14:03:12"


def test_a_table_paints_what_it_holds(trades, qtbot):
    trades.resize(900, 200)
    trades.show()
    before = trades.table.viewport().grab().toImage()
    trades.update_rows(())
    trades.table.setVisible(True)
    after = trades.table.viewport().grab().toImage()
    assert before != after


def test_the_context_menu_copies_exports_and_hides(trades):
    texts = [action.text() for action in trades.table.menu().actions() if action.text()]
    assert [text.split("\t")[0] for text in texts][-4:] == ["Copy rows", "Export as CSV…", "Columns", "Compact rows"]
