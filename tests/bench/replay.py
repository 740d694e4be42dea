"""Bars a second of the headless replay, without and with orders, beside other engines on the same bars and strategy.

Ours is the very command a user types, journal on SQLite included; `quiet` is a moving average so slow that it never crosses,
`manual` records every signal but trades none, `orders` is the 10/50 cross with stop 0.5 % and target 1 %.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.bench import replay_peers
from tests.bench.bars import walk, write_mt4
from tests.bench.replay_peers import PEERS

BARS = 200_000
PEER_BARS = 50_000
ROUNDS = 3
PATIENCE_S = 600
ROOT = Path(__file__).parents[2]
SILENT = "[sma_cross]\nslow = 10_000_000\n"


def run(peers: Path = Path(sys.executable)) -> dict[str, Any]:
    """The figures; `peers` is an interpreter that may have those libraries which cannot live beside ours."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bars = walk(BARS)
        write_mt4(folder / "XAUUSD_M1.csv", bars)
        (folder / "silent.toml").write_text(SILENT)
        table = [bars.at, bars.open, bars.high, bars.low, bars.close, bars.volume]
        np.save(folder / "bars.npy", np.column_stack(table)[:PEER_BARS])
        _round(folder)  # the first run compiles kernels
        mine, theirs = [], {peer: [] for peer in PEERS}
        for _ in range(ROUNDS):  # turn and turn about, so that a busy machine slows everybody alike
            mine.append(_round(folder))
            for peer, figures in theirs.items():
                figures.append(_last_line([peers, replay_peers.__file__, peer, folder / "bars.npy"], {}))
    ours, others = _medians(mine), {peer: _medians(figures) for peer, figures in theirs.items()}
    return {"ours": ours, "peers": others, "ratio": {peer: _ratios(ours, figures) for peer, figures in others.items()}}


def _round(folder: Path) -> dict[str, Any]:
    """Our command in its three kinds."""
    quiet = _command(folder, ["--config", folder / "silent.toml"])
    manual = _command(folder, ["--mode", "manual"])
    orders = _command(folder, [])
    speeds = {"quiet": quiet, "manual": manual, "orders": orders}
    rest = {name: orders[name] for name in ("trades", "orders", "facts", "facts_sha256")}
    return {"bars": BARS, **{f"{kind}_bars_per_s": run["bars_per_s"] for kind, run in speeds.items()}, **rest}


def _medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The speeds' medians; everything else is the same in every round."""
    speeds = {name for name in rounds[0] if name.endswith("_per_s")}
    return {name: round(median(r[name] for r in rounds)) if name in speeds else value for name, value in rounds[-1].items()}


def _command(folder: Path, options: list[Any]) -> dict[str, Any]:
    """The summary that `main.py run` prints."""
    words = ["main.py", "run", "--headless", "--replay", folder / "XAUUSD_M1.csv", "--instrument", "XAUUSD", "--timeframe", "M1"]
    words += ["--clock", "UTC", "--speed", "max", "--policy", "sma_cross", "--db", folder / "books.db", "--new", "--json"]
    return _last_line([sys.executable, *words, *options], {"NICEGOLD_HOME": str(folder)})


def _last_line(words: list[Any], environment: dict[str, str]) -> dict[str, Any]:
    """The JSON object a program prints as its last line."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    if done.returncode:
        raise RuntimeError(f"{words[1]} {words[2]} ended with {done.returncode}: {done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def _ratios(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """How many times as fast we are."""
    figures = ("quiet_bars_per_s", "orders_bars_per_s")
    return {figure: round(ours[figure] / theirs[figure], 2) for figure in figures if figure in theirs}
