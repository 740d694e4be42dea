"""Market data on the shelf: a recorded file goes in once, and again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.domain.instrument import Instrument
from engine.domain.market import Timeframe
from engine.market.importing import History, read_history
from engine.storage.columns import WriteResult
from engine.storage.market import open_market


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file was, and what the shelf took of it."""

    history: History
    symbol: str
    result: WriteResult

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        history = self.history
        return {
            "symbol": self.symbol,
            "timeframe": history.timeframe.name if history.timeframe else "tick",
            "format": history.format,
            "clock": history.clock.spec,
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
        tail = f"stored: {result.added:,} new, {result.same:,} known already, {result.changed:,} different and left as they were"
        return [*head, *history.quality.lines(), tail]


def timeframe_of(path: Path, instrument: Instrument, clock: str | None) -> Timeframe | None:
    """The timeframe a recorded file's rows are of; None for ticks. DataError when it cannot be read."""
    return read_history(path, instrument, None, clock).timeframe


def import_file(
    path: Path,
    url: str,
    instrument: Instrument,
    timeframe: Timeframe | None,
    clock: str | None,
    strict: bool,
    price_scale: Decimal | None,
    force: bool,
) -> Imported:
    """Reads a recorded file and stores its bars or quotes beside the books at `url`. DataError and UserError as they come."""
    history = read_history(path, instrument, timeframe, clock, strict, price_scale, force)
    with open_market(url) as store:
        if history.bars is not None:
            assert history.timeframe is not None
            result = store.write_bars(instrument.symbol, history.timeframe.name, history.source, history.bars)
        else:
            assert history.quotes is not None
            result = store.write_quotes(instrument.symbol, history.source, history.quotes)
    return Imported(history, instrument.symbol, result)
