"""Stored bars into a file that reads back to the same bars."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.core.clock import Nanos, from_iso
from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.domain.market import TIMEFRAMES, Bars, Timeframe
from engine.market.clocks import FileClock, parse_clock
from engine.market.exporting import EXPORTERS, Order, exporter_of, render, write
from engine.services.repair import clock_of, resampled
from engine.services.stored import chosen_series
from engine.storage.market import Coverage, MarketStore, open_market


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be exported: `made_of` is a shorter timeframe to resample; times are ISO 8601, the end is not included."""

    instrument: Instrument
    timeframe: Timeframe
    format: str
    source: str | None = None
    made_of: Timeframe | None = None
    clock: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written where; `sha256` is of the file's unpacked bytes, `others` the sources of such bars that were not taken."""

    file: str
    symbol: str
    timeframe: str
    source: str
    format: str
    clock: str
    rows: int
    sha256: str
    others: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def export_formats() -> list[dict[str, str]]:
    """What can be written: name, title and the ending of its files."""
    return [{"name": each.name, "title": each.title, "suffix": each.suffix} for each in EXPORTERS]


def format_of_name(path: Path) -> str:
    """The export format that a file's ending means, packed or not; UserError where it means none."""
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    found = next((each.name for each in EXPORTERS if each.suffix == name.suffix.lower()), None)
    if found is None:
        endings = " or ".join(dict.fromkeys(each.suffix for each in EXPORTERS))
        names = ", ".join(each.name for each in EXPORTERS)
        raise UserError(f"{path.name} does not end in {endings}; name the file so, or give --format ({names})")
    return found


def export_bars(url: str, wish: Wish, path: Path, overwrite: bool) -> Exported:
    """Writes stored bars to `path`. UserError when there are none, the format cannot hold them, the file exists or its
    folder does not.
    """
    exporter = exporter_of(wish.format)
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent}; make it first, or name another place")
    with open_market(url) as store:
        series, *others = _series(store, wish)
        clock = parse_clock(wish.clock) if wish.clock else clock_of(store, series)
        bars = _range(_bars(store, series, wish, clock), _time(wish.start, "--from"), _time(wish.end, "--until"))
    data = render(exporter, Order(bars, wish.instrument, wish.timeframe, clock))
    write(path, data, overwrite)
    written = clock.spec if exporter.has_clock else "UTC"
    digest = hashlib.sha256(data).hexdigest()
    return Exported(
        str(path),
        series.symbol,
        wish.timeframe.name,
        series.source,
        exporter.name,
        written,
        len(bars),
        digest,
        tuple(other.source for other in others),
    )


def _series(store: MarketStore, wish: Wish) -> list[Coverage]:
    """The series that may be meant, the one that is taken first: of the source that is named, else the one with most rows."""
    frame = wish.made_of or wish.timeframe
    found = chosen_series(store, wish.instrument.symbol, frame.name, wish.source)
    if not found:
        stored = ", ".join(f"{each.timeframe} of {each.source}" for each in chosen_series(store, wish.instrument.symbol, None))
        what = f"{wish.instrument.symbol} {frame.name} bars" + (f" of {wish.source}" if wish.source else "")
        raise UserError(
            f"no {what} are stored (there are {stored or 'none of this instrument'}); import them, or see data status"
        )
    return sorted(found, key=lambda each: -each.rows)


def _bars(store: MarketStore, series: Coverage, wish: Wish, clock: FileClock) -> Bars:
    if wish.made_of:
        return resampled(store, series, TIMEFRAMES[wish.timeframe.name], clock, wish.instrument)
    return store.read_bars(series.symbol, series.timeframe, source=series.source)


def _range(bars: Bars, start: Nanos | None, end: Nanos | None) -> Bars:
    first = 0 if start is None else int(bars.at.searchsorted(start))
    last = len(bars) if end is None else int(bars.at.searchsorted(end))
    return bars[first:last]


def _time(text: str | None, option: str) -> Nanos | None:
    try:
        return None if text is None else from_iso(text)
    except ValueError as error:
        raise UserError(f"{option} {text!r} is not a time; write 2024-01-31 or 2024-01-31T10:00") from error
