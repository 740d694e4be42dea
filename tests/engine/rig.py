"""The whole pipeline in memory: scripted policies, quotes by hand, and every fact to look at afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from engine.brokers.sim.broker import SimBroker, SimTerms
from engine.core.clock import MINUTE, SECOND, Nanos, from_iso
from engine.domain import facts as f
from engine.domain.instrument import INSTRUMENTS, Cash, Instrument, cash
from engine.domain.intents import Intent, SubmitOrder
from engine.domain.limits import Limits
from engine.domain.market import Bar, Bars, Floats, Quote, Ticks, Timeframe
from engine.domain.order import Order, Role, Side
from engine.execution.trader import Sizing
from engine.lane import Lane
from engine.pipeline import Pipeline, Setup
from engine.signals.desk import Mode
from engine.signals.policy import Explanation, Policy, Proposal

MONDAY = from_iso("2024-06-03T12:00")
"""A moment in the middle of a trading day."""
M1 = Timeframe("M1", MINUTE)
GOLD = INSTRUMENTS["XAUUSD"]
FREE_GOLD = replace(GOLD, commission=0, financing_long=0, financing_short=0)
WIDE = Limits(
    position=100,  # type: ignore[arg-type]  # whole numbers are read as decimals
    daily_loss=1,  # type: ignore[arg-type]  # whole numbers are read as decimals
    worst_day_soft=100,  # type: ignore[arg-type]  # whole numbers are read as decimals
    worst_day_hard=100,  # type: ignore[arg-type]  # whole numbers are read as decimals
    open_risk=100,  # type: ignore[arg-type]  # whole numbers are read as decimals
    leverage=500,  # type: ignore[arg-type]  # whole numbers are read as decimals
    drawdown=1,  # type: ignore[arg-type]  # whole numbers are read as decimals
    orders_per_minute=10_000,
    duplicate_window_s=0,
)
"""Limits that never stand in the way."""

Kind = TypeVar("Kind", bound=f.Fact)


class MemoryJournal:
    """The journal's promises without a database."""

    def __init__(self) -> None:
        self.kept: list[f.Record] = []
        self.lines: list[str] = []
        self._open: list[f.Record] = []
        self._cursor = 0

    def append(self, step: int, at: Nanos, fact: f.Fact) -> f.Record:
        record = f.Record(self.last_seq() + 1, step, at, fact)
        f.canonical(record)
        self._open.append(record)
        return record

    def commit(self, step: int, at: Nanos) -> None:
        if self._open:
            self.lines += [f.canonical(record) for record in self._open]
            self.kept += self._open
            self._open = []
            self._cursor = step

    def records(self) -> Iterator[f.Record]:
        return iter([f.parse(line) for line in self.lines])

    def last_seq(self) -> int:
        return len(self.kept) + len(self._open)

    def cursor(self) -> int:
        return self._cursor

    def cut(self, seq: int) -> MemoryJournal:
        """What a crash right after the step of fact `seq` would have left behind."""
        step = self.kept[seq - 1].step
        left = MemoryJournal()
        left.kept = [record for record in self.kept if record.step <= step]
        left.lines = self.lines[: len(left.kept)]
        left._cursor = step
        return left


class Scripted:
    """A policy that proposes `script[n]` at the n-th bar close (from 0): a side, with its distances in ticks."""

    name, sha256, threshold = "scripted", "", 0.5

    def __init__(self, script: Mapping[int, Side] | None = None, distance: Ticks = 500, reward_risk: float = 2.0) -> None:
        self._script = script or {}
        self._distance = distance
        self._bars = -1
        self.reward_risk = reward_risk

    def observe(self, bar: Bar) -> None:
        self._bars += 1

    def decide(self, row: Floats | None, atr: float, quote: Quote) -> Proposal | None:
        side = self._script.get(self._bars)
        if side is None:
            return None
        at = quote.ask if side is Side.BUY else quote.bid
        away = side.sign * self._distance
        return Proposal(side, at, at - away, at + round(away * self.reward_risk), 0.6)

    def explain(self, row: Floats | None, side: Side) -> Explanation:
        return 0.1, (("a", 1.0, 0.2),)


