"""QuantConnect Lean zips of bid and ask: minute bars and ticks (milliseconds since midnight, the date in the file's name),
hour and daily bars (date in the row). UTC, as Lean documents for its forex and CFD data."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from engine.core.clock import DAY, Nanos
from engine.core.errors import DataError
from engine.domain.market import Floats
from engine.market.formats.base import BadRow, Format, Parsed
from engine.market.formats.digits import Mask, stamp
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, Rows, parse_rows

_PRICES = ("open", "high", "low", "close")
_ASKS = ("ask open", "ask high", "ask low", "ask close")
_SIDES = (*_PRICES, "-bid size", *_ASKS, "-ask size")
_DATED_BARS = Layout(",", _SIDES, ("YYYYMMDD HH:NN",))
_TIMED_BARS = Layout(",", ("milliseconds", *_SIDES), stamp_fields=0)
_TICKS = Layout(",", ("milliseconds", "bid", "ask"), stamp_fields=0)

_DATED_ROW = re.compile(rb"\d{8} \d\d:\d\d(,[-.\deE]*){10}$")
_TIMED_ROW = re.compile(rb"\d{1,8}(\.\d+)?(,[-.\deE]*){10}$")
_TICK_ROW = re.compile(rb"\d{1,8}(\.\d+)?(,[-.\deE]+){2}$")
_DATE = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_NANOS_A_MILLISECOND = 1_000_000
_FAR = 1.2


def detects(head: bytes, name: str) -> bool:
    return _layout(head, name) is not None


def _layout(head: bytes, name: str) -> Layout | None:
    for line in head.splitlines()[:5]:
        if _DATED_ROW.match(line):
            return _DATED_BARS
        if _TIMED_ROW.match(line):
            return _TIMED_BARS
        if _TICK_ROW.match(line) and _DATE.search(name):
            return _TICKS
    return None


def parse(source: Source) -> Parsed:
    """Bid bars with the mean difference to the ask's four prices as spread (price units), or ticks.

    DataError when rows need a date that neither name has, or the names disagree.
    """
    layout = _layout(source.head, source.name) or _DATED_BARS
    rows = parse_rows(source.text, layout)
    if layout is not _DATED_BARS:
        rows = _on_its_day(rows, _day(source))
    if layout is _TICKS:
        return Parsed(rows.line, rows.at, rows.columns, tuple(rows.bad), max(rows.digits.values()), clock="UTC")
    return _bars(rows)


def _day(source: Source) -> Nanos:
    found: set[Nanos | None] = set()
    for name in (source.name, source.path.name):
        if match := _DATE.search(name):
            found.add(stamp(match[1], "YYYYMMDD"))
    day = found.pop() if len(found) == 1 else None
    if day is None:
        what = "disagree about the date" if found else "hold no date such as 20140505"
        raise DataError(f"{source.path.name}: the rows count from midnight, and the names of file and member {what}; rename it")
    return day


def _on_its_day(rows: Rows, day: Nanos) -> Rows:
    """Rows with the time of `day` plus their milliseconds; those beyond midnight become bad rows."""
    since = rows.columns.pop("milliseconds") * _NANOS_A_MILLISECOND
    inside = (since >= 0) & (since < DAY)
    bad = [BadRow(int(line), "time is not within the file's day") for line in rows.line[~inside]]
    at = day + np.rint(since[inside]).astype(np.int64)
    columns = {name: column[inside] for name, column in rows.columns.items()}
    digits = {name: count for name, count in rows.digits.items() if name in columns}
    return Rows(rows.line[inside], at, columns, digits, rows.bad + bad, len(at))


def _bars(rows: Rows) -> Parsed:
    bid = [rows.columns[name] for name in _PRICES]
    ask = [rows.columns.pop(name) for name in _ASKS]
    broken = _broken_ask(bid, ask)
    bad = [BadRow(int(line), "the ask prices contradict each other or the bid") for line in rows.line[broken]]
    columns = {**rows.columns, "volume": np.zeros(len(rows.at)), "spread": _spread(bid, ask)}
    digits = max(rows.digits[name] for name in _PRICES)
    parsed = Parsed(rows.line, rows.at, columns, (*rows.bad, *bad), digits, clock="UTC")
    if not broken.any():
        return parsed
    kept = {name: column[~broken] for name, column in columns.items()}
    return replace(parsed, line=rows.line[~broken], at=rows.at[~broken], columns=kept)


def _broken_ask(bid: list[Floats], ask: list[Floats]) -> Mask:
    """Rows whose ask is no bar, or a fifth away from the bid. Rows with a broken bid are left for the common checks."""
    open_, high, low, close = ask
    broken = ~((low > 0) & (low <= np.minimum(open_, close)) & (high >= np.maximum(open_, close)) & np.isfinite(high))
    sound_bid = (bid[3] > 0) & np.isfinite(bid[3])
    return broken | sound_bid & ((close > bid[3] * _FAR) | (close * _FAR < bid[3]))


def _spread(bid: list[Floats], ask: list[Floats]) -> Floats:
    total = np.zeros(len(bid[0]))
    for upper, lower in zip(ask, bid, strict=True):
        total += upper - lower
    return np.maximum(0.0, total / len(_PRICES))


FORMAT = Format(
    "lean",
    "QuantConnect Lean zip of bid and ask (bars or ticks)",
    detects,
    parse,
    "20140505 00:00,1299.60,1300.10,1299.20,1299.90,0,1299.88,1300.40,1299.49,1300.19,0",
)
