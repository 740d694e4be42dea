"""What is at stake: positions, their stops, and entries that may still fill, in cash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.core.clock import Nanos
from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Order, OrderType, Role, Side, State
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister

UNPROTECTED_PER_MILLE = 20
"""Loss assumed for a unit without stop where no ATR is known: thousandths of its price."""
_OPENING = (Role.ENTRY, Role.EXTERNAL)


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


class Exposure(NamedTuple):
    """Stakes by symbol and what they come to. Nobody changes any of it.

    `risk` are the losses at all stops and `gross` is the notional, of what is open and what may be. `signed` is the signed value
    of what is held, or of what may be where that is farther from nothing, in cash units; `signs` are the directions in which
    each instrument is or may become open.
    """

    stakes: Mapping[Symbol, Stake]
    risk: Cash
    gross: Cash
    signed: Mapping[Symbol, float]
    signs: Mapping[Symbol, tuple[int, ...]]


def exposure_of(stakes: Mapping[Symbol, Stake]) -> Exposure:
    """What these stakes come to."""
    risk = gross = 0
    signed, signs = dict[Symbol, float](), dict[Symbol, tuple[int, ...]]()
    for symbol, stake in stakes.items():
        risk += stake.risk + stake.pending_risk
        gross += stake.notional + stake.pending_notional
        if ways := _ways(stake):
            signed[symbol], signs[symbol] = _signed(stake), ways
    return Exposure(stakes, risk, gross, signed, signs)


def _ways(stake: Stake) -> tuple[int, ...]:
    if stake.pending_buys or stake.pending_sells:
        return stake.signs
    return _LONG if stake.quantity > 0 else _SHORT if stake.quantity < 0 else ()


def _signed(stake: Stake) -> float:
    if stake.pending_buys or stake.pending_sells:
        return stake.farthest
    return float(stake.notional) if stake.quantity > 0 else -float(stake.notional)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All the gate looks at, at one moment. Cash units; `stakes` by symbol, `recent` entries placed, newest last.

    `correlation` tells how an instrument moves together with the others, None while unknown; it is not there where only one is
    traded.
    `blocked` says why an instrument may not be traded on its prices, `venue_trouble` why nothing may be opened at the venue;
    `resting` are the live orders by symbol; `tilt` is the sentence that keeps the owner's hand off entries, "" where none does.
    `known` is what the stakes come to, worked out here where it is not that of `stakes`; see Exposure for what is taken from it.
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
    known: Exposure | None = field(default=None, compare=False, repr=False)
    risk: Cash = field(init=False, compare=False)
    gross: Cash = field(init=False, compare=False)
    signed: Mapping[Symbol, float] = field(init=False, compare=False)
    signs: Mapping[Symbol, tuple[int, ...]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        known = self.known
        if known is None or known.stakes is not self.stakes:
            known = exposure_of(self.stakes)
        keep = object.__setattr__
        keep(self, "risk", known.risk)
        keep(self, "gross", known.gross)
        keep(self, "signed", known.signed)
        keep(self, "signs", known.signs)


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


_NOTHING = exposure_of({})


class Stakes:
    """Works out the stake of each instrument from the ledger, the live orders and the last quotes.

    `all` keeps what it found, and looks again at what a fact touched, a quote moved or another ATR concerns.
    """

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
        self._symbols: tuple[Symbol, ...] = ()
        self._seen: dict[Symbol, Quote | None] = {}
        self._atrs: Mapping[Symbol, Ticks] = {}
        self._last = _NOTHING

    def all(self, atrs: Mapping[Symbol, Ticks]) -> Exposure:
        """Stakes of every instrument with a position or a live entry; `atrs` are those of all instruments, as they are now."""
        ledger, register = self._ledger, self._register
        if ledger.touched or register.touched or atrs != self._atrs:
            self._last = self._anew(ledger.touched | register.touched, atrs)
            ledger.touched.clear()
            register.touched.clear()
            return self._last
        quotes, seen = self._quotes, self._seen
        moved = [symbol for symbol in self._symbols if quotes.get(symbol) is not seen[symbol]]
        if moved:
            self._last = self._moved(moved)
        return self._last

    def _anew(self, touched: Set[Symbol], atrs: Mapping[Symbol, Ticks]) -> Exposure:
        """Which instruments there are, and the stakes of those `touched` by a fact, with another quote or another ATR."""
        quotes, seen, before, last = self._quotes, self._seen, self._atrs, self._last.stakes
        symbols = tuple(dict.fromkeys([*self._ledger.open, *(s for s, orders in self._register.live.items() if orders)]))
        now, stakes = {symbol: quotes.get(symbol) for symbol in symbols}, dict[Symbol, Stake]()
        for symbol, quote in now.items():
            if quote is None:
                continue
            is_same = symbol not in touched and seen.get(symbol) is quote and before.get(symbol) == atrs.get(symbol)
            stakes[symbol] = last[symbol] if is_same and symbol in last else self.of(symbol)
        self._symbols, self._seen, self._atrs = symbols, now, atrs
        return exposure_of(stakes)

    def _moved(self, symbols: Sequence[Symbol]) -> Exposure:
        """Other quotes of these: what is held and what may be stay as they are, and so do the directions."""
        last, risk, gross, signed, signs = self._last
        stakes, signed = {**last}, {**signed}
        for symbol in symbols:
            before = stakes.get(symbol)
            if before is None:  # its first quote, after its first fact
                return self._anew(set(symbols), self._atrs)
            stake = stakes[symbol] = self.of(symbol)
            risk += stake.risk + stake.pending_risk - before.risk - before.pending_risk
            gross += stake.notional + stake.pending_notional - before.notional - before.pending_notional
            if symbol in signs:
                signed[symbol] = _signed(stake)
        self._seen.update((symbol, self._quotes[symbol]) for symbol in symbols)
        return Exposure(stakes, risk, gross, signed, signs)

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
