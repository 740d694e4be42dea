"""Looks at a file: what it is, what speaks for that, how good it is, and what importing it would change. Nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.core.errors import NiceGoldError, UserError
from engine.domain.imports import TICKS, Choices, ClockOption, FormatOption, ImportPlan, SampleRow
from engine.domain.instrument import Instrument
from engine.domain.market import Bars, QuoteColumns, Symbol
from engine.market.clock_reference import Reference
from engine.market.formats import FORMATS, Format, Source, Wanted, format_of, open_source
from engine.market.formats.names import named_symbol, named_timeframe
from engine.market.importing import History
from engine.services.importer.changes import change_of
from engine.services.importer.clocks import confidence, options
from engine.services.importer.figures import figures
from engine.services.importer.reading import mapping_of, read
from engine.services.importer.running import Cancel, Progress, never, silent, watching
from engine.services.importer.samples import bad_lines, columns_of, raw_lines, samples
from engine.services.instruments import in_force
from engine.services.library import references
from engine.storage.market import TICK, MarketStore, open_market

_NOBODY = "\0"
_MANY = 0.01


def inspect(
    path: Path, url: str, choices: Choices, fallback: Symbol, progress: Progress = silent, cancel: Cancel = never
) -> ImportPlan:
    """The plan for importing `path` into the market data beside the books at `url`, as `choices` have it.

    `fallback` is the instrument of a file whose name says none. What is wrong with the file is the plan's `refusal`; StoreError
    and UserError of the database are raised, and Cancelled.
    """
    told = watching(progress, cancel)
    told(0.0, f"opening {path.name}")
    plan = ImportPlan(str(path), path.name, path.stat().st_size if path.exists() else 0, choices)
    try:
        source = open_source(path)
        first = tuple(SampleRow(line, raw, 0, ()) for line, raw in raw_lines(source))
        plan = replace(plan, sha256=source.sha256, inner=source.name, first=first, formats=_formats(source, choices.format or ""))
        source = replace(source, wanted=Wanted(mapping=mapping_of(choices), format=choices.format))
        chosen = format_of(source) if source.text.strip() else None
        name = chosen.name if chosen else ""
        plan = replace(plan, format=name, formats=_formats(source, name))
        instrument, why = _instrument(path, source, url, choices, fallback)
        plan = replace(plan, symbol=instrument.symbol, symbol_why=why, decimals=instrument.price_decimals)
    except UserError as error:
        return replace(plan, refusal=str(error))
    with open_market(url) as store:
        told(0.1, "reading what is stored")
        near = references(store, instrument, path.name)
        told(0.2, f"reading {path.name}")
        try:
            history = read(path, instrument, choices, near)
        except UserError as error:
            return _refused(plan, source, instrument, choices, near, str(error))
        told(0.8, "comparing with what is stored")
        return _plan(plan, source, history, instrument, near, store)


def _formats(source: Source, chosen: str) -> tuple[FormatOption, ...]:
    listed = [_option(each, source) for each in FORMATS]
    return tuple(sorted(listed, key=lambda option: (option.name != chosen, not option.recognised)))


def _option(format_: Format, source: Source) -> FormatOption:
    recognised = format_.detects(source.head, source.name)
    why = "its first lines are of this form" if recognised else f"its lines look like {format_.example}"
    return FormatOption(format_.name, format_.title, recognised, why)


def _instrument(path: Path, source: Source, url: str, choices: Choices, fallback: Symbol) -> tuple[Instrument, str]:
    """The instrument as it is in force in the books at `url`, and why it is this one."""
    if choices.symbol:
        return in_force(choices.symbol, url), "chosen"
    for name in (path.name, source.name):
        named = named_symbol(name, _NOBODY)
        if named:
            try:
                return in_force(named, url), f"the file's name says {named}"
            except UserError as error:
                raise UserError(f"{path.name}: the name says {named}, but {error}") from None
    return in_force(fallback, url), f"the name does not say; {fallback} is what this session trades"


def _plan(
    plan: ImportPlan, source: Source, history: History, instrument: Instrument, near: Sequence[Reference], store: MarketStore
) -> ImportPlan:
    data = history.bars if history.bars is not None else history.quotes
    assert data is not None
    choice, quality = history.clock, history.quality
    clocks = tuple(_clocks(data, instrument, history, near))
    first, last = _samples(source, history, data)
    plan = replace(
        plan,
        timeframe=history.timeframe.name if history.timeframe else TICKS,
        timeframe_why=_timeframe_why(plan, history),
        clock=choice.spec,
        clock_how=choice.how,
        confidence=confidence(choice, clocks),
        clock_evidence=choice.evidence,
        clocks=clocks,
        rows=quality.rows,
        read=quality.read,
        start=quality.first,
        end=quality.last,
        figures=tuple(figures(quality)),
        bad=tuple(bad_lines(source, quality.bad)),
        bad_count=quality.bad_count,
        change=change_of(store, history, instrument, plan.choices.replace),
        columns=columns_of(data),
        first=first,
        last=last,
    )
    return replace(plan, warnings=(*quality.notes, *_warnings(plan), *_namesakes(plan, store)))


def _samples(source: Source, history: History, data: Bars | QuoteColumns) -> tuple[tuple[SampleRow, ...], tuple[SampleRow, ...]]:
    format_ = next(each for each in FORMATS if each.name == history.format)
    first, last = samples(source, format_, data, history.clock.spec)
    return tuple(first), tuple(last)


def _clocks(data: Bars | QuoteColumns, instrument: Instrument, history: History, near: Sequence[Reference]) -> list[ClockOption]:
    if isinstance(data, Bars):
        local = history.clock.clock.to_local(data.at)
        return options(local, data.close, instrument, history.timeframe, near, history.clock.spec)
    return options(data.at, data.bid, instrument, None, (), history.clock.spec)


def _timeframe_why(plan: ImportPlan, history: History) -> str:
    if history.timeframe is None:
        return "the file holds single quotes"
    if plan.choices.timeframe:
        return "chosen"
    named = named_timeframe(plan.file) or named_timeframe(plan.inner)
    if named == history.timeframe:
        return "the file's name and its rows agree"
    return "by the distances between the rows"


def _warnings(plan: ImportPlan) -> Iterator[str]:
    if plan.symbol_why.startswith("the name does not say"):
        yield f"The file's name does not say which instrument it is of; it is read as {plan.symbol}."
    if plan.confidence == "doubtful":
        yield f"The file does not look written on {plan.clock}; the evidence speaks for another clock."
    if plan.bad_count > plan.read * _MANY:
        yield f"{plan.bad_count:,} of {plan.read:,} lines are broken and would be left out."
    if plan.change is not None and plan.change.is_nothing:
        yield "Every row is stored already; importing the file would change nothing."
    if plan.change is not None and plan.change.changed:
        what = "would be replaced, and kept as earlier values" if plan.change.replaced else "would stay as they are"
        yield f"{plan.change.changed:,} stored rows have other values and {what}."


def _namesakes(plan: ImportPlan, store: MarketStore) -> Iterator[str]:
    """That another file of this name is stored, and has hardly a row in common with this one."""
    assert plan.change is not None
    series = (plan.symbol, TICK if plan.timeframe == TICKS else plan.timeframe, plan.file)
    changed, met = plan.change.changed, plan.change.same + plan.change.changed
    digests = [each.origin.sha256 for each in store.imports() if each[:3] == series]
    if digests and plan.sha256 not in digests and changed > met / 2:
        yield (
            f"What is stored as {plan.file} came from another file (SHA-256 {digests[-1][:12]}), and {changed:,} of {met:,} "
            "common rows differ; give this file another name to keep both."
        )


def _refused(
    plan: ImportPlan, source: Source, instrument: Instrument, choices: Choices, near: Sequence[Reference], refusal: str
) -> ImportPlan:
    """The plan of a file that cannot be imported as it is, with what can be told of it nevertheless."""
    plan = replace(plan, refusal=refusal)
    try:
        history = read(path_of(plan), instrument, replace(choices, clock=choices.clock or "UTC", force=True))
    except NiceGoldError:
        return plan
    if history.bars is None:
        return plan
    frame = history.timeframe
    assert frame is not None
    local = history.clock.clock.to_local(history.bars.at)
    clocks = tuple(options(local, history.bars.close, instrument, frame, near, choices.clock or ""))
    return replace(
        plan,
        timeframe=frame.name,
        clocks=clocks,
        rows=history.quality.rows,
        read=history.quality.read,
        figures=tuple(figures(history.quality)),
        bad=tuple(bad_lines(source, history.quality.bad)),
        bad_count=history.quality.bad_count,
    )


def path_of(plan: ImportPlan) -> Path:
    """Where the plan's file lies."""
    return Path(plan.path)
