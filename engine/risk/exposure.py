"""What is at stake: positions, their stops, and entries that may still fill, in cash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.core.clock import Nanos
from engine.domain.instrument import Cash, Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Order, Side
from engine.portfolio.ledger import Ledger


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
            signed[symbol], signs[symbol] = signed_of(stake), ways
    return Exposure(stakes, risk, gross, signed, signs)


def _ways(stake: Stake) -> tuple[int, ...]:
    if stake.pending_buys or stake.pending_sells:
        return stake.signs
    return _LONG if stake.quantity > 0 else _SHORT if stake.quantity < 0 else ()


def signed_of(stake: Stake) -> float:
    """The signed value of what is held, or of what may be where that is farther from nothing."""
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


def entry_price(order: Order, quote: Quote) -> Ticks:
    """The price an entry is expected to fill at."""
    if order.limit is not None:
        return order.limit
    if order.stop is not None:
        return order.stop
    return quote.ask if order.side.sign > 0 else quote.bid
