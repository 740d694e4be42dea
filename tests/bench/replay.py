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
        ours = _ours(folder)
        table = [bars.at, bars.open, bars.high, bars.low, bars.close, bars.volume]
        np.save(folder / "bars.npy", np.column_stack(table)[:PEER_BARS])
        others = {peer: _peer(peers, peer, folder / "bars.npy") for peer in PEERS}
    return {"ours": ours, "peers": others, "ratio": {peer: _ratios(ours, theirs) for peer, theirs in others.items()}}


def _ours(folder: Path) -> dict[str, Any]:
    kinds = {"quiet": ["--config", folder / "silent.toml"], "manual": ["--mode", "manual"], "orders": []}
    runs: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    _command(folder, kinds["orders"])  # the first run compiles kernels
    for _ in range(ROUNDS):
        for kind, options in kinds.items():
            runs[kind].append(_command(folder, options))
    result: dict[str, Any] = {f"{kind}_bars_per_s": round(median(r["bars_per_s"] for r in runs[kind])) for kind in kinds}
    last = runs["orders"][-1]
    return {"bars": BARS, **result, **{name: last[name] for name in ("trades", "orders", "facts", "facts_sha256")}}


def _command(folder: Path, options: list[Any]) -> dict[str, Any]:
    """The summary that `main.py run` prints."""
    words = ["main.py", "run", "--headless", "--replay", folder / "XAUUSD_M1.csv", "--instrument", "XAUUSD", "--timeframe", "M1"]
    words += ["--clock", "UTC", "--speed", "max", "--policy", "sma_cross", "--db", folder / "books.db", "--new", "--json"]
    return _last_line([sys.executable, *words, *options], {"NICEGOLD_HOME": str(folder)})


def _peer(python: Path, peer: str, bars: Path) -> dict[str, Any]:
    return _last_line([python, replay_peers.__file__, peer, bars], {})


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
