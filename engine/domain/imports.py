"""What is known of a history file before it is imported, and of imports that were done: plain values for people to judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.core.clock import Nanos
from engine.domain.market import Symbol

TICKS = "ticks"
"""What stands for the timeframe of a file of quotes."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the owner says instead of the file; None leaves it to the file. `columns` names those of a plain text, as
    `time,open,high,low,close,-,volume`, with its `separator` and `time_format`; `force` reads what contradicts itself."""

    symbol: Symbol | None = None
    timeframe: str | None = None
    clock: str | None = None
    format: str | None = None
    price_scale: str | None = None
    columns: str | None = None
    separator: str = ","
    time_format: str = ""
    replace: bool = False
    force: bool = False


class FormatOption(NamedTuple):
    """A format the file may be read as; `recognised` by its first lines. `why` is a sentence."""

    name: str
    title: str
    recognised: bool
    why: str


class ClockOption(NamedTuple):
    """A clock the file may be on: the share of its bars in closed hours then, and how its returns correlate with stored ones
    (None where that was not measured); `same` are clocks that agree with it over this file."""

    spec: str
    same: tuple[str, ...]
    closed_share: float | None
    correlation: float | None


class SampleRow(NamedTuple):
    """A line of the file (number from 1, 0 where it has no lines) as it is written, and as it is read: `at` in ns UTC, None for a
    value the file does not have."""

    line: int
    raw: str
    at: Nanos
    values: tuple[float | None, ...]


class BadLine(NamedTuple):
    """A line that is refused, and why."""

    line: int
    raw: str
    reason: str


class Figure(NamedTuple):
    """A finding in words; `tone` is "good", "warn" or empty, `why` says more."""

    name: str
    text: str
    tone: str = ""
    why: str = ""


class Correction(NamedTuple):
    """A stored value that the file has otherwise: `column` at `at` (ns UTC)."""

    at: Nanos
    column: str
    stored: float
    file: float


class Neighbour(NamedTuple):
    """Another source of the same bars: how many both have, in how many the close differs and by how much at most (price units),
    and how their returns correlate (None where too few)."""

    source: str
    shared: int
    differ: int
    median: float
    largest: float
    correlation: float | None


class Lanes(NamedTuple):
    """The time from `start` to `end` (ns UTC) in equal bins: the share of each bin's market time that any source has stored, and
    that the file brings as new, has alike, and has with other values; `is_open` says that the market was open in it at all."""

    start: Nanos
    end: Nanos
    is_open: tuple[bool, ...]
    stored: tuple[float, ...]
    new: tuple[float, ...]
    same: tuple[float, ...]
    changed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What an import would do: rows that are new, stored alike, and stored with other values, of which `corrections` shows the
    first; `replaced` says that the file's values would be taken."""

    new: int
    same: int
    changed: int
    replaced: bool
    corrections: tuple[Correction, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    lanes: Lanes | None = None

    @property
    def is_nothing(self) -> bool:
        return not self.new and not self.changed


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """A file as it would be imported, or the `refusal`, one sentence, why it cannot be.

    `formats` and `clocks` are the alternatives, the chosen one first; `symbol_why`, `timeframe_why` and `clock_evidence` are
    sentences, `confidence` is "certain", "clear", "likely", "given" or "doubtful". `columns` names the values of the sample rows.
    """

    path: str
    file: str
    size: int
    choices: Choices
    sha256: str = ""
    inner: str = ""
    format: str = ""
    formats: tuple[FormatOption, ...] = ()
    symbol: Symbol = ""
    symbol_why: str = ""
    timeframe: str = ""
    timeframe_why: str = ""
    clock: str = ""
    clock_how: str = ""
    confidence: str = ""
    clock_evidence: tuple[str, ...] = ()
    clocks: tuple[ClockOption, ...] = ()
    columns: tuple[str, ...] = ()
    decimals: int = 2
    first: tuple[SampleRow, ...] = ()
    last: tuple[SampleRow, ...] = ()
    rows: int = 0
    read: int = 0
    start: Nanos = 0
    end: Nanos = 0
    figures: tuple[Figure, ...] = ()
    bad: tuple[BadLine, ...] = ()
    bad_count: int = 0
    warnings: tuple[str, ...] = ()
    change: Change | None = None
    refusal: str = ""

    @property
    def can_be_imported(self) -> bool:
        return not self.refusal and self.change is not None


class ImportEntry(NamedTuple):
    """An import that was done: its number, when (ns UTC), what was read and what it met; `undone_at` where it was undone."""

    number: int
    at: Nanos
    file: str
    sha256: str
    symbol: Symbol
    timeframe: str
    source: str
    format: str
    clock: str
    added: int
    same: int
    changed: int
    undone_at: Nanos | None = None


class ImportDone(NamedTuple):
    """What an import did; `entry` is None where everything was stored already and nothing was kept of it."""

    entry: ImportEntry | None
    added: int
    same: int
    changed: int
    replaced: bool
