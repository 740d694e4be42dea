"""The picture of one frame: what it shows is what the engine holds, and its limit prices come true."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.limits import Limits
from engine.domain.order import Role, Side
from engine.picture import paint
from engine.signals.desk import Mode
from tests.engine.rig import Rig, Scripted

BID = 200_000
LIMITS = replace(Limits(), worst_day_hard=Decimal(1), worst_day_soft=Decimal(1), leverage=Decimal(30))


def test_before_the_first_quote_there_is_nothing_to_see_and_nothing_breaks() -> None:
    view = paint(Rig().line)
    assert (view.quotes, view.positions, view.working, view.cards, view.limit_prices) == ((), (), (), (), ())
    assert view.account.equity == view.account.opening
    assert {gauge.state for gauge in view.gauges} == {"ok"}


def test_a_position_is_shown_with_its_exits_and_its_risk() -> None:
    rig = Rig()
    rig.warm()
    rig.buy(10, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    rig.quote(BID)
    (position,) = paint(rig.line).positions
    assert (position.quantity, position.average, position.mark) == (10, BID + 20, BID)
    assert (position.stop, position.target, position.protected) == (BID - 1_000, BID + 2_000, 10)
    assert position.risk == 10 * 1_000 * 10_000
    assert position.unrealised == -10 * 20 * 10_000
    assert position.opened == rig.at


def test_a_position_that_is_being_closed_is_still_shown() -> None:
    rig = Rig()
    rig.warm()
    rig.buy(10, stop_loss=BID - 1_000)
    rig.quote(BID)
    rig.do(i.ClosePosition("XAUUSD"))
    view = paint(rig.line)
    assert view.positions[0].quantity == 10
    assert view.limit_prices == ()
    assert [order.role for order in view.working] == [Role.STOP, Role.CLOSE]


def test_the_nearest_of_several_stops_is_shown() -> None:
    rig = Rig()
    rig.warm()
    for away in (1_000, 400):
        rig.sell(5, stop_loss=BID + away, take_profit=BID - away)
        rig.quote(BID)
    (position,) = paint(rig.line).positions
    assert (position.quantity, position.stop, position.target) == (-10, BID + 400, BID - 400)


def test_a_card_shows_the_quantity_of_now_and_why() -> None:
    rig = Rig(Scripted({30: Side.BUY}), mode=Mode.CONFIRM)
    rig.warm()
    rig.close_bar()
    rig.quote(BID)
    (card,) = paint(rig.line).cards
    assert card.reasons == ()
    assert (card.base, card.contributions) == (0.1, (("a", 1.0, 0.2),))
    rig.do(i.AcceptCard("S000001"))
    rig.quote(BID)
    assert rig.held == card.quantity > 0


def test_a_card_that_cannot_be_sized_says_why() -> None:
    rig = Rig(Scripted({30: Side.BUY}), mode=Mode.CONFIRM, balance=100_000_000)
    rig.warm()
    rig.close_bar()
    (card,) = paint(rig.line).cards
    assert (card.quantity, card.lines) == (0, ())
    assert "no quantity fits" in card.reasons[0]


@settings(max_examples=60)
@given(st.sampled_from(["buy", "sell"]), st.integers(10, 100), st.integers(100, 3_000), st.integers(-90, 90))
def test_at_its_limit_price_a_limit_is_hit(side: str, quantity: int, distance: int, drift: int) -> None:
    rig = Rig(limits=LIMITS)
    rig.warm()
    sign = 1 if side == "buy" else -1
    rig.do(i.SubmitOrder("XAUUSD", side, "market", quantity, stop_loss=(BID + 20 if sign > 0 else BID) - sign * distance))
    rig.quote(BID)
    rig.quote(BID + drift)
    view = paint(rig.line)
    if not rig.held:
        return
    assert {limit.name for limit in view.limit_prices} >= {"daily_loss", "drawdown"}
    caps = {gauge.name: gauge.cap for gauge in view.gauges}
    last = rig.line.book.last
    near = [
        limit for limit in view.limit_prices if BID // 2 < limit.price < 2 * BID
    ]  # where equity is nearly gone, ticks are coarse
    for limit in near:
        bid = limit.price if sign > 0 else limit.price - 20
        before = last["XAUUSD"]
        last["XAUUSD"] = before._replace(bid=bid, ask=bid + 20)
        value = next(gauge.value for gauge in paint(rig.line).gauges if gauge.name == limit.name)
        last["XAUUSD"] = before
        a_tick = quantity * 10_000 / 1e11
        assert value == pytest.approx(caps[limit.name], abs=6 * a_tick * max(1, caps[limit.name]), rel=2e-3)


def test_a_position_that_was_taken_over_before_its_first_price_is_shown_with_it() -> None:
    rig = Rig()
    rig.line.emit(f.PositionAdopted("XAUUSD", 10, 2_000_000_000, "held at the venue"))
    assert rig.line.ledger.position("XAUUSD") == 10
    assert paint(rig.line).positions == ()
    rig.quote(200_000)
    assert [position.quantity for position in paint(rig.line).positions] == [10]
