"""Microseconds the gate takes to answer for a book of 20 positions, as configured by default and with every limit on.

The book is a whole pipeline's: each position was bought through it and has its stop at the venue. Before each answer three quotes
move and the next order is another one; six of the instruments move together, 500 bars make the tails, 20 entries lie in the last
minute and a calendar holds 1,000 announcements. `check` is the gate's answer to what it is shown; `with_book` is that and the
stakes of the whole book before it; `read` is the answer with its lines read. `cpu` leaves out what other programs took meanwhile.
The floor is the arithmetic of seven limits alone, compiled.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from engine.brokers.sim.broker import SimBroker, SimTerms
from engine.core.clock import DAY, HOUR, MINUTE, SECOND, Nanos, from_iso
from engine.core.memory import long_lived
from engine.domain.instrument import Instrument, cash, instrument_of
from engine.domain.intents import SubmitOrder
from engine.domain.limits import Limits
from engine.domain.market import Quote, Symbol
from engine.domain.news import Blackout, NewsCalendar
from engine.domain.order import OrderType, Side
from engine.lane import Lane
from engine.pipeline import Pipeline, Setup
from engine.risk.draft import Draft
from engine.rules.limits import empty_rows, preview
from engine.signals.desk import Mode
from tests.engine.rig import M1, MemoryJournal, Scripted

POSITIONS, ASKED, MOVED, BID, SPREAD = 20, 20_000, 3, 200_000, 20
START: Nanos = from_iso("2024-06-03T12:00")
NAMES: tuple[Symbol, ...] = tuple(f"GOLD{number:02d}" for number in range(POSITIONS))
USUAL = Limits(correlation=Decimal("0.7"))
NEWS = NewsCalendar(
    tuple(Blackout(at, at - 5 * MINUTE, at + 15 * MINUTE, "USD", "high", "news") for at in range(START - 998 * HOUR, START, HOUR))
    + tuple(Blackout(at, at, at + MINUTE, "USD", "high", "news") for at in (START + DAY, START + 2 * DAY))
)
EVERYTHING = Limits(
    value_at_risk=Decimal("0.5"),
    expected_shortfall=Decimal("0.5"),
    margin_rate=Decimal("0.05"),
    leverage=Decimal(500),
    order_lots=Decimal(50),
    order_notional=Decimal(10**9),
    collar=Decimal("0.01"),
    allowed=NAMES,
    losing_streak=3,
    override_losses=2,
    news=NEWS,
    soft={"leverage": Decimal(400), "value_at_risk": Decimal("0.4"), "expected_shortfall": Decimal("0.4")},
)
"""Every limit is looked at, and none stands in the way, so that no answer ends early."""
CASES = {"usual": (USUAL, 10), "everything": (EVERYTHING, 14)}
"""Limits, and how many lines an answer has under them."""


def run() -> dict[str, Any]:
    """Target: 99 of 100 answers with everything on, at the least, under 20 us."""
    ours = {name: _answers(limits, lines) for name, (limits, lines) in CASES.items()}
    floor = _figures(*_timed(_arithmetic(), lambda number: number))
    return {"ours": ours, "floor": floor, "ratio": round(ours["usual"]["check"]["cpu_p50_us"] / floor["cpu_p50_us"], 1)}


def _answers(limits: Limits, lines: int) -> dict[str, dict[str, float]]:
    line = _book(limits)
    drafts = [Draft(name, side, OrderType.MARKET, 5, stop_loss=BID - side.sign * 1_000) for name in NAMES for side in Side]
    moves = [Quote(name, START, BID + move, BID + move + SPREAD) for move in range(17) for name in NAMES]

    def moved(number: int) -> Draft:
        at = line.now + SECOND // 10_000
        for place in range(MOVED * number, MOVED * (number + 1)):
            line.on_quote(moves[7 * place % len(moves)]._replace(at=at))
        return drafts[number % len(drafts)]

    for number in range(2_000):
        verdict = line.gate.check(moved(number), line.snapshot())
        assert verdict.approved, verdict
        assert len(tuple(verdict.lines)) == lines, verdict.lines
    ways: dict[str, tuple[Callable[[Any], object], Callable[[int], Any]]] = {
        "check": (lambda asked: line.gate.check(*asked), lambda number: (moved(number), line.snapshot())),
        "with_book": (lambda draft: line.gate.check(draft, line.snapshot()), moved),
        "read": (lambda asked: tuple(line.gate.check(*asked).lines), lambda number: (moved(number), line.snapshot())),
    }
    with long_lived():
        return {name: _figures(*_timed(*way)) for name, way in ways.items()}


def _book(limits: Limits) -> Pipeline:
    """Twenty positions, long and short in turn, each bought with its stop; limits that their opening would meet come later."""
    instruments = {name: _gold(name) for name in NAMES}
    lanes = [Lane(instrument, M1, Scripted()) for instrument in instruments.values()]
    setup = Setup("paper", "USD", cash("10000000"), Mode.AUTO, limits)
    line = Pipeline(setup, lanes, MemoryJournal(), lambda sink: SimBroker(instruments, SimTerms(slippage=0), sink))
    _teach(line)
    line.begin(START)
    for name in NAMES:
        line.on_quote(Quote(name, START, BID, BID + SPREAD))
    for place, name in enumerate(NAMES):
        side = Side.BUY if place % 2 else Side.SELL
        line.on_intent(SubmitOrder(name, side.value, "market", 10 + place, stop_loss=BID - side.sign * 1_000))
        line.on_quote(Quote(name, START, BID, BID + SPREAD))
    line.on_quote(Quote(NAMES[0], START + 5 * SECOND, BID, BID + SPREAD))
    assert len(line.ledger.open) == POSITIONS
    assert all(stake.protected == abs(stake.quantity) for stake in line.snapshot().stakes.values())
    return line


def _gold(name: Symbol) -> Instrument:
    return replace(instrument_of("XAUUSD"), symbol=name)


def _teach(line: Pipeline) -> None:
    """As many bars as the tails are worked out of."""
    rng = np.random.default_rng(7)
    steps = rng.normal(0, 0.0002, (line.setup.limits.var_bars + 1, POSITIONS))
    steps[:, 1:6] = steps[:, :1] + 0.2 * steps[:, 1:6]  # six of them move together
    for number, row in enumerate((2_000 * np.exp(np.cumsum(steps, axis=0))).tolist()):
        for symbol, price in zip(NAMES, row, strict=True):
            line.returns.push(symbol, number * MINUTE, price)
            line.correlations.push(symbol, number * MINUTE, price)


def _arithmetic() -> Callable[[int], object]:
    """The compiled arithmetic of the book alone, with what it needs at hand."""
    rows = empty_rows()

    def once(_number: int) -> None:
        preview(10**12, 10**12, 10**12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, rows)

    return once


def _timed(work: Callable[[Any], object], ready: Callable[[int], Any]) -> tuple[np.ndarray, np.ndarray]:
    """ns of wall and of processor that `work` took of what was made `ready` for it."""
    wall, cpu = np.zeros(ASKED), np.zeros(ASKED)
    for number in range(ASKED):
        asked = ready(number)
        spent, begun = time.thread_time_ns(), time.perf_counter_ns()
        work(asked)
        ended = time.perf_counter_ns()
        cpu[number], wall[number] = time.thread_time_ns() - spent, ended - begun
    return wall, cpu


def _figures(wall: np.ndarray, cpu: np.ndarray) -> dict[str, float]:
    p50, p99 = np.percentile(wall, [50, 99]) / 1_000
    cpu50, cpu99 = np.percentile(cpu, [50, 99]) / 1_000
    figures = {"p50_us": p50, "p99_us": p99, "cpu_p50_us": cpu50, "cpu_p99_us": cpu99}
    return {name: round(float(value), 1) for name, value in figures.items()}
