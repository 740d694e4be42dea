"""The table: what every broker must do, one sentence a case.

A case is played at a Desk whose market stands at the base with everything to be had, and flat. `needs` says what of the broker's
Abilities the case is about; where that is lacking the engine holds it, and the case is played all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engine.core.clock import SECOND
from engine.domain import facts as f
from engine.domain.intents import CancelOrder, ClosePosition, SubmitOrder, SubmitPair
from engine.domain.order import OrderType, Role, State, TimeInForce
from engine.ports.outside import Abilities
from tests.brokers.conformance.desk import SPREAD, Desk

ENDED = (State.CANCELLED, State.EXPIRED, State.REJECTED)
OVER = (*ENDED, State.DENIED)


@dataclass(frozen=True, slots=True)
class Case:
    """`name` is the sentence; `needs` is true of a venue that holds this itself."""

    name: str
    play: Callable[[Desk], Awaitable[None]]
    needs: Callable[[Abilities], bool]


CASES: list[Case] = []


def case(needs: Callable[[Abilities], bool] = lambda _: True) -> Callable[[Callable[[Desk], Awaitable[None]]], None]:
    """Adds a row to the table; the function's name is the sentence."""

    def add(play: Callable[[Desk], Awaitable[None]]) -> None:
        CASES.append(Case(play.__name__, play, needs))

    return add


def has_type(type_: OrderType) -> Callable[[Abilities], bool]:
    return lambda it: type_ in it.types


def has_tif(tif: TimeInForce) -> Callable[[Abilities], bool]:
    return lambda it: tif in it.tifs


# --- kinds of orders --------------------------------------------------------------------------------------------------


@case()
async def a_market_buy_fills_at_the_ask(desk: Desk) -> None:
    order = await desk.order("buy")
    await desk.quote(0)
    assert (desk.state(order), desk.position) == (State.FILLED, desk.lot)
    assert desk.prices(order) == [SPREAD]


@case()
async def closing_sells_what_is_held_and_takes_the_stop_along(desk: Desk) -> None:
    await desk.order("buy")
    await desk.quote(0)
    await desk.do(ClosePosition(desk.symbol))
    await desk.quote(0)
    await desk.quote(0)
    assert desk.position == 0
    assert desk.working(Role.STOP, Role.CLOSE) == []


@case()
async def a_limit_rests_until_the_market_comes_to_it(desk: Desk) -> None:
    order = await desk.order("buy", "limit", price=-100)
    await desk.quote(-50)
    assert (desk.state(order), desk.position) == (State.ACCEPTED, 0)
    await desk.quote(-100 - SPREAD)
    assert desk.state(order) is State.FILLED
    assert desk.prices(order) == [-100]


@case(has_type(OrderType.STOP))
async def a_buy_stop_triggers_on_the_ask(desk: Desk) -> None:
    order = await desk.order("buy", "stop", price=100)
    await desk.quote(99 - SPREAD)
    assert desk.position == 0
    await desk.quote(100 - SPREAD)
    await desk.quote(100 - SPREAD)
    assert (desk.state(order), desk.position) == (State.FILLED, desk.lot)


@case(has_type(OrderType.STOP_LIMIT))
async def a_stop_limit_rests_as_a_limit_once_it_triggered(desk: Desk) -> None:
    order = await desk.order("buy", "stop_limit", price=100, limit=120)
    await desk.quote(200)
    await desk.quote(200)
    assert desk.position == 0
    await desk.quote(120 - SPREAD)
    await desk.quote(120 - SPREAD)
    assert (desk.state(order), desk.position) == (State.FILLED, desk.lot)
    assert max(desk.prices(order)) <= 120


@case(has_type(OrderType.TRAILING))
async def a_trailing_stop_follows_the_market_and_closes_when_it_turns(desk: Desk) -> None:
    await desk.order("buy")
    await desk.quote(0)
    order = await desk.order("sell", "trailing", trail=100, reduce_only=True)
    await desk.quote(300)
    await desk.quote(250)
    assert desk.position == desk.lot
    await desk.quote(199)
    await desk.quote(199)
    assert (desk.state(order), desk.position) == (State.FILLED, 0)


# --- brackets and groups ----------------------------------------------------------------------------------------------


@case(lambda it: it.brackets)
async def a_bracket_that_reaches_its_target_takes_its_stop_along(desk: Desk) -> None:
    await desk.order("buy", stop_loss=-200, take_profit=200)
    await desk.quote(0)
    assert [order.role for order in desk.working(Role.STOP, Role.TARGET)] == [Role.STOP, Role.TARGET]
    await desk.quote(200)
    await desk.quote(200)
    assert desk.position == 0
    assert desk.working(Role.STOP, Role.TARGET) == []


