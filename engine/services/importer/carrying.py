"""Carries a plan out, lists what was imported, and takes imports back."""

from __future__ import annotations

from engine.core.clock import Nanos, SystemClock, to_datetime
from engine.core.errors import DataError
from engine.domain.imports import TICKS, ImportDone, ImportEntry, ImportPlan
from engine.market.importing import History
from engine.services.importer.reading import read_as_planned
from engine.services.importer.running import Cancel, Progress, never, silent, watching
from engine.services.instruments import in_force
from engine.storage.columns import WriteResult
from engine.storage.market import TICK, MarketStore, open_market, place_of
from engine.storage.migrate import MARKET
from engine.storage.undo import Entry
from engine.storage.versions import Origin

_READ = 0.5
"""How much of an import is done when the file is read."""


def carry_out(
    plan: ImportPlan, url: str, strict: bool = False, progress: Progress = silent, cancel: Cancel = never
) -> ImportDone:
    """Stores the plan's rows beside the books at `url`, in one transaction: all of them, or nothing after a refusal or Cancelled.

    `strict` refuses a file with a broken row. DataError where the file is no longer the one that was looked at.
    """
    if not plan.can_be_imported:
        raise DataError(plan.refusal or f"{plan.file}: cannot be imported; look at it again")
    told = watching(progress, cancel)
    told(0.0, f"reading {plan.file}")
    history = read_as_planned(plan, in_force(plan.choices.symbol or plan.symbol, url), strict)
    with open_market(url) as store:
        origin = Origin(history.source, history.sha256, history.format, history.clock.spec, SystemClock().now())
        result = _write(store, plan, history, origin, told)
        entry = next((each for each in reversed(store.entries()) if each.origin == origin), None)
    return ImportDone(entry and _listed(entry), result.added, result.same, result.changed, plan.choices.replace)


def _write(store: MarketStore, plan: ImportPlan, history: History, origin: Origin, told: Progress) -> WriteResult:
    def watch(share: float) -> None:
        told(_READ + (1 - _READ) * share, "storing")

    if history.bars is not None:
        assert history.timeframe is not None
        name = history.timeframe.name
        return store.write_bars(plan.symbol, name, history.source, history.bars, plan.choices.replace, origin, watch)
    assert history.quotes is not None
    return store.write_quotes(plan.symbol, history.source, history.quotes, plan.choices.replace, origin, watch)


def undo(number: int, url: str, progress: Progress = silent) -> ImportEntry:
    """Takes an import back: what is stored is then what was stored before it. UserError where a later import builds on it."""
    progress(0.0, f"undoing import {number}")
    with open_market(url) as store:
        return _listed(store.undo(number, SystemClock().now()))


def imports(url: str) -> list[ImportEntry]:
    """Every import of the market data beside the books at `url`, the first one first; those that were undone too."""
    path = place_of(url, MARKET).path
    if path is not None and not path.exists():
        return []
    with open_market(url) as store:
        return [_listed(entry) for entry in store.entries()]


def done_of(plan: ImportPlan, url: str, since: Nanos) -> ImportDone | None:
    """What carrying the plan out came to, where that began at `since` or later and its process ended before it could say so."""
    mine = (each for each in imports(url) if each.at >= since and each.sha256 == plan.sha256 and each.undone_at is None)
    entry = next(mine, None)
    return entry and ImportDone(entry, entry.added, entry.same, entry.changed, plan.choices.replace)


def import_line(entry: ImportEntry) -> str:
    """An import for people."""
    unit = "ticks" if entry.timeframe == TICKS else f"{entry.timeframe} bars"
    what = f"{entry.added:,} new, {entry.same:,} known, {entry.changed:,} different"
    undone = f"; undone {_utc(entry.undone_at)}" if entry.undone_at is not None else ""
    return (
        f"{entry.number}: {_utc(entry.at)} UTC {entry.file}: {entry.symbol} {unit} of {entry.source}, {what}, {entry.format}, "
        f"clock {entry.clock}, SHA-256 {entry.sha256}{undone}"
    )


def _utc(at: Nanos) -> str:
    return to_datetime(at).strftime("%Y-%m-%d %H:%M")


def _listed(entry: Entry) -> ImportEntry:
    origin, result = entry.origin, entry.result
    return ImportEntry(
        entry.number,
        origin.at,
        origin.file,
        origin.sha256,
        entry.symbol,
        TICKS if entry.timeframe == TICK else entry.timeframe,
        entry.source,
        origin.format,
        origin.clock,
        result.added,
        result.same,
        result.changed,
        entry.undone_at,
    )
