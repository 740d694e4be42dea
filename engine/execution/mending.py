"""What has lost its stop gets another where the old one was, again where that does not last, and at last is closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.core.clock import SECOND, Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, Role, Side, State
from engine.domain.protection import ProtectionTerms
from engine.execution.levels import Part, StopLevels
from engine.execution.manager import Emit, OrderManager
from engine.portfolio.register import OrderRegister
from engine.risk.exposure import mark
from engine.rules import fills

NEVER: Nanos = 1 << 62
CLOSE = "close"
AS_IT_WAS = 2
"""How often a stop that ends without a refusal is placed where it was, before it is placed at the default distance."""
MOST_DOUBLINGS = 10


@dataclass(slots=True)
class _Gap:
    """An instrument that lost its stop: `stops` are those placed since, `due` when the next attempt is, `said` why none can be
    made now."""

    since: Nanos
    attempts: int = 0
    closes: int = 0
    said: str = ""
    stops: list[ClientOrderId] = field(default_factory=list)
    due: Nanos = 0


class Mending:
    """Attempts by instrument. `distance`, `clock` and `is_cut_off` as engine.execution.protection has them."""

    def __init__(
        self,
        emit: Emit,
        manager: OrderManager,
        register: OrderRegister,
        levels: StopLevels,
        quotes: Mapping[Symbol, Quote],
        distance: Callable[[Symbol, Ticks], Ticks],
        terms: ProtectionTerms,
        clock: Callable[[], Nanos],
        is_cut_off: Callable[[], bool],
    ) -> None:
        self._emit = emit
        self._manager = manager
        self._register = register
        self._levels = levels
        self._quotes = quotes
        self._distance = distance
        self._terms = terms
        self._clock = clock
        self._is_cut_off = is_cut_off
        self._gaps: dict[Symbol, _Gap] = {}
        self._mended: dict[Symbol, _Gap] = {}

    @property
    def due(self) -> Nanos:
        """When something is to be tried again; far away where every open unit has its stop."""
        if not self._gaps:
            return NEVER
        for symbol in [symbol for symbol, gap in self._gaps.items() if self._is_mended(gap)]:
            self._mended[symbol] = self._gaps.pop(symbol)
        return min((gap.due for gap in self._gaps.values()), default=NEVER)

    def due_by(self, at: Nanos) -> list[Symbol]:
        """What is to be tried again by `at`."""
        return [symbol for symbol, gap in self._gaps.items() if gap.due <= at]

    def tried(self, symbol: Symbol, at: Nanos) -> None:
        """It was tried at `at`, where it was needed: what is on its way is waited for, what needs nothing is done with."""
        gap = self._gaps.get(symbol)
        if gap is None or gap.due > at:
            return
        if any(self._register[name].is_live and not self._was_heard_of(name) for name in gap.stops):
            gap.due = at + self._terms.pause
        else:
            del self._gaps[symbol]

    def forget(self, symbol: Symbol) -> None:
        """The position is gone."""
        self._gaps.pop(symbol, None)
        self._mended.pop(symbol, None)

    def mend(self, symbol: Symbol, position: Steps, bare: Steps, closing: Steps) -> None:
        """Places stops over `bare` lot steps, again after a pause where one did not last, and at last closes what has none and is
        not being closed: `closing` lot steps are."""
        now, terms, gap = self._clock(), self._terms, self._gap(symbol)
        tries = not gap.stops or any(map(self._has_failed, gap.stops))
        if tries and now < gap.due:
            return
        if self._is_cut_off():
            self._wait(symbol, bare, gap, f"the venue is out of reach; a stop is placed as soon as it is back{self._stated}")
            return
        parts = [(part, self._objection(position, part, gap)) for part in self._levels.parts(symbol, bare)]
        if symbol not in self._quotes and sum(part.units for part, objection in parts if not objection) < bare:
            self._wait(symbol, bare, gap, f"no price is known to place a stop at; it is placed at the first{self._stated}")
            return
        over = gap.since + terms.within
        gap.due = now + terms.pause if now >= over else min(now + terms.pause, over)
        if tries and (terms.policy == CLOSE or gap.attempts >= terms.attempts or now >= over):
            self._close(symbol, bare - closing, gap)
        else:
            gap.attempts += tries
            self._cover(symbol, position, bare, parts, gap)

    def _is_mended(self, gap: _Gap) -> bool:
        """Whether every stop that was placed stands at the venue or is held here, or has done its work."""
        return bool(gap.stops) and all(self._was_heard_of(name) and not self._has_failed(name) for name in gap.stops)

    def _was_heard_of(self, name: ClientOrderId) -> bool:
        stop = self._register[name]
        return bool(stop.broker_id) or stop.filled > 0 or stop.state is State.HELD

    def _has_failed(self, name: ClientOrderId) -> bool:
        stop = self._register[name]
        return not stop.is_live and stop.state is not State.FILLED

    def _gap(self, symbol: Symbol) -> _Gap:
        """The one that is open, or that was mended a moment ago by stops that did not last; else a new one."""
        now, gap, before = self._clock(), self._gaps.get(symbol), self._mended.pop(symbol, None)
        if gap is not None and self._is_mended(gap) and now >= gap.due:
            gap = None
        elif gap is None and before is not None and now < before.due:
            gap = before
        self._gaps[symbol] = gap = gap or _Gap(now)
        return gap

    def _wait(self, symbol: Symbol, bare: Steps, gap: _Gap, why: str) -> None:
        """What cannot be sent was not refused: it neither counts as an attempt, nor does time run meanwhile."""
        gap.since = self._clock()
        gap.due = gap.since + self._terms.pause
        if gap.said != why:
            gap.said = why
            self._emit(f.ProtectionMissing(symbol, bare, why))

    def _close(self, symbol: Symbol, bare: Steps, gap: _Gap) -> None:
        """What is not closed either is asked for again, ever more rarely."""
        if bare <= 0:
            return
        pause = self._terms.pause
        gap.due = self._clock() + max(pause, min(pause << min(gap.closes, MOST_DOUBLINGS), self._terms.within))
        gap.closes += 1
        why = f"{gap.attempts} stops were refused" if gap.attempts else "the policy is to close"
        self._emit(f.ProtectionMissing(symbol, bare, f"it is closed at the market, for {why}"))
        self._manager.close(symbol, bare)

    # --- where the next stop stands -----------------------------------------------------------------------------------

    def _cover(self, symbol: Symbol, position: Steps, bare: Steps, parts: list[tuple[Part, str]], gap: _Gap) -> None:
        """Each stop that was lost stands again where it was; the default distance is for what never had one, what would trigger
        at once, and what the venue refused."""
        known = len(self._register.orders)
        for part, objection in parts:
            bare -= part.units
            if objection:
                self._stand_anew(symbol, position, part.units, part.level, objection)
            else:
                self._say(symbol, part.units, f"a stop was placed at {part.level} ticks, where its owner had it")
                self._manager.protect(symbol, Side.of(-position), part.units, part.level, None, part.stop)
        if bare > 0:
            self._stand_anew(symbol, position, bare)
        gap.stops += [name for name in list(self._register.orders)[known:] if self._register[name].role is Role.STOP]

    def _objection(self, position: Steps, part: Part, gap: _Gap) -> str:
        """Why the stop cannot stand where it was; "" where it can."""
        stop, quote = part.stop, self._quotes.get(part.stop.symbol)
        if quote is not None and fills.stop_reached(stop.side.sign, mark(position, quote), part.level):
            return "the market is through that"
        if stop.id in gap.stops and self._levels.was_refused(stop):
            return "the venue refused that"
        return "it did not stay there" if gap.attempts > AS_IT_WAS and stop.id in gap.stops else ""

    def _stand_anew(self, symbol: Symbol, position: Steps, units: Steps, instead_of: Ticks = 0, why: str = "") -> None:
        """At the default distance."""
        at, side = mark(position, self._quotes[symbol]), Side.of(-position)
        stop = at + side.sign * self._distance(symbol, at)
        instead = f", the default distance; its owner had it at {instead_of}, but {why}" if instead_of else ""
        self._say(symbol, units, f"a stop was placed at {stop} ticks{instead}", instead_of)
        self._manager.protect(symbol, side, units, stop, None)

    def _say(self, symbol: Symbol, units: Steps, action: str, instead_of: Ticks = 0) -> None:
        self._emit(f.ProtectionMissing(symbol, units, f"{action}{self._stated}", instead_of=instead_of))

    @property
    def _stated(self) -> str:
        return f"; if none holds within {self._terms.within / SECOND:g} s of that it is closed at the market"
