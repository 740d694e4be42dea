"""Walks a tape through the pipeline: the moments that come due between two quotes first, then the quote."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.core.clock import Nanos
from engine.core.errors import StoreError
from engine.domain.facts import IntentReceived, Record
from engine.market.tape import Reel, Tape
from engine.pipeline import NEVER, Pipeline

EMPTY = Reel([], [], ())


class Player:
    """A tape and where it stands. `quotes` counts those played, recalled ones included."""

    def __init__(self, tape: Tape, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._reels: Iterator[Reel] = tape.reels()
        self._reel = EMPTY
        self._index = self._bar = 0
        self.quotes = 0
        self.bars = 0
        self._at_end = False
        self._turn()

    @property
    def finished(self) -> bool:
        """True when the last quote was played and the last bar closed."""
        return self._at_end and not self._pipeline.is_forming

    @property
    def at(self) -> Nanos:
        """The time of the next quote; that of the last one where there is no more."""
        return self._reel.quotes[self._index].at if self._index < len(self._reel.quotes) else self._pipeline.now

    def play(self, until: Nanos = NEVER, most: int = NEVER) -> None:
        """Plays quotes before `until`, `most` of them at the most; at the tape's end closes the last bar."""
        while not self._at_end and self.at < until and most > 0:
            most -= self._run(until, most)
        if self._at_end:
            self._close()

    def _run(self, until: Nanos, most: int) -> int:
        """Plays within the current reel and returns how many quotes that were."""
        reel, first, pipeline = self._reel, self._index, self._pipeline
        on_quote, starts = pipeline.on_quote, iter(reel.starts[self._bar :])
        index, bar, start = first, self._bar, next(starts, -1)
        for quote in reel.quotes[first : first + most]:
            at = quote.at
            if at >= until:
                break
            while pipeline.due <= at:
                pipeline.on_time(pipeline.due)
            if index == start:
                pipeline.lanes[quote.symbol].bars.record(reel.bars[bar])
                bar, start = bar + 1, next(starts, -1)
            on_quote(quote)
            index += 1
        self._bar = bar
        self._moved(index - first)
        return max(1, index - first)

    def _moved(self, count: int) -> None:
        self.quotes += count
        self._index += count
        if self._index >= len(self._reel.quotes):
            self._turn()

    def _turn(self) -> None:
        """Puts the next reel on."""
        self.bars += len(self._reel.bars)
        reel = next(self._reels, None)
        if reel is None:
            self._at_end = True
            return
        self._reel, self._index, self._bar = reel, 0, 0

    def _close(self) -> None:
        """The tape is over: what was due up to the end of its last bar happens."""
        while self._pipeline.is_forming:
            self._pipeline.on_time(self._pipeline.due)

    # --- going on where a book ended ----------------------------------------------------------------------------------

    def recall(self, records: Iterator[Record], cursor: int, progress: Callable[[int], None] | None = None) -> None:
        """Brings the pipeline to step `cursor` with the recorded facts, each at its own step, over the same market."""
        pipeline = self._pipeline
        record = next(records, None)
        pipeline.recall_begin(self.at)
        record = self._recall_step(record, records)
        while pipeline.step < cursor:
            if record is not None and record.step == pipeline.step + 1 and isinstance(record.fact, IntentReceived):
                pipeline.recall_intent()
            elif self._at_end or pipeline.due <= self.at:
                pipeline.recall_time(pipeline.due)
            else:
                self._recall_quote()
            if record is not None and record.step == pipeline.step:
                record = self._recall_step(record, records)
            if progress is not None and pipeline.step % 20_000 == 0:
                progress(pipeline.step)

    def _recall_step(self, record: Record | None, records: Iterator[Record]) -> Record | None:
        step = self._pipeline.step
        while record is not None and record.step == step:
            if record.at != self._pipeline.now:
                raise StoreError(f"fact {record.seq} was recorded at another moment of the market; the data has changed since")
            self._pipeline.recall(record)
            record = next(records, None)
        self._pipeline.recalled()
        return record

    def _recall_quote(self) -> None:
        reel, index = self._reel, self._index
        quote, bar = reel.quotes[index], self._bar
        if bar < len(reel.starts) and index == reel.starts[bar]:
            self._pipeline.lanes[quote.symbol].bars.record(reel.bars[bar])
            self._bar += 1
        self._pipeline.recall_quote(quote)
        self._moved(1)
