"""Reads a file the way the owner's choices say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from engine.core.errors import DataError, UserError
from engine.domain.imports import TICKS, Choices, ImportPlan
from engine.domain.instrument import Instrument
from engine.domain.market import Timeframe
from engine.market.clock_reference import Reference
from engine.market.clocks import parse_clock
from engine.market.formats import Mapping
from engine.market.importing import History, read_history


def read(
    path: Path, instrument: Instrument, choices: Choices, references: Sequence[Reference] = (), strict: bool = False
) -> History:
    """The file as `choices` have it; its clock is measured against `references`. DataError and UserError as they come."""
    return read_history(
        path,
        instrument,
        timeframe_of(choices),
        choices.clock or None,
        strict,
        scale_of(choices),
        choices.force,
        mapping_of(choices),
        references,
        choices.format,
    )


def read_as_planned(plan: ImportPlan, instrument: Instrument, strict: bool = False) -> History:
    """The plan's file just as the plan has it. DataError where the file is no longer the one that was looked at."""
    frame = None if plan.timeframe == TICKS else plan.timeframe
    settled = replace(plan.choices, symbol=plan.symbol, timeframe=frame, clock=plan.clock, format=plan.format)
    history = read(Path(plan.path), instrument, settled, strict=strict)
    if history.sha256 != plan.sha256:
        raise DataError(f"{plan.file}: the file has changed since it was looked at; look at it again")
    return history


def timeframe_of(choices: Choices) -> Timeframe | None:
    """The timeframe that was chosen; None where none was, and for ticks. UserError for one that is not known."""
    return Timeframe.of(choices.timeframe) if choices.timeframe and choices.timeframe != TICKS else None


def mapping_of(choices: Choices) -> Mapping | None:
    """The meaning of the columns that was given; UserError when it cannot be one."""
    return Mapping.of(choices.columns, choices.separator, choices.time_format) if choices.columns else None


def check_clock(spec: str) -> None:
    """UserError where `spec` names no clock, with examples of those that are known."""
    parse_clock(spec)


def scale_of(choices: Choices) -> Decimal | None:
    """The number prices are multiplied by; UserError when it is none."""
    if not choices.price_scale:
        return None
    try:
        return Decimal(choices.price_scale)
    except InvalidOperation:
        raise UserError(f"the price scale {choices.price_scale!r} is not a number; write for instance 0.01") from None
