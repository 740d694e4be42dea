"""Market data on the shelf: a recorded file goes in once, and again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.core.clock import SystemClock
from engine.domain.instrument import Instrument
from engine.domain.market import Timeframe
from engine.market.clock_reference import Reference
from engine.market.formats import FORMATS, Mapping
from engine.market.importing import History, read_history
from engine.services.mixture import refuse_mixture
from engine.storage.columns import WriteResult
from engine.storage.market import MarketStore, open_market
from engine.storage.versions import Origin

_SPEAKING = ("H1", "M30", "M15", "M5", "H4", "M1")
_MOST_REFERENCES = 5


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file was, and what the shelf took of it."""

    history: History
    symbol: str
    result: WriteResult
    replaced: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        history = self.history
        return {
            "symbol": self.symbol,
            "timeframe": history.timeframe.name if history.timeframe else "tick",
            "format": history.format,
            "clock": history.clock.spec,
            "clock_how": history.clock.how,
            "clock_evidence": list(history.clock.evidence),
            "added": self.result.added,
            "same": self.result.same,
            "changed": self.result.changed,
            "sha256": history.sha256,
            "quality": history.quality.to_dict(),
        }

    def lines(self) -> list[str]:
        """The same for people."""
        history, result = self.history, self.result
        frame = history.timeframe.name if history.timeframe else "ticks"
        head = [
            f"{history.source}: {self.symbol} {frame}, {history.format}, clock {history.clock.spec}",
            *(f"  clock: {sentence}" for sentence in history.clock.evidence),
        ]
        done = "replaced (the earlier values are kept)" if self.replaced else "different and left as they were (kept as offered)"
        tail = f"stored: {result.added:,} new, {result.same:,} known already, {result.changed:,} {done}"
        return [*head, *history.quality.lines(), tail]


def formats() -> list[dict[str, str]]:
    """What can be read: name, title and an example of each format."""
    return [{"name": each.name, "title": each.title, "example": each.example} for each in FORMATS]


def mapping_of(columns: str | None, separator: str, time_format: str, header: int | None) -> Mapping | None:
    """The meaning of a file's columns as the command line has it; None where none is named. UserError when it cannot be."""
    return Mapping.of(columns, separator, time_format, header) if columns else None


def import_file(
    path: Path,
    url: str,
    instrument: Instrument,
    timeframe: Timeframe | None,
    clock: str | None,
    strict: bool,
    price_scale: Decimal | None,
    force: bool,
    mapping: Mapping | None = None,
    replace: bool = False,
) -> Imported:
    """Reads a recorded file and stores its bars or quotes beside the books at `url`. DataError and UserError as they come.

    The file's clock is measured against what is stored. Rows stored with other values stay, and the file's are kept as offered;
    with `replace` the file's are taken, and the earlier ones kept. A file that is stored already, read in another way, is refused
    but for `force`.
    """
    with open_market(url) as store:
        near = references(store, instrument, path.name)
        history = read_history(path, instrument, timeframe, clock, strict, price_scale, force, mapping, near)
        if not force:
            refuse_mixture(store, instrument.symbol, history, replace)
        origin = Origin(history.source, history.sha256, history.format, history.clock.spec, SystemClock().now())
        if history.bars is not None:
            assert history.timeframe is not None
            name = history.timeframe.name
            result = store.write_bars(instrument.symbol, name, history.source, history.bars, replace, origin)
        else:
            assert history.quotes is not None
            result = store.write_quotes(instrument.symbol, history.source, history.quotes, replace, origin)
    return Imported(history, instrument.symbol, result, replace)


def references(store: MarketStore, instrument: Instrument, except_for: str = "") -> list[Reference]:
    """Stored bars to measure a file's clock against: of the instrument, else of its kin; hourly ones before others."""
    stored = [each for each in store.coverage() if each.timeframe in _SPEAKING and each.source != except_for]
    near = [each for each in stored if each.symbol == instrument.symbol]
    near = near or [each for each in stored if each.symbol == instrument.kin]
    near.sort(key=lambda each: (_SPEAKING.index(each.timeframe), -each.rows))
    clocks = {(entry.symbol, entry.timeframe, entry.source): entry.origin.clock for entry in store.imports()}
    found = []
    for each in near[:_MOST_REFERENCES]:
        bars = store.read_bars(each.symbol, each.timeframe, source=each.source)
        clock = clocks.get((each.symbol, each.timeframe, each.source))
        found.append(Reference(f"{each.source} ({each.symbol} {each.timeframe})", Timeframe.of(each.timeframe), bars, clock))
    return found
