"""Stops at a venue that refuses them, loses them, or lets both of a pair fill; and positions that came from elsewhere."""

from __future__ import annotations

import pytest

from engine.core.clock import SECOND
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import Order, Role, State
from engine.domain.protection import ProtectionTerms
from tests.engine.execution.counter import BID, Line, arrive_all, placed

WITHIN = 30 * SECOND


def opened(**setup: object) -> Line:
    """A line that is long ten lot steps, its entry and its stop acknowledged."""
    line = Line(**setup)
    name = placed(line)
    arrive_all(line)
    line.say(f.OrderFilled(name, "x1", "XAUUSD", "buy", BID - 100, 10, 0))
    return line


def stop_of(line: Line) -> Order:
    return next(order for order in reversed(line.line.register.orders.values()) if order.role is Role.STOP)


def actions(line: Line) -> list[str]:
    return [fact.action for fact in line.facts(f.ProtectionMissing)]


def pass_time(line: Line, span: int) -> None:
    """The clock goes on, and what is due is done."""
    line.counter.at += span
    line.line.reach(line.counter.at)


def refuse(line: Line) -> None:
    """Every stop that left is refused."""
    for order in line.wire.submitted:
        if order.role is Role.STOP:
            line.say(f.OrderRejected(order.id, "no stops today"))
    line.wire.submitted = [order for order in line.wire.submitted if order.role is not Role.STOP]


def test_while_the_venue_is_out_of_reach_nothing_is_tried_or_closed_and_a_stop_is_placed_when_it_is_back() -> None:
    line = opened()
    line.line.is_cut_off = True
    line.wire.submitted.clear()
    line.say(f.OrderRejected(stop_of(line).id, "out of reach; nothing was sent"))
    pass_time(line, 2 * WITHIN)
    assert line.wire.submitted == []
    (said,) = actions(line)
    assert said.startswith("the venue is out of reach; a stop is placed as soon as it is back; if none holds within 30 s")
    line.line.is_cut_off = False
    pass_time(line, 2 * SECOND)
    assert [(order.role, order.quantity) for order in line.wire.submitted] == [(Role.STOP, 10)]
    assert line.facts(f.OrderIntended)[-1].role == "stop"  # type: ignore[attr-defined]  # facts of that kind


def test_fault_29_a_rejected_stop_is_placed_again_and_what_no_stop_mends_is_closed() -> None:
    line = opened()
    line.say(f.OrderRejected(stop_of(line).id, "no stops today"))
    assert (line.line.protection.covered("XAUUSD"), line.line.protection.at_venue("XAUUSD")) == (10, 0)
    for attempt in range(1, 4):
        assert len(actions(line)) == attempt
        refuse(line)
        assert line.line.protection.covered("XAUUSD") == 0
        assert line.line.due <= line.counter.at + 2 * SECOND
        pass_time(line, 2 * SECOND)
    assert actions(line)[-1] == "it is closed at the market, for 3 stops were refused"
    (close,) = [order for order in line.wire.submitted if order.role is Role.CLOSE]
    assert (close.quantity, close.reduce_only) == (10, True)
    line.say(f.OrderFilled(close.id, "x2", "XAUUSD", "sell", BID, 10, 0))
    pass_time(line, WITHIN)
    assert (line.held, list(line.line.register.all_live())) == (0, [])


def test_a_close_that_is_refused_is_asked_again_and_never_twice_at_once() -> None:
    line = opened(protection=ProtectionTerms(policy="close"))
    line.say(f.OrderCancelled(stop_of(line).id, "by the venue"))
    for number in range(1, 4):
        closes = [order for order in line.line.register.orders.values() if order.role is Role.CLOSE]
        assert len(closes) == number
        pass_time(line, 5 * SECOND)
        assert len([order for order in line.line.register.all_live() if order.role is Role.CLOSE]) == 1
        line.say(f.OrderRejected(closes[-1].id, "busy"))
        pass_time(line, 5 * SECOND)
    assert not [order for order in line.line.register.all_live() if order.role is Role.STOP]


def test_what_is_not_mended_within_the_stated_time_is_closed() -> None:
    line = opened(protection=ProtectionTerms(attempts=20, pause=20 * SECOND, within=WITHIN))
    line.say(f.OrderRejected(stop_of(line).id, "no"))
    for _ in range(2):
        refuse(line)
        pass_time(line, 20 * SECOND)
    assert actions(line)[-1].startswith("it is closed at the market")


def test_a_stop_that_is_accepted_ends_the_trouble() -> None:
    line = opened()
    line.say(f.OrderRejected(stop_of(line).id, "no"))
    line.say(f.OrderAccepted(stop_of(line).id, "B1"))
    assert (line.line.protection.at_venue("XAUUSD"), len(actions(line))) == (10, 1)
    pass_time(line, WITHIN)
    assert len(actions(line)) == 1
    line.say(f.OrderCancelled(stop_of(line).id, "again"))
    assert len(actions(line)) == 2


