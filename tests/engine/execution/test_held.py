"""What a venue lacks the engine holds: brackets, groups, stops, trailing stops, times in force, orders that follow others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.core.clock import DAY, MINUTE, SECOND
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import OrderType, Role, State, TimeInForce
from engine.ports.outside import Abilities
from tests.engine.execution.away import AT_ONCE, BID, MARGIN, PLAIN, SPOT, STOPS, Away
from tests.engine.rig import Rig

# --- brackets ---------------------------------------------------------------------------------------------------------


def test_an_entry_leaves_alone_and_says_what_its_legs_wait_for() -> None:
    away = Away()
    entry = away.buy(10, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    assert [order.id for order in away.venue.submitted] == [entry.id]
    reasons = [fact.reason for fact in away.facts(f.OrderHeld)]  # type: ignore[attr-defined]  # facts of that kind
    assert len(reasons) == 2
    assert all(entry.id in reason for reason in reasons)


def test_the_stop_goes_to_the_venue_with_the_first_fill_and_for_that() -> None:
    away = Away()
    entry = away.buy(10, "limit", price=BID - 10, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    away.accept(entry.id)
    away.fill(entry.id, 4)
    assert away.sent(Role.STOP) == [("stop", 4, BID - 1_000)]
    assert away.sent(Role.TARGET) == []
    assert away.facts(f.ProtectionMissing) == []


def test_further_fills_are_guarded_by_a_stop_of_their_own_where_the_venue_changes_nothing() -> None:
    away = Away()
    entry = away.buy(10, "limit", price=BID - 10, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    away.accept(entry.id)
    away.fill(entry.id, 4)
    away.accept(away.the(Role.STOP).id)
    away.fill(entry.id, 3)
    away.fill(entry.id, 3)
    assert away.sent(Role.STOP) == [("stop", 4, BID - 1_000), ("stop", 3, BID - 1_000), ("stop", 3, BID - 1_000)]
    assert away.facts(f.ProtectionMissing) == []


def test_of_as_many_stops_as_a_venue_takes_the_smallest_makes_way_for_a_bigger_one_once_it_is_answered() -> None:
    away = Away()
    entry = away.buy(10, "limit", price=BID - 10, stop_loss=BID - 1_000)
    away.accept(entry.id)
    for part in (3, 2, 3, 1):
        away.fill(entry.id, part)
    assert away.sent(Role.STOP) == [("stop", 3, BID - 1_000), ("stop", 2, BID - 1_000), ("stop", 3, BID - 1_000)]
    _, second, _ = [order.id for order in away.venue.submitted if order.role is Role.STOP]
    away.accept(second)
    assert away.venue.cancelled == [second]
    away.fill(entry.id, 1)
    away.say(f.OrderCancelled(second, "as asked"))
    assert away.sent(Role.STOP)[3:] == [("stop", 3, BID - 1_000)]
    away.accept(away.venue.submitted[-1].id)
    away.say(f.OrderCancelled(away.venue.submitted[-1].id, "as asked"))
    assert away.sent(Role.STOP)[4:] == [("stop", 4, BID - 1_000)]
    assert away.facts(f.ProtectionMissing) == []


def test_what_waits_for_the_answer_to_other_stops_is_covered_all_the_same_when_they_are_refused() -> None:
    away = Away()
    entry = away.buy(10, "limit", price=BID - 10, stop_loss=BID - 1_000)
    away.accept(entry.id)
    for part in (3, 2, 3, 2):
        away.fill(entry.id, part)
    stops = [order.id for order in away.venue.submitted if order.role is Role.STOP]
    for stop in stops:
        away.say(f.OrderRejected(stop, "no"))
    assert away.facts(f.ProtectionMissing)
    register = away.line.register
    assert sum(register.armed(it) for it in register.all_live() if it.role in (Role.STOP, Role.CLOSE)) == 10


def test_further_fills_enlarge_the_stop_where_the_venue_changes_orders() -> None:
    away = Away(MARGIN)
    entry = away.buy(10, "limit", price=BID - 10, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    away.accept(entry.id)
    away.fill(entry.id, 4)
    stop = away.the(Role.STOP).id
    away.accept(stop)
    away.fill(entry.id, 6)
    assert away.venue.modified == [(stop, 10, None, BID - 1_000)]
    assert away.facts(f.ProtectionMissing) == []
    away.say(f.OrderModified(stop, 10, None, BID - 1_000))
    assert away.the(Role.STOP).quantity == 10


def test_legs_of_an_entry_that_never_opened_are_over() -> None:
    away = Away()
    entry = away.buy(10, "limit", price=BID - 10, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    away.accept(entry.id)
    away.cancelled(entry.id)
    assert list(away.line.register.all_live()) == []
    assert away.sent(Role.STOP) == []


# --- targets ----------------------------------------------------------------------------------------------------------


def test_a_target_that_is_reached_waits_until_its_stop_is_surely_gone() -> None:
    away = Away()
    away.opened()
    stop = away.the(Role.STOP).id
    away.quote(BID + 1_999)
    assert away.venue.cancelled == []
    away.quote(BID + 2_000)
    assert away.venue.cancelled == [stop]
    away.quote(BID + 2_001)
    assert (away.venue.cancelled, away.sent(Role.TARGET)) == ([stop], [])
    away.cancelled(stop)
    assert away.sent(Role.TARGET) == [("market", 10, None)]
    assert away.facts(f.ProtectionMissing) == []
    away.fill(away.the(Role.TARGET).id, 10, BID + 1_998)
    assert (away.held, list(away.line.register.all_live())) == (0, [])


def test_a_target_ends_when_its_stop_filled_before_it_was_cancelled() -> None:
    away = Away()
    away.opened()
    stop = away.the(Role.STOP).id
    away.quote(BID + 2_000)
    away.fill(stop, 10, BID - 1_000)
    assert (away.held, list(away.line.register.all_live()), away.sent(Role.TARGET)) == (0, [], [])


def test_a_target_closes_only_what_its_stop_left() -> None:
    away = Away()
    away.opened()
    stop = away.the(Role.STOP).id
    away.quote(BID + 2_000)
    away.fill(stop, 4, BID - 1_000)
    away.cancelled(stop)
    assert away.sent(Role.TARGET) == [("market", 6, None)]


def test_a_target_goes_on_waiting_for_its_stop_in_another_process() -> None:
    away = Away()
    away.opened()
    stop = away.the(Role.STOP).id
    away.quote(BID + 2_000)
    again = away.restarted()
    assert again.sent(Role.TARGET) == []
    again.cancelled(stop)
    assert again.sent(Role.TARGET) == [("market", 10, None)]


def test_what_a_refused_target_leaves_open_is_covered_at_once() -> None:
    away = Away()
    away.opened()
    stop = away.the(Role.STOP).id
    away.quote(BID + 2_000)
    away.cancelled(stop)
    away.say(f.OrderRejected(away.the(Role.TARGET).id, "no"))
    assert sum(away.line.register.armed(order) for order in away.orders(Role.STOP)) == 10


def test_each_of_several_targets_has_its_share_of_the_stop() -> None:
    away = Away()
    away.opened(10, take_profit=None, targets=((BID + 1_000, 6), (BID + 3_000, 3)))
    assert sorted(order.quantity for order in away.there(Role.STOP)) == [1, 3, 6]
    away.quote(BID + 1_000)
    (gone,) = away.venue.cancelled
    assert away.line.register[gone].quantity == 6
    away.cancelled(gone)
    assert away.sent(Role.TARGET) == [("market", 6, None)]
    away.fill(next(o.id for o in away.there(Role.TARGET)), 6, BID + 1_000)
    assert (away.held, sorted(order.quantity for order in away.there(Role.STOP))) == (4, [1, 3])


def test_a_fill_after_a_target_left_is_guarded_in_the_share_of_another() -> None:
    away = Away()
    entry = away.buy(4, "limit", price=BID - 10, stop_loss=BID - 500, targets=((BID + 800, 1),))
    away.accept(entry.id)
    away.fill(entry.id, 3)
    away.quote(BID + 900)
    away.cancelled(*away.venue.cancelled)
    (target,) = away.there(Role.TARGET)
    away.fill(entry.id, 1)
    assert sorted(stop.quantity for stop in away.there(Role.STOP)) == [1, 2]
    assert target.oco not in {stop.oco for stop in away.there(Role.STOP)}


def test_a_stop_is_replaced_once_whatever_is_said_of_the_old_one_later() -> None:
    away = Away()
    away.opened(take_profit=None)
    old = away.the(Role.STOP).id
    away.do(i.EditProtection("XAUUSD", stop_loss=BID - 800))
    away.cancelled(old)
    for _ in range(2):
        away.say(f.CancelRejected(old, "it is not there any more"))
    assert [(stop.quantity, stop.stop) for stop in away.orders(Role.STOP)] == [(10, BID - 800)]


# --- closing where stops lock what they would sell --------------------------------------------------------------------


def test_a_close_waits_for_the_stop_that_locks_what_it_sells() -> None:
    away = Away()
    away.opened()
    stop = away.the(Role.STOP).id
    away.do(i.ClosePosition("XAUUSD"))
    assert (away.sent(Role.CLOSE), away.venue.cancelled) == ([], [stop])
    away.cancelled(stop)
    assert away.sent(Role.CLOSE) == [("market", 10, None)]
    assert away.facts(f.ProtectionMissing) == []


def test_a_stop_whose_cancel_is_refused_is_asked_again_after_a_while_and_ever_more_rarely() -> None:
    away = Away()
    away.opened()
    stop = away.the(Role.STOP).id
    away.do(i.ClosePosition("XAUUSD"))
    for _ in range(20):
        if away.line.register[stop].state is State.PENDING_CANCEL:
            away.say(f.CancelRejected(stop, "out of reach"))
        away.quote(BID)
    assert away.venue.cancelled == [stop] * 5  # now and after 1, 2, 4 and 8 seconds
    away.quote(BID, after=MINUTE)
    away.cancelled(stop)
    assert away.sent(Role.CLOSE) == [("market", 10, None)]


def test_what_a_stop_may_not_grow_over_has_a_stop_of_its_own() -> None:
    away = Away(MARGIN)
    entry = away.buy(10, stop_loss=BID - 1_000)
    away.accept(entry.id)
    away.fill(entry.id, 4)
    stop = away.the(Role.STOP).id
    away.accept(stop)
    away.fill(entry.id, 3)
    assert away.venue.modified == [(stop, 7, None, BID - 1_000)]
    away.say(f.ModifyRejected(stop, "no"))
    assert [quantity for _, quantity, _ in away.sent(Role.STOP)] == [4, 3]
    assert len(away.venue.modified) == 1


def test_a_part_is_closed_and_the_rest_has_its_stop_back_at_the_old_price() -> None:
    away = Away()
    away.opened()
    stop = away.the(Role.STOP).id
    away.do(i.ClosePosition("XAUUSD", 4))
    away.cancelled(stop)
    assert away.sent(Role.STOP) == [("stop", 10, BID - 1_000), ("stop", 6, BID - 1_000)]
    assert away.sent(Role.CLOSE) == [("market", 4, None)]
    away.fill(away.the(Role.CLOSE).id, 4)
    assert away.facts(f.ProtectionMissing) == []
    assert (away.held, away.line.protection.covered("XAUUSD")) == (6, 6)


def test_a_close_by_limit_is_watched_so_that_the_stop_stays() -> None:
    away = Away()
    away.opened(take_profit=None)
    stop = away.the(Role.STOP).id
    away.do(i.SubmitOrder("XAUUSD", "sell", "limit", 10, BID + 500, reduce_only=True))
    assert (away.venue.cancelled, away.sent(Role.CLOSE)) == ([], [])
    away.quote(BID + 500)
    away.cancelled(stop)
    assert away.sent(Role.CLOSE) == [("market", 10, None)]


def test_a_close_leaves_at_once_where_orders_lock_nothing() -> None:
    away = Away(MARGIN)
    away.opened()
    away.do(i.ClosePosition("XAUUSD"))
    assert away.sent(Role.CLOSE) == [("market", 10, None)]


# --- changing orders --------------------------------------------------------------------------------------------------


def test_a_stop_is_moved_by_another_that_takes_its_place() -> None:
    away = Away()
    away.opened()
    stop = away.the(Role.STOP).id
    away.do(i.EditProtection("XAUUSD", stop_loss=BID - 500))
    assert (away.venue.cancelled, away.sent(Role.STOP)) == ([stop], [("stop", 10, BID - 1_000)])
    away.cancelled(stop)
    assert away.sent(Role.STOP)[1:] == [("stop", 10, BID - 500)]
    assert away.facts(f.ProtectionMissing) == []
    away.quote(BID + 2_000)
    assert away.venue.cancelled == [stop, away.the(Role.STOP).id]


def test_an_entry_is_moved_with_all_that_stands_behind_it() -> None:
    away = Away()
    entry = away.buy(10, "limit", price=BID - 100, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    away.accept(entry.id)
    away.do(i.ModifyOrder(entry.id, price=BID - 50, quantity=8))
    away.cancelled(entry.id)
    assert away.sent(Role.ENTRY) == [("limit", 10, BID - 100), ("limit", 8, BID - 50)]
    moved = away.the(Role.ENTRY)
    assert {leg.parent for leg in (away.the(Role.STOP), away.the(Role.TARGET))} == {moved.id}
    away.accept(moved.id)
    away.fill(moved.id, 8, BID - 50)
    assert away.sent(Role.STOP) == [("stop", 8, BID - 1_000)]


def test_a_change_is_forgotten_when_the_order_filled_first() -> None:
    away = Away()
    entry = away.buy(10, "limit", price=BID - 100, stop_loss=BID - 1_000)
    away.accept(entry.id)
    away.do(i.ModifyOrder(entry.id, price=BID - 50))
    away.fill(entry.id, 10, BID - 100)
    assert away.sent(Role.ENTRY) == [("limit", 10, BID - 100)]
    assert away.sent(Role.STOP) == [("stop", 10, BID - 1_000)]


# --- stops that the venue does not hold -------------------------------------------------------------------------------


def test_a_stop_that_no_venue_holds_is_watched_and_sold_at_the_market() -> None:
    away = Away(PLAIN)
    away.opened()
    assert (away.there(Role.STOP), away.line.protection.covered("XAUUSD")) == ([], 10)
    away.quote(BID - 999)
    assert away.sent(Role.STOP) == []
    away.quote(BID - 1_000)
    assert away.sent(Role.STOP) == [("market", 10, None)]
    away.fill(away.the(Role.STOP).id, 10, BID - 1_000)
    assert (away.held, list(away.line.register.all_live())) == (0, [])


def test_a_watched_stop_guards_no_more_than_what_its_entry_filled() -> None:
    away = Away(PLAIN)
    entry = away.buy(10, "limit", price=BID - 10, stop_loss=BID - 1_000)
    away.accept(entry.id)
    away.quote(BID - 1_000)
    assert away.sent(Role.STOP) == []
    away.fill(entry.id, 3, BID - 10)
    away.quote(BID - 1_000)
    assert away.sent(Role.STOP) == [("market", 3, None)]
    away.fill(entry.id, 2, BID - 10)
    away.fill(entry.id, 5, BID - 10)
    away.quote(BID - 1_000)
    assert away.sent(Role.STOP) == [("market", 3, None), ("market", 7, None)]
    assert away.facts(f.ProtectionMissing) == []


def test_a_stop_limit_entry_that_no_venue_holds_becomes_a_limit_order() -> None:
    away = Away(PLAIN)
    away.buy(10, "stop_limit", price=BID + 500, limit=BID + 600, stop_loss=BID - 1_000)
    assert away.sent(Role.ENTRY) == []
    away.quote(BID + 480)
    assert away.sent(Role.ENTRY) == [("limit", 10, BID + 600)]


# --- trailing stops ---------------------------------------------------------------------------------------------------


def test_a_trailing_stop_that_the_venue_lacks_follows_the_market_here() -> None:
    away = Away()
    away.opened(take_profit=None, stop_loss=None, stop_trail=1_000)
    stop = away.the(Role.STOP)
    assert (stop.state, stop.type) == (State.HELD, OrderType.TRAILING)
    away.quote(BID + 2_000)
    assert away.the(Role.STOP).stop == BID + 1_000
    away.quote(BID + 1_500)
    assert away.sent(Role.STOP) == []
    away.quote(BID + 1_000)
    assert away.sent(Role.STOP) == [("market", 10, None)]


def test_a_trailing_stop_is_recorded_in_steps_and_not_more_than_once_a_second() -> None:
    away = Away()
    away.opened(take_profit=None, stop_loss=BID - 1_000, stop_trail=1_000)
    for rise in range(1, 50):
        away.quote(BID + rise)
    assert away.facts(f.OrderTrailed) == []
    for rise in range(100, 900, 100):
        away.quote(BID + rise, after=SECOND // 4)
    trailed = away.facts(f.OrderTrailed)
    assert 1 < len(trailed) < 5
    assert (away.the(Role.STOP).stop or 0) < BID - 200
    away.quote(BID - 200, after=SECOND // 10)
    assert away.sent(Role.STOP) == [("market", 10, None)], "what was not recorded yet counts all the same"


def test_a_trailing_stop_goes_on_from_where_it_was_recorded() -> None:
    away = Away()
    away.opened(take_profit=None, stop_loss=BID - 1_000, stop_trail=1_000)
    away.quote(BID + 2_000)
    again = away.restarted()
    again.quote(BID + 1_000)
    assert again.sent(Role.STOP) == [("market", 10, None)]


def test_a_trailing_stop_rests_as_a_stop_that_is_moved_where_orders_can_be_changed() -> None:
    away = Away(MARGIN)
    away.opened(take_profit=None, stop_loss=BID - 1_000, stop_trail=1_000)
    assert away.sent(Role.STOP) == [("stop", 10, BID - 1_000)]
    stop = away.the(Role.STOP).id
    away.quote(BID + 2_000)
    assert away.venue.modified == [(stop, 10, None, BID + 1_000)]
    away.say(f.OrderModified(stop, 10, None, BID + 1_000))
    away.quote(BID + 1_500)
    assert len(away.venue.modified) == 1


# --- pairs and orders that follow others ------------------------------------------------------------------------------


def a_pair(quantity: int = 10) -> i.SubmitPair:
    return i.SubmitPair(
        i.SubmitOrder("XAUUSD", "buy", "limit", quantity, BID - 100, stop_loss=BID - 600),
        i.SubmitOrder("XAUUSD", "buy", "stop", quantity, BID + 300, stop_loss=BID - 200),
    )


def test_the_first_of_a_pair_that_fills_ends_the_other() -> None:
    away = Away()
    away.do(a_pair())
    first, second = away.orders(Role.ENTRY)
    away.accept(first.id, second.id)
    away.fill(first.id, 3, BID - 100)
    assert away.venue.cancelled == [second.id]
    away.cancelled(second.id)
    assert [order.id for order in away.orders(Role.ENTRY)] == [first.id]
    assert [order.parent for order in away.orders(Role.STOP)] == [first.id]


def test_a_watched_order_of_a_pair_is_over_with_the_other() -> None:
    away = Away(PLAIN)
    away.do(a_pair())
    first, second = away.orders(Role.ENTRY)
    assert second.state is State.HELD
    away.accept(first.id)
    away.fill(first.id, 10, BID - 100)
    assert away.line.register[second.id].state is State.CANCELLED
    assert [order.id for order in away.venue.submitted if order.role is Role.ENTRY] == [first.id]


def test_a_pair_is_denied_as_a_whole() -> None:
    away = Away()
    pair = a_pair()
    facts = away.do(replace(pair, second=replace(pair.second, stop_loss=BID + 900)))
    assert isinstance(facts[-1], f.IntentRefused)
    assert (list(away.line.register.all_live()), away.venue.submitted) == ([], [])


def following(**terms: object) -> i.SubmitOrder:
    then = i.SubmitOrder("XAUUSD", "buy", "limit", 5, BID - 300, stop_loss=BID - 900)
    # terms of the intent
    return i.SubmitOrder("XAUUSD", "buy", "limit", 10, BID - 100, stop_loss=BID - 600, then=replace(then, **terms))  # type: ignore[arg-type]


@pytest.mark.parametrize("abilities", [None, SPOT, MARGIN], ids=["whole", "spot", "margin"])
def test_an_order_that_follows_another_leaves_once_that_filled_whole(abilities: Abilities | None) -> None:
    away = Away(abilities)
    away.do(following())
    first, second = away.orders(Role.ENTRY)
    away.accept(first.id)
    away.fill(first.id, 9, BID - 100)
    assert away.line.register[second.id].state is State.HELD
    away.fill(first.id, 1, BID - 100)
    assert away.line.register[second.id].state is State.SENT
    assert away.sent(Role.ENTRY) == [("limit", 10, BID - 100), ("limit", 5, BID - 300)]


def test_an_order_that_follows_one_that_never_filled_whole_is_over_with_its_legs() -> None:
    away = Away()
    away.do(following())
    first, second = away.orders(Role.ENTRY)
    away.accept(first.id)
    away.fill(first.id, 9, BID - 100)
    away.cancelled(first.id)
    assert away.line.register[second.id].state is State.CANCELLED
    assert {order.parent for order in away.orders(Role.STOP)} == {first.id}


def test_an_order_that_follows_leaves_in_another_process_too() -> None:
    away = Away()
    away.do(following())
    first, second = away.orders(Role.ENTRY)
    away.accept(first.id)
    again = away.restarted()
    again.fill(first.id, 10, BID - 100)
    assert again.line.register[second.id].state is State.SENT


def test_an_order_that_follows_at_the_simulated_venue_brings_its_bracket() -> None:
    rig = Rig()
    rig.warm()
    then = i.SubmitOrder("XAUUSD", "buy", "limit", 5, BID - 300, stop_loss=BID - 900, take_profit=BID + 900)
    rig.do(i.SubmitOrder("XAUUSD", "buy", "limit", 10, BID - 100, stop_loss=BID - 600, then=then))
    rig.quote(BID - 150)
    rig.quote(BID - 400)
    assert rig.held == 15
    assert [(order.quantity, order.stop) for order in rig.working(Role.STOP)] == [(10, BID - 600), (5, BID - 900)]


# --- times in force ---------------------------------------------------------------------------------------------------


def test_a_day_order_is_cancelled_at_the_days_end_where_the_venue_knows_no_days() -> None:
    away = Away()
    entry = away.buy(10, "limit", price=BID - 100, stop_loss=BID - 600, tif="DAY")
    assert [order.tif for order in away.venue.submitted] == [TimeInForce.GTC]
    away.accept(entry.id)
    away.quote(BID, after=DAY // 2)
    assert away.venue.cancelled == [entry.id]


def test_an_order_with_a_date_is_cancelled_at_it_where_the_venue_knows_none() -> None:
    away = Away()
    entry = away.buy(10, "limit", price=BID - 100, stop_loss=BID - 600, tif="GTD", expires=away.at + MINUTE)
    away.accept(entry.id)
    away.quote(BID, after=MINUTE - SECOND)
    assert away.venue.cancelled == []
    away.quote(BID)
    assert away.venue.cancelled == [entry.id]


def test_a_held_order_expires_here() -> None:
    away = Away(PLAIN)
    away.buy(10, "stop", price=BID + 500, stop_loss=BID - 600, tif="GTD", expires=away.at + MINUTE)
    away.quote(BID, after=2 * MINUTE)
    assert list(away.line.register.all_live()) == []
    assert len(away.facts(f.OrderExpired)) == 1


def test_immediate_or_cancel_is_cancelled_at_once_where_the_venue_has_no_word_for_it() -> None:
    away = Away(Abilities(STOPS, frozenset({TimeInForce.GTC})))
    entry = away.buy(10, "limit", price=BID + 20, stop_loss=BID - 600, tif="IOC")
    away.accept(entry.id)
    assert away.venue.cancelled == [entry.id]


@pytest.mark.parametrize(("size", "left"), [(10, 1), (9, 0)])
def test_fill_or_kill_leaves_only_when_a_quote_shows_the_whole_of_it(size: int, left: int) -> None:
    away = Away(Abilities(STOPS, AT_ONCE - {TimeInForce.FOK}, modifies=True))
    away.buy(10, "limit", price=BID + 20, stop_loss=BID - 600, tif="FOK")
    away.quote(BID, size=size)
    assert [order.tif for order in away.venue.submitted] == [TimeInForce.IOC] * left
    assert len(away.facts(f.OrderExpired)) == 1 - left
