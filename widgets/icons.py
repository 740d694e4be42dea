"""Icons: one monochrome set, coloured by the theme, and the program's own drawing."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPixmap

from widgets.theme import Theme

_FONT = "materialdesignicons6-webfont-6.9.96.ttf"
_CHARACTERS = "materialdesignicons6-webfont-charmap-6.9.96.json"
_SIZES = (16, 20, 24, 32, 48)
_GLYPH = 0.9


@lru_cache(maxsize=1)
def _set() -> tuple[str, dict[str, str]]:
    """The family of the icon font and its characters by name.

    The files are qtawesome's; the package itself is not imported, which would cost a fifth of a second at start.
    """
    found = find_spec("qtawesome")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("qtawesome is not installed; its icon font is needed")
    fonts = Path(found.submodule_search_locations[0]) / "fonts"
    number = QFontDatabase.addApplicationFont(str(fonts / _FONT))
    return QFontDatabase.applicationFontFamilies(number)[0], json.loads((fonts / _CHARACTERS).read_text("utf-8"))


def _draw(character: str, family: str, tone: str, size: int) -> QPixmap:
    picture = QPixmap(size, size)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    font = QFont(family)
    font.setPixelSize(round(size * _GLYPH))
    painter.setFont(font)
    painter.setPen(QColor(tone))
    painter.drawText(QRect(0, 0, size, size), Qt.AlignmentFlag.AlignCenter, character)
    painter.end()
    return picture


@lru_cache(maxsize=512)
def icon(name: str, theme: Theme, role: str = "text1") -> QIcon:
    """The Material Design icon `name` ("play", "cog-outline") in the theme's colour `role`. Needs a QApplication.

    Raises KeyError for a name the set does not have.
    """
    family, characters = _set()
    character = chr(int(characters[name], 16))
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(_draw(character, family, getattr(theme, role), size), QIcon.Mode.Normal)
        made.addPixmap(_draw(character, family, theme.line, size), QIcon.Mode.Disabled)
    return made


def pixmap(name: str, theme: Theme, role: str = "text1", size: int = 16) -> QPixmap:
    """The icon as a square pixmap of `size` logical pixels."""
    return icon(name, theme, role).pixmap(size, size)


def app_icon() -> QIcon:
    """The program's icon; from the SVG where Qt's plug-in can draw it."""
    picture = QPixmap()
    picture.loadFromData(resources.files("resources").joinpath("icons", "nicegold.svg").read_bytes(), "SVG")
    return QIcon(picture)
