"""Microseconds from a bar's close to its order in the broker's hands, without and with the journal, beside the bare prediction.

With the journal the order's intent is committed to SQLite before it is handed over, and that commit is in the figure. Where the
signal turns a position round, the order that closes it goes first; `entry` is the figure of the order that opens, both together.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from engine.brokers.sim.broker import SimBroker, SimTerms
from engine.core.clock import Nanos
from engine.core.memory import long_lived
from engine.domain.facts import Fact, Record, canonical
from engine.domain.instrument import cash, instrument_of
from engine.domain.market import Bars, Floats, Timeframe
from engine.domain.order import Order, Role
from engine.execution.trader import Sizing
from engine.features.batch import rows, with_spread
from engine.lane import Lane
from engine.market.tape import BarTape
from engine.models.options import TrainOptions
from engine.models.serving import ForestPredictor
from engine.models.training import train
from engine.pipeline import Pipeline, Setup
from engine.player import Player
from engine.ports.journal import Journal
from engine.ports.predictor import Predictor
from engine.signals.desk import Mode
from engine.signals.model_policy import ModelPolicy
from engine.storage.books import Books
from engine.storage.database import open_books
from engine.storage.journal import SqlJournal
from tests.bench.bars import walk

LESSON, TRADED = 20_000, 100_000
SIGNAL_SHARE = 0.2
RISK = Decimal("0.0001")
"""A trade's share of equity; so small that no limit ends the run."""
GOLD, M1 = instrument_of("XAUUSD"), Timeframe.of("M1")


def run() -> dict[str, Any]:
    """Percentiles over all bars that led to an order; target: the 99th under 500 us.

    `cpu` leaves out what other programs took of the processor meanwhile.
    """
    bars = walk(LESSON + TRADED)
    options = TrainOptions()
    predictor = ForestPredictor(train(bars[:LESSON], M1, GOLD, options, seed=7))
    table = rows(with_spread(bars, GOLD))
    threshold = _threshold(predictor, table[LESSON - 2_000 : LESSON])
    policy = ModelPolicy(GOLD, predictor, threshold, options.stop_atr, options.reward_risk)
    _decisions(bars[: LESSON + 5_000], policy, Unwritten())  # loads the kernels
    plain = _decisions(bars, policy, Unwritten())
    with tempfile.TemporaryDirectory() as folder, open_books(f"sqlite:///{Path(folder) / 'books.db'}") as database:
        book = Books(database).open("bench", "paper", "replay", "{}", 0)
        journal = SqlJournal(database, book.id)
        kept = _decisions(bars, policy, journal)
        journal.close()
    bare = _figures(_predictions(predictor, table[LESSON:]))
    ours = {"decisions": len(kept.wall), "without_journal": _of_orders(plain), "with_journal": _of_orders(kept)}
    ratio = {name: round(ours[name]["p50_us"] / bare["p50_us"], 1) for name in ("without_journal", "with_journal")}
    return {"ours": ours, "floor": {"bare_prediction": bare}, "ratio": ratio}


class Unwritten:
    """A journal that numbers and renders its facts and forgets them."""

    def __init__(self) -> None:
        self._seq = self._cursor = 0

    def append(self, step: int, at: Nanos, fact: Fact) -> Record:
        self._seq += 1
        record = Record(self._seq, step, at, fact)
        canonical(record)
        return record

    def commit(self, step: int, at: Nanos) -> None:
        self._cursor = step

    def records(self) -> Iterator[Record]:
        return iter(())

    def last_seq(self) -> int:
        return self._seq

    def cursor(self) -> int:
        return self._cursor


class Stopwatch:
    """Nanoseconds from `start` to the first `stop` after it, by the wall clock and by this thread's own; and to an `entry`."""

    def __init__(self) -> None:
        self._begun = (0, 0)
        self._running = False
        self.wall: list[int] = []
        self.cpu: list[int] = []
        self.entries: list[int] = []

    def start(self) -> None:
        self._running = True
        self._begun = (time.perf_counter_ns(), time.thread_time_ns())

    def stop(self) -> None:
        if self._running:
            self._running = False
            self.wall.append(time.perf_counter_ns() - self._begun[0])
            self.cpu.append(time.thread_time_ns() - self._begun[1])

    def entry(self) -> None:
        self.entries.append(time.perf_counter_ns() - self._begun[0])


class TimedPipeline(Pipeline):
    """Notes when the clock reached a bar's close."""

    stopwatch: Stopwatch

    def on_time(self, at: Nanos) -> None:
        self.stopwatch.start()
        super().on_time(at)


class TimedBroker(SimBroker):
    """Notes when an order is handed over."""

    stopwatch: Stopwatch

    def submit(self, order: Order, *others: Order) -> None:
        if order.role in (Role.ENTRY, Role.CLOSE):
            self.stopwatch.stop()
        if order.role is Role.ENTRY:
            self.stopwatch.entry()
        super().submit(order, *others)


def _decisions(bars: Bars, policy: ModelPolicy, journal: Journal) -> Stopwatch:
    """The time of each decision over the traded bars."""
    setup = Setup("paper", "USD", cash("100000"), Mode.AUTO, sizing=Sizing(RISK), cooldown=0)
    lane = Lane(GOLD, M1, policy)
    watch = Stopwatch()

    def broker(sink: Any) -> TimedBroker:
        made = TimedBroker({GOLD.symbol: GOLD}, SimTerms(), sink)
        made.stopwatch = watch
        return made

    pipeline = TimedPipeline(setup, [lane], journal, broker)
    pipeline.stopwatch = watch
    lane.warm(bars[:LESSON])
    player = Player(BarTape(GOLD, M1, bars[LESSON:]), pipeline)
    pipeline.begin(player.at)
    with long_lived():
        player.play()
    return watch


def _threshold(predictor: Predictor, table: Floats) -> float:
    """What one row in five exceeds, so that there is much to measure."""
    return float(np.quantile([max(predictor.predict(row)) for row in table], 1 - SIGNAL_SHARE))


def _predictions(predictor: Predictor, table: Floats) -> Stopwatch:
    """The time of the prediction alone."""
    watch = Stopwatch()
    for row in table:
        watch.start()
        predictor.predict(row)
        watch.stop()
    return watch


def _figures(watch: Stopwatch) -> dict[str, float]:
    p50, p99 = np.percentile(watch.wall, [50, 99]) / 1_000
    cpu50, cpu99 = np.percentile(watch.cpu, [50, 99]) / 1_000
    figures = {"p50_us": p50, "p99_us": p99, "cpu_p50_us": cpu50, "cpu_p99_us": cpu99}
    return {name: round(float(value), 1) for name, value in figures.items()}


def _of_orders(watch: Stopwatch) -> dict[str, float]:
    return {**_figures(watch), "entry_p99_us": round(float(np.percentile(watch.entries, 99)) / 1_000, 1)}
