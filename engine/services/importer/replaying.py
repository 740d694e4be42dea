"""An imported file as something a session can replay."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import UserError
from engine.domain.imports import TICKS, ImportPlan
from engine.domain.market import Timeframe
from engine.market.importing import read_history
from engine.services.exports import Wish, export_bars
from engine.services.importer.running import Progress, silent
from engine.services.instruments import in_force


def recording_of(plan: ImportPlan, url: str, folder: Path, progress: Progress = silent) -> tuple[Path, str]:
    """The file to replay the plan's rows from, and its clock: its own where a session reads it alike, else an export in `folder`.

    UserError where a session could read neither.
    """
    choices = plan.choices
    if not (choices.columns or choices.format or choices.price_scale or choices.force):
        return Path(plan.path), plan.clock
    if plan.timeframe == TICKS:
        raise UserError(f"{plan.file}: ticks that are read with your own format, columns or scale cannot be replayed from here")
    progress(0.0, "writing what is stored as a file of its own")
    frame, instrument = Timeframe.of(plan.timeframe), in_force(plan.choices.symbol or plan.symbol, url)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{plan.symbol}_{plan.timeframe}_{plan.sha256[:12]}.csv"
    clock = export_bars(url, Wish(instrument, frame, "csv", plan.file), path, overwrite=True).clock
    read_history(path, instrument, frame, clock)
    return path, clock
