"""An account as reconciliation wants it: under our ids, with every order that is asked for wherever it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from engine.brokers.exchange.asking import Inquiry
from engine.brokers.exchange.counting import Counting
from engine.brokers.exchange.dealing import Dealing
from engine.brokers.exchange.holdings import Holdings
from engine.brokers.exchange.tracking import ENDS, Tracked, Tracker
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.errors import BrokerError
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol
from engine.domain.order import Order
from engine.ports.venue import VenueExecution, VenueOrder, VenueState

_TRIES = 3
_Key = tuple[str, str]


class Standing:
    """Asks one account how it stands, through the venue's own wire."""

    def __init__(
        self,
        venue: ExchangeVenue,
        tracker: Tracker,
        dealing: Dealing,
        instruments: Mapping[Symbol, Instrument],
        holdings: Holdings,
    ) -> None:
        self._venue = venue
        self._tracker = tracker
        self._dealing = dealing
        self._instruments = instruments
        self._holdings = holdings

    async def ask(self, asked: Sequence[tuple[Order, str]]) -> VenueState:
        """Everything at one moment, with the orders that are asked for, each with its market: where balances moved meanwhile,
        all is asked again. BrokerError where any part is not answered."""
        for _ in range(_TRIES):
            state = await self._once(asked)
            if await self._venue.cash() == state.cash:
                return self._counted(state)
        where = self._venue.wire.where
        raise BrokerError(f"{where} was trading while it was asked how it stands, {_TRIES} times over; it is asked again")

    async def _once(self, asked: Sequence[tuple[Order, str]]) -> VenueState:
        followed = [self._followed(order, name) for order, name in asked if name]
        state = await self._venue.state(self._instruments)
        working = {(it.contract, it.broker_order_id): it for it in state.open_orders}
        fills = {(it.contract, it.execution_id): it for it in state.executions}
        ended: dict[_Key, VenueOrder] = {}
        for it in followed:
            found = await self._found(it, state.accounts[0], working, ended)
            if found is not None:
                await self._complete(it, found, state.accounts[0], fills)
        names = {key: each.client_order_id for key, each in {**working, **ended}.items()}
        return replace(
            state,
            open_orders=tuple(working.values()),
            ended_orders=tuple(ended.values()),
            executions=tuple(_named(it, names) for it in fills.values()),
        )

    def _counted(self, state: VenueState) -> VenueState:
        """Under our ids and in whole lot steps; what is held is remembered."""
        counting = Counting(self._venue.wire.client.markets, self._instruments, self._tracker.our_id)
        executions = counting.executions(state.executions)
        positions, held = counting.positions(state, self._venue.names)
        for symbol, amount in held.items():
            self._holdings.look(symbol, amount, executions)
        return replace(
            state,
            positions=positions,
            executions=executions,
            open_orders=tuple(counting.order(it) for it in state.open_orders),
            ended_orders=tuple(counting.order(it) for it in state.ended_orders),
        )

    def _followed(self, order: Order, name: str) -> Tracked:
        it = self._tracker.follow(order, name)
        if order.broker_id and not it.broker_id:
            self._tracker.name(it, order.broker_id)
        return it

    async def _found(
        self, it: Tracked, account: str, working: dict[_Key, VenueOrder], ended: dict[_Key, VenueOrder]
    ) -> VenueOrder | None:
        """The order, which is added to those that work or are over where it was in neither; None where there is none."""
        contract = self._contract(it)
        mine = [each for (where, _), each in working.items() if where == contract and _is(it, each)]
        if not mine:
            answer = await self._inquiry().find(it, newest=True)
            if answer is None:
                return None
            [told] = self._venue.reader(account).orders([answer])
            mine = [replace(told, status=ENDS.get(answer["status"], told.status), client_order_id=it.their_id)]
            is_over = answer["status"] in ENDS
            (ended if is_over else working)[contract, told.broker_order_id] = mine[0]
            it.is_over = it.is_over or is_over
        self._tracker.acknowledge(it, mine[-1].broker_order_id, aloud=False)  # what is found here, reconciliation reports
        return mine[-1]

    async def _complete(self, it: Tracked, found: VenueOrder, account: str, fills: dict[_Key, VenueExecution]) -> None:
        """Adds fills of the order that are too old for the newest page."""
        contract = self._contract(it)
        mine = (each.quantity for each in fills.values() if (each.contract, each.broker_order_id) == (contract, it.broker_id))
        if found.filled > sum(mine, Decimal(0)):
            for each in self._venue.reader(account).executions(await self._inquiry().trades(it), {}):
                fills[contract, each.execution_id] = each

    def _inquiry(self) -> Inquiry:
        return Inquiry(self._venue.wire, self._tracker, self._dealing)

    def _contract(self, it: Tracked) -> str:
        return str(self._venue.wire.client.markets[it.name]["id"])


def _is(it: Tracked, found: VenueOrder) -> bool:
    return found.client_order_id == it.their_id or (bool(it.broker_id) and found.broker_order_id == it.broker_id)


def _named(it: VenueExecution, names: Mapping[_Key, str]) -> VenueExecution:
    return replace(it, client_order_id=it.client_order_id or names.get((it.contract, it.broker_order_id), ""))
