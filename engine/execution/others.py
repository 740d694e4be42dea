"""What is at the venue and came from elsewhere: orders and positions of others, taken over."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from engine.domain import facts as f
from engine.domain.instrument import Cash, Steps
from engine.domain.market import Symbol
from engine.domain.order import ClientOrderId, OrderType, Role, TimeInForce
from engine.execution.attribution import FoundFill, FoundOrder
from engine.execution.executions import Executions
from engine.execution.look import LOOKS, TWIN, Look

_TIFS = frozenset(tif.value for tif in TimeInForce)


class Others:
    """Takes them over. It never trades."""

    def __init__(self, look: Look, executions: Executions) -> None:
        self._look = look
        self._executions = executions

    def foreign_orders(self) -> None:
        """Adopted with what was filled of them before; executions that the position does not have yet are booked apart."""
        for found in self._look.found.orders.values():
            if not found.is_open or found.name in self._look.register.orders:
                continue
            explained = [fill for fill in self._executions.explained(found.symbol) if fill.name == found.name]
            self.adopt(found, found.name, max(0, found.filled - sum(fill.quantity for fill in explained)))
            for fill in explained:
                self._executions.book(fill)

    def adopt(self, found: FoundOrder | FoundFill, name: ClientOrderId, filled: Steps, quantity: Steps = 0) -> None:
        """An order of others is on record from here on, with what was filled of it before."""
        self._look.adopted += 1
        is_order = isinstance(found, FoundOrder)
        limit, stop = (found.limit, found.stop) if isinstance(found, FoundOrder) else (None, None)
        terms = f.OrderAdopted(
            order=name,
            symbol=found.symbol,
            side=found.side.value,
            type=_type(found.type, limit, stop) if isinstance(found, FoundOrder) else OrderType.MARKET.value,
            quantity=quantity or found.quantity,
            role=Role.EXTERNAL.value,
            limit=limit,
            stop=stop,
            tif=found.tif if isinstance(found, FoundOrder) and found.tif in _TIFS else TimeInForce.GTC.value,
            expires=None,
            reduce_only=False,
            parent="",
            oco="",
            signal="",
            broker_id=found.broker_id,
            filled=filled,
        )
        where = "works at the venue" if is_order else "was filled at the venue"
        self._look.say(terms, f"Order {found.broker_id} {where} and was not placed here: adopted as {name}.")
        if not found.is_exact:
            self._look.mismatches.append(f"order {name} has a price between two ticks; it is shown at the nearest")
        if ours := self._look.found.twins.get(name):
            self._look.mismatches.append(
                f"order {ours} is at the venue twice, the second time as {found.broker_id}; both are shown"
            )
            self._look.halt(f"order {ours} is at the venue twice, the second time as {found.broker_id}", TWIN)

    def position(self, symbol: Symbol) -> None:
        """The venue's position against the books: what explains the difference is booked, what nothing explains halts."""
        gap = self._look.there(symbol) - self._look.held[symbol]
        if not gap:
            return
        what = f"{symbol}: {self._look.there(symbol)} lot steps at the venue, {self._look.held[symbol]} on record"
        if self._look.is_new_book:
            self._take_over(symbol, "the opening balance", f"{what}: taken over.")
            return
        self._look.moved = True
        if symbol in self._executions.untold:
            return  # first the fill that the venue does not tell is settled
        if not self._look.doubt(f"{symbol} {gap:+d}", what, LOOKS):
            return
        if explained := self._executions.explained(symbol):
            self._foreign_trades(explained)
            return
        if 0 < -gap <= self._look.found.in_kind.get(symbol, 0):
            self._kept_as_fees(symbol, what)
            return
        self._look.mismatches.append(what)
        self._take_over(symbol, what, f"{what}: the venue's position is taken over, and trading is halted.")
        self._look.halt(what)

    def _foreign_trades(self, fills: list[FoundFill]) -> None:
        for fill in fills:
            if not self._look.knows(fill.name):
                new = sum(other.quantity for other in fills if other.name == fill.name)
                order = self._look.found.orders.get(fill.name)
                whole = max(new, order.filled) if order is not None else new
                self.adopt(fill, fill.name, whole - new, whole)
            self._executions.book(fill)
        if kept := self._look.there(fills[0].symbol) - self._look.held[fills[0].symbol]:
            self._look.seen(f"{fills[0].symbol} {kept:+d}", LOOKS)  # what the venue kept of it is for the next look, soon

    def _kept_as_fees(self, symbol: Symbol, what: str) -> None:
        """Coins that a venue kept as fees; what they cost leaves the position with them, for the fees are booked."""
        held, left = self._look.ledger.open.get(symbol), self._look.there(symbol)
        if held is None or held.quantity != self._look.held[symbol]:
            return  # fills of this look come first
        basis = held.basis * left // held.quantity
        self._look.held[symbol], self._look.basis[symbol] = left, basis
        reason = "the venue took its fees out of what was bought"
        self._look.say(f.PositionAdopted(symbol, left, basis, reason), f"{what}: {reason}.")

    def _take_over(self, symbol: Symbol, reason: str, line: str) -> None:
        quantity, average = self._look.found.positions.get(symbol, (0, None))
        basis = self._worth(symbol, quantity, average)
        if basis is None:
            self._look.mismatches.append(f"{symbol}: the price of the venue's position is not known; wait for a quote")
            return
        self._look.adopted += 1
        self._look.held[symbol], self._look.basis[symbol] = quantity, basis
        self._look.say(f.PositionAdopted(symbol, quantity, basis, reason), line)

    def _worth(self, symbol: Symbol, quantity: Steps, average: Decimal | None) -> Cash | None:
        """What the position cost: at the average price, else at the price it could be closed at."""
        instrument = self._look.instruments[symbol]
        if quantity and average is not None and average.is_finite() and average > 0:
            return int((average / instrument.tick_size * quantity * instrument.tick_value).to_integral_value(ROUND_HALF_EVEN))
        price = self._look.mark(symbol, quantity) if quantity else 0
        return None if price is None else quantity * price * instrument.tick_value


def _type(word: str, limit: int | None, stop: int | None) -> str:
    if word in (OrderType.TRAILING.value, "trailing_stop"):
        return OrderType.TRAILING.value
    if limit is not None:
        return OrderType.STOP_LIMIT.value if stop is not None else OrderType.LIMIT.value
    return OrderType.MARKET.value if stop is None else OrderType.STOP.value
