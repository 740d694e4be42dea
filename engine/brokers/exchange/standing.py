"""An account as reconciliation wants it: under our ids, with every order that is asked for, and coins as positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

from engine.brokers.exchange.asking import Inquiry
from engine.brokers.exchange.dealing import Dealing
from engine.brokers.exchange.tracking import ENDS, Tracked, Tracker, execution_id
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.errors import BrokerError
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol
from engine.domain.order import Order
from engine.ports.venue import VenueCash, VenueExecution, VenueOrder, VenuePosition, VenueState

_TRIES = 3


async def standing(
    venue: ExchangeVenue,
    tracker: Tracker,
    dealing: Dealing,
    instruments: Mapping[Symbol, Instrument],
    asked: Sequence[tuple[Order, str]],
) -> VenueState:
    """Everything at one moment: where balances moved while the rest was asked, all is asked again. BrokerError otherwise."""
    for _ in range(_TRIES):
        state = await _once(venue, tracker, dealing, instruments, asked)
        if await venue.cash() == state.cash:
            return state
    raise BrokerError(f"{state.server} was trading while it was asked how it stands, {_TRIES} times over; it is asked again")


async def _once(
    venue: ExchangeVenue,
    tracker: Tracker,
    dealing: Dealing,
    instruments: Mapping[Symbol, Instrument],
    asked: Sequence[tuple[Order, str]],
) -> VenueState:
    followed = [_followed(tracker, order, name) for order, name in asked if name]
    state = await venue.state()
    inquiry, reader = Inquiry(venue.wire, tracker, dealing), venue.reader(state.accounts[0])
    working = {(it.contract, it.broker_order_id): it for it in state.open_orders}
    fills = {(it.contract, it.execution_id): it for it in state.executions}
    ended: list[VenueOrder] = []
    for it in followed:
        contract = str(venue.wire.client.markets[it.name]["id"])
        mine = [key for key, each in working.items() if key[0] == contract and _is(it, each)]
        found = [working[key] for key in mine]
        if not mine:
            answer = await inquiry.find(it, newest=True)
            if answer is None:
                continue
            found = list(reader.orders([answer]))
            if answer["status"] in ENDS:
                ended.append(replace(found[0], client_order_id=it.id, status=ENDS[answer["status"]]))
            else:
                working[contract, found[0].broker_order_id] = found[0]
        _known(tracker, it, found[-1], is_over=not mine and bool(ended) and ended[-1].client_order_id == it.id)
        if found[-1].filled > _filled(fills.values(), contract, found[-1].broker_order_id):
            for each in reader.executions(await inquiry.trades(it), {}):
                fills[contract, each.execution_id] = each
    in_order = sorted(fills.values(), key=lambda it: (it.at, it.execution_id))
    names = {str(market["id"]): name for name, market in venue.wire.client.markets.items() if market.get("spot")}
    ids = {(it.contract, it.broker_order_id): it.client_order_id for it in (*working.values(), *ended)}
    return replace(
        state,
        positions=tuple(_positions(venue, state.cash, state.accounts[0], instruments)),
        open_orders=tuple(_ours(tracker, it) for it in working.values()),
        executions=tuple(_named(tracker, ids, names, it) for it in in_order),
        ended_orders=tuple(ended),
    )


def _followed(tracker: Tracker, order: Order, name: str) -> Tracked:
    it = tracker.follow(order, name)
    if order.broker_id and not it.broker_id:
        tracker.name(it, order.broker_id)
    return it


def _is(it: Tracked, found: VenueOrder) -> bool:
    return found.client_order_id == it.their_id or (bool(it.broker_id) and found.broker_order_id == it.broker_id)


def _known(tracker: Tracker, it: Tracked, found: VenueOrder, *, is_over: bool) -> None:
    """What is found here, reconciliation reports; the tracker goes on from there."""
    it.is_over = it.is_over or is_over
    tracker.acknowledge(it, found.broker_order_id, aloud=False)


def _filled(fills: Iterable[VenueExecution], contract: str, broker_id: str) -> Decimal:
    return sum((it.quantity for it in fills if (it.contract, it.broker_order_id) == (contract, broker_id)), Decimal(0))


def _ours(tracker: Tracker, it: VenueOrder) -> VenueOrder:
    return replace(it, client_order_id=tracker.our_id(it.client_order_id))


def _named(tracker: Tracker, ids: Mapping[tuple[str, str], str], names: Mapping[str, str], it: VenueExecution) -> VenueExecution:
    own = it.client_order_id or ids.get((it.contract, it.broker_order_id), "")
    identity = execution_id(names.get(it.contract, it.contract), it.execution_id)
    return replace(it, client_order_id=tracker.our_id(own), execution_id=identity)


def _positions(
    venue: ExchangeVenue, cash: Sequence[VenueCash], account: str, instruments: Mapping[Symbol, Instrument]
) -> Iterable[VenuePosition]:
    """What is held of the coins that our instruments trade, in whole lot steps; each coin once."""
    held, markets = {it.currency: it.total for it in cash}, venue.wire.client.markets
    for name, symbol in venue.names.items():
        coin: Any = markets[name]["base"]
        if symbol in instruments and coin in held:
            step = instruments[symbol].lot_step
            whole = (held.pop(coin) / step).to_integral_value(ROUND_DOWN) * step
            if whole:
                yield VenuePosition(account, str(markets[name]["id"]), symbol, whole, None)
