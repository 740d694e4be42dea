"""What is at stake: positions, their stops, and entries that may still fill, in cash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.core.clock import Nanos
from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Order, OrderType, Role, Side, State
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister

UNPROTECTED_PER_MILLE = 20
"""Loss assumed for a unit without stop where no ATR is known: thousandths of its price."""
_OPENING = frozenset({Role.ENTRY, Role.EXTERNAL})


@dataclass(frozen=True, slots=True)
class Stake:
    """One instrument's share: signed `quantity`, `mark` (the side it would close at), `risk` = loss at the stops with
    slippage, `notional` gross; `pending_*` the same for entries that may still fill, `pending_buys` and `pending_sells` their
    lot steps. `is_unknown` says that the fate of an order is still to be found."""

    quantity: Steps = 0
    mark: Ticks = 0
    notional: Cash = 0
    risk: Cash = 0
    protected: Steps = 0
    pending_notional: Cash = 0
    pending_risk: Cash = 0
    pending_buys: Steps = 0
    pending_sells: Steps = 0
    is_unknown: bool = False

    @property
    def total_risk(self) -> Cash:
        return self.risk + self.pending_risk

    @property
    def total_notional(self) -> Cash:
        return self.notional + self.pending_notional

    @property
    def signs(self) -> tuple[int, ...]:
        """The directions in which it is or may become open: 1 long, -1 short."""
        long = self.quantity > 0 or self.pending_buys > 0
        short = self.quantity < 0 or self.pending_sells > 0
        return tuple(sign for sign, is_open in ((1, long), (-1, short)) if is_open)

    @property
    def farthest(self) -> float:
        """Signed value, in cash units, of the most or the least that may be held, whichever is farther from nothing."""
        steps = abs(self.quantity) + self.pending_buys + self.pending_sells
        each = (self.notional + self.pending_notional) / max(1, steps)
        return each * farther(self.quantity + self.pending_buys, self.quantity - self.pending_sells)

    def closes(self, side: Side) -> Steps:
        """How much an order of `side` can close before it opens: what is held the other way and no waiting entry closes."""
        waiting = self.pending_buys if side is Side.BUY else self.pending_sells
        return max(0, -self.quantity * side.sign - waiting)


_LONG, _SHORT = (1,), (-1,)


def farther(long: Steps, short: Steps) -> Steps:
    """Of the most and the least that may be held, what is farther from nothing."""
    return long if long >= -short else short


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All the gate looks at, at one moment. Cash units; `stakes` by symbol, `recent` entries placed, newest last.

    `correlation` tells how an instrument moves together with the others, None while unknown; it is not there where only one is
    traded.
    `blocked` says why an instrument may not be traded on its prices, `venue_trouble` why nothing may be opened at the venue;
    `resting` are the live orders by symbol; `tilt` is the sentence that keeps the owner's hand off entries, "" where none does.
    """

    at: Nanos
    state: str
    equity: Cash
    day_start: Cash
    peak: Cash
    stakes: Mapping[Symbol, Stake]
    quotes: Mapping[Symbol, Quote]
    atr: Mapping[Symbol, Ticks]
    recent: Sequence[tuple[Nanos, Order]] = ()
    correlation: Callable[[Symbol], Mapping[Symbol, float | None]] | None = None
    blocked: Mapping[Symbol, str] = field(default_factory=dict)
    venue_trouble: str = ""
    resting: Mapping[Symbol, Mapping[ClientOrderId, Order]] = field(default_factory=dict)
    tilt: str = ""
    risk: Cash = field(init=False, compare=False)
    """Losses at all stops, of what is open and what may be."""
    gross: Cash = field(init=False, compare=False)
    """Notional of what is open and what may be."""
    signed: Mapping[Symbol, float] = field(init=False, compare=False)
    """The signed value of what is held, and of what may be where that is farther from nothing, in cash units."""
    signs: Mapping[Symbol, tuple[int, ...]] = field(init=False, compare=False)
    """In which directions each instrument is or may become open."""

    def __post_init__(self) -> None:
        risk = gross = 0
        signed, signs = {}, {}
        for symbol, stake in self.stakes.items():
            risk += stake.risk + stake.pending_risk
            gross += stake.notional + stake.pending_notional
            if stake.pending_buys or stake.pending_sells:
                signed[symbol], signs[symbol] = stake.farthest, stake.signs
            elif stake.quantity > 0:
                signed[symbol], signs[symbol] = float(stake.notional), _LONG
            elif stake.quantity < 0:
                signed[symbol], signs[symbol] = -float(stake.notional), _SHORT
        keep = object.__setattr__
        keep(self, "risk", risk)
        keep(self, "gross", gross)
        keep(self, "signed", signed)
        keep(self, "signs", signs)


