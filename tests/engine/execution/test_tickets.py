"""Tickets of every kind at the simulated venue, and what no order can be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import OrderType, Role
from tests.engine.execution.away import PLAIN, Away
from tests.engine.rig import Rig

BID = 200_000
A_LIMIT = i.SubmitOrder("XAUUSD", "buy", "limit", 10, BID - 100, stop_loss=BID - 600)
A_STOP = i.SubmitOrder("XAUUSD", "buy", "stop", 10, BID + 300, stop_loss=BID - 200)


def ready() -> Rig:
    rig = Rig()
    rig.warm()
    return rig


def test_an_intent_of_old_is_written_as_it_always_was() -> None:
    assert i.encode(A_LIMIT) == (
        '{"expires":null,"kind":"SubmitOrder","price":199900,"quantity":10,"reduce_only":false,"side":"buy",'
        '"stop_loss":199400,"symbol":"XAUUSD","take_profit":null,"tif":"GTC","type":"limit"}'
    )
    assert i.encode(i.CancelAll()) == '{"kind":"CancelAll","symbol":""}'


def test_intents_within_intents_come_back_from_their_line() -> None:
    pair = i.SubmitPair(replace(A_LIMIT, targets=((BID + 100, 4), (BID + 200, 6))), replace(A_STOP, then=A_LIMIT, trail_ppm=5))
    assert i.decode(i.encode(pair)) == pair


def test_a_stop_limit_order_is_a_limit_order_once_its_stop_is_reached() -> None:
    rig = ready()
    rig.buy(10, type="stop_limit", price=BID + 500, limit=BID + 600, stop_loss=BID - 600)
    entry = rig.working(Role.ENTRY)[0]
    assert (entry.stop, entry.limit) == (BID + 500, BID + 600)
    rig.quote(BID + 490, BID + 510)
    rig.quote(BID + 490, BID + 510)
    assert rig.held == 10


def test_a_stop_limit_orders_two_prices_are_changed_each_by_its_name() -> None:
    rig = ready()
    rig.buy(10, type="stop_limit", price=BID + 500, limit=BID + 600, stop_loss=BID - 600)
    entry = rig.working(Role.ENTRY)[0]
    rig.do(i.ModifyOrder(entry.id, price=BID + 400))
    rig.do(i.ModifyOrder(entry.id, limit=BID + 450))
    changed = rig.line.register[entry.id]
    assert (changed.stop, changed.limit) == (BID + 400, BID + 450)


def test_a_trailing_stop_over_a_bought_position_begins_its_distance_below_the_bid() -> None:
    rig = ready()
    rig.buy(10, stop_trail=700)
    stop = rig.working(Role.STOP)[0]
    assert (stop.type, stop.stop, stop.trail) == (OrderType.TRAILING, BID - 700, 700)
    rig.quote(BID)
    rig.quote(BID + 2_000)
    rig.quote(BID + 1_300)
    assert rig.held == 0


def test_a_trailing_stop_is_only_brought_closer() -> None:
    rig = ready()
    rig.buy(10, stop_trail=700)
    rig.quote(BID)
    stop = rig.working(Role.STOP)[0]
    assert "only brought closer" in rig.refusal(i.ModifyOrder(stop.id, price=(stop.stop or 0) - 50))
    rig.do(i.ModifyOrder(stop.id, price=(stop.stop or 0) + 50))
    assert rig.working(Role.STOP)[0].stop == (stop.stop or 0) + 50


def test_several_targets_divide_the_order_and_what_is_left_has_a_stop_only() -> None:
    rig = ready()
    rig.buy(10, stop_loss=BID - 600, targets=((BID + 500, 5), (BID + 900, 3)))
    assert [order.quantity for order in rig.working(Role.STOP)] == [5, 3, 2]
    assert [(order.quantity, order.limit) for order in rig.working(Role.TARGET)] == [(5, BID + 500), (3, BID + 900)]
    rig.quote(BID)
    rig.quote(BID + 500)
    assert (rig.held, [order.quantity for order in rig.working(Role.STOP)]) == (5, [3, 2])
    rig.quote(BID + 900)
    assert (rig.held, [order.quantity for order in rig.working(Role.STOP)]) == (2, [2])
    rig.quote(BID - 600)
    assert (rig.held, rig.working(), rig.facts(f.ProtectionMissing)) == (0, [], [])


def test_the_first_of_a_pair_that_fills_ends_the_other_with_its_legs() -> None:
    rig = ready()
    rig.do(i.SubmitPair(A_LIMIT, A_STOP))
    first, _ = rig.working(Role.ENTRY)
    rig.quote(BID - 150)
    assert (rig.held, rig.working(Role.ENTRY)) == (10, [])
    assert {order.parent for order in rig.working(Role.STOP)} == {first.id}


def test_what_follows_an_order_is_denied_with_it() -> None:
    rig = ready()
    facts = rig.do(replace(A_LIMIT, then=replace(A_LIMIT, stop_loss=BID + 100)))
    assert isinstance(facts[-1], f.IntentRefused)
    assert rig.working() == []


NONSENSE: list[tuple[i.Intent, str]] = [
    (i.SubmitOrder("XAUUSD", "buy", "stop_limit", 1, BID + 500), "needs its stop price and its limit"),
    (replace(A_LIMIT, limit=BID), "only a stop-limit"),
    (i.SubmitOrder("XAUUSD", "buy", "trailing", 1), "needs the distance"),
    (replace(A_LIMIT, trail=100), "only a trailing stop trails"),
    (i.SubmitOrder("XAUUSD", "buy", "trailing", 1, trail=5, trail_ppm=5), "not by both"),
    (replace(A_LIMIT, stop_trail=-1), "above zero"),
    (replace(A_STOP, tif="FOK"), "market and limit"),
    (replace(A_STOP, post_only=True), "post-only is for limit orders"),
    (replace(A_LIMIT, targets=((BID + 1, 5),), take_profit=BID + 9), "either"),
    (replace(A_LIMIT, targets=((BID + 1, 11),)), "at least"),
    (replace(A_LIMIT, targets=((BID + 1, 6), (BID + 2, 6))), "at least"),
    (replace(A_LIMIT, targets=((BID - 100, 5),)), "must lie above"),
    (replace(A_LIMIT, targets=tuple((BID + n, 1) for n in range(1, 12)), quantity=20), "at the most"),
    (replace(A_LIMIT, reduce_only=True, then=A_LIMIT), "nothing follows"),
    (i.SubmitPair(A_LIMIT, i.SubmitOrder("XAUUSD", "buy", "market", 10)), "wait for their price"),
    (i.SubmitPair(A_LIMIT, replace(A_STOP, tif="IOC")), "wait for their price"),
]


@pytest.mark.parametrize(("intent", "words"), NONSENSE, ids=[str(n) for n in range(len(NONSENSE))])
def test_what_no_order_can_be_is_refused_before_anything_is_on_record(intent: i.Intent, words: str) -> None:
    rig = ready()
    assert words in rig.refusal(intent)


def test_no_more_than_five_orders_follow_one_another() -> None:
    chain = A_LIMIT
    for _ in range(5):
        chain = replace(A_LIMIT, then=chain)
    assert "at most 5 orders" in ready().refusal(chain)


def test_post_only_is_refused_where_the_venue_does_not_have_it() -> None:
    away = Away(PLAIN)
    facts = away.do(replace(A_LIMIT, post_only=True))
    assert [getattr(fact, "reason", "") for fact in facts] == ["the venue has no post-only orders"]


def test_cancel_everything_leaves_only_the_stops_over_what_is_open() -> None:
    rig = ready()
    rig.buy(10, stop_loss=BID - 600, take_profit=BID + 600)
    rig.quote(BID)
    rig.do(A_LIMIT)
    rig.do(i.CancelAll(everything=True))
    assert [order.role for order in rig.working()] == [Role.STOP]
    assert rig.held == 10


@pytest.mark.parametrize("way_out", [i.Halt(flatten=True), i.Flatten(), i.CancelAll(everything=True)])
def test_a_chain_goes_as_one_and_what_comes_after_it_is_cancelled_too(way_out: i.Intent) -> None:
    rig = ready()
    rig.buy(10, stop_loss=BID - 600)
    rig.quote(BID)
    rig.do(replace(A_LIMIT, then=replace(A_LIMIT, price=BID - 200, then=replace(A_LIMIT, price=BID - 300))))
    rig.do(replace(A_LIMIT, price=BID - 400))
    assert len(rig.working(Role.ENTRY)) == 4
    rig.do(way_out)
    rig.quote(BID + 1)
    assert rig.working(Role.ENTRY) == []
    assert rig.held == (10 if isinstance(way_out, i.CancelAll) else 0)
