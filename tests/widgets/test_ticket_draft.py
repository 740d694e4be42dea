from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import HOUR
from engine.domain.instrument import cash, instrument_of
from engine.domain.intents import SubmitOrder
from engine.domain.order import OrderType, Side
from tests.widgets.samples import NOW, QUOTE
from widgets.ticket.draft import Draft, FieldError, compose

GOLD = instrument_of("XAUUSD")
EQUITY = cash(100_000)
D = Decimal


def draft(side: Side = Side.BUY, kind: OrderType = OrderType.MARKET, amount: str | None = "0.40", **values) -> Draft:
    return Draft(side, kind, D(amount) if amount is not None else None, **values)


def order(made: Draft) -> SubmitOrder:
    return compose(made, GOLD, QUOTE, EQUITY)


def refusal(made: Draft, quote=QUOTE) -> tuple[str, str]:
    with pytest.raises(FieldError) as error:
        compose(made, GOLD, quote, EQUITY)
    return error.value.field, str(error.value)


def test_a_market_order_has_no_price():
    assert order(draft()) == SubmitOrder("XAUUSD", "buy", "market", 40)


def test_a_limit_order_carries_its_exits_in_ticks():
    made = order(draft(kind=OrderType.LIMIT, price=D("2409.50"), stop_loss=D("2400"), take_profit=D("2420")))
    assert made == SubmitOrder("XAUUSD", "buy", "limit", 40, 240_950, 240_000, 242_000)


def test_distances_are_measured_from_the_price_the_order_would_meet():
    buy = order(draft(stop_loss=D("5"), take_profit=D("7.50"), by_distance=True))
    sell = order(draft(Side.SELL, stop_loss=D("5"), take_profit=D("7.50"), by_distance=True))
    assert (buy.stop_loss, buy.take_profit) == (QUOTE.ask - 500, QUOTE.ask + 750)
    assert (sell.stop_loss, sell.take_profit) == (QUOTE.bid + 500, QUOTE.bid - 750)


def test_time_in_force_and_reduce_only_are_carried():
    made = order(draft(tif="GTD", expires=NOW + HOUR, reduce_only=True))
    assert (made.tif, made.expires, made.reduce_only) == ("GTD", NOW + HOUR, True)


def test_risk_gives_the_quantity_that_loses_that_share_at_the_stop():
    made = order(draft(amount="1", by_risk=True, stop_loss=D("5"), by_distance=True))
    assert made.quantity == 200  # 1,000 USD over a stop 5.00 away: 2.00 lot of 100 oz


def test_risk_without_a_typed_stop_uses_the_default_one():
    made = order(draft(amount="1", by_risk=True, default_stop=QUOTE.ask - 1_000))
    assert made.quantity == 100
    assert made.stop_loss is None


def test_risk_asks_for_the_smallest_order_until_a_stop_is_known():
    assert order(draft(amount="1", by_risk=True)).quantity == GOLD.min_order


@pytest.mark.parametrize(
    ("made", "field", "words"),
    [
        (draft(amount=None), "amount", "Type a quantity"),
        (draft(amount="0.005"), "amount", "multiple of the lot step"),
        (draft(amount="-1"), "amount", "above zero"),
        (draft(amount="1000"), "amount", "takes 0.01 to 50.00 lot"),
        (draft(kind=OrderType.LIMIT), "price", "needs a price"),
        (draft(kind=OrderType.LIMIT, price=D("2400.005")), "price", "multiple of the tick"),
        (draft(kind=OrderType.STOP, price=D("2400")), "price", "above the ask"),
        (draft(Side.SELL, OrderType.STOP, price=D("2420")), "price", "below the bid"),
        (draft(stop_loss=D("2420")), "stop_loss", "below the entry"),
        (draft(take_profit=D("2400")), "take_profit", "above the entry"),
        (draft(Side.SELL, stop_loss=D("2400")), "stop_loss", "above the entry"),
        (draft(stop_loss=D("9999"), by_distance=True), "stop_loss", "larger than the price"),
        (draft(amount="0", by_risk=True), "amount", "share of equity"),
        (draft(amount="101", by_risk=True), "amount", "share of equity"),
        (draft(amount="0.001", by_risk=True, stop_loss=D("50"), by_distance=True), "amount", "already risks 50.00"),
    ],
)
def test_what_cannot_be_ordered_names_its_field_and_says_why(made, field, words):
    where, sentence = refusal(made)
    assert where == field
    assert words in sentence


def test_a_market_order_needs_a_quote():
    field, sentence = refusal(draft(), quote=None)
    assert field == "price"
    assert "no quote yet" in sentence


@given(st.integers(1, 10_000), st.decimals("0.01", "5", places=2), st.sampled_from(Side))
def test_sizing_by_risk_never_risks_more_than_asked(distance, share, side):
    made = Draft(side, OrderType.MARKET, share, by_risk=True, stop_loss=GOLD.price(distance), by_distance=True)
    try:
        sent = compose(made, GOLD, QUOTE, EQUITY)
    except FieldError:
        assert GOLD.min_order * distance * GOLD.tick_value > EQUITY * share / 100
    else:
        assert sent.quantity * distance * GOLD.tick_value <= EQUITY * share / 100
        assert sent.quantity == GOLD.max_order or (sent.quantity + 1) * distance * GOLD.tick_value > EQUITY * share / 100


def test_a_stop_with_a_limit_and_a_stop_that_trails_are_orders_of_their_own():
    limited = order(draft(kind=OrderType.STOP_LIMIT, price=D("2420"), limit=D("2421")))
    assert (limited.type, limited.price, limited.limit, limited.trail) == ("stop_limit", 242_000, 242_100, 0)
    trailing = order(draft(kind=OrderType.TRAILING, trail=D("5")))
    assert (trailing.type, trailing.price, trailing.limit, trailing.trail) == ("trailing", None, None, 500)


@pytest.mark.parametrize(("kind", "field"), [(OrderType.STOP_LIMIT, "limit"), (OrderType.TRAILING, "trail")])
def test_what_such_an_order_lacks_is_said_at_its_field(kind, field):
    assert refusal(draft(kind=kind, price=D("2420")))[0] == field
