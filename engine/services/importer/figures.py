"""A file's quality in a few figures with what they mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.core.clock import MINUTE, Nanos, to_datetime
from engine.domain.imports import Figure
from engine.market.quality import QualityReport

_MANY = 0.001


def figures(quality: QualityReport) -> Iterator[Figure]:
    """Rows, period, gaps, duplicates, bad rows, fills and spread."""
    unit = "ticks" if quality.timeframe == "ticks" else f"{quality.timeframe} bars"
    yield Figure("Rows", f"{quality.rows:,} {unit} of {quality.read:,} lines")
    yield Figure("Period", f"{_utc(quality.first)} to {_utc(quality.last)} UTC")
    yield _gaps(quality)
    bad = "; ".join(f"{count:,} x {reason}" for reason, count in quality.bad_reasons[:6])
    many = quality.bad_count > quality.read * _MANY
    yield Figure("Bad rows", f"{quality.bad_count:,} refused" if bad else "none", "warn" if many else "" if bad else "good", bad)
    if quality.duplicates_exact or quality.duplicates_different:
        other = f", {quality.duplicates_different:,} with other values (refused)" if quality.duplicates_different else ""
        yield Figure("Duplicates", f"{quality.duplicates_exact:,} dropped{other}", "warn" if other else "")
    else:
        yield Figure("Duplicates", "none", "good")
    yield from _rest(quality)


def _gaps(quality: QualityReport) -> Figure:
    gaps = quality.gaps
    if not gaps.holes and not gaps.quiet:
        return Figure("Gaps", "none", "good")
    largest = "\n".join(
        f"{_utc(gap.start)} to {_utc(gap.end)} UTC: {_length(gap.missing)} of market time" for gap in gaps.largest
    )
    quiet = f", {gaps.quiet:,} quiet stretches" if gaps.quiet else ""
    why = "A hole is half an hour of market time or more without rows." + (f" The largest:\n{largest}" if largest else "")
    if not gaps.holes:
        return Figure("Gaps", f"no holes{quiet}", "good", why)
    sparse = any(share < 0.5 for _, share in quality.coverage)
    return Figure("Gaps", f"{gaps.holes:,} holes ({_length(gaps.hole_time)}){quiet}", "warn" if sparse else "", why)


def _rest(quality: QualityReport) -> Iterator[Figure]:
    if not quality.has_volume:
        yield Figure("Volume", "none in the file", "", "Flat bars cannot be told from quiet ones without it.")
    elif quality.flat_fills:
        yield Figure("Flat fills", f"{quality.flat_fills:,}", "", "Bars of one price without volume: the source filled them in.")
    if quality.outside_sessions:
        share = quality.outside_sessions / quality.rows
        yield Figure(
            "Closed hours", f"{quality.outside_sessions:,} rows ({share * 100:.2f} %)", "warn" if share > 0.01 else "",
            "Rows while the instrument's market is closed; a wrong clock would show many.",
        )  # fmt: skip
    if quality.spread:
        missing = f", missing in {quality.spread.missing:,}" if quality.spread.missing else ""
        yield Figure("Spread", f"median {_plain(quality.spread.median)}, largest {_plain(quality.spread.largest)}{missing}")
    else:
        yield Figure("Spread", "none in the file", "", "The instrument's own spread is used in a replay.")


def _plain(value: float) -> str:
    """Never as 2e-05."""
    return np.format_float_positional(value, precision=8, trim="-")


def _utc(at: Nanos) -> str:
    return to_datetime(at).strftime("%Y-%m-%d %H:%M")


def _length(span: Nanos) -> str:
    minutes = span // MINUTE
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:,.0f} h" if minutes < 2880 else f"{minutes / 1440:,.0f} d"
