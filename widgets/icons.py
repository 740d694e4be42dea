"""Icons: one monochrome set, coloured by the theme, and the program's own drawing."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from PySide6.QtGui import QIcon, QPixmap

from widgets.theme import Theme

_FONT = "materialdesignicons6-webfont-6.9.96"


@lru_cache(maxsize=1)
def _font():
    """Only the one icon font in use is loaded: all of qtawesome's would cost a tenth of a second at start."""
    from qtawesome.iconic_font import IconicFont

    return IconicFont(("mdi6", f"{_FONT}.ttf", _FONT.replace("-6.9.96", "-charmap-6.9.96") + ".json"))


@lru_cache(maxsize=512)
def icon(name: str, theme: Theme, role: str = "text1") -> QIcon:
    """The Material Design icon `name` ("play", "cog-outline") in the theme's colour `role`. Needs a QApplication."""
    return _font().icon(f"mdi6.{name}", color=getattr(theme, role), color_disabled=theme.line)


def pixmap(name: str, theme: Theme, role: str = "text1", size: int = 16) -> QPixmap:
    """The icon as a square pixmap of `size` logical pixels."""
    return icon(name, theme, role).pixmap(size, size)


def app_icon() -> QIcon:
    """The program's icon; from the SVG where Qt's plug-in can draw it."""
    picture = QPixmap()
    picture.loadFromData(resources.files("resources").joinpath("icons", "nicegold.svg").read_bytes(), "SVG")
    return QIcon(picture)
