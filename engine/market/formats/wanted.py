"""What a caller wants from a file that does not say it by itself: an instrument, a timeframe, the meaning of its columns."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.errors import UserError
from engine.domain.market import Symbol, Timeframe

PRICES = ("open", "high", "low", "close")
_KNOWN = ("time", "date", *PRICES, "volume", "spread", "bid", "ask", "-")
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " ", "pipe": "|"}


@dataclass(frozen=True, slots=True)
class Mapping:
    """A delimited file's columns in order, "-" for one that is not read; `time_format` as in `YYYY-MM-DD HH:NN:SS`, or one of
    s, ms, us and ns for a count since 1970; empty: found in the rows. `header` lines are passed over."""

    columns: tuple[str, ...]
    separator: str = ","
    time_format: str = ""
    header: int | None = None

    @classmethod
    def of(cls, columns: str, separator: str = ",", time_format: str = "", header: int | None = None) -> Mapping:
        """The mapping as a user writes it: `time,open,high,low,close,-,volume`. UserError when it cannot be one."""
        names = tuple(name.strip().lower() or "-" for name in columns.split(","))
        separator = _SEPARATORS.get(separator.lower(), separator.replace("\\t", "\t"))
        strange = [name for name in names if name not in _KNOWN]
        if strange:
            raise UserError(f"--columns: {strange[0]!r} is no column that is known; use {', '.join(_KNOWN)}")
        if len(separator) != 1:
            raise UserError(f"--separator {separator!r} is not one character; use , ; tab or another single one")
        twice = [name for name in names if name != "-" and names.count(name) > 1]
        if twice:
            raise UserError(f"--columns names {twice[0]} twice; write - for a column that is not read")
        _complete(names)
        minutes = time_format.strip().replace("HH:MM", "HH:NN").replace("HHMM", "HHNN")
        return cls(names, separator, minutes, header)


def _complete(names: tuple[str, ...]) -> None:
    ticks = "bid" in names and "ask" in names
    missing = [name for name in (() if ticks else PRICES) if name not in names]
    if missing:
        raise UserError(f"--columns has no {', '.join(missing)}; name open, high, low and close, or bid and ask")
    if "time" not in names:
        raise UserError("--columns has no time; name the column that holds it")
    if "date" in names and names.index("time") != names.index("date") + 1:
        raise UserError("--columns: date must stand right before time")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The instrument and timeframe asked for (None: whatever is there), the meaning of the columns where it was given, and the
    name of the format to read with, whatever the file looks like."""

    symbol: Symbol | None = None
    timeframe: Timeframe | None = None
    mapping: Mapping | None = None
    format: str | None = None


ANYTHING = Wanted()