def mark(quantity: Steps, quote: Quote) -> Ticks:
    """The price at which `quantity` could be closed."""
    return quote.bid if quantity >= 0 else quote.ask


def equity(ledger: Ledger, quotes: Mapping[Symbol, Quote]) -> Cash:
    """Cash plus open profit at the marks."""
    total = ledger.cash
    for symbol, holding in ledger.open.items():
        quote, quantity = quotes.get(symbol), holding.quantity
        if quote is None:
            continue  # adopted before its first price: worth what it cost
        total += quantity * (quote.bid if quantity > 0 else quote.ask) * holding.tick_value - holding.basis
    return total


class Stakes:
    """Works out the stake of each instrument from the ledger, the live orders and the last quotes."""

    def __init__(
        self,
        instruments: Mapping[Symbol, Instrument],
        ledger: Ledger,
        register: OrderRegister,
        quotes: Mapping[Symbol, Quote],
        atr: Callable[[Symbol], Ticks],
        slippage: Ticks,
    ) -> None:
        self._instruments = instruments
        self._ledger = ledger
        self._register = register
        self._quotes = quotes
        self._atr = atr
        self._slippage = slippage

    def all(self) -> dict[Symbol, Stake]:
        """Stakes of every instrument with a position or a live entry."""
        symbols = dict.fromkeys([*self._ledger.open, *(s for s, orders in self._register.live.items() if orders)])
        return {symbol: self.of(symbol) for symbol in symbols if symbol in self._quotes}

    def of(self, symbol: Symbol, without: ClientOrderId = "") -> Stake:
        """The stake in `symbol`, which must have a quote; as if the order `without` did not wait."""
        instrument, quote = self._instruments[symbol], self._quotes[symbol]
        quantity = self._kept(symbol)
        at = mark(quantity, quote)
        sign = 1 if quantity > 0 else -1
        value, left, risk = instrument.tick_value, abs(quantity), 0
        pending_notional = pending_risk = buys = sells = 0
        unknown = False
        for order in self._register.live.get(symbol, {}).values():
            if order.role is Role.STOP and order.side.sign == -sign and left and order.stop is not None:
                covered = min(left, self._register.armed(order))
                risk += max(0, (at - order.stop) * sign + self._slippage) * covered * value
                left -= covered
            elif order.role in _OPENING and order.id != without and (leaves := _opening(order, quantity)):
                price = entry_price(order, quote)
                pending_notional += price * leaves * value
                pending_risk += self._entry_distance(order, price) * leaves * value
                buys, sells = (buys + leaves, sells) if order.side is Side.BUY else (buys, sells + leaves)
            unknown = unknown or order.state is State.UNKNOWN
        risk += self.default_distance(symbol, at) * left * value
        notional = abs(quantity) * at * value
        covered = abs(quantity) - left
        return Stake(quantity, at, notional, risk, covered, pending_notional, pending_risk, buys, sells, unknown)

    def _kept(self, symbol: Symbol) -> Steps:
        """The position less what market orders on their way are closing of it."""
        quantity = self._ledger.position(symbol)
        for order in self._register.live.get(symbol, {}).values():
            if order.role is Role.CLOSE and order.type is OrderType.MARKET and order.side.sign * quantity < 0:
                quantity += order.side.sign * min(order.leaves, abs(quantity))
        return quantity

    def default_distance(self, symbol: Symbol, price: Ticks) -> Ticks:
        """How far a unit without a stop is taken to lose: three ATR, or 2 % of the price before any ATR is known."""
        return 3 * self._atr(symbol) or price * UNPROTECTED_PER_MILLE // 1000

    def _entry_distance(self, order: Order, price: Ticks) -> Ticks:
        for name in self._register.children.get(order.id, ()):
            leg = self._register[name]
            if leg.role is Role.STOP and leg.stop is not None and leg.is_live:
                return max(0, (price - leg.stop) * order.side.sign + self._slippage)
        return self.default_distance(order.symbol, price)


def _opening(order: Order, quantity: Steps) -> Steps:
    """What of the order would open something: an entry all of it, another's order what is more than it closes."""
    if order.role is Role.EXTERNAL and order.side.sign * quantity < 0:
        return max(0, order.leaves - abs(quantity))
    return order.leaves


def entry_price(order: Order, quote: Quote) -> Ticks:
    """The price an entry is expected to fill at."""
    if order.limit is not None:
        return order.limit
    if order.stop is not None:
        return order.stop
    return quote.ask if order.side.sign > 0 else quote.bid
