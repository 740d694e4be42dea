"""Importing a history with open eyes: `inspect` says what a file is and would change, `carry_out` does it, `undo` takes it back.

Each is one call; beside a window they run in a process of their own (`apart`), which can be ended at any moment."""

from __future__ import annotations

from engine.services.importer.carrying import carry_out, done_of, import_line, imports, undo
from engine.services.importer.looking import inspect
from engine.services.importer.reading import check_clock
from engine.services.importer.replaying import recording_of
from engine.services.importer.running import Cancelled, apart

__all__ = [
    "Cancelled",
    "apart",
    "carry_out",
    "check_clock",
    "done_of",
    "import_line",
    "imports",
    "inspect",
    "recording_of",
    "undo",
]