@case(lambda it: it.brackets)
async def a_bracket_that_is_stopped_takes_its_target_along(desk: Desk) -> None:
    await desk.order("buy", stop_loss=-200, take_profit=200)
    await desk.quote(0)
    await desk.quote(-200)
    await desk.quote(-200)
    assert desk.position == 0
    assert desk.working(Role.STOP, Role.TARGET) == []


@case(lambda it: it.brackets)
async def legs_of_an_entry_that_is_cancelled_are_over(desk: Desk) -> None:
    entry = await desk.order("buy", "limit", price=-300, stop_loss=-500, take_profit=200)
    await desk.do(CancelOrder(entry))
    await desk.quote(0)
    assert desk.state(entry) is State.CANCELLED
    assert list(desk.line.register.all_live()) == []


@case(lambda it: it.brackets)
async def each_of_two_targets_closes_its_share_and_the_stop_stands_over_the_rest(desk: Desk) -> None:
    half = desk.lot // 2
    await desk.order("buy", stop_loss=-200, targets=((200, half), (400, desk.lot - half)))
    await desk.quote(0)
    await desk.quote(200)
    await desk.quote(200)
    rest = desk.lot - half
    assert desk.position == rest
    assert sum(desk.line.register.armed(stop) for stop in desk.working(Role.STOP)) == rest
    await desk.quote(-200)
    await desk.quote(-200)
    assert desk.position == 0
    assert desk.working(Role.STOP, Role.TARGET) == []


@case(lambda it: it.groups)
async def of_two_entries_the_first_that_fills_ends_the_other(desk: Desk) -> None:
    base, lot = desk.stage.base, desk.lot
    up = SubmitOrder(desk.symbol, "buy", "limit", lot, base - 100, stop_loss=base - 900)
    down = SubmitOrder(desk.symbol, "buy", "stop", lot, base + 200, stop_loss=base - 900)
    facts = await desk.do(SubmitPair(up, down))
    first, second = (it.order for it in facts if isinstance(it, f.OrderIntended) and not it.parent)
    await desk.quote(-100 - SPREAD)
    await desk.quote(-100 - SPREAD)
    assert (desk.state(first), desk.state(second)) == (State.FILLED, State.CANCELLED)
    assert desk.position == lot


# --- time in force ----------------------------------------------------------------------------------------------------


@case(has_tif(TimeInForce.IOC))
async def immediate_or_cancel_takes_what_there_is_and_leaves_the_rest(desk: Desk) -> None:
    some = desk.lot // 2
    await desk.quote(0, size=some)
    order = await desk.order("buy", "limit", price=SPREAD, tif="IOC")
    await desk.quote(0, size=some)
    await desk.quote(0, size=some)
    assert desk.state(order) in ENDED
    assert desk[order].filled == desk.position == some


@case(has_tif(TimeInForce.FOK))
async def fill_or_kill_does_nothing_where_not_all_is_to_be_had(desk: Desk) -> None:
    some = desk.lot // 2
    await desk.quote(0, size=some)
    order = await desk.order("buy", "limit", price=SPREAD, tif="FOK")
    await desk.quote(0, size=some)
    assert desk.state(order) in ENDED
    assert desk.position == 0


@case(has_tif(TimeInForce.FOK))
async def fill_or_kill_takes_all_where_it_is_to_be_had(desk: Desk) -> None:
    order = await desk.order("buy", "limit", price=SPREAD, tif="FOK")
    await desk.quote(0)
    await desk.quote(0)
    assert (desk.state(order), desk.position) == (State.FILLED, desk.lot)


@case(has_tif(TimeInForce.GTD))
async def an_order_with_a_date_expires_then(desk: Desk) -> None:
    order = await desk.order("buy", "limit", price=-300, tif="GTD", expires=desk.stage.now + 60 * SECOND)
    await desk.pass_seconds(50)
    assert desk.state(order) is State.ACCEPTED
    await desk.pass_seconds(20)
    assert desk.state(order) in ENDED
    await desk.quote(-400)
    assert desk.position == 0


@case(has_tif(TimeInForce.DAY))
async def a_day_order_ends_with_the_day(desk: Desk) -> None:
    order = await desk.order("buy", "limit", price=-300, tif="DAY")
    await desk.end_day()
    assert desk.state(order) in ENDED
    await desk.quote(-400)
    assert desk.position == 0


# --- terms ------------------------------------------------------------------------------------------------------------


@case(lambda it: it.reduce_only)
async def what_only_reduces_closes_no_more_than_is_held(desk: Desk) -> None:
    await desk.order("buy")
    await desk.quote(0)
    order = await desk.order("sell", "limit", price=100, reduce_only=True)
    await desk.do(ClosePosition(desk.symbol))
    await desk.quote(0)
    await desk.quote(100)
    await desk.quote(100)
    assert desk.position == 0
    assert desk[order].filled == 0


