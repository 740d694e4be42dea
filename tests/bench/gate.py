"""Microseconds the gate takes to answer for a book of 20 positions, as configured by default and with every limit on.

Each answer is asked of another order and another book; six of the instruments move together, and 500 bars make the tails.
`cpu` leaves out what other programs took meanwhile. The floor is the arithmetic of seven limits alone, compiled.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from engine.core.clock import MINUTE, Nanos, from_iso
from engine.core.memory import long_lived
from engine.domain.instrument import Instrument, cash, instrument_of
from engine.domain.limits import Limits
from engine.domain.market import Quote, Symbol
from engine.domain.order import OrderType, Side
from engine.risk.correlation import Correlations
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake
from engine.risk.gate import Gate
from engine.risk.returns import Returns
from engine.rules.limits import empty_rows, preview

POSITIONS, ASKED, BID, SPREAD = 20, 20_000, 200_000, 20
START: Nanos = from_iso("2024-06-03T12:00")
EVERYTHING = Limits(
    value_at_risk=Decimal("0.5"),
    expected_shortfall=Decimal("0.5"),
    margin_rate=Decimal("0.05"),
    leverage=Decimal(500),
    order_lots=Decimal(50),
    order_notional=Decimal(10**9),
    soft={"leverage": Decimal(400), "value_at_risk": Decimal("0.4"), "expected_shortfall": Decimal("0.4")},
)
"""Every limit is looked at, and none stands in the way, so that no answer ends early."""
CASES = {"usual": (Limits(), 10), "everything": (EVERYTHING, 14)}
"""Limits, and how many lines an answer has under them."""


def run() -> dict[str, Any]:
    """Target: half of the usual answers, at the least, under 20 us."""
    instruments = {name: _gold(name) for name in (f"GOLD{number:02d}" for number in range(POSITIONS))}
    ours = {name: _answers(instruments, limits, lines) for name, (limits, lines) in CASES.items()}
    floor = _timed(_arithmetic())
    return {"ours": ours, "floor": floor, "ratio": round(ours["usual"]["cpu_p50_us"] / floor["cpu_p50_us"], 1)}


def _answers(instruments: dict[Symbol, Instrument], limits: Limits, lines: int) -> dict[str, float]:
    gate, correlations = _taught(instruments, limits)
    books = [_book(instruments, correlations, number) for number in range(200)]
    drafts = [Draft(name, side, OrderType.MARKET, 5, stop_loss=_stop(side)) for name in instruments for side in Side]
    for number in range(2_000):
        verdict = gate.check(drafts[number % len(drafts)], books[number % len(books)])
        assert verdict.approved, verdict
        assert len(verdict.lines) == lines, verdict.lines
    with long_lived():
        return _timed(lambda number: gate.check(drafts[number % len(drafts)], books[number % len(books)]))


def _gold(name: Symbol) -> Instrument:
    return replace(instrument_of("XAUUSD"), symbol=name)


def _stop(side: Side) -> int:
    return BID - side.sign * 1_000


def _taught(instruments: dict[Symbol, Instrument], limits: Limits) -> tuple[Gate, Correlations]:
    """A gate that has seen as many bars as its tails are worked out of."""
    rng, symbols = np.random.default_rng(7), tuple(instruments)
    returns, correlations = Returns(symbols, MINUTE, limits), Correlations(symbols, limits.correlation_half_life)
    steps = rng.normal(0, 0.0002, (limits.var_bars + 1, len(symbols)))
    steps[:, 1:6] = steps[:, :1] + 0.2 * steps[:, 1:6]  # six of them move together
    prices = 2_000 * np.exp(np.cumsum(steps, axis=0))
    for number, row in enumerate(prices.tolist()):
        for symbol, price in zip(symbols, row, strict=True):
            returns.push(symbol, number * MINUTE, price)
            correlations.push(symbol, number * MINUTE, price)
    return Gate(instruments, limits, 2, returns), correlations


def _book(instruments: dict[Symbol, Instrument], correlations: Correlations, number: int) -> Snapshot:
    """Twenty positions, long and short in turn, each with its stop."""
    quotes, stakes = {}, {}
    for place, (name, instrument) in enumerate(instruments.items()):
        bid = BID + number % 17
        held = (10 + place) * (1 if place % 2 else -1)
        mark = bid if held > 0 else bid + SPREAD
        value = instrument.tick_value
        quotes[name] = Quote(name, START, bid, bid + SPREAD)
        stakes[name] = Stake(held, mark, abs(held) * mark * value, abs(held) * 500 * value, abs(held))
    equity = cash("10000000")
    return Snapshot(
        at=START,
        state="ACTIVE",
        equity=equity,
        day_start=equity,
        peak=equity,
        stakes=stakes,
        quotes=quotes,
        atr=dict.fromkeys(instruments, 300),
        correlation=correlations.of,
    )


def _arithmetic() -> Callable[[int], object]:
    """The compiled arithmetic of the book alone, with what it needs at hand."""
    rows = empty_rows()

    def once(_number: int) -> None:
        preview(10**12, 10**12, 10**12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, rows)

    return once


def _timed(work: Callable[[int], object]) -> dict[str, float]:
    wall, cpu = np.zeros(ASKED), np.zeros(ASKED)
    for number in range(ASKED):
        spent, begun = time.thread_time_ns(), time.perf_counter_ns()
        work(number)
        ended = time.perf_counter_ns()
        cpu[number], wall[number] = time.thread_time_ns() - spent, ended - begun
    p50, p99 = np.percentile(wall, [50, 99]) / 1_000
    cpu50, cpu99 = np.percentile(cpu, [50, 99]) / 1_000
    figures = {"p50_us": p50, "p99_us": p99, "cpu_p50_us": cpu50, "cpu_p99_us": cpu99}
    return {name: round(float(value), 1) for name, value in figures.items()}
