"""The theme: every colour and distance in the window has a name here, and its value in resources/themes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

UNIT = 4
RADIUS = 4
ROW_HEIGHT = 22
ROW_HEIGHT_COMPACT = 18
FONT_UI = 12
FONT_TABLE = 11
FONT_HEADLINE = 20


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as #RRGGBB. bg0 canvas, bg1 panel, bg2 raised; text0 value, text1 label, text2 hint; gold is the accent."""

    name: str
    bg0: str
    bg1: str
    bg2: str
    line: str
    text0: str
    text1: str
    text2: str
    up: str
    down: str
    gold: str
    paper: str
    live: str
    warn: str
    trip: str


@lru_cache
def load(name: str) -> Theme:
    """The theme called "dark" or "light". Raises FileNotFoundError for another name."""
    text = resources.files("resources").joinpath("themes", f"{name}.json").read_text("utf-8")
    return Theme(**json.loads(text))
