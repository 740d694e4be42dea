"""The program as a machine uses it: real processes, a generated history, and the books seen from outside."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.core.clock import to_datetime
from engine.domain.market import Bars

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / ".." / "shared" / "data"
CROSS = ["--policy", "sma_cross"]


def write_history(path: Path, bars: Bars) -> Path:
    """The bars as a MetaTrader 4 export, clock UTC."""
    lines = []
    for number in range(len(bars)):
        bar = bars.row(number)
        prices = ",".join(f"{price:.2f}" for price in (bar.open, bar.high, bar.low, bar.close))
        lines.append(f"{to_datetime(bar.at):%Y.%m.%d,%H:%M},{prices},{int(bar.volume)}\n")
    path.write_text("".join(lines), "ascii")
    return path


class Terminal:
    """The command line with a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def words(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "main.py", *(str(argument) for argument in arguments)]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "NICEGOLD_HOME": str(self.home)}

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """A running command; nobody reads what it says."""
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            self.words(*arguments), cwd=ROOT, env=self.environment(), stdout=quiet, stderr=quiet, stdin=quiet, text=True
        )

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """A finished command."""
        return subprocess.run(
            self.words(*arguments), cwd=ROOT, env=self.environment(), capture_output=True, text=True, check=False, timeout=200
        )

    def json(self, *arguments: str | Path) -> dict[str, Any]:
        """The last line of a command that must go well."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    def refused(self, *arguments: str | Path) -> str:
        """The one sentence of a command the user must mend."""
        done = self.run(*arguments)
        assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1, done.stderr
        assert "Traceback" not in done.stderr
        return lines[0]


def replay(file: Path, db: str, *more: str | Path) -> list[str | Path]:
    """The command of the issue: a recorded file, headless, as JSON."""
    words = ["run", "--headless", "--replay", file, "--instrument", "XAUUSD", "--timeframe", "M1", "--clock", "UTC"]
    return [*words, "--mode", "auto", "--seed", "7", "--json", "--db", db, *more]


def facts_in(path: Path) -> int:
    """How many facts the latest book of a SQLite database holds, asked while another process writes; 0 before there is one."""
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as connection:
        try:
            row = connection.execute("SELECT facts FROM books ORDER BY id DESC LIMIT 1").fetchone()
        except sqlite3.OperationalError:  # the tables are not made yet
            return 0
    return int(row[0]) if row else 0
