"""Seconds from the command to a painted window, warm: models trained and kernels compiled, beside a bare PySide6 window.

`replay` shows 10,000 recorded bars, `simulated` is the terminal without any option and its eight weeks of history.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import start_window
from tests.bench.bars import walk, write_mt4

ROUNDS = 5
PATIENCE_S = 300
HISTORY, TRADED = 10_000, 15_000
ROOT = Path(__file__).parents[2]


def run() -> dict[str, Any]:
    """Medians; target: under a second with 10k bars. Offscreen unless QT_QPA_PLATFORM says otherwise."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "XAUUSD_M1.csv"
        write_mt4(file, walk(HISTORY + TRADED))
        kinds = {
            "replay": ["--replay", file, "--clock", "UTC", "--db", folder / "replay.db"],
            "simulated": ["--db", folder / "simulated.db"],
        }
        for options in kinds.values():
            _painted(folder, options)  # the first start trains, compiles and makes the books
        ours = {kind: _figures([_painted(folder, options) for _ in range(ROUNDS)]) for kind, options in kinds.items()}
        floor = {"bare_window_s": _figures([_painted(folder, ["--bare"]) for _ in range(ROUNDS)])["painted_s"]}
    ratio = {kind: round(figures["painted_s"] / floor["bare_window_s"], 1) for kind, figures in ours.items()}
    return {"ours": ours, "floor": floor, "ratio": ratio}


def _painted(folder: Path, options: list[Any]) -> dict[str, float]:
    """One start in a process of its own: seconds until the window was there, and until its bars were painted."""
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ, "NICEGOLD_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    environment |= {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # warm includes what Python compiled itself
    words = [sys.executable, start_window.__file__, *options]
    begun = time.time()
    done = subprocess.run([str(word) for word in words], env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode:
        raise RuntimeError(f"the window did not open: {done.stderr[-2000:]}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return {"window_s": said["window"] - begun, "painted_s": said["painted"] - begun, "bars": said["bars"]}


def _figures(starts: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(median(start[name] for start in starts), 3) for name in starts[0]}
