"""What the panel says, in sentences."""

from __future__ import annotations

import re

from engine.core.clock import Nanos, to_datetime
from engine.domain.imports import TICKS, ImportDone, ImportEntry, ImportPlan, Neighbour
from widgets.format import DASH, number

FIELDS = {
    "--clock": "Clock",
    "--instrument": "Instrument",
    "--timeframe": "Timeframe",
    "--price-scale": "Price scale",
    "--columns": "Columns",
    "--time-format": "Time format",
    "--separator": "Separator",
    "--force": "Read anyway",
    "--replace": "Take the file's values",
}
MAPPING = "name its columns below in their order, and what stands between them"
NAME_LENGTH = 36
"""Letters of a file's name that fit on a button."""
CONFIDENCE = {
    "certain": ("certain", "good", "The format itself fixes the clock."),
    "clear": ("clear", "good", "The evidence is for this clock and against every other one."),
    "likely": ("likely", "warn", "The evidence is for this clock, but another one fits nearly as well."),
    "given": ("your word", "", "Read on the clock you chose."),
    "doubtful": ("doubtful", "warn", "The evidence speaks for another clock."),
}


def in_the_panel(sentence: str) -> str:
    """A sentence of the engine, its options called as the panel's fields are."""
    text = re.sub(r"(formats that can be read) \(.*\); name its columns with --columns", rf"\1; {MAPPING}", sentence)
    text = re.sub(r"\bgive (--[a-z-]+)", r"set \1", text)
    text = re.sub(r"--[a-z-]+", lambda found: FIELDS.get(found[0], found[0]), text)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!")) else ".")


def shortly(sentence: str, file: str) -> str:
    """The sentence without the file's name in front."""
    return sentence.removeprefix(f"{file}: ")


def unit(plan: ImportPlan) -> str:
    """What the file is made of: `XAUUSD H1 bars`."""
    return f"{plan.symbol} ticks" if plan.timeframe == TICKS else f"{plan.symbol} {plan.timeframe} bars"


def summary(plan: ImportPlan) -> str:
    """What an import would do, for a line of the queue."""
    change = plan.change
    if change is None:
        return ""
    if change.is_nothing:
        return ", ".join(["all stored already", *refused(plan)])
    parts = [f"{change.new:,} new"] if change.new else []
    if change.changed:
        parts.append(f"{change.changed:,} differ")
    return f"{plan.symbol} {plan.timeframe}: {', '.join(parts + refused(plan))}"


def refused(plan: ImportPlan) -> list[str]:
    """How many rows of the file cannot be used, where there are any."""
    return [f"{plan.bad_count:,} refused"] if plan.bad_count else []


def outcome(done: ImportDone) -> str:
    """What an import did."""
    if done.entry is None:
        return "nothing was new"
    if done.entry.undone_at is not None:
        return f"import {done.entry.number} was undone"
    parts = [f"{done.added:,} stored"] if done.added else []
    if done.changed:
        parts.append(f"{done.changed:,} {'replaced' if done.replaced else 'left as they were'}")
    return f"import {done.entry.number}: {', '.join(parts) or 'nothing new'}"


def told(done: ImportDone, what: str) -> str:
    """The same as a sentence of its own."""
    if done.entry is None:
        return "Every row was stored already; nothing was changed."
    if done.entry.undone_at is not None:
        return f"Import {done.entry.number} was undone: what is stored is what was stored before it."
    rest = f", {done.same:,} were known" if done.same else ""
    other = f", {done.changed:,} with other values {'replaced' if done.replaced else 'left as they were'}" if done.changed else ""
    return f"Import {done.entry.number} is stored: {done.added:,} new {what}{rest}{other}."


def neighbour(other: Neighbour) -> str:
    """How another source agrees."""
    apart = "all closes alike"
    if other.differ:
        apart = f"closes differ in {other.differ:,} (median {other.median:.5g}, largest {other.largest:.5g})"
    together = f", returns correlate {other.correlation:.3f}" if other.correlation is not None else ""
    return f"{other.source}: {other.shared:,} bars in common, {apart}{together}"


def listed(entry: ImportEntry) -> str:
    """An import that was done, for the button that undoes it."""
    return f"import {entry.number}: {entry.file}, {entry.added:,} rows of {entry.symbol} {entry.timeframe}"


def undoing(entry: ImportEntry) -> str:
    """What is asked before an import is taken back."""
    name = entry.file if len(entry.file) <= NAME_LENGTH else f"{entry.file[: NAME_LENGTH - 13]}…{entry.file[-12:]}"
    return f"Undo import {entry.number}, {name}?"


def moment(at: Nanos) -> str:
    """A time in UTC, as fine as it needs."""
    text = to_datetime(at).strftime("%Y-%m-%d %H:%M:%S")
    millis = at // 1_000_000 % 1_000
    return f"{text}.{millis:03d}" if millis else text.removesuffix(":00")


def value(amount: float | None, decimals: int) -> str:
    """A price or a volume; a dash where there is none."""
    return DASH if amount is None else number(amount, decimals)


def size(count: int) -> str:
    """A file's size."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB" if count >= 1e3 else f"{count} bytes"
