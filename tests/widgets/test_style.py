from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QFont

from widgets import icons, style, theme

THEMES = ("dark", "light")


def contrast(one: str, other: str) -> float:
    """WCAG 2.1 contrast ratio."""

    def luminance(name: str) -> float:
        parts = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in QColor(name).getRgbF()[:3])
        return sum(part * weight for part, weight in zip(parts, (0.2126, 0.7152, 0.0722), strict=True))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("role", ["text0", "text1", "text2", "up", "down", "gold", "warn", "trip"])
def test_text_can_be_read_on_every_background(name, role):
    worn = theme.load(name)
    assert min(contrast(getattr(worn, role), back) for back in (worn.bg0, worn.bg1, worn.bg2)) >= 4.5


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("role", ["up", "down", "gold", "warn", "trip", "paper"])
def test_text_can_be_read_on_its_own_tint(name, role):
    worn = theme.load(name)
    assert contrast(getattr(worn, role), style.tint(worn, role).name()) >= 4.5


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("role", ["gold", "warn", "trip"])
@pytest.mark.parametrize("text", ["text0", "text1", "text2", "up", "down", "trip", "warn"])
def test_any_text_can_be_read_on_a_veil(name, role, text):
    worn = theme.load(name)
    assert contrast(getattr(worn, text), style.veil(worn, role).name()) >= 4.5


@pytest.mark.parametrize("name", THEMES)
def test_the_style_sheet_has_every_token_filled_in(name):
    assert "$" not in style.style_sheet(theme.load(name))


def test_both_themes_can_be_worn_in_turn(qapp):
    for name in ("dark", "light", "dark"):
        worn = theme.load(name)
        style.apply(qapp, worn)
        assert qapp.palette().window().color().name().upper() == worn.bg1
        assert worn.bg1 in qapp.styleSheet()


def test_figures_are_tabular(qapp):
    assert style.table_font().featureValue(QFont.Tag("tnum")) == 1
    assert style.table_font().pixelSize() == theme.FONT_TABLE


def test_icons_take_the_themes_colour(qapp):
    dark, light = (icons.pixmap("play", theme.load(name), "text0").toImage() for name in THEMES)
    assert not dark.isNull()
    assert dark != light


def test_the_program_has_its_own_icon(qapp):
    assert not icons.app_icon().pixmap(64, 64).isNull()


def test_an_unknown_theme_is_not_invented():
    with pytest.raises(FileNotFoundError):
        theme.load("blue")


def test_an_icon_that_does_not_exist_is_a_mistake_seen_at_once(qapp):
    with pytest.raises(KeyError):
        icons.icon("no-such-icon", theme.load("dark"))


def test_a_disabled_icon_is_fainter(qapp):
    made = icons.icon("play", theme.load("dark"))
    assert made.pixmap(16, 16).toImage() != made.pixmap(16, 16, icons.QIcon.Mode.Disabled).toImage()