def test_fault_30_both_orders_of_a_pair_fill_and_that_is_booked_and_said() -> None:
    line = Line()
    line.line.on_intent(i.SubmitOrder("XAUUSD", "buy", "limit", 10, BID - 100, stop_loss=BID - 600, take_profit=BID + 600))
    arrive_all(line)
    entry, stop, target = line.line.register.orders.values()
    line.say(f.OrderFilled(entry.id, "x1", "XAUUSD", "buy", BID - 100, 10, 0))
    line.say(f.OrderFilled(target.id, "x2", "XAUUSD", "sell", BID + 600, 10, 0))
    assert line.facts(f.AlertRaised) == []
    line.say(f.OrderFilled(stop.id, "x3", "XAUUSD", "sell", BID - 600, 10, 0))
    (alert,) = line.facts(f.AlertRaised)
    assert (line.held, alert.cause) == (-10, "both filled")
    assert {stop.id, target.id} <= set(alert.reason.split())
    assert line.line.protection.covered("XAUUSD") == 10


def test_fault_23_a_fill_of_an_order_that_was_over_is_booked_and_said() -> None:
    line = Line()
    name = placed(line)
    arrive_all(line)
    line.say(f.OrderCancelled(name, "by the owner"))
    line.say(f.OrderFilled(name, "x1", "XAUUSD", "buy", BID - 100, 4, 0))
    (alert,) = line.facts(f.AlertRaised)
    assert (line.held, alert.cause, name in alert.reason) == (4, "late fill", True)


# --- what came from elsewhere -----------------------------------------------------------------------------------------


def adopted(quantity: int = 8) -> Line:
    line = Line()
    line.say(f.PositionAdopted("XAUUSD", quantity, quantity * BID * 10_000, "an opening balance"))
    return line


def test_an_adopted_position_is_flagged_once_and_waits_for_its_owner() -> None:
    line = adopted()
    assert [(fact.quantity, "adopted" in fact.action) for fact in line.facts(f.ProtectionMissing)] == [(8, True)]
    pass_time(line, WITHIN)
    line.quote(BID + 5)
    assert (len(actions(line)), line.wire.submitted, line.line.protection.waiting("XAUUSD")) == (1, [], 8)
    assert line.line.stakes.of("XAUUSD").risk > 0


def test_its_owner_may_attach_a_stop() -> None:
    line = adopted()
    line.line.on_intent(i.ChooseProtection("XAUUSD", "attach"))
    assert line.line.protection.covered("XAUUSD") == 8
    assert line.line.protection.waiting("XAUUSD") == 0


def test_its_owner_may_leave_it_and_it_is_not_spoken_of_again() -> None:
    line = adopted()
    line.line.on_intent(i.ChooseProtection("XAUUSD", "leave"))
    pass_time(line, WITHIN)
    assert (line.wire.submitted, len(actions(line)), line.line.protection.waiting("XAUUSD")) == ([], 1, 0)


def test_its_owner_may_close_it() -> None:
    line = adopted()
    line.line.on_intent(i.ChooseProtection("XAUUSD", "close"))
    (close,) = line.wire.submitted
    assert (close.role, close.quantity, close.side.value) == (Role.CLOSE, 8, "sell")


def test_there_is_nothing_to_choose_about_a_position_of_ones_own() -> None:
    line = opened()
    line.line.on_intent(i.ChooseProtection("XAUUSD", "leave"))
    (refused,) = line.facts(f.IntentRefused)
    assert "nothing to choose" in refused.reason


def test_a_word_that_is_no_choice_is_refused() -> None:
    line = adopted()
    line.line.on_intent(i.ChooseProtection("XAUUSD", "ignore"))
    assert len(line.facts(f.IntentRefused)) == 1


def test_what_is_bought_on_top_of_an_adopted_position_is_covered_as_ever() -> None:
    line = adopted(3)
    name = placed(line)
    arrive_all(line)
    line.say(f.OrderFilled(name, "x1", "XAUUSD", "buy", BID - 100, 10, 0))
    assert line.line.protection.covered("XAUUSD") == 10
    line.say(f.OrderCancelled(stop_of(line).id, "by the venue"))
    assert line.line.protection.covered("XAUUSD") == 10
    assert line.line.protection.waiting("XAUUSD") == 3


def test_an_adopted_position_that_is_gone_leaves_nothing_behind() -> None:
    line = adopted()
    line.say(f.PositionAdopted("XAUUSD", 0, 0, "closed elsewhere"))
    name = placed(line)
    arrive_all(line)
    line.say(f.OrderFilled(name, "x1", "XAUUSD", "buy", BID - 100, 10, 0))
    line.say(f.OrderCancelled(stop_of(line).id, "by the venue"))
    assert (line.line.protection.covered("XAUUSD"), line.line.protection.waiting("XAUUSD")) == (10, 0)


@pytest.mark.parametrize(("side", "opens"), [("buy", 5), ("sell", 0)])
def test_an_order_of_others_counts_as_far_as_it_opens_something(side: str, opens: int) -> None:
    line = adopted()
    line.counter.held = 8
    line.counter.cash -= 16_000
    line.counter.rest("", side, 5, limit=BID - 300)
    line.look()
    stake = line.line.stakes.of("XAUUSD")
    assert (stake.pending_buys, stake.pending_sells) == (opens, 0)
    assert (stake.pending_risk > 0) is (opens > 0)


def test_a_held_stop_protects_and_is_not_at_the_venue() -> None:
    line = opened()
    stop = stop_of(line)
    line.line.register.orders[stop.id] = line.line.register.live["XAUUSD"][stop.id] = stop._replace(state=State.HELD)
    assert (line.line.protection.covered("XAUUSD"), line.line.protection.at_venue("XAUUSD")) == (10, 0)
