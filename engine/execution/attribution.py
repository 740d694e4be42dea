"""What a venue tells of an account, in our integers and under our names: whose order is whose, and what cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal
from typing import TypeVar

from engine.core.clock import Nanos
from engine.core.errors import BrokerError, UserError
from engine.domain.instrument import Cash, Instrument, Steps, cash
from engine.domain.market import Symbol, Ticks
from engine.domain.order import ClientOrderId, Side
from engine.portfolio.register import OrderRegister
from engine.ports.venue import VenueExecution, VenueOrder, VenuePosition, VenueState

EXTERNAL = "EXT-"
"""Begins the name of an order that was not placed here; the venue's own id follows."""
ANEW = "+"
"""Ends the name of an order of others that was over on record and turned out to work still: one more each time."""

Told = TypeVar("Told", VenueOrder, VenueExecution, VenuePosition)
ToSteps = Callable[[Symbol, Decimal], Steps]


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """An order at the venue. `is_exact` is False where a price had to be rounded to the grid."""

    name: ClientOrderId
    broker_id: str
    symbol: Symbol
    side: Side
    type: str
    quantity: Steps
    filled: Steps
    limit: Ticks | None
    stop: Ticks | None
    tif: str
    status: str
    is_open: bool
    is_exact: bool

    @property
    def is_foreign(self) -> bool:
        return self.name.startswith(EXTERNAL)


@dataclass(frozen=True, slots=True)
class FoundFill:
    """An execution at the venue; `commission` None where it is not told, or not in the account's currency. `kept` is how many lot
    steps the venue kept of it as a fee, parts of one too."""

    name: ClientOrderId
    broker_id: str
    execution: str
    symbol: Symbol
    side: Side
    quantity: Steps
    price: Ticks
    commission: Cash | None
    at: Nanos
    is_exact: bool
    kept: Decimal = Decimal(0)

    @property
    def is_foreign(self) -> bool:
        return self.name.startswith(EXTERNAL)

    @property
    def signed(self) -> Steps:
        return self.quantity * self.side.sign


Row = TypeVar("Row", FoundOrder, FoundFill)


