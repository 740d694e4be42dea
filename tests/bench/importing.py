"""One million M1 bars of gold: `read_history` (parse, checks, clock, report) beside pandas.read_csv alone on the same file."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.clock import MINUTE, from_iso
from engine.domain.instrument import instrument_of
from engine.market.calendar import OpenTimes
from engine.market.importing import read_history

ROWS = 1_000_000


def write_minutes(path: Path, rows: int = ROWS) -> None:
    """`rows` open minutes of gold from 2022 on as an MT4 export on UTC."""
    instrument = instrument_of("XAUUSD")
    first = from_iso("2022-01-03")
    at = np.arange(first, first + rows * MINUTE * 3 // 2, MINUTE)
    at = at[OpenTimes.of(instrument.sessions, first, int(at[-1])).is_open(at)][:rows]
    prices = 190_000 + np.cumsum(np.random.default_rng(7).integers(-9, 10, (rows, 4)), axis=0)
    stamps = np.char.replace(np.char.replace(at.astype("datetime64[ns]").astype("datetime64[m]").astype(str), "-", "."), "T", ",")
    table = np.column_stack([prices[:, 0], prices.max(axis=1), prices.min(axis=1), prices[:, 3]]) / 100
    with path.open("w") as file:
        file.writelines(
            f"{stamp},{row[0]:.2f},{row[1]:.2f},{row[2]:.2f},{row[3]:.2f},100\n"
            for stamp, row in zip(stamps.tolist(), table.tolist(), strict=True)
        )


def run() -> dict[str, Any]:
    """Seconds and rows a second of both, best of three; `ratio` is ours over pandas alone."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "XAUUSD_M1.csv"
        write_minutes(path)
        ours = min(_seconds(lambda: read_history(path, instrument_of("XAUUSD"))) for _ in range(3))
        floor = min(_seconds(lambda: pd.read_csv(path, header=None)) for _ in range(3))
    return {
        "ours": {"rows": ROWS, "seconds": round(ours, 3), "rows_per_s": round(ROWS / ours)},
        "floor": {"pandas_read_csv_alone": {"seconds": round(floor, 3), "rows_per_s": round(ROWS / floor)}},
        "ratio": {"rows_per_s": round(floor / ours, 3)},
    }


def _seconds(work: Any) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


if __name__ == "__main__":
    import json

    print(json.dumps(run()))