@case(lambda it: it.post_only)
async def what_may_only_be_posted_is_refused_where_it_would_deal(desk: Desk) -> None:
    if not desk.stage.broker.abilities.post_only:
        await desk.denied("buy", "limit", price=SPREAD, post_only=True)
        return
    order = await desk.order("buy", "limit", price=SPREAD, post_only=True)
    await desk.quote(0)
    assert desk.state(order) in ENDED
    assert desk.position == 0


# --- changes ----------------------------------------------------------------------------------------------------------


@case(lambda it: it.modifies)
async def an_order_is_moved_and_deals_at_its_new_price(desk: Desk) -> None:
    first = await desk.order("buy", "limit", price=-300)
    await desk.modify(first, price=-100)
    await desk.quote(-100 - SPREAD)
    await desk.quote(-100 - SPREAD)
    assert desk.position == desk.lot
    assert {fill.price - desk.stage.base for fill in desk.facts(f.OrderFilled)} == {-100}


@case(lambda it: it.modifies)
async def an_order_is_made_smaller_and_fills_no_more(desk: Desk) -> None:
    less = desk.lot // 2
    first = await desk.order("buy", "limit", price=-100)
    await desk.modify(first, quantity=less)
    await desk.quote(-100 - SPREAD)
    await desk.quote(-100 - SPREAD)
    assert desk.position == less
    assert desk.working(Role.ENTRY) == []


@case()
async def a_cancelled_order_never_fills(desk: Desk) -> None:
    order = await desk.order("buy", "limit", price=-100)
    await desk.do(CancelOrder(order))
    assert desk.state(order) is State.CANCELLED
    await desk.quote(-300)
    assert desk.position == 0


@case()
async def a_cancel_that_comes_too_late_changes_nothing(desk: Desk) -> None:
    order = await desk.order("buy")
    await desk.quote(0)
    desk.stage.broker.cancel(order)
    assert [type(fact) for fact in await desk.said()] == [f.CancelRejected]
    assert (desk.state(order), desk.position) == (State.FILLED, desk.lot)


@case()
async def a_cancel_of_an_order_nobody_knows_is_refused(desk: Desk) -> None:
    desk.stage.broker.cancel("NG-nobody")
    assert [type(fact) for fact in await desk.said()] == [f.CancelRejected]


# --- what a broker must never get wrong -------------------------------------------------------------------------------


@case()
async def one_order_that_is_submitted_twice_is_one_order(desk: Desk) -> None:
    order = await desk.order("buy", "limit", price=-100)
    desk.stage.broker.submit(desk[order])
    await desk.settle()
    found = await desk.stage.broker.standing([desk[order]])
    assert [it.client_order_id for it in found.open_orders].count(order) == 1
    await desk.quote(-100 - SPREAD)
    await desk.quote(-100 - SPREAD)
    assert desk.position == desk.lot


@case()
async def an_order_filled_in_parts_is_filled_to_its_quantity_and_no_further(desk: Desk) -> None:
    part = desk.lot // 2
    order = await desk.order("buy", "limit", price=-100)
    await desk.quote(-100 - SPREAD, size=part)
    assert (desk.state(order), desk[order].filled) == (State.PARTIALLY_FILLED, part)
    await desk.quote(-101 - SPREAD, size=desk.lot)
    await desk.quote(-102 - SPREAD, size=desk.lot)
    assert (desk.state(order), desk.position) == (State.FILLED, desk.lot)
    assert len(desk.prices(order)) == 2


@case()
async def a_refusal_is_a_report_that_says_why(desk: Desk) -> None:
    desk.stage.broker.submit(desk.stage.refused("NG-refused"))
    facts = await desk.said()
    assert [type(fact) for fact in facts if not isinstance(fact, f.OrderAccepted)] == [f.OrderRejected]
    assert all(fact.reason for fact in facts if isinstance(fact, f.OrderRejected))


@case()
async def what_the_venue_tells_of_itself_equals_what_it_reported(desk: Desk) -> None:
    await desk.order("buy", stop_loss=-300, take_profit=400)
    await desk.quote(0)
    waiting = await desk.order("buy", "limit", price=-250, stop_loss=-300)
    found = await desk.stage.broker.standing([desk[waiting]])
    told = {it.client_order_id for it in found.open_orders}
    assert waiting in told
    assert told <= {order.id for order in desk.line.register.all_live()}
    assert [desk.stage.broker.steps(desk.symbol, it.quantity) for it in found.positions if it.symbol == desk.symbol] == [desk.lot]


@case()
async def an_order_that_is_over_is_found_by_its_name(desk: Desk) -> None:
    order = await desk.order("buy", "limit", price=-100)
    await desk.do(CancelOrder(order))
    found = await desk.stage.broker.standing([desk[order]])
    assert [(it.client_order_id, it.status) for it in found.ended_orders] == [(order, "cancelled")]
