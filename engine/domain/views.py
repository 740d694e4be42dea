"""What the window shows: one immutable picture of the engine, taken once per frame. Integers as in the domain.

Prices are ticks, quantities lot steps, money cash units, times ns UTC; `Instrument` turns them into text.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.clock import Nanos
from engine.domain.facts import LimitsRequested, SignalEmitted
from engine.domain.instrument import Cash, Steps
from engine.domain.limits import LimitLine, LimitPrice, Limits
from engine.domain.market import Depth, Quote, Symbol, Ticks
from engine.domain.order import Order, Role, Side


@dataclass(frozen=True, slots=True)
class AccountView:
    """`day_loss_from` is the equity at the day's start; `drawdown` a fraction from `peak`; `costs` commission and financing."""

    account: str
    currency: str
    opening: Cash
    equity: Cash
    realised: Cash
    unrealised: Cash
    costs: Cash
    day_start: Cash
    peak: Cash
    drawdown: float
    max_drawdown: float
    open_risk: Cash
    exposure: Cash


@dataclass(frozen=True, slots=True)
class PositionView:
    """An open position; `quantity` signed, `average` in (fractional) ticks, `stop` / `target` of its working exits.

    `realised` and `costs` are those of the trade at hand.
    """

    symbol: Symbol
    quantity: Steps
    average: float
    mark: Ticks
    unrealised: Cash
    realised: Cash
    costs: Cash
    opened: Nanos
    stop: Ticks | None
    target: Ticks | None
    risk: Cash
    protected: Steps


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with the time it was placed and, where it was denied or rejected, why."""

    order: Order
    placed: Nanos
    changed: Nanos
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FillView:
    at: Nanos
    order: str
    execution: str
    symbol: Symbol
    side: Side
    role: Role
    quantity: Steps
    price: Ticks
    commission: Cash
    realised: Cash


@dataclass(frozen=True, slots=True)
class TradeView:
    """A round trip, flat to flat. `entry` and `exit` are mean prices in ticks, `result` is net of `costs`."""

    number: int
    symbol: Symbol
    side: Side
    quantity: Steps
    opened: Nanos
    closed: Nanos
    entry: float
    exit: float
    realised: Cash
    costs: Cash
    signal: str
    exit_role: Role

    @property
    def result(self) -> Cash:
        return self.realised - self.costs


@dataclass(frozen=True, slots=True)
class CardView:
    """A signal that waits for the owner, with the quantity the sizer would give now and what the gate says of it.

    `closed` when no answer but a veto can be carried out: the price has gone too far, or trading is not ACTIVE.
    """

    signal: SignalEmitted
    at: Nanos
    expires: Nanos
    quantity: Steps
    base: float
    contributions: tuple[tuple[str, float, float], ...]
    lines: tuple[LimitLine, ...]
    reasons: tuple[str, ...]
    closed: bool = False


@dataclass(frozen=True, slots=True)
class SignalView:
    """A signal of any fate: `outcome` is waiting, accepted, vetoed, flipped, resized, expired, auto or dropped."""

    signal: SignalEmitted
    at: Nanos
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A limit as it stands now, without a new order: `value` and `cap` as in LimitLine, `state` ok, warn or trip."""

    name: str
    value: float
    cap: float
    state: str
    sentence: str


@dataclass(frozen=True, slots=True)
class RollView:
    """A position in a future on its way into the next contract: `quantity` (lot steps, signed) is closed in `out` at about
    `out_price` and opened in `into` at about `into_price`. Prices in ticks; `stop` and `target` are moved by `spread`, what
    `into` costs more than `out`, and are None where there is none."""

    symbol: Symbol
    out: str
    into: str
    quantity: Steps
    out_price: Ticks
    into_price: Ticks
    spread: Ticks
    stop: Ticks | None
    target: Ticks | None


@dataclass(frozen=True, slots=True)
class RollDue:
    """A position in a future whose contract is left soon, or was: it may be rolled from `out` into `into`."""

    symbol: Symbol
    out: str
    into: str


@dataclass(frozen=True, slots=True)
class VenueView:
    """Where a live session trades. `account` is what has to be typed to arm it; `trouble` says why nothing may be opened there,
    `feed_trouble` why no prices come, `blocked` which instruments may not be traded and why. `report` are the sentences of the
    last comparison with the books, taken at `reconciled` (0: never). `rolls` are the positions that may be rolled now,
    `alarm` a sentence about contracts that the owner has to act on, "" where there is none."""

    broker: str
    account: str
    feed: str
    is_live: bool
    is_ready: bool
    is_armed: bool
    trouble: str
    feed_trouble: str
    blocked: tuple[tuple[Symbol, str], ...]
    reconciled: Nanos
    is_reconciled: bool
    report: tuple[str, ...]
    rolls: tuple[RollDue, ...] = ()
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class KillReport:
    """What throwing the kill switch came to. `leftovers` are sentences about what should have gone and is still there,
    `kept` about positions that were not to be closed."""

    drill: bool
    flatten: bool
    seconds: float
    state: str
    cancelled: int
    closed: int
    is_verified: bool
    leftovers: tuple[str, ...]
    kept: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Nothing is left of what was to go, and the venue itself says so."""
        return self.is_verified and not self.leftovers


@dataclass(frozen=True, slots=True)
class EngineView:
    """The whole picture of one frame. `limits` are those in force, `waiting` the looser ones that were asked for, `books` the
    best levels of the order books that are known."""

    at: Nanos
    step: int
    mode: str
    state: str
    state_reason: str
    policy: str
    model_sha256: str
    account: AccountView
    quotes: tuple[Quote, ...]
    positions: tuple[PositionView, ...]
    working: tuple[Order, ...]
    cards: tuple[CardView, ...]
    gauges: tuple[Gauge, ...]
    limit_prices: tuple[LimitPrice, ...]
    limits: Limits
    waiting: tuple[LimitsRequested, ...] = ()
    venue: VenueView | None = None
    books: tuple[Depth, ...] = ()
