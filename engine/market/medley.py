"""Several tapes played as one: their quotes in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import pairwise

from engine.domain.market import Bar, Quote, Symbol
from engine.market.tape import CHUNK, Reel, Tape

_LENGTH = 4 * CHUNK


class Medley:
    """The tapes' quotes by time; of quotes of one moment those of the tape named first come first."""

    def __init__(self, tapes: Sequence[Tape]) -> None:
        self._tapes = tuple(tapes)

    @property
    def symbol(self) -> Symbol:
        """That of the first tape."""
        return self._tapes[0].symbol

    @property
    def quotes(self) -> int | None:
        """How many quotes there are in all; None where one of the tapes is endless."""
        counts = [tape.quotes for tape in self._tapes]
        return None if None in counts else sum(count for count in counts if count is not None)

    def reels(self) -> Iterator[Reel]:
        quotes: list[Quote] = []
        bars: list[Bar] = []
        starts: list[int] = []
        for quote, bar in merge(*(_unwound(tape) for tape in self._tapes), key=_moment):
            if bar is not None:
                starts.append(len(quotes))
                bars.append(bar)
            quotes.append(quote)
            if len(quotes) == _LENGTH:
                yield Reel(quotes, bars, starts)
                quotes, bars, starts = [], [], []
        if quotes:
            yield Reel(quotes, bars, starts)


def _moment(step: tuple[Quote, Bar | None]) -> int:
    return step[0].at


def _unwound(tape: Tape) -> Iterator[tuple[Quote, Bar | None]]:
    """The tape's quotes one by one, each with the recorded bar it begins."""
    for reel in tape.reels():
        last = 0
        for bar, (start, end) in zip(reel.bars, pairwise([*reel.starts, len(reel.quotes)]), strict=True):
            yield from ((quote, None) for quote in reel.quotes[last:start])
            yield reel.quotes[start], bar
            yield from ((quote, None) for quote in reel.quotes[start + 1 : end])
            last = end
        yield from ((quote, None) for quote in reel.quotes[last:])
