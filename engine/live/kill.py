"""The kill switch: blocks, cancels, flattens where that is wanted, asks the venue what is left, and says how long it took.

It runs on the engine's loop and needs neither the window nor the database: what leaves is spooled or recorded later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from engine.core.clock import Nanos
from engine.core.errors import BrokerError, UserError
from engine.domain import facts as f
from engine.domain.intents import CancelOrder, Disarm, Halt, Resume, decode
from engine.domain.order import ClientOrderId, Order, OrderType, Role, State
from engine.domain.views import KillReport
from engine.live.session import LiveSession
from engine.ports.broker import Report
from engine.ports.venue import VenueState
from engine.risk.guard import ACTIVE

PATIENCE_S = 15.0
_AGAIN_S = 1.0
"""How long a cancel or a close may stay unanswered before it is asked for again."""
_POLL_S = 0.05
AGAIN = "kill switch"
"""Who asks for it again, for the journal."""


async def kill(
    session: LiveSession, flatten: bool = False, drill: bool = False, by: str = "owner", patience_s: float = PATIENCE_S
) -> KillReport:
    """Throws the switch; trading stays HALTED, but after a drill that found it ACTIVE and during which nothing else halted it.
    UserError for a drill with money."""
    if drill and session.broker.is_live:
        raise UserError(f"{session.broker.name} is an account with money; a drill is for paper")
    before, was_broken = session.pipeline.guard.state, session.is_broken
    begun = session.clock.monotonic()
    reason = "a drill of the kill switch" if drill else "the kill switch"
    orders, positions = _targets(session, flatten), dict(session.pipeline.ledger.open)
    session.do(Halt(flatten=flatten, reason=reason), by)
    if not drill and session.pipeline.arming.account:
        session.do(Disarm("the kill switch"), by)
    with _halts_of_others(session) as halts:
        _cancel_foreign(session, flatten, by)
        await _until_gone(session, flatten, begun + int(patience_s * 1e9))
        state = await _asked(session)
    leftovers = tuple(_left(session, flatten, state))
    gone = sum(1 for order in orders if not session.pipeline.register[order.id].is_live)
    closed = sum(1 for symbol in positions if not session.pipeline.ledger.position(symbol)) if flatten else 0
    took = session.clock.monotonic() - begun
    session.take(
        Report(f.KillSwitched(by, flatten, drill, took // 1_000_000, gone, closed, state is not None, leftovers)),
    )
    if drill and before == ACTIVE and not halts and session.is_broken == was_broken:
        session.do(Resume("the drill is over"), by)
    now = session.pipeline.guard.state
    kept = () if flatten else tuple(_kept(session))
    return KillReport(drill, flatten, round(took / 1e9, 3), now, gone, closed, state is not None, leftovers, kept)


@contextmanager
def _halts_of_others(session: LiveSession) -> Iterator[list[f.Fact]]:
    """What would have halted trading meanwhile, or did: it outlasts a drill."""
    heard: list[f.Fact] = []

    def hear(record: f.Record) -> None:
        fact = record.fact
        if isinstance(fact, f.IntentReceived):
            if fact.by != AGAIN and isinstance(decode(fact.intent), Halt):
                heard.append(fact)
        elif isinstance(fact, f.TradingStateChanged):
            heard.append(fact)

    session.pipeline.subscribers.append(hear)
    try:
        yield heard
    finally:
        session.pipeline.subscribers.remove(hear)


def _kept(session: LiveSession) -> Iterator[str]:
    """Positions that stay, and how much of each has a stop."""
    pipeline = session.pipeline
    for symbol, held in pipeline.ledger.open.items():
        instrument, covered = pipeline.instruments[symbol], pipeline.protection.covered(symbol)
        yield f"{symbol} {instrument.lots(held.quantity):+f}, {instrument.lots(covered):f} of it under a stop"


def _targets(session: LiveSession, flatten: bool) -> list[Order]:
    """The orders that have to go: all but those that protect a position; orders of others only where it stays."""
    kept = set() if flatten else _reducing(session)
    live = session.pipeline.register.all_live()
    return [order for order in live if order.role in (Role.ENTRY, Role.EXTERNAL) and order.id not in kept]


def _reducing(session: LiveSession) -> set[ClientOrderId]:
    """Orders of others that only close a position. A stop stays while anything would be bare without it, a limit up to the
    position's size: stops and targets cancel each other, so each kind is counted by itself."""
    register, kept = session.pipeline.register, set[ClientOrderId]()
    for symbol, held in session.pipeline.ledger.open.items():
        exits = [order for order in register.working(symbol) if order.side.sign * held.quantity < 0]
        ours = [order for order in exits if order.role is Role.STOP]
        bare = abs(held.quantity) - sum(register.armed(order) for order in ours)
        room = abs(held.quantity)
        for order in (order for order in exits if order.role is Role.EXTERNAL):
            if order.is_stop and bare > 0:
                kept.add(order.id)
                bare -= register.armed(order)
            elif order.type is OrderType.LIMIT and order.leaves <= room:
                kept.add(order.id)
                room -= order.leaves
    return kept


async def _until_gone(session: LiveSession, flatten: bool, deadline: Nanos) -> None:
    """Waits until all of it is gone, asking again for what was refused or not answered."""
    asked_at = session.clock.monotonic()
    while session.clock.monotonic() < deadline:
        waiting = _targets(session, flatten) or (flatten and session.pipeline.ledger.open)
        if not waiting:
            return
        await asyncio.sleep(_POLL_S)
        if session.clock.monotonic() - asked_at >= _AGAIN_S * 1e9:
            asked_at = session.clock.monotonic()
            _ask_again(session, flatten)


def _cancel_foreign(session: LiveSession, flatten: bool, by: str) -> None:
    """Orders of others that may open something go too: whoever throws the switch wants nothing opened there."""
    for order in _targets(session, flatten):
        if order.role is Role.EXTERNAL and order.may("CancelRequested"):
            session.do(CancelOrder(order.id), by)


def _ask_again(session: LiveSession, flatten: bool) -> None:
    for order in _targets(session, flatten):
        if order.state is State.PENDING_CANCEL:
            session.broker.cancel(order.id)
    session.do(Halt(flatten=flatten, reason="the kill switch, again"), AGAIN)
    _cancel_foreign(session, flatten, AGAIN)


async def _asked(session: LiveSession) -> VenueState | None:
    """How things stand by the venue's own word; None where it cannot be asked."""
    try:
        return await session.broker.standing()
    except BrokerError:
        return None


def _left(session: LiveSession, flatten: bool, state: VenueState | None) -> Iterator[str]:
    """What is left, by the venue's word where there is one, else by the books."""
    pipeline = session.pipeline
    if state is None:
        yield f"{session.broker.name} could not be asked: what follows is by the books"
        yield from (f"order {order.id} is {order.state.value}" for order in _targets(session, flatten))
        if flatten:
            yield from (f"{symbol}: {held.quantity} lot steps are open" for symbol, held in pipeline.ledger.open.items())
        return
    live, kept = pipeline.register.all_live(), set() if flatten else _reducing(session)
    guards = {order.id for order in live if order.reduce_only}
    numbers = {pipeline.register[name].broker_id for name in kept}
    for order in state.open_orders:
        if order.client_order_id not in guards and order.broker_order_id not in numbers:
            what = f"{order.side} {order.quantity:f} {order.symbol or order.contract} {order.type}"
            yield f"{what} works still ({order.broker_order_id})"
    if flatten:
        yield from (
            f"{held.quantity:f} {held.symbol or held.contract} is held still" for held in state.positions if held.quantity
        )
