"""A million bars written and read, ten thousand read, one step committed: through the stores and straight through the driver."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
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
from engine.storage.link import connect_postgres, connect_sqlite
from engine.storage.market import open_market
from engine.storage.versions import Origin
from tests.bench.bars import walk
from tests.postgres import private_server

BARS, RANGE = 1_000_000, 10_000
READS, WHOLE, STEPS = 200, 5, 2_000
FILE = Origin("bench.csv", "aa", "csv", "UTC", 1)
FACTS = tuple(f.OrderFilled(f"NG{n:06d}", f"NG{n:06d}/1", "XAUUSD", "buy", 180_000, 10, 350_000) for n in range(5))
"""What one step writes: five facts of middling length."""
COLUMNS = "series_id, start, first, last, rows, data"

Figures = dict[str, float]


def run() -> dict[str, Any]:
    """Bars come in as XAUUSD M1 of a file; a range begins anywhere in the middle. Floors: the same blocks through the driver.

    Targets: 10k bars in under 0.5 ms on SQLite and 10 ms on PostgreSQL, 1M bars stored in under 5 s.
    """
    bars = walk(BARS)
    ours: dict[str, Any] = {"bars": BARS}
    floor: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        ours["sqlite"] = _stores(f"sqlite:///{Path(folder) / 'books.db'}", bars)
        floor["sqlite"] = _sqlite_floor(Path(folder))
    try:
        with private_server() as url:
            ours["postgresql"] = _stores(url, bars)
            floor["postgresql"] = _postgres_floor(url)
    except pytest.skip.Exception as missing:
        ours["postgresql"] = {"status": str(missing)}
    ratio = {kind: {name: round(ours[kind][name] / least[name], 2) for name in least} for kind, least in floor.items()}
    return {"ours": ours, "floor": floor, "ratio": ratio}


def _stores(url: str, bars: Bars) -> Figures:
    with open_market(url) as store:
        wrote = _seconds(lambda: store.write_bars("XAUUSD", "M1", "bench", bars, origin=FILE))
        reads = []
        for number in range(READS):
            first = (number * 4_217) % (BARS - 2 * RANGE)
            start, end = int(bars.at[first]), int(bars.at[first + RANGE - 1]) + MINUTE
            reads.append(_seconds(lambda start=start, end=end: store.read_bars("XAUUSD", "M1", start, end)))
        assert len(store.read_bars("XAUUSD", "M1", start, end)) == RANGE
        whole = [_seconds(lambda: store.read_bars("XAUUSD", "M1")) for _ in range(WHOLE)]
        assert store.imports()[0].result.added == BARS
    return _figures(wrote, reads, whole) | {"write_bars_per_s": round(BARS / wrote), "commit_us": _commits(url)}


def _figures(wrote: float, reads: Sequence[float], whole: Sequence[float]) -> Figures:
    return {"write_1m_s": round(wrote, 3), "read_10k_ms": round(median(reads) * 1e3, 3), "read_1m_s": round(median(whole), 4)}


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


def _between(starts: Sequence[int]) -> tuple[int, int]:
    """The blocks of a range in the middle."""
    middle, days = len(starts) // 2, 1 + RANGE * len(starts) // BARS
    return starts[middle], starts[middle + days]


def _sqlite_floor(folder: Path) -> Figures:
    """The driver alone: the same blocks as bytes, and one short row committed."""
    blocks = connect_sqlite(folder / "books.market.db", full=False, wait_s=1)
    between = _between([row[0] for row in blocks.execute("SELECT start FROM blocks ORDER BY start")])
    query = "SELECT data FROM blocks WHERE series_id = 1 AND start >= ? AND start < ?"
    reads = [_seconds(lambda: blocks.execute(query, between).fetchall()) for _ in range(READS)]
    whole = [_seconds(lambda: blocks.execute("SELECT data FROM blocks").fetchall()) for _ in range(WHOLE)]
    rows = blocks.execute(f"SELECT {COLUMNS} FROM blocks").fetchall()
    blocks.close()
    again = sqlite3.connect(folder / "again.db", isolation_level=None)
    again.execute("PRAGMA page_size = 32768")
    again.execute("PRAGMA journal_mode = WAL")
    again.execute("CREATE TABLE blocks (series_id, start, first, last, rows, data, PRIMARY KEY (series_id, start))")
    again.execute("BEGIN")
    wrote = _seconds(lambda: (again.executemany("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?)", rows), again.execute("COMMIT")))
    again.close()
    return _figures(wrote, reads, whole) | {"commit_us": _sqlite_commits(folder)}


def _sqlite_commits(folder: Path) -> float:
    rows = connect_sqlite(folder / "floor.db", full=False, wait_s=1)
    rows.execute("PRAGMA journal_mode = WAL")
    rows.execute("CREATE TABLE line (number INTEGER PRIMARY KEY, fact TEXT)")
    line = f.canonical(f.Record(1, 1, 1, FACTS[0]))
    writes = [_seconds(lambda: rows.execute("INSERT INTO line (fact) VALUES (?)", (line,))) for _ in range(STEPS)]
    rows.close()
    return round(median(writes) * 1e6, 1)


def _postgres_floor(url: str) -> Figures:
    """The driver alone: the same blocks by COPY into a like table, read back as bytes, and one short row committed."""
    raw = connect_postgres(url, full=False, wait_s=1)
    between = _between([row[0] for row in raw.execute("SELECT start FROM market.blocks ORDER BY start").fetchall()])
    rows: list[Any] = raw.execute(f"SELECT {COLUMNS} FROM market.blocks", binary=True).fetchall()
    raw.execute("CREATE TABLE again (LIKE market.blocks INCLUDING ALL)")

    def copy() -> None:
        with raw.cursor() as cursor, cursor.copy(f"COPY again ({COLUMNS}) FROM STDIN (FORMAT binary)") as into:
            into.set_types([*["int8"] * 5, "bytea"])
            for row in rows:
                into.write_row(row)

    wrote = _seconds(copy)
    query = "SELECT data FROM market.blocks WHERE series_id = 1 AND start >= %s AND start < %s"
    reads = [_seconds(lambda: raw.execute(query, between, binary=True).fetchall()) for _ in range(READS)]
    whole = [_seconds(lambda: raw.execute("SELECT data FROM again", binary=True).fetchall()) for _ in range(WHOLE)]
    raw.execute("CREATE TABLE line (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, fact text)")
    line = f.canonical(f.Record(1, 1, 1, FACTS[0]))
    commits = [_seconds(lambda: raw.execute("INSERT INTO line (fact) VALUES (%s)", (line,))) for _ in range(STEPS)]
    raw.close()
    return _figures(wrote, reads, whole) | {"commit_us": round(median(commits) * 1e6, 1)}


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
