from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from engine.core.errors import UserError
from engine.domain.intents import SubmitOrder
from engine.domain.order import Side
from tests.widgets import samples
from widgets.ticket.ticket import Ticket


@pytest.fixture
def ticket(qtbot, dark):
    made = Ticket(dark, ("XAUUSD", "EURUSD"))
    qtbot.addWidget(made)
    made.resize(320, 500)
    made.show()
    made.update_quote(samples.QUOTE)
    made.update_account(samples.ACCOUNT.equity)
    return made


@pytest.fixture
def sent(ticket):
    orders = []
    ticket.submit_wanted.connect(orders.append)
    return orders


def choose(ticket, qtbot, side: Side = Side.BUY, amount: str = "0.40") -> SubmitOrder:
    """Choose a side and a quantity and wait until the gate is asked."""
    ticket.form.amount.setText(amount)
    with qtbot.waitSignal(ticket.preview_wanted, timeout=30_000) as asked:
        ticket.form.sides.buttons[side].click()
    return asked.args[0]


def test_the_sides_show_the_prices_they_would_meet(ticket):
    assert ticket.state()["prices"] == ["SELL  2,412.08", "BUY  2,412.31"]
    assert ticket.spread.text() == "spread 23 ticks"


def test_choosing_a_side_asks_the_gate_and_sends_nothing(ticket, qtbot, sent):
    assert choose(ticket, qtbot) == SubmitOrder("XAUUSD", "buy", "market", 40)
    assert sent == []
    assert ticket.state()["size"] == "40 oz · 96,492.40 USD"


def test_typing_fast_asks_once(ticket, qtbot):
    choose(ticket, qtbot)
    asked = []
    ticket.preview_wanted.connect(asked.append)
    ticket.form.amount.clear()
    with qtbot.waitSignal(ticket.preview_wanted, timeout=30_000):
        qtbot.keyClicks(ticket.form.amount, "0.25")
    assert [order.quantity for order in asked] == [25]


def test_the_verdict_is_shown_as_now_fill_and_stop_out_against_the_cap(ticket, qtbot):
    order = choose(ticket, qtbot)
    ticket.show_verdict(samples.VERDICT, order)
    preview = ticket.state()["preview"]
    assert preview["rows"] == [["position", "0.00\u00a0%", "1.20\u00a0%", "1.30\u00a0%", "5\u00a0%", "✓"]]
    assert preview["sentence"] == "Passes every limit."


def test_a_refused_order_cannot_be_sent_and_says_the_largest_that_passes(ticket, qtbot, sent):
    order = choose(ticket, qtbot, amount="2.00")
    ticket.show_verdict(samples.DENIED, order)
    state = ticket.state()
    assert state["preview"]["sentence"] == "Position would be 6.1 % of equity against a cap of 5.0 %."
    assert state["preview"]["largest"] == "Largest that passes: 1.63 lot"
    assert state["buttons"] == {"Refused: position": False}
    ticket.send()
    assert sent == []


def test_the_largest_size_is_taken_over_and_judged_anew(ticket, qtbot):
    ticket.show_verdict(samples.DENIED, choose(ticket, qtbot, amount="2.00"))
    with qtbot.waitSignal(ticket.preview_wanted, timeout=30_000) as asked:
        ticket.preview.use.click()
    assert asked.args[0].quantity == 163
    assert ticket.submit.isEnabled()


def test_an_answer_to_another_order_is_ignored(ticket, qtbot):
    order = choose(ticket, qtbot)
    ticket.show_verdict(samples.DENIED, replace(order, quantity=1))
    assert ticket.submit.isEnabled()


def test_a_double_click_sends_once(ticket, qtbot, sent):
    choose(ticket, qtbot)
    qtbot.mouseClick(ticket.submit, Qt.MouseButton.LeftButton)
    qtbot.mouseDClick(ticket.submit, Qt.MouseButton.LeftButton)
    ticket.send()
    assert sent == [SubmitOrder("XAUUSD", "buy", "market", 40)]
    assert ticket.submit.text() == "Sent"


def test_after_a_moment_the_ticket_can_send_again(ticket, qtbot, sent):
    choose(ticket, qtbot)
    ticket.send()
    qtbot.waitUntil(ticket.submit.isEnabled, timeout=30_000)
    ticket.send()
    assert len(sent) == 2


