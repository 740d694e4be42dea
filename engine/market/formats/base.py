"""What every history format hands over: columns on the file's own clock, and the lines it could not read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from engine.domain.market import Floats, Ints, Timeframe
from engine.market.formats.source import Source


class BadRow(NamedTuple):
    """A line that was refused: its number in the file (from 1, header included) and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's rows in file order, unchecked.

    `at` is int64 ns on the file's own clock as if it were UTC. `columns` are float64 of equal length: open, high, low,
    close, volume and perhaps spread for bars; bid and ask for ticks. `digits` is the most decimals any price has.
    `clock` and `timeframe` are set where the format itself fixes them; `dates_only` says that no row carries an hour. In the
    columns named in `unknown` a NaN says that the source does not know.
    """

    line: Ints
    at: Ints
    columns: dict[str, Floats]
    bad: tuple[BadRow, ...]
    digits: int
    dates_only: bool = False
    spread_in_points: bool = False
    clock: str | None = None
    timeframe: Timeframe | None = None
    unknown: frozenset[str] = frozenset()

    @property
    def is_ticks(self) -> bool:
        return "bid" in self.columns


@dataclass(frozen=True, slots=True)
class Format:
    """One history format: `detects(head, name)` looks at the first bytes and the inner file's name, `parse` reads it all.

    `example` is a line as the file has it.
    """

    name: str
    title: str
    detects: Callable[[bytes, str], bool]
    parse: Callable[[Source], Parsed]
    example: str = ""