class Rig:
    """A pipeline on the simulated broker, fed by hand. Quotes come a second apart unless said otherwise."""

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        mode: Mode = Mode.AUTO,
        limits: Limits = WIDE,
        terms: SimTerms | None = None,
        instrument: Instrument = FREE_GOLD,
        balance: Cash | None = None,
        slippage: Ticks = 0,
        fixed: int = 0,
        start: Nanos = MONDAY,
        journal: MemoryJournal | None = None,
        **setup: Any,
    ) -> None:
        self.instrument = instrument
        self.journal = journal or MemoryJournal()
        self.terms = terms or SimTerms(slippage=0)
        sizing = Sizing(fixed=fixed) if fixed else Sizing()
        given = cash("100000") if balance is None else balance
        whole = Setup("paper", instrument.currency, given, mode, limits, sizing, slippage, **setup)
        self.line = Pipeline(
            whole,
            [Lane(instrument, M1, policy or Scripted())],
            self.journal,
            lambda sink: SimBroker({instrument.symbol: instrument}, self.terms, sink),
        )
        self.at = start
        if not self.journal.kept:
            self.line.begin(start)

    # --- feeding ------------------------------------------------------------------------------------------------------

    def quote(self, bid: Ticks, ask: Ticks | None = None, *, path: bool = False, after: Nanos = SECOND) -> None:
        """The next quote, after the moments that come due before it."""
        self.at += after
        self.pass_time(self.at)
        self.line.on_quote(Quote(self.instrument.symbol, self.at, bid, bid + 20 if ask is None else ask, path))

    def pass_time(self, until: Nanos) -> None:
        """Everything that is due up to `until` happens."""
        while self.line.due <= until:
            self.line.on_time(self.line.due)
        self.at = max(self.at, until)

    def close_bar(self) -> None:
        """The bar at hand ends."""
        self.pass_time(self.line.lead.bars.due)

    def warm(self, bars: int = 30, price: Ticks = 200_000, swing: Ticks = 100) -> None:
        """Lets bars pass so that an ATR is known, and ends at `price` in the middle of a bar."""
        for number in range(bars):
            self.quote(price + (swing if number % 2 else -swing), after=MINUTE)
        self.quote(price, after=MINUTE)

    def do(self, intent: Intent) -> list[f.Fact]:
        """The facts an intent led to, the intent itself aside."""
        return [record.fact for record in self.line.on_intent(intent)][1:]

    def buy(self, quantity: int = 10, **terms: Any) -> list[f.Fact]:
        return self.do(SubmitOrder("XAUUSD", "buy", terms.pop("type", "market"), quantity, **terms))

    def sell(self, quantity: int = 10, **terms: Any) -> list[f.Fact]:
        return self.do(SubmitOrder("XAUUSD", "sell", terms.pop("type", "market"), quantity, **terms))

    # --- looking ------------------------------------------------------------------------------------------------------

    def facts(self, kind: type[Kind]) -> list[Kind]:
        """All recorded facts of a kind."""
        return [record.fact for record in self.journal.kept if isinstance(record.fact, kind)]

    @property
    def held(self) -> int:
        return self.line.ledger.position(self.instrument.symbol)

    def working(self, role: Role | None = None) -> list[Order]:
        return [order for order in self.line.register.all_live() if role is None or order.role is role]

    def order(self, number: int = -1) -> Order:
        """The order placed at this place in the order of placing."""
        return list(self.line.register.orders.values())[number]

    def refusal(self, intent: Intent) -> str:
        """The sentence that refuses the intent; fails when it is carried out or when anything else happened."""
        facts = self.do(intent)
        assert [type(fact) for fact in facts] == [f.IntentRefused], facts
        assert isinstance(facts[0], f.IntentRefused)
        return facts[0].reason

    def fills(self) -> list[tuple[str, int, int]]:
        """(side, quantity, price) of every fill."""
        return [(fill.side, fill.quantity, fill.price) for fill in self.facts(f.OrderFilled)]


def market(bars: int, seed: int, *, start: Nanos = MONDAY, volatility: float = 0.6, holes: float = 0.01) -> Bars:
    """A random walk of M1 gold bars inside trading hours, now and then with a hole."""
    rng = np.random.default_rng(seed)
    times: list[int] = []
    at = start
    while len(times) < bars:
        if GOLD.sessions.is_open(at) and rng.random() >= holes:
            times.append(at)
        at += MINUTE
        if not GOLD.sessions.is_open(at):
            at = GOLD.sessions.next_open(at)
    steps = rng.normal(0, volatility, (bars, 4))
    close = 2000 + np.cumsum(steps[:, 0])
    open_ = np.concatenate([[2000.0], close[:-1]]) + 0.1 * steps[:, 1]
    high = np.maximum(open_, close) + np.abs(steps[:, 2]) / 2
    low = np.minimum(open_, close) - np.abs(steps[:, 3]) / 2
    columns = [np.round(column, 2) for column in (open_, high, low, close)]
    spread = np.where(rng.random(bars) < 0.2, np.nan, np.round(rng.integers(5, 40, bars) * 0.01, 2))
    return Bars(np.array(times, np.int64), *columns, rng.integers(1, 400, bars).astype(float), spread)