def test_ctrl_enter_sends_from_any_field(ticket, qtbot, sent):
    choose(ticket, qtbot)
    ticket.activateWindow()
    ticket.focus()
    qtbot.waitUntil(ticket.form.amount.hasFocus, timeout=30_000)
    qtbot.keyClick(ticket.form.amount, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert len(sent) == 1


def test_enter_alone_sends_nothing(ticket, qtbot, sent):
    choose(ticket, qtbot)
    qtbot.keyClick(ticket.form.amount, Qt.Key.Key_Return)
    assert sent == []


def test_without_a_side_nothing_can_be_sent(ticket, sent):
    ticket.send()
    assert sent == []
    assert ticket.state()["buttons"] == {"Choose SELL or BUY": False}


def test_a_wrong_field_is_marked_with_one_sentence_and_nothing_is_sent(ticket, qtbot, sent):
    choose(ticket, qtbot)
    ticket.form.amount.setText("abc")
    ticket.send()
    assert sent == []
    assert ticket.complaint == "'abc' is not a number."
    assert ticket.form.amount.property("wrong") is True
    ticket.form.amount.setText("0.10")
    ticket.send()
    assert ticket.complaint == ""
    assert ticket.form.amount.property("wrong") is False
    assert len(sent) == 1


def test_the_default_stop_is_shown_and_labelled(ticket, qtbot):
    order = choose(ticket, qtbot)
    ticket.show_verdict(samples.VERDICT._replace(stop=240_600, stop_is_default=True), order)
    assert ticket.state()["preview"]["stop"] == "Default ATR stop 2,406.00 is sent with it."


def test_by_risk_the_quantity_follows_from_the_default_stop_once_it_is_known(ticket, qtbot):
    choose(ticket, qtbot)
    with qtbot.waitSignal(ticket.preview_wanted, timeout=30_000) as first:
        ticket.form.amount_unit.buttons["risk %"].click()
    assert first.args[0].quantity == 1
    with qtbot.waitSignal(ticket.preview_wanted, timeout=30_000) as second:
        ticket.show_verdict(samples.VERDICT._replace(stop=samples.QUOTE.ask - 1_000, stop_is_default=True), first.args[0])
    assert second.args[0].quantity == 100
    assert ticket.state()["size"].startswith("1.00 lot · 100 oz")


def test_a_moved_market_is_judged_again(ticket, qtbot):
    choose(ticket, qtbot)
    with qtbot.waitSignal(ticket.preview_wanted, timeout=30_000):
        ticket.update_quote(samples.QUOTE._replace(bid=241_300, ask=241_320))
    assert ticket.state()["prices"][1] == "BUY  2,413.20"


def test_a_quote_of_another_instrument_changes_nothing(ticket):
    ticket.update_quote(samples.QUOTE._replace(symbol="EURUSD", bid=1, ask=2))
    assert ticket.state()["prices"] == ["SELL  2,412.08", "BUY  2,412.31"]


def test_another_instrument_clears_what_was_typed(ticket, qtbot):
    choose(ticket, qtbot)
    ticket.form.stop_loss.setText("2400")
    with qtbot.waitSignal(ticket.symbol_changed) as changed:
        ticket.symbols.setCurrentText("EURUSD")
    assert changed.args == ["EURUSD"]
    state = ticket.state()
    assert state["side"] is None
    assert state["fields"]["stop_loss"] == ""
    assert state["prices"] == ["SELL  –", "BUY  –"]


def test_an_order_can_be_filled_in_from_elsewhere(ticket, qtbot):
    with qtbot.waitSignal(ticket.preview_wanted, timeout=30_000) as asked:
        ticket.fill(SubmitOrder("XAUUSD", "sell", "limit", 30, 241_500, 242_000, 240_000, "DAY"))
    assert asked.args == [SubmitOrder("XAUUSD", "sell", "limit", 30, 241_500, 242_000, 240_000, "DAY")]


def test_arrow_keys_move_a_field_by_its_step(ticket, qtbot):
    field = ticket.form.amount
    field.setText("0.10")
    qtbot.keyClick(field, Qt.Key.Key_Up)
    assert field.text() == "0.11"
    qtbot.keyClick(field, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert field.text() == "0.21"
    field.setText("0.01")
    qtbot.keyClick(field, Qt.Key.Key_Down)
    assert field.text() == "0.01"


def test_an_order_good_till_a_time_carries_it(ticket, qtbot):
    ticket.set_now(samples.NOW, "Asia/Bangkok")
    choose(ticket, qtbot)
    with qtbot.waitSignal(ticket.preview_wanted, timeout=30_000) as asked:
        ticket.form.tif.setCurrentText("GTD")
    assert asked.args[0].expires == samples.NOW + 4 * 3_600_000_000_000
    assert ticket.form.until.text() == "2026-11-20 18:03"


@pytest.mark.parametrize("typed", ["0,01", "0,5", "0,05", "1,500"])
def test_a_decimal_comma_in_the_size_is_refused_and_the_button_is_dead(ticket, qtbot, sent, typed):
    choose(ticket, qtbot)
    ticket.form.amount.clear()
    qtbot.keyClicks(ticket.form.amount, typed)
    qtbot.waitUntil(lambda: not ticket.submit.isEnabled(), timeout=30_000)
    ticket.send()
    assert sent == []
    assert f"{typed!r} has a comma; write {typed.replace(',', '.')} with a point" in ticket.complaint
    assert ticket.form.amount.property("wrong") is True


@pytest.mark.parametrize("field", ["price", "stop_loss", "take_profit"])
def test_a_price_takes_grouped_thousands_but_no_decimal_comma(ticket, field):
    number = ticket.form.fields[field]
    number.setText("2,400.50")
    assert number.value() == Decimal("2400.50")
    number.setText("2400,50")
    with pytest.raises(UserError, match=r"write 2400\.50 with a point"):
        number.value()


def test_a_distance_takes_no_comma(ticket):
    ticket.form.exit_unit.buttons["dist"].click()
    ticket.form.stop_loss.setText("1,500")
    with pytest.raises(UserError, match="has a comma"):
        ticket.form.stop_loss.value()


def test_what_cannot_be_read_is_marked_before_a_side_is_chosen(ticket, qtbot):
    ticket.form.amount.clear()
    qtbot.keyClicks(ticket.form.amount, "0,5")
    qtbot.waitUntil(lambda: ticket.complaint == "'0,5' has a comma; write 0.5 with a point.", timeout=30_000)
    assert not ticket.submit.isEnabled()


def test_another_instrument_leaves_nothing_of_the_order_before(ticket, qtbot):
    order = choose(ticket, qtbot)
    ticket.show_verdict(samples.VERDICT._replace(stop=240_600, stop_is_default=True), order)
    ticket.form.type.buttons["Limit"].click()
    ticket.form.price.setText("2400")
    ticket.form.take_profit.setText("2500")
    assert ticket.form.size.text()
    ticket.set_symbol("EURUSD")
    state = ticket.state()
    assert state["size"] == ""
    assert state["fields"] == {"amount": "0.10", "price": "", "limit": "", "trail": "", "stop_loss": "", "take_profit": ""}
    assert state["preview"]["rows"] == []
    assert state["preview"]["stop"] == ""
    assert ticket.form.stop_loss.placeholderText() == "default ATR stop"
    assert not ticket.submit.isEnabled()


def test_the_stop_that_will_be_sent_stands_in_its_own_field_and_above_the_limits(ticket, qtbot):
    order = choose(ticket, qtbot)
    ticket.show_verdict(samples.VERDICT._replace(stop=240_600, stop_is_default=True), order)
    assert ticket.form.stop_loss.placeholderText() == "default 2,406.00"
    rows = [ticket.preview._lines[0].labels[0]]
    qtbot.waitUntil(lambda: ticket.preview.stop.geometry().bottom() < rows[0].geometry().top(), timeout=30_000)
    ticket.form.sides.buttons[Side.SELL].click()
    assert ticket.form.stop_loss.placeholderText() == "default ATR stop"


def test_a_stop_may_have_a_limit_or_trail_and_says_so_when_it_is_filled_in(ticket, qtbot):
    assert ticket.form.stop_terms.isHidden()
    ticket.form.type.buttons["Stop"].click()
    assert not ticket.form.stop_terms.isHidden()
    ticket.form.sides.choose(Side.BUY)
    ticket.form.price.setText("2420")
    ticket.form.limit.setText("2421")
    made = ticket.compose()
    assert (made.type, made.price, made.limit) == ("stop_limit", 242_000, 242_100)
    ticket.form.limit.clear()
    ticket.form.trail.setText("5")
    made = ticket.compose()
    assert (made.type, made.price, made.trail) == ("trailing", None, 500)
    ticket.form.type.buttons["Limit"].click()
    assert (ticket.form.trail.text(), ticket.form.stop_terms.isHidden()) == ("", True)
    ticket.form.fill(made, ticket.instrument)
    assert (ticket.form.type.value, ticket.form.trail.text()) == ("Stop", "5.00")


def roll_the_wheel(field) -> bool:
    """Whether the field took a step of the wheel towards its user."""
    at = QPointF(field.rect().center())
    whole = QPointF(field.mapToGlobal(field.rect().center()))
    none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(at, whole, QPoint(), QPoint(0, -120), *none, False)
    event.setAccepted(True)
    field.wheelEvent(event)
    return event.isAccepted()


def test_the_wheel_edits_nothing_of_an_order_but_scrolls(ticket):
    form = ticket.form
    form.type.choose("Limit")
    form.tif.setCurrentText("GTC")
    form.amount.setText("0.40")
    before = ticket.state()
    for field in (form.tif, form.until, ticket.symbols, *form.fields.values(), form.advanced.second.price):
        field.setFocus()
        assert not roll_the_wheel(field)
    assert ticket.state() == before


@pytest.mark.parametrize("size", [(320, 500), (320, 300)])
def test_the_button_that_sends_stays_in_sight_and_where_it_is_when_a_complaint_comes_and_goes(ticket, qtbot, size):
    ticket.resize(*size)
    choose(ticket, qtbot)

    def stands() -> QRect:
        QApplication.processEvents()
        return QRect(ticket.submit.mapTo(ticket, QPoint()), ticket.submit.size())

    before = stands()
    assert ticket.rect().contains(before)
    for field, sentence in (
        ("stop_loss", "This is above the entry."),
        ("", "There is no quote to measure from yet."),
    ):
        ticket._complain(field, sentence)
        assert stands() == before
        ticket._complain("", "")
        assert stands() == before
    ticket.form.type.choose("Stop")
    ticket.form.advanced.set_open(True)
    assert stands() == before
