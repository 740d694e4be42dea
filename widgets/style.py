"""From tokens to a look: the palette, the fonts and the one style sheet of the program."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib import resources
from pathlib import Path
from string import Template

from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from widgets.theme import FONT_HEADLINE, FONT_TABLE, FONT_UI, Theme

_PREFERRED_ON_LINUX = ("Inter", "Noto Sans", "Cantarell", "Ubuntu", "Open Sans", "Liberation Sans")


@lru_cache(maxsize=256)
def color(theme: Theme, role: str) -> QColor:
    """The theme's colour called `role` (a token of `Theme`)."""
    return QColor(getattr(theme, role))


@lru_cache(maxsize=256)
def blend(theme: Theme, role: str, over: str, share: float) -> QColor:
    """`share` of colour `role` laid over colour `over`."""
    top, base = color(theme, role), color(theme, over)
    mixed = [round(a * share + b * (1 - share)) for a, b in zip(top.getRgb()[:3], base.getRgb()[:3], strict=True)]
    return QColor(*mixed)


def tint(theme: Theme, role: str) -> QColor:
    """The ground of a text in colour `role`: enough of it to be seen, little enough for 4.5:1."""
    is_light = color(theme, "bg0").lightness() > color(theme, "text0").lightness()
    return blend(theme, role, "bg0" if is_light else "bg1", 0.12)


def veil(theme: Theme, role: str) -> QColor:
    """The ground of a whole row or bar in a state of colour `role`, under texts of any colour."""
    return blend(theme, role, "bg1", 0.08)


def sign_role(value: float) -> str:
    """The role that colours a profit, a loss or neither."""
    return "up" if value > 0 else "down" if value < 0 else "text0"


@lru_cache(maxsize=1)
def _family() -> str:
    """The system's UI font; on a Linux without one of its own, the best of the usual ones that is there."""
    system = QFontInfo(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)).family()
    if sys.platform != "linux" or system not in ("DejaVu Sans", "Sans Serif", "Sans", ""):
        return system
    present = set(QFontDatabase.families())
    return next((family for family in _PREFERRED_ON_LINUX if family in present), system)


@lru_cache(maxsize=32)
def font(pixels: int = FONT_UI, bold: bool = False) -> QFont:
    """The UI font with tabular figures, `pixels` high. Needs a QApplication."""
    made = QFont(_family())
    made.setPixelSize(pixels)
    made.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def table_font(bold: bool = False) -> QFont:
    """The font of tables: 11 px, tabular figures."""
    return font(FONT_TABLE, bold)


def headline_font() -> QFont:
    """The font of the one number a panel is about: 20 px."""
    return font(FONT_HEADLINE, bold=True)


def apply(app: QApplication, theme: Theme) -> None:
    """Dress the whole program in `theme`; may be called again at any time, and costs nothing when it is worn already."""
    sheet = style_sheet(theme)
    if app.styleSheet() == sheet:
        return
    prepare(app, theme)
    app.setStyleSheet(sheet)


def prepare(app: QApplication, theme: Theme) -> None:
    """All of the look but its sheet: for building a window, whose parts a sheet dresses anew at every move into a parent."""
    if app.style().objectName() != "fusion":
        app.setStyle(QStyleFactory.create("Fusion"))
    app.setFont(font())
    app.setPalette(palette(theme))


def palette(theme: Theme) -> QPalette:
    """The theme as Qt's palette, for what no style sheet reaches."""
    made, role = QPalette(), QPalette.ColorRole
    for target, token in (
        (role.Window, "bg1"), (role.Base, "bg1"), (role.AlternateBase, "bg2"), (role.Button, "bg2"), (role.ToolTipBase, "bg2"),
        (role.WindowText, "text0"), (role.Text, "text0"), (role.ButtonText, "text0"), (role.ToolTipText, "text0"),
        (role.PlaceholderText, "text2"), (role.Link, "gold"), (role.Accent, "gold"), (role.HighlightedText, "text0"),
        (role.Mid, "line"), (role.Dark, "line"), (role.Light, "bg2"), (role.Shadow, "bg0"),
    ):  # fmt: skip
        made.setColor(target, color(theme, token))
    made.setColor(role.Highlight, blend(theme, "gold", "bg1", 0.22))
    disabled = blend(theme, "text2", "bg1", 0.75)
    for target in (role.Text, role.ButtonText, role.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, target, disabled)
    return made


@lru_cache(maxsize=4)
def style_sheet(theme: Theme) -> str:
    """The program's style sheet with the theme's colours and their tints filled in."""
    text = resources.files("resources").joinpath("themes", "terminal.qss").read_text("utf-8")
    names = {name: getattr(theme, name) for name in theme.__slots__}
    for name in ("up", "down", "gold", "warn", "trip", "paper"):
        names[name + "tint"] = tint(theme, name).name()
        names[name + "veil"] = veil(theme, name).name()
        names["on" + name] = theme.bg0
    names["hover"] = blend(theme, "text0", "bg2", 0.08).name()
    names["selection"] = blend(theme, "gold", "bg1", 0.35).name()
    names["icons"] = Path(str(resources.files("resources").joinpath("icons"))).as_posix()
    names["disabled"] = blend(theme, "text2", "bg1", 0.75).name()
    return Template(text).substitute(names)


def restyle(widget: QWidget) -> None:
    """Make the style sheet look again at the dynamic properties of `widget`."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def set_role(widget: QWidget, name: str, value: object) -> None:
    """Set a dynamic property the style sheet selects by; costs nothing when it has that value."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        restyle(widget)
