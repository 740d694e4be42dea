"""A file that was looked at as something a session can replay."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.core.errors import UserError
from engine.domain.imports import ImportPlan
from engine.market.exporting import Order, exporter_of, render, write
from engine.market.importing import read_history
from engine.services.importer.reading import read_as_planned
from engine.services.importer.running import Progress, silent
from engine.services.instruments import in_force


def recording_of(plan: ImportPlan, url: str, folder: Path, progress: Progress = silent) -> tuple[Path, str]:
    """The file to replay the plan's rows from, and its clock: its own where a session reads it alike, else one of just these rows
    in `folder`, whatever is stored.

    UserError where a session could read neither, DataError where the file is no longer the one that was looked at.
    """
    choices = plan.choices
    if not (choices.columns or choices.format or choices.price_scale or choices.force):
        return Path(plan.path), plan.clock
    progress(0.0, f"reading {plan.file}")
    instrument = in_force(choices.symbol or plan.symbol, url)
    history = read_as_planned(plan, instrument)
    if history.bars is None or history.timeframe is None:
        raise UserError(f"{plan.file}: ticks that are read with your own format, columns or scale cannot be replayed from here")
    progress(0.5, "writing its rows as a file of its own")
    exporter = exporter_of("csv")
    data = render(exporter, Order(history.bars, instrument, history.timeframe, history.clock.clock))
    path = folder / f"{plan.symbol}_{plan.timeframe}_{hashlib.sha256(data).hexdigest()[:12]}{exporter.suffix}"
    folder.mkdir(parents=True, exist_ok=True)
    write(path, data, overwrite=True)
    clock = history.clock.spec if exporter.has_clock else "UTC"
    read_history(path, instrument, history.timeframe, clock)
    return path, clock