@dataclass(slots=True)
class Attribution:
    """`fills` by time, `orders` and `twins` by our names, `positions` signed with their average price.

    `twins` are orders that carry the client id of one of ours beside another id of the venue's. `troubles` are sentences of what
    cannot be read, `notes` of what is none of this book's business. The positions of `unread` symbols are not known. `in_kind`
    is how many lot steps the venue kept as fees of what was bought, parts counted as whole ones.
    """

    orders: dict[ClientOrderId, FoundOrder] = field(default_factory=dict)
    fills: list[FoundFill] = field(default_factory=list)
    positions: dict[Symbol, tuple[Steps, Decimal | None]] = field(default_factory=dict)
    unread: set[Symbol] = field(default_factory=set)
    in_kind: dict[Symbol, Steps] = field(default_factory=dict)
    twins: dict[ClientOrderId, ClientOrderId] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Attributor:
    """Reads a state for one account. Amounts of instruments that are not traded here are noted and left alone."""

    def __init__(
        self, state: VenueState, account: str, register: OrderRegister, instruments: Mapping[Symbol, Instrument], steps: ToSteps
    ) -> None:
        self._state = state
        self._account = account
        self._register = register
        self._instruments = instruments
        self._steps = steps
        self._ours = {order.broker_id: order.id for order in register.orders.values() if order.broker_id}
        self._ours |= {it.broker_order_id: it.client_order_id for it in self._named() if it.client_order_id in register.orders}
        self.found = Attribution()

    def read(self, currency: str) -> Attribution:
        """Everything; commissions count in `currency`."""
        for held in self._mine(self._state.positions):
            self._position(held)
        opened = [order for it in self._mine(self._state.open_orders) if (order := self._order(it, is_open=True))]
        ended = [order for it in self._mine(self._state.ended_orders) if (order := self._order(it, is_open=False))]
        fills = [fill for it in self._mine(self._state.executions) if (fill := self._fill(it, currency))]
        names = [*(it.name for it in (*opened, *ended)), *(it.name for it in fills)]
        for name in sorted({name for name in names if not name.startswith(EXTERNAL)}):
            if first := self._first_of_twins(name, [*opened, *ended], fills):
                opened, ended = self._parted(opened, name, first), self._parted(ended, name, first)
                fills = self._parted(fills, name, first)
        for symbol, instrument in self._instruments.items():
            kept = sum((it.in_kind for it in self._mine(self._state.executions) if it.symbol == symbol), Decimal(0))
            if kept:
                self.found.in_kind[symbol] = int((kept / instrument.lot_step).to_integral_value(ROUND_CEILING))
        self.found.orders = {it.name: it for it in (*ended, *opened)}
        self.found.fills = sorted(fills, key=lambda it: (it.at, it.execution))
        return self.found

    def _named(self) -> Iterable[VenueOrder]:
        return (it for it in (*self._state.open_orders, *self._state.ended_orders) if it.broker_order_id and it.client_order_id)

    def _mine(self, told: Iterable[Told]) -> list[Told]:
        return [it for it in told if it.account == self._account]

    def _name(self, client_id: str, broker_id: str) -> ClientOrderId:
        if (foreign := f"{EXTERNAL}{broker_id or client_id}") in self._register.orders:
            while f"{foreign}{ANEW}" in self._register.orders:
                foreign += ANEW
            return foreign
        if client_id in self._register.orders:
            return client_id
        return self._ours.get(broker_id, foreign)

    def _first_of_twins(self, name: ClientOrderId, orders: list[FoundOrder], fills: list[FoundFill]) -> str:
        """The venue's id of the one that is ours; "" where there are no twins.

        Several ids may be an order that the venue gave a new one as it changed it: twins together are more than was asked for.
        """
        order, whole = self._register[name], [it for it in orders if it.name == name]
        dealt = [it for it in fills if it.name == name]
        ids = dict.fromkeys(filter(None, [*(it.broker_id for it in whole), *(it.broker_id for it in dealt)]))
        amount = sum(it.quantity - it.filled for it in whole if it.is_open) + sum(it.quantity for it in dealt)
        if len(ids) < 2 or amount <= order.quantity:
            return ""
        return order.broker_id if order.broker_id in ids else next(iter(ids))

    def _parted(self, rows: list[Row], name: ClientOrderId, first: str) -> list[Row]:
        parted = []
        for row in rows:
            if row.name == name and row.broker_id not in ("", first):
                twin = f"{EXTERNAL}{row.broker_id}"
                self.found.twins[twin] = name
                row = replace(row, name=twin)
            parted.append(row)
        return parted

    def _position(self, held: VenuePosition) -> None:
        instrument = self._instruments.get(held.symbol or "")
        if instrument is None:
            self.found.notes.append(f"The account holds {held.quantity} {held.contract}, which is not traded here.")
            return
        quantity = self._amount(instrument.symbol, held.quantity, f"The position of {held.quantity} {held.contract}")
        if quantity is None:
            self.found.unread.add(instrument.symbol)
        else:
            before, _ = self.found.positions.get(instrument.symbol, (0, None))
            self.found.positions[instrument.symbol] = before + quantity, held.average

    def _order(self, told: VenueOrder, is_open: bool) -> FoundOrder | None:
        instrument, what = self._instruments.get(told.symbol or ""), f"Order {told.client_order_id or told.broker_order_id}"
        if instrument is None:
            if is_open:
                self.found.notes.append(f"{what} in {told.contract} works at the venue; {told.contract} is not traded here.")
            return None
        quantity = self._amount(instrument.symbol, told.quantity, what)
        filled = quantity if told.status == "filled" and not is_open else self._amount(instrument.symbol, told.filled, what)
        if quantity is None or filled is None:
            return None
        limit, stop = _ticks(instrument, told.limit), _ticks(instrument, told.stop)
        return FoundOrder(
            self._name(told.client_order_id, told.broker_order_id),
            told.broker_order_id,
            instrument.symbol,
            Side(told.side),
            told.type,
            quantity,
            filled,
            limit,
            stop,
            told.tif,
            told.status,
            is_open,
            all(
                given is None or given == instrument.price(ticks or 0)
                for given, ticks in ((told.limit, limit), (told.stop, stop))
            ),
        )

    def _fill(self, told: VenueExecution, currency: str) -> FoundFill | None:
        instrument, what = self._instruments.get(told.symbol or ""), f"Execution {told.execution_id}"
        if instrument is None:
            return None
        quantity, price = self._amount(instrument.symbol, told.quantity, what), _ticks(instrument, told.price)
        if quantity is None:
            return None
        if price is None:
            self.found.troubles.append(f"{what} has the price {told.price}, which is none; look at it at the venue.")
            return None
        told_here = told.commission is not None and told.commission_currency in (currency, "")
        return FoundFill(
            self._name(told.client_order_id, told.broker_order_id),
            told.broker_order_id,
            told.execution_id,
            instrument.symbol,
            Side(told.side),
            quantity,
            price,
            cash(told.commission) if told.commission is not None and told_here else None,
            told.at,
            told.price == instrument.price(price),
            told.in_kind / instrument.lot_step,
        )

    def _amount(self, symbol: Symbol, quantity: Decimal, what: str) -> Steps | None:
        """Lot steps; None, with a sentence, for what is not a whole number of them."""
        try:
            return self._steps(symbol, quantity)
        except (BrokerError, UserError) as error:
            self.found.troubles.append(f"{what} cannot be counted: {error}")
            return None


def _ticks(instrument: Instrument, price: Decimal | None) -> Ticks | None:
    """The nearest price on the grid; None for what is no price."""
    return instrument.ticks(price) if price is not None and price.is_finite() and price > 0 else None
