"""The part of the ticket that folds out: what it makes of an order, and what it says where it cannot."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea

from engine.domain.instrument import cash, instrument_of
from engine.domain.intents import SubmitOrder, SubmitPair
from engine.domain.margin import Margin
from engine.domain.order import OrderType, Side
from tests.widgets import samples
from tests.widgets.samples import QUOTE
from widgets.ticket.draft import PAIR, THEN, Draft, FieldError, TargetDraft, compose, compose_ticket
from widgets.ticket.ticket import Ticket

PATIENCE_MS = 20_000
D = Decimal
GOLD, EQUITY = instrument_of("XAUUSD"), cash(1_000_000)


def draft(kind: OrderType = OrderType.LIMIT, **values) -> Draft:
    given_ = {"amount": D("0.40"), "price": D("2410") if kind is OrderType.LIMIT else None, **values}
    return Draft(given_.pop("side", Side.BUY), kind, **given_)


def refusal(made: Draft) -> tuple[str, str]:
    with pytest.raises(FieldError) as error:
        compose_ticket(made, GOLD, QUOTE, EQUITY)
    return error.value.field, str(error.value)


# --- what is typed, as an order ---------------------------------------------------------------------------------------


def test_shares_are_cut_so_that_all_of_them_are_the_whole_order() -> None:
    thirds = tuple(TargetDraft(D(2420 + at), D(share)) for at, share in enumerate((34, 33, 33)))
    assert compose(draft(targets=thirds), GOLD, QUOTE, EQUITY).targets == ((242_000, 13), (242_100, 13), (242_200, 14))


@given(st.integers(3, 5_000), st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_targets_never_come_to_more_than_the_order_nor_to_less_than_the_smallest_one(steps: int, shares: list[int]) -> None:
    targets = tuple(TargetDraft(D(2420 + at), D(share)) for at, share in enumerate(shares))
    made = draft(amount=D(steps) / 100, targets=targets)
    try:
        order = compose(made, GOLD, QUOTE, EQUITY)
    except FieldError as refused:
        event(refused.field)
        return
    quantities = [quantity for _, quantity in order.targets]
    left = order.quantity - sum(quantities)
    assert min(quantities) >= GOLD.min_order
    assert left == 0 or left >= GOLD.min_order
    assert (left == 0) or sum(shares) < 100


def test_a_stop_trails_by_percent_or_by_a_distance() -> None:
    trailing = draft(OrderType.TRAILING, side=Side.SELL, trail=D("0.25"), trail_by_percent=True)
    made = compose(trailing, GOLD, QUOTE, EQUITY)
    assert (made.trail, made.trail_ppm) == (0, 2_500)
    guarded = compose(draft(stop_trail=D("5"), post_only=True), GOLD, QUOTE, EQUITY)
    assert (guarded.stop_trail, guarded.stop_trail_ppm, guarded.post_only) == (500, 0, True)


def test_a_second_order_is_a_pair_or_follows_and_is_as_large_as_the_first() -> None:
    second = draft(OrderType.STOP, amount=None, price=D("2430"))
    first = SubmitOrder("XAUUSD", "buy", "limit", 40, 241_000)
    other = SubmitOrder("XAUUSD", "buy", "stop", 40, 243_000)
    assert compose_ticket(draft(second=second, tie=PAIR), GOLD, QUOTE, EQUITY) == SubmitPair(first, other)
    assert compose_ticket(draft(second=second, tie=THEN), GOLD, QUOTE, EQUITY) == replace(first, then=other)


@pytest.mark.parametrize(
    ("made", "field", "words"),
    [
        (draft(targets=(TargetDraft(None, D(50)),)), "target1", "Type this target's price"),
        (draft(targets=(TargetDraft(D(2420), None),)), "share1", "above 0 percent"),
        (draft(targets=(TargetDraft(D(2400), D(50)),)), "target1", "The target of a buy must be above the entry"),
        (draft(targets=(TargetDraft(D(2420), D(60)), TargetDraft(D(2430), D(60)))), "share2", "120 %"),
        (draft(amount=D("0.02"), targets=(TargetDraft(D(2420), D(10)),)), "share1", "less than the smallest order"),
        (draft(amount=D("0.03"), targets=(TargetDraft(D(2420), D(50)), TargetDraft(D(2430), D(10)))), "share2", "smallest order"),
        (draft(OrderType.TRAILING, trail=D(100), trail_by_percent=True), "trail", "less than 100 percent"),
        (draft(OrderType.TRAILING, trail=D("0.00001"), trail_by_percent=True), "trail", "steps of 0.0001"),
        (draft(OrderType.TRAILING, trail=D(0)), "trail", "above zero"),
        (draft(stop_trail=D(0)), "stop_trail", "above zero"),
        (draft(second=draft(price=None, amount=None), tie=PAIR), "second.price", "needs a price"),
        (draft(second=draft(amount=D("0.001")), tie=THEN), "second.amount", "multiple of the lot step"),
    ],
)
def test_what_cannot_be_is_said_of_its_own_field(made: Draft, field: str, words: str) -> None:
    found, sentence = refusal(made)
    assert found == field
    assert words in sentence


# --- the widget -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ticket(qtbot, dark):
    made = Ticket(dark, ("XAUUSD", "EURUSD"))
    qtbot.addWidget(made)
    made.resize(324, 424)
    made.show()
    made.update_quote(QUOTE)
    made.update_account(EQUITY)
    made.set_now(samples.NOW)
    return made


def limit_buy(ticket) -> None:
    ticket.form.sides.choose(Side.BUY)
    ticket.form.type.buttons["Limit"].click()
    ticket.form.price.setText("2410")
    ticket.form.amount.setText("0.40")


def three_targets(ticket) -> None:
    for price in ("2420", "2430", "2440"):
        ticket.form.advanced.targets.add.click()
        ticket.form.advanced.targets.rows[-1].price.setText(price)


def test_the_ticket_begins_simple_and_tells_when_it_is_folded_out(ticket, qtbot):
    more = ticket.form.advanced
    assert not more.body.isVisible()
    with qtbot.waitSignal(more.opened) as told:
        more.button.click()
    assert told.args == [True]
    assert more.body.isVisible()


def test_everything_folded_out_fits_the_width_of_a_laptops_column(ticket, qtbot):
    more = ticket.form.advanced
    more.set_open(True)
    limit_buy(ticket)
    three_targets(ticket)
    more.second.tie.buttons["or (OCO)"].click()
    more.second.type.buttons["Stop"].click()
    more.second.price.setText("2430")
    ticket.form.tif.setCurrentText("GTD")
    area = ticket.findChild(QScrollArea)
    qtbot.waitUntil(lambda: area.widget().minimumSizeHint().width() <= area.viewport().width(), timeout=PATIENCE_MS)


def test_targets_are_added_shared_evenly_and_taken_away(ticket):
    limit_buy(ticket)
    three_targets(ticket)
    targets = ticket.form.advanced.targets
    assert [row.share.text() for row in targets.rows] == ["34", "33", "33"]
    assert not ticket.form.take_profit.isEnabled()
    assert [price for price, _ in ticket.compose().targets] == [242_000, 243_000, 244_000]
    targets.rows[0].remove.click()
    assert [row.share.text() for row in targets.rows] == ["50", "50"]
    assert [price for price, _ in ticket.compose().targets] == [243_000, 244_000]
    targets.clear()
    assert ticket.form.take_profit.isEnabled()
    assert ticket.compose().targets == ()


def test_a_share_typed_by_hand_stays_when_targets_come_and_go(ticket, qtbot):
    limit_buy(ticket)
    three_targets(ticket)
    targets = ticket.form.advanced.targets
    ticket.form.advanced.set_open(True)
    targets.rows[0].share.clear()
    qtbot.keyClicks(targets.rows[0].share, "60")
    targets.rows[2].remove.click()
    assert [row.share.text() for row in targets.rows] == ["60", "33"]


def test_an_error_stands_beside_its_field_and_folds_it_out(ticket):
    limit_buy(ticket)
    three_targets(ticket)
    row = ticket.form.advanced.targets.rows[1]
    row.share.setText("90")
    assert not ticket.form.advanced.is_open
    assert ticket.compose() is None
    assert ticket.form.advanced.is_open
    assert row.row.error.text() == ticket.complaint == "The shares come to 124 %; 100 % is the whole order."
    assert row.share.property("wrong") is True
    assert not ticket.error.isVisible()
    row.share.setText("33")
    assert ticket.compose() is not None
    assert (row.row.error.text(), row.share.property("wrong")) == ("", False)


def test_what_is_set_and_folded_in_is_said_and_counts(ticket):
    limit_buy(ticket)
    three_targets(ticket)
    more = ticket.form.advanced
    more.post_only.click()
    more.second.tie.buttons["then (OTO)"].click()
    more.second.side.buttons["Sell"].click()
    more.second.price.setText("2450")
    assert ticket.state()["advanced"] == "Advanced · 3 targets · post-only · OTO"
    made = ticket.compose()
    assert (len(made.targets), made.post_only, made.then) == (3, True, SubmitOrder("XAUUSD", "sell", "limit", 40, 245_000))


def test_post_only_is_for_limit_orders(ticket):
    more = ticket.form.advanced
    limit_buy(ticket)
    more.post_only.click()
    ticket.form.type.buttons["Market"].click()
    assert (more.post_only.isEnabled(), more.post_only.isChecked()) == (False, False)


def test_the_orders_of_a_pair_wait_and_what_follows_may_only_reduce(ticket):
    second = ticket.form.advanced.second
    second.tie.buttons["then (OTO)"].click()
    second.type.buttons["Market"].click()
    second.reduce_only.click()
    assert not second.price.isEnabled()
    second.tie.buttons["or (OCO)"].click()
    assert second.type.value == "Limit"
    assert not second.type.buttons["Market"].isEnabled()
    assert (second.reduce_only.isEnabled(), second.reduce_only.isChecked()) == (False, False)


def test_a_date_that_is_over_is_said_beside_it(ticket):
    limit_buy(ticket)
    ticket.form.tif.setCurrentText("GTD")
    assert ticket.compose().expires > samples.NOW
    ticket.set_now(samples.NOW + 5 * 3_600_000_000_000)
    assert ticket.compose() is None
    assert ticket.form.until_row.error.text() == "This time is over; choose one that lies ahead."
    assert ticket.form.until.property("wrong") is True


@pytest.mark.parametrize(
    "asked",
    [
        SubmitOrder("XAUUSD", "buy", "limit", 40, 241_000, targets=((242_000, 20), (243_000, 20)), post_only=True),
        SubmitOrder("XAUUSD", "sell", "trailing", 40, trail_ppm=2_500),
        SubmitOrder("XAUUSD", "buy", "limit", 40, 241_000, stop_trail=300),
        SubmitOrder("XAUUSD", "buy", "limit", 40, 241_000, tif="GTD", expires=samples.NOW + 3_600_000_000_000),
        SubmitOrder("XAUUSD", "buy", "limit", 40, 241_000, then=SubmitOrder("XAUUSD", "sell", "limit", 40, 245_000)),
        SubmitPair(SubmitOrder("XAUUSD", "buy", "limit", 40, 241_000), SubmitOrder("XAUUSD", "buy", "stop", 20, 243_000)),
    ],
)
def test_a_ticket_that_is_filled_in_from_elsewhere_means_the_same(ticket, qtbot, asked):
    with qtbot.waitSignal(ticket.preview_wanted, timeout=PATIENCE_MS) as told:
        ticket.fill(asked)
        ticket.update_quote(QUOTE)
    assert told.args == [asked]


def test_another_instrument_leaves_nothing_folded_in(ticket):
    limit_buy(ticket)
    three_targets(ticket)
    ticket.form.advanced.second.tie.buttons["or (OCO)"].click()
    ticket.set_symbol("EURUSD")
    assert ticket.state()["advanced"] == "Advanced"
    assert ticket.form.advanced.targets.rows == []


def test_what_the_engine_would_hold_stands_in_the_preview(ticket, qtbot):
    limit_buy(ticket)
    with qtbot.waitSignal(ticket.preview_wanted, timeout=PATIENCE_MS) as told:
        three_targets(ticket)
    held = ("targets are watched here; the venue cannot tie a target to its stop",)
    ticket.show_verdict(samples.VERDICT._replace(held=held), told.args[0])
    assert ticket.preview.state()["held"] == f"Held here, not at the venue:\n· {held[0]}"
    ticket.show_verdict(samples.VERDICT, told.args[0])
    assert ticket.preview.state()["held"] == ""


def test_prices_in_doubt_are_grey_and_say_why(ticket):
    ticket.show_doubt("prices of XAUUSD are delayed")
    button = ticket.form.sides.buttons[Side.BUY]
    assert button.property("doubtful") is True
    assert button.toolTip().startswith("Prices of XAUUSD are delayed.\nChoose buy")
    assert ticket.spread.text().endswith("not live")
    ticket.show_doubt("")
    assert button.property("doubtful") is False
    assert button.toolTip() == "Choose buy; nothing is sent yet (Alt+B)"


# --- margin -----------------------------------------------------------------------------------------------------------

MARGIN = Margin(D("2410.50"), D("2410.50"), D("1900"), D("1900"), D("1000000"), D("2"))


@pytest.fixture
def asked(ticket):
    told = []
    ticket.margin.wanted.connect(told.append)
    return told


def test_margin_is_asked_once_the_ticket_stands_still(ticket, qtbot, asked):
    limit_buy(ticket)
    for typed in ("0", "0.2", "0.25"):
        ticket.form.amount.show_value(typed)
    qtbot.waitUntil(lambda: bool(asked), timeout=PATIENCE_MS)
    assert [order.quantity for order in asked] == [25]
    assert ticket.margin.state()["source"] == "asking…"
    ticket.margin.show_margin(asked[0], MARGIN)
    assert ticket.margin.state()["figures"].replace("\u00a0", " ") == "Initial 2,410  Maintenance 1,900  Excess 998,100"
    assert ticket.margin.state()["head"] == "Margin after this order, by the venue"


def test_an_answer_to_an_older_ticket_is_not_shown(ticket, qtbot, asked):
    limit_buy(ticket)
    ticket.form.changed.emit()
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=PATIENCE_MS)
    with qtbot.waitSignal(ticket.margin.dropped, timeout=PATIENCE_MS):
        ticket.form.amount.show_value("0.50")
    ticket.margin.show_margin(asked[0], MARGIN)
    assert ticket.margin.state()["figures"] == ""
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=PATIENCE_MS)
    ticket.margin.show_failure(asked[0], "an old reason")
    assert ticket.margin.state()["source"] == "asking…"
    ticket.margin.show_failure(asked[1], "Interactive Brokers is out of reach")
    assert ticket.margin.state()["source"] == "Not known: Interactive Brokers is out of reach."


def test_what_margin_does_not_hang_on_asks_nothing_anew(ticket, qtbot, asked):
    limit_buy(ticket)
    ticket.form.changed.emit()
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=PATIENCE_MS)
    ticket.margin.show_margin(asked[0], MARGIN)
    with qtbot.waitSignal(ticket.preview_wanted, timeout=PATIENCE_MS):
        ticket.form.take_profit.show_value("2440")
    assert ticket.margin.state()["figures"]
    assert not ticket.margin._soon.isActive()


def test_a_link_that_is_lost_takes_the_answer_away_and_its_return_asks_again(ticket, qtbot, asked):
    limit_buy(ticket)
    ticket.form.changed.emit()
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=PATIENCE_MS)
    ticket.margin.show_margin(asked[0], MARGIN)
    ticket.margin.set_obstacle("ib is out of reach")
    assert ticket.margin.state()["figures"] == ""
    assert ticket.margin.state()["source"] == "Not known: ib is out of reach."
    ticket.margin.set_obstacle("")
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=PATIENCE_MS)


def test_an_estimate_says_that_it_is_one(ticket, qtbot, asked):
    limit_buy(ticket)
    ticket.form.changed.emit()
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=PATIENCE_MS)
    how = "estimated here from the leverage limit of 3:1"
    ticket.margin.show_margin(asked[0], replace(MARGIN, estimated=how))
    assert ticket.margin.state()["head"] == "Margin after this order, our estimate"
    assert ticket.margin.figures.toolTip().endswith(f"; not the venue's word, {how}")


def test_a_sent_order_makes_the_answer_an_old_one(ticket, qtbot, asked):
    limit_buy(ticket)
    ticket.form.changed.emit()
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=PATIENCE_MS)
    ticket.margin.show_margin(asked[0], MARGIN)
    qtbot.mouseClick(ticket.submit, Qt.MouseButton.LeftButton)
    assert ticket.margin.state()["figures"] == ""
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=PATIENCE_MS)
