from __future__ import annotations

import pytest

from engine.domain.intents import CancelAll, CancelOrder, ModifyOrder
from engine.domain.order import OrderType, State
from engine.domain.views import OrderView
from tests.widgets import samples
from widgets.tables.orders import OrdersPanel

REASON = "position would be 6.1 % of equity against a cap of 5.0 %"


@pytest.fixture
def panel(qtbot, dark):
    made = OrdersPanel(dark)
    qtbot.addWidget(made)
    denied = samples.order(2, state=State.DENIED)
    made.update_rows(
        (
            samples.order(1),
            OrderView(denied.order, denied.placed, denied.changed, REASON),
            samples.order(3, state=State.FILLED, filled=20, filled_value=20 * 240_950),
        )
    )
    return made


@pytest.fixture
def asked(panel):
    intents = []
    panel.intent.connect(intents.append)
    return intents


def ids(panel) -> list[str]:
    return [row.order.id for row in panel.model.rows()]


def edit(panel, name: str, text: str) -> None:
    number = next(n for n, column in enumerate(panel.model.columns) if column.name == name)
    panel.model.setData(panel.model.index(0, number), text)


@pytest.mark.parametrize(
    ("which", "shown"), [("Working", ["ng-1"]), ("Refused", ["ng-2"]), ("Filled", ["ng-3"]), ("All", ["ng-1", "ng-2", "ng-3"])]
)
def test_the_segments_choose_which_orders_are_shown(panel, which, shown):
    panel.choice.buttons[which].click()
    assert ids(panel) == shown


def test_a_denied_order_shows_its_reason(panel):
    panel.show_only("Refused")
    assert REASON in panel.state()["rows"][0]


def test_the_selected_order_is_cancelled(panel, asked):
    panel.table.select_key("ng-1")
    panel.cancel_button.click()
    assert asked == [CancelOrder("ng-1")]


def test_only_a_working_order_can_be_cancelled(panel, asked):
    panel.show_only("All")
    panel.table.select_key("ng-3")
    assert not panel.cancel_button.isEnabled()
    panel.cancel()
    assert asked == []


def test_an_order_that_filled_meanwhile_can_no_longer_be_cancelled(panel):
    panel.show_only("All")
    panel.table.select_key("ng-1")
    panel.update_rows((samples.order(1, state=State.FILLED, filled=20, filled_value=1),))
    assert not panel.cancel_button.isEnabled()


def test_all_entries_are_cancelled_at_once(panel, asked):
    panel.cancel_all.click()
    assert asked == [CancelAll()]


def test_price_and_quantity_are_edited_in_place(panel, asked):
    edit(panel, "price", "2408.10")
    edit(panel, "quantity", "0.15")
    assert asked == [ModifyOrder("ng-1", price=240_810), ModifyOrder("ng-1", quantity=15)]


@pytest.mark.parametrize(
    ("values", "name", "text", "word"),
    [
        ({"filled": 10, "state": State.PARTIALLY_FILLED}, "quantity", "0.05", "filled already"),
        ({}, "price", "abc", "not a number"),
        ({}, "quantity", "0,5", "write 0.5 with a point"),
        ({}, "price", "2400.005", "multiple"),
        ({"type": OrderType.MARKET, "limit": None}, "price", "2400", "market order"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(panel, asked, values, name, text, word):
    panel.update_rows((samples.order(1, **values),))
    edit(panel, name, text)
    assert asked == []
    assert word in panel.message.text()


def test_a_finished_order_cannot_be_changed(panel, asked):
    panel.show_only("Filled")
    edit(panel, "price", "2400")
    assert asked == []
    assert "only working orders" in panel.message.text()


def test_each_choice_has_its_own_empty_sentence(panel):
    panel.update_rows(())
    panel.show_only("Refused")
    assert panel.state()["empty"]["sentence"].startswith("No order was refused")
