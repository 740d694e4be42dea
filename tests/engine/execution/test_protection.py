"""Every open unit has a working stop, and exits never outgrow the position."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.brokers.sim.broker import SimTerms
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import Order, OrderType, Role, Side
from engine.ports.broker import Report
from tests.engine.rig import Rig

BID = 200_000


def opened(quantity: int = 10, **terms: Any) -> Rig:
    """A rig that is long so much gold from 2000.20, its stop at 1990.00 and its target at 2020.00."""
    rig = Rig(**terms)
    rig.warm()
    rig.buy(quantity, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    rig.quote(BID)
    return rig


def armed(rig: Rig, role: Role) -> list[int]:
    return [steps for order in rig.working(role) if (steps := rig.line.register.armed(order))]


def is_protected(rig: Rig) -> bool:
    return rig.line.protection.covered("XAUUSD") == abs(rig.held)


def test_the_bracket_covers_what_was_filled() -> None:
    rig = opened()
    assert (rig.held, armed(rig, Role.STOP), armed(rig, Role.TARGET)) == (10, [10], [10])
    assert rig.facts(f.ProtectionMissing) == []


def test_a_partial_close_shrinks_stop_and_target_to_what_is_left() -> None:
    rig = opened()
    rig.do(i.ClosePosition("XAUUSD", 4))
    rig.quote(BID)
    assert (rig.held, armed(rig, Role.STOP), armed(rig, Role.TARGET)) == (6, [6], [6])


def test_a_target_filled_in_part_leaves_the_stop_over_the_rest() -> None:
    rig = opened(terms=SimTerms(slippage=0, fill_steps=4), quantity=8)
    rig.quote(BID)
    rig.quote(BID + 2_000, path=True)
    assert (rig.held, armed(rig, Role.STOP), armed(rig, Role.TARGET)) == (4, [4], [4])
    rig.do(i.ClosePosition("XAUUSD", 1))
    rig.quote(BID)
    assert (rig.held, armed(rig, Role.STOP), armed(rig, Role.TARGET)) == (3, [3], [3])
    assert rig.facts(f.ProtectionMissing) == []


def test_exits_set_by_hand_shrink_rightly_after_their_target_filled_in_part() -> None:
    rig = opened(terms=SimTerms(slippage=0, fill_steps=4), quantity=8)
    rig.quote(BID)
    for order in rig.working():
        rig.line.manager.cancel(order, "a test of what follows")
    rig.line._drain()
    rig.line.manager.protect("XAUUSD", Side.SELL, 8, BID - 900, BID + 1_000)
    rig.line._drain()
    for order in rig.working(Role.STOP)[:-1]:
        rig.line.manager.cancel(order, "the default stop")
    rig.line._drain()
    rig.quote(BID + 1_000)
    assert rig.held == 4
    missing = len(rig.facts(f.ProtectionMissing))
    rig.do(i.ClosePosition("XAUUSD", 1))
    rig.quote(BID)
    assert (rig.held, armed(rig, Role.STOP)) == (3, [3])
    assert len(rig.facts(f.ProtectionMissing)) == missing


def test_when_the_stop_closes_the_position_nothing_is_left_working() -> None:
    rig = opened()
    rig.do(i.SubmitOrder("XAUUSD", "sell", "limit", 10, BID + 500, reduce_only=True))
    rig.quote(BID - 1_000, path=True)
    assert (rig.held, rig.working()) == (0, [])


def test_a_reversal_drops_the_old_exits_and_keeps_the_new_ones() -> None:
    rig = opened()
    rig.sell(25, stop_loss=BID + 700, take_profit=BID - 700)
    rig.quote(BID)
    assert (rig.held, armed(rig, Role.STOP), armed(rig, Role.TARGET)) == (-15, [15], [15])
    assert {order.side for order in rig.working()} == {Side.BUY}
    assert is_protected(rig)


def test_an_opposite_order_that_only_reduces_leaves_no_exits_of_its_own() -> None:
    rig = opened()
    rig.sell(4, stop_loss=BID + 700)
    rig.quote(BID)
    assert (rig.held, armed(rig, Role.STOP)) == (6, [6])
    assert {order.side for order in rig.working()} == {Side.SELL}


def test_an_entry_filled_in_part_is_covered_as_far_as_it_filled() -> None:
    rig = opened(10, terms=SimTerms(slippage=0, fill_steps=4))
    assert (rig.held, armed(rig, Role.STOP)) == (4, [4])
    rig.do(i.ClosePosition("XAUUSD", 2))
    assert is_protected(rig)
    rig.quote(BID)
    assert rig.held == 6
    assert is_protected(rig)
    rig.quote(BID)
    assert (rig.held, armed(rig, Role.STOP), armed(rig, Role.TARGET)) == (8, [8], [8])


def test_what_loses_its_stop_is_covered_at_once_and_it_is_said() -> None:
    rig = opened()
    stop = rig.working(Role.STOP)[0]
    rig.line.on_report(Report(f.OrderCancelled(stop.id, "by the venue")))
    assert [(fact.symbol, fact.quantity) for fact in rig.facts(f.ProtectionMissing)] == [("XAUUSD", 10)]
    assert is_protected(rig)
    assert rig.working(Role.STOP)[-1].stop == stop.stop == BID - 1_000


def test_a_leg_the_venue_rejects_is_replaced() -> None:
    rig = opened()
    stop = rig.working(Role.STOP)[0]
    rig.line.on_report(Report(f.OrderRejected(stop.id, "no")))
    assert len(rig.facts(f.ProtectionMissing)) == 1
    assert is_protected(rig)


def test_a_stop_the_venue_made_smaller_is_made_up_for() -> None:
    rig = opened()
    stop = rig.working(Role.STOP)[0]
    rig.line.on_report(Report(f.OrderModified(stop.id, 3, None, stop.stop)))
    assert armed(rig, Role.STOP) == [3, 7]


def test_a_position_is_looked_after_when_time_passes_too() -> None:
    rig = opened()
    stop = rig.working(Role.STOP)[0]
    rig.line.emit(f.CancelRequested(stop.id, "a test"))
    rig.line.emit(f.OrderCancelled(stop.id, "and nobody noticed"))
    assert not is_protected(rig)
    rig.close_bar()
    assert is_protected(rig)


def test_a_modified_entry_takes_its_legs_along() -> None:
    rig = Rig()
    rig.warm()
    rig.buy(10, type="limit", price=BID - 100, stop_loss=BID - 500, take_profit=BID + 500)
    rig.do(i.ModifyOrder(rig.working(Role.ENTRY)[0].id, quantity=16))
    assert {order.quantity for order in rig.working()} == {16}
    rig.quote(BID - 120)
    assert (rig.held, armed(rig, Role.STOP)) == (16, [16])
    assert rig.facts(f.ProtectionMissing) == []


# --- executions -------------------------------------------------------------------------------------------------------


def test_a_second_report_of_an_execution_changes_nothing() -> None:
    rig = opened()
    fill = rig.facts(f.OrderFilled)[0]
    before = len(rig.journal.kept)
    rig.line.on_report(Report(fill))
    assert (rig.held, len(rig.journal.kept)) == (10, before)


def test_an_overfill_is_booked_covered_and_halts() -> None:
    rig = opened()
    entry = rig.facts(f.OrderFilled)[0].order
    rig.line.on_report(Report(f.OrderFilled(entry, "more", "XAUUSD", "buy", BID + 20, 3, 0)))
    assert rig.held == 13
    assert is_protected(rig)
    assert (rig.line.guard.state, rig.line.guard.cause) == ("HALTED", "overfill")
    assert "13 lot steps, more than the 10" in rig.line.guard.reason


def test_what_cannot_happen_to_an_order_is_not_put_on_record() -> None:
    rig = opened()
    entry = rig.facts(f.OrderFilled)[0].order
    before = rig.journal.last_seq()
    with pytest.raises(Exception, match="cannot happen"):
        rig.line.on_report(Report(f.OrderAccepted(entry, "again")))
    assert rig.journal.last_seq() == before


# --- whatever happens -------------------------------------------------------------------------------------------------


def exits_of(rig: Rig) -> list[Order]:
    return [order for order in rig.working() if order.role in (Role.STOP, Role.TARGET)]


@settings(max_examples=60)
@given(st.integers(0, 100_000), st.sampled_from([0, 3, 7]))
def test_whatever_the_market_and_the_owner_do_every_open_unit_has_a_stop(seed: int, fill_steps: int) -> None:
    rng = random.Random(seed)
    rig = Rig(terms=SimTerms(slippage=1, fill_steps=fill_steps))
    rig.warm(20)
    at = BID
    for _ in range(60):
        if rng.random() < 0.4:
            rig.do(ask(rig, rng, at))
        at += rng.randrange(-120, 121)
        rig.quote(at, at + rng.randrange(0, 40), path=rng.random() < 0.6)
        assert is_protected(rig)
        for order in exits_of(rig):
            waits = order.parent and rig.line.register[order.parent].is_live
            assert waits or order.side.sign * rig.held < 0
        for role in (Role.STOP, Role.TARGET):
            loose = [o for o in rig.working(role) if not (o.parent and rig.line.register[o.parent].is_live)]
            assert sum(rig.line.register.armed(order) for order in loose) <= abs(rig.held)
    # the rig's broker is the simulated one
    venue = {name: order.state for name, order in rig.line.broker._book.orders.items()}  # type: ignore[attr-defined]
    ours = {name: order.state for name, order in rig.line.register.orders.items() if name in venue}
    assert ours == venue


def ask(rig: Rig, rng: random.Random, at: int) -> i.Intent:
    side, sign = rng.choice([("buy", 1), ("sell", -1)])
    quantity, away = rng.randrange(1, 20), rng.randrange(1, 300)
    ids = [order.id for order in rig.working()] or ["none"]
    return rng.choice(
        [
            i.SubmitOrder("XAUUSD", side, "market", quantity, stop_loss=at - sign * 400, take_profit=at + sign * 300),
            i.SubmitOrder("XAUUSD", side, "market", quantity),
            i.SubmitOrder("XAUUSD", side, "limit", quantity, at - sign * away, stop_loss=at - sign * 600),
            i.SubmitOrder("XAUUSD", side, "stop", quantity, at + sign * away, take_profit=at + sign * 900),
            i.SubmitOrder("XAUUSD", side, OrderType.LIMIT.value, quantity, at + sign * away, reduce_only=True),
            i.ClosePosition("XAUUSD", rng.randrange(1, 10)),
            i.ReversePosition("XAUUSD"),
            i.EditProtection("XAUUSD", stop_loss=at - sign * away),
            i.EditProtection("XAUUSD", take_profit=at + sign * away),
            i.EditProtection("XAUUSD", take_profit=0),
            i.ModifyOrder(rng.choice(ids), rng.randrange(1, 30), None),
            i.ModifyOrder(rng.choice(ids), None, at + sign * away),
            i.CancelOrder(rng.choice(ids)),
            i.CancelAll(),
            i.Flatten(),
        ]
    )
