"""The self-test's look at what has to be there: libraries, resources, and where credentials would go."""

from __future__ import annotations

import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

Answer = tuple[bool | None, str, dict[str, Any]]

ICONS = ("nicegold.svg", "check-dark.svg", "check-light.svg", "chevron-dark.svg", "chevron-light.svg")
THEMES = ("dark", "light")
DRAWN = "cog-outline"
"""An icon of the font, which cannot be drawn where the font's files are missing."""


def libraries_found() -> Answer:
    """Every library of the program, and the versions that are part of a model."""
    from engine.services.doctor import libraries_found as look

    found = look()
    return found.ok is not False, found.sentence, {}


def keyring_found() -> Answer:
    """Worth knowing only: paper trading needs no credentials."""
    from engine.services.doctor import keyring

    return None, keyring().sentence, {}


def resources_found() -> Answer:
    """Themes, icons, the icon font, the migrations of a fresh database, and time zones. Only where Qt can open a window."""
    from app.run import application
    from engine.services.bookkeeping import try_books
    from engine.services.timekeeping import time_zones
    from widgets import icons, style, theme

    lost = [name for name in ICONS if not resources.files("resources").joinpath("icons", name).is_file()]
    if lost:
        return False, f"icons are missing: {', '.join(lost)}", {}
    _app, _theme = application()
    for name in THEMES:
        style.style_sheet(theme.load(name))
        icons.icon(DRAWN, theme.load(name))
    with tempfile.TemporaryDirectory() as folder:
        try_books(f"sqlite:///{Path(folder).as_posix()}/books.db")
    zones = time_zones()
    return zones.ok, f"{len(THEMES)} themes, {len(ICONS)} icons, the icon font, migrations; {zones.sentence}", {}
