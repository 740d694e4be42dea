"""Makes history files for the tests: a gold market by its timetable, written in each of the formats that are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from engine.core.clock import MINUTE, from_iso, to_datetime
from engine.domain.instrument import INSTRUMENTS
from engine.domain.sessions import Sessions
from engine.market.calendar import OpenTimes

METALS_NEW_YORK = INSTRUMENTS["XAUUSD"].sessions.weekly
"""Gold's week without holidays."""

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"


def recorded(path: str) -> Path:
    """A recorded file, or a skip that says what is missing."""
    found = DATA / path
    if not found.exists():
        pytest.skip(f"the recorded file {path} is not here")
    return found


class Row(NamedTuple):
    """One bar on the file's own clock, prices as they are written."""

    at: datetime
    open: str
    high: str
    low: str
    close: str
    volume: int = 100
    spread: int = 18


def gold(
    first: str, last: str, step: int = 5, zone: str = "UTC", shift: int = 0, sessions: Sessions = METALS_NEW_YORK
) -> list[Row]:
    """Bars of `step` minutes in every open moment from `first` to `last` (UTC), on the clock of `zone` plus `shift` hours."""
    at = np.arange(from_iso(first), from_iso(last), step * MINUTE)
    at = at[OpenTimes.of(sessions, int(at[0]), int(at[-1])).is_open(at)]
    closes = 190_000 + np.cumsum(np.random.default_rng(7).integers(-20, 21, len(at)))
    local = [to_datetime(int(moment), zone).replace(tzinfo=None) + timedelta(hours=shift) for moment in at]
    return [_bar(moment, int(close)) for moment, close in zip(local, closes, strict=True)]


def _bar(at: datetime, close: int) -> Row:
    opened = close + at.minute % 7 - 3
    prices = (opened, max(opened, close) + 5, min(opened, close) - 5, close)
    return Row(at, *(f"{price / 100:.2f}" for price in prices))


def mt4(rows: Sequence[Row], end: str = "\n") -> str:
    return "".join(f"{row.at:%Y.%m.%d,%H:%M},{','.join(row[1:5])},{row.volume}{end}" for row in rows)


def mt5(rows: Sequence[Row]) -> str:
    header = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n"
    tab = "\t"
    lines = (f"{row.at:%Y.%m.%d}\t{row.at:%H:%M:%S}\t{tab.join(row[1:5])}\t{row.volume}\t0\t{row.spread}\r\n" for row in rows)
    return header + "".join(lines)


def script(rows: Sequence[Row]) -> str:
    header = "DateTime,Open,High,Low,Close,TickVolume,Spread\r\n"
    lines = (f"{row.at:%Y.%m.%d %H:%M:%S},{','.join(row[1:5])},{row.volume},{row.spread}\r\n" for row in rows)
    return header + "".join(lines)


def python(rows: Sequence[Row]) -> str:
    header = "time,open,high,low,close,tick_volume\n"
    return header + "".join(f"{row.at:%Y-%m-%d %H:%M:%S},{','.join(row[1:5])},{row.volume}\n" for row in rows)


def lean(rows: Sequence[Row]) -> str:
    """Bid bars and, three ticks of 0.01 above each of their prices, ask bars."""
    return "".join(
        f"{row.at:%Y%m%d %H:%M},{','.join(row[1:5])},0,{','.join(f'{float(price) + 0.03:.2f}' for price in row[1:5])},0\n"
        for row in rows
    )


METATRADER: dict[str, Callable[[Sequence[Row]], str]] = {
    "mt4-export": mt4,
    "mt5-export": mt5,
    "mt5-script": script,
    "mt5-python": python,
}


def write(folder: Path, text: str, name: str = "XAUUSD.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path
