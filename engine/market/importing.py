"""Reads a recorded history file into bars or quotes on UTC, with its quality; nothing broken enters silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np

from engine.core.errors import DataError
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, Floats, Ints, QuoteColumns, Timeframe
from engine.market.clock_evidence import ANOTHER_CALENDAR, MEASURABLE, ClockChoice, judge_given, propose
from engine.market.clock_reference import Reference, measure
from engine.market.formats import FORMATS, Format, Mapping, Parsed, Source, Wanted, format_of, open_source
from engine.market.formats.checks import (
    Sieve,
    refuse_broken_values,
    refuse_implausible,
    refuse_jumps,
    refuse_lone_times,
    refuse_off_grid,
    refuse_out_of_order,
    scale_hint,
)
from engine.market.formats.digits import Mask
from engine.market.formats.names import named_symbol
from engine.market.quality import QualityReport, report
from engine.market.steps import decide_timeframe

_MOSTLY_BROKEN = 0.5


@dataclass(frozen=True, slots=True)
class History:
    """An imported file: `bars` (open time, ns UTC, strictly ascending) or `quotes` (ticks; `timeframe` is None).

    Bar spreads are in price units, NaN where the file has none; files with bid and ask bars give the bid bars, and as
    spread the mean of the four vertex differences ask - bid (zero at least). `sha256` is of the file as it lies on disk.
    """

    bars: Bars | None
    quotes: QuoteColumns | None
    timeframe: Timeframe | None
    format: str
    clock: ClockChoice
    quality: QualityReport
    sha256: str
    source: str


def read_history(
    path: str | Path,
    instrument: Instrument,
    timeframe: Timeframe | None = None,
    clock: str | None = None,
    strict: bool = False,
    price_scale: Decimal | None = None,
    force: bool = False,
    mapping: Mapping | None = None,
    references: Sequence[Reference] = (),
    format_: str | None = None,
) -> History:
    """Read `path` as a history of `instrument`.

    `timeframe` is taken from the rows where it is not given (ticks have none and ignore it), `clock` proposed from the
    bars. Prices are multiplied by `price_scale`. `strict` refuses the whole file for one broken row; `force` reads a file
    whose name, row distance or calendar contradicts what is asked for. `mapping` names the columns of a text that says
    nothing itself, `format_` is a format to read with whatever the file looks like, `references` are stored bars that the clock
    is measured against. DataError is one sentence with the remedy.
    """
    source = open_source(path, wanted=Wanted(instrument.symbol, timeframe, mapping, format_))
    label = source.path.name
    parsed = _parse(source, instrument, force)
    if price_scale is not None:
        parsed = _scaled(parsed, price_scale, label)
    sieve = Sieve(parsed)
    _sift_values(sieve, instrument, label, force)
    _refuse_backwards(sieve, label)
    notes: list[str] = []
    frame = None if parsed.is_ticks else decide_timeframe(source, parsed, sieve.keep, timeframe, force, notes)
    if frame:
        refuse_off_grid(sieve, frame.span, frame.name)
    _refuse_ruins(sieve, label)
    choice = _choose_clock(parsed, sieve, clock, instrument, frame, label, references)
    utc = choice.clock.to_utc(parsed.at)
    duplicates = refuse_out_of_order(sieve, utc)
    refuse_lone_times(sieve, utc)
    _refuse_ruins(sieve, label)
    if strict and sieve.bad:
        line, reason = min(sieve.bad)
        raise DataError(f"{label}: line {line}: {reason}; nothing was imported ({len(sieve.bad):,} broken rows, strict)")
    data = _columns(parsed, sieve, utc, instrument)
    read = len(parsed.at) + len(parsed.bad)
    quality = report(data, instrument, frame, sieve.bad, duplicates, read, tuple(notes))
    _check_calendar(quality, instrument, frame, label, force)
    bars = data if isinstance(data, Bars) else None
    quotes = data if isinstance(data, QuoteColumns) else None
    return History(bars, quotes, frame, _format(source).name, choice, quality, source.sha256, label)


def _format(source: Source) -> Format:
    found = format_of(source)
    if found is None:
        readable = ", ".join(each.title for each in FORMATS)
        raise DataError(
            f"{source.path.name}: this is none of the formats that can be read ({readable}); name its columns with --columns"
        )
    return found


def _parse(source: Source, instrument: Instrument, force: bool) -> Parsed:
    label = source.path.name
    if not source.text.strip():
        raise DataError(f"{label}: the file is empty")
    found = _format(source)
    for name in (label, source.name):
        named = named_symbol(name, instrument.symbol)
        if named not in (None, instrument.symbol) and not force:
            raise DataError(f"{label}: the name says {named}, not {instrument.symbol}; give --instrument {named} or --force")
    parsed = found.parse(source)
    if not len(parsed.at):
        first = f", the first is line {parsed.bad[0].line}: {parsed.bad[0].reason}" if parsed.bad else ""
        raise DataError(f"{label}: no row can be read ({len(parsed.bad):,} broken{first})")
    return parsed


def _scaled(parsed: Parsed, scale: Decimal, label: str) -> Parsed:
    if not scale.is_finite() or scale <= 0:
        raise DataError(f"{label}: a price scale of {scale} is not a number above zero; give for instance 0.01")
    inverse = 1 / scale
    whole = inverse == inverse.to_integral_value()
    kept = {"volume"} | ({"spread"} if parsed.spread_in_points else set())

    def times(column: Floats) -> Floats:
        """Dividing by a whole number keeps the nearest float, multiplying by 0.01 does not."""
        return column / float(inverse) if whole else column * float(scale)

    columns = {name: column if name in kept else times(column) for name, column in parsed.columns.items()}
    shift = -scale.adjusted() if scale == Decimal(10) ** scale.adjusted() else 0
    return replace(parsed, columns=columns, digits=max(0, parsed.digits + shift))


def _sift_values(sieve: Sieve, instrument: Instrument, label: str, force: bool) -> None:
    refuse_broken_values(sieve)
    _refuse_ruins(sieve, label)
    prices = sieve.parsed.columns["bid" if sieve.parsed.is_ticks else "close"][sieve.keep]
    factor = scale_hint(prices, instrument)
    if factor is not None and not force:
        middle = float(np.median(prices))
        remedy = f"give --price-scale {factor:f} or check --instrument" if factor else "check --instrument"
        raise DataError(f"{label}: prices around {middle:,.10g} cannot be {instrument.symbol}; {remedy}")
    refuse_jumps(sieve)
    if not force:
        refuse_implausible(sieve, instrument)


def _refuse_backwards(sieve: Sieve, label: str) -> None:
    times = sieve.parsed.at[sieve.keep]
    if len(times) > 1 and (times[1:] < times[:-1]).mean() > _MOSTLY_BROKEN:
        raise DataError(f"{label}: the rows run from the newest to the oldest; sort them by time and import again")


def _refuse_ruins(sieve: Sieve, label: str) -> None:
    """A file of which more than half is broken is not what it claims to be."""
    total = len(sieve.parsed.at) + len(sieve.parsed.bad)
    if len(sieve.bad) > total * _MOSTLY_BROKEN:
        line, reason = min(sieve.bad)
        raise DataError(f"{label}: {len(sieve.bad):,} of {total:,} rows are broken, the first is line {line}: {reason}")


def _choose_clock(
    parsed: Parsed,
    sieve: Sieve,
    clock: str | None,
    instrument: Instrument,
    frame: Timeframe | None,
    label: str,
    references: Sequence[Reference],
) -> ClockChoice:
    local: Ints = parsed.at[sieve.keep]
    measured = None
    written = clock or parsed.clock
    if frame is not None and references:
        sound = np.append(True, np.diff(local) > 0)
        candidates = MEASURABLE if written is None or written in MEASURABLE else (*MEASURABLE, written)
        measured = measure(local[sound], parsed.columns["close"][sieve.keep][sound], frame.span, references, candidates)
    if written is None:
        return propose(local, instrument, frame, label, measured)
    return judge_given(written, "given" if clock else "written", local, instrument, frame, measured)


def _columns(parsed: Parsed, sieve: Sieve, utc: Ints, instrument: Instrument) -> Bars | QuoteColumns:
    if not parsed.is_ticks:
        return bars_of(parsed, sieve.keep, utc, instrument)
    return QuoteColumns(utc[sieve.keep], parsed.columns["bid"][sieve.keep], parsed.columns["ask"][sieve.keep])


def bars_of(parsed: Parsed, keep: Mask, utc: Ints, instrument: Instrument) -> Bars:
    """The rows marked in `keep` as bars at `utc`, the spread in price units."""
    kept = {name: column[keep] for name, column in parsed.columns.items()}
    at = utc[keep]
    spread = kept.get("spread", np.full(len(at), np.nan))
    if parsed.spread_in_points:
        spread = spread / 10.0 ** _point_digits(parsed, instrument)
    return Bars(at, kept["open"], kept["high"], kept["low"], kept["close"], kept["volume"], spread)


def _point_digits(parsed: Parsed, instrument: Instrument) -> int:
    """MetaTrader's point is the last decimal it writes; longer fractions are noise of a program, not digits of the market."""
    if parsed.digits > instrument.price_decimals + 1:
        return instrument.price_decimals
    return parsed.digits


def _check_calendar(quality: QualityReport, instrument: Instrument, frame: Timeframe | None, label: str, force: bool) -> None:
    """Rows in closed hours; a source's fillings there are no market's."""
    share = (quality.outside_sessions - quality.closed_fills) / quality.rows
    if share > ANOTHER_CALENDAR and not force:
        unit = frame.name if frame else "tick"
        raise DataError(
            f"{label}: {share * 100:.0f} % of the {unit} rows lie in closed hours of {instrument.symbol}; "
            f"check --instrument and --clock, or give --force"
        )
