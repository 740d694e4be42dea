"""A million bars written, ten thousand read, one step committed: through the engine's stores and straight through the driver."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from engine.core.clock import MINUTE
from engine.domain import facts as f
from engine.domain.market import Bars
from engine.storage.books import Books
from engine.storage.database import open_books
from engine.storage.journal import SqlJournal
from engine.storage.link import connect_sqlite
from engine.storage.market import open_market
from tests.bench.bars import walk
from tests.postgres import private_server

BARS, RANGE = 1_000_000, 10_000
READS, STEPS = 200, 2_000
FACTS = tuple(f.OrderFilled(f"NG{n:06d}", f"NG{n:06d}/1", "XAUUSD", "buy", 180_000, 10, 350_000) for n in range(5))
"""What one step writes: five facts of middling length."""


def run() -> dict[str, Any]:
    """Bars come in as XAUUSD M1; a range begins anywhere in the middle. Target: 10k bars in under 0.5 ms on SQLite."""
    bars = walk(BARS)
    with tempfile.TemporaryDirectory() as folder:
        sqlite = f"sqlite:///{Path(folder) / 'books.db'}"
        ours: dict[str, Any] = {"bars": BARS, "sqlite": _stores(sqlite, bars)}
        floor = _floor(Path(folder))
    try:
        with private_server() as url:
            ours["postgresql"] = _stores(url, bars)
    except pytest.skip.Exception as missing:
        ours["postgresql"] = {"status": str(missing)}
    ratio = {name: round(ours["sqlite"][name] / floor[name], 2) for name in floor}
    return {"ours": ours, "floor": floor, "ratio": ratio}


def _stores(url: str, bars: Bars) -> dict[str, float]:
    with open_market(url) as store:
        wrote = _seconds(lambda: store.write_bars("XAUUSD", "M1", "bench", bars))
        reads = []
        for number in range(READS):
            first = (number * 4_217) % (BARS - 2 * RANGE)
            start, end = int(bars.at[first]), int(bars.at[first + RANGE - 1]) + MINUTE
            reads.append(_seconds(lambda start=start, end=end: store.read_bars("XAUUSD", "M1", start, end)))
        assert len(store.read_bars("XAUUSD", "M1", start, end)) == RANGE
    return {"write_bars_per_s": round(BARS / wrote), "read_10k_ms": round(median(reads) * 1e3, 3), "commit_us": _commits(url)}


def _commits(url: str) -> float:
    """Microseconds to append and commit a step of five facts."""
    with open_books(url) as database:
        journal = SqlJournal(database, Books(database).open("bench", "paper", "replay", "{}", 0).id)
        taken = []
        for step in range(1, STEPS + 1):
            taken.append(_seconds(lambda step=step: _step(journal, step)))
        journal.close()
    return round(median(taken) * 1e6, 1)


def _step(journal: SqlJournal, step: int) -> None:
    for fact in FACTS:
        journal.append(step, step, fact)
    journal.commit(step, step)


def _floor(folder: Path) -> dict[str, float]:
    """The driver alone: the same blocks as bytes, and one short row committed."""
    blocks = sqlite3.connect(folder / "books.market.db")
    starts = [row[0] for row in blocks.execute("SELECT start FROM blocks ORDER BY start")]
    middle, days = len(starts) // 2, 1 + RANGE * len(starts) // BARS
    between = (starts[middle], starts[middle + days])
    query = "SELECT data FROM blocks WHERE series_id = 1 AND start >= ? AND start < ?"
    reads = [_seconds(lambda: blocks.execute(query, between).fetchall()) for _ in range(READS)]
    blocks.close()
    rows = connect_sqlite(folder / "floor.db", full=False, wait_s=1)
    rows.execute("PRAGMA journal_mode = WAL")
    rows.execute("CREATE TABLE line (number INTEGER PRIMARY KEY, fact TEXT)")
    line = f.canonical(f.Record(1, 1, 1, FACTS[0]))
    writes = [_seconds(lambda: rows.execute("INSERT INTO line (fact) VALUES (?)", (line,))) for _ in range(STEPS)]
    rows.close()
    return {"read_10k_ms": round(median(reads) * 1e3, 3), "commit_us": round(median(writes) * 1e6, 1)}


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
