"""The risk panel: every limit as it stands now, against its cap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from engine.domain.instrument import Cash
from engine.domain.views import AccountView, Gauge
from widgets import format as fmt
from widgets.empty import Empty
from widgets.gauges.bar import Bar
from widgets.style import headline_font, set_role
from widgets.theme import UNIT, Theme

WIDE = 560
"""Pixels from which the account stands beside the limits, not above them."""
_TONES = {"ok": None, "warn": "warn", "trip": "error"}
ACCOUNT_WIDTH = 190
_WORDS = {"ok": "", "warn": "near", "trip": "hit"}


def used(gauge: Gauge) -> float:
    """Share of the cap in use."""
    return gauge.value / gauge.cap if gauge.cap else 0.0


def tightest(gauges: Sequence[Gauge]) -> Gauge | None:
    """The limit that is used most."""
    return max(gauges, key=used, default=None)


class _Row:
    """One limit: name, value of cap, bar, word."""

    def __init__(self, theme: Theme, grid: QGridLayout, number: int) -> None:
        self.name, self.value, self.cap, self.word = (QLabel() for _ in range(4))
        self.bar = Bar(theme)
        self.name.setProperty("role", "label")
        self.cap.setProperty("role", "hint")
        right = Qt.AlignmentFlag.AlignRight
        for at, widget in enumerate((self.name, self.bar, self.value, self.cap, self.word)):
            grid.addWidget(widget, number, at, right if widget in (self.value, self.cap) else Qt.AlignmentFlag(0))

    def show(self, gauge: Gauge) -> None:
        self.name.setText(fmt.limit(gauge.name))
        self.value.setText(fmt.share(gauge.name, gauge.value, 2))
        self.cap.setText(f"of {fmt.share(gauge.name, gauge.cap, fmt.cap_decimals(gauge.cap))}")
        self.word.setText(_WORDS[gauge.state])
        for label in (self.value, self.word):
            set_role(label, "role", _TONES[gauge.state])
        for widget in (self.name, self.bar, self.value, self.cap):
            widget.setToolTip(gauge.sentence)
        self.bar.show_shares(used(gauge), state=gauge.state)

    def set_visible(self, visible: bool) -> None:
        for widget in (self.name, self.bar, self.value, self.cap, self.word):
            widget.setVisible(visible)


class LimitGauges(QWidget):
    """All limits with the tightest on top as the one number; open risk, exposure and drawdown of the account under it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Risk")
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self._gauges: tuple[Gauge, ...] = ()
        self._account: AccountView | None = None
        self._rows: list[_Row] = []
        self.headline = QLabel(font=headline_font())
        self.subject = QLabel()
        self.subject.setProperty("role", "label")
        self.figures = QLabel(wordWrap=True)
        self.figures.setProperty("role", "hint")
        self.empty = Empty(theme, "gauge", "Limits appear here when a session runs.")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(2 * UNIT)
        self._grid.setVerticalSpacing(UNIT)
        self._grid.setColumnStretch(1, 1)
        self._lay_out()

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setProperty("surface", "panel")
        self._parts = QBoxLayout(QBoxLayout.Direction.TopToBottom, inner)
        self._parts.setContentsMargins(3 * UNIT, 2 * UNIT, 3 * UNIT, 2 * UNIT)
        self._parts.setSpacing(2 * UNIT)
        self._account_part = QWidget()
        column = QVBoxLayout(self._account_part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        for widget in (self.headline, self.subject, self.figures):
            column.addWidget(widget)
        column.addStretch()
        limits = QVBoxLayout()
        limits.addLayout(self._grid)
        limits.addStretch()
        self._parts.addWidget(self.empty, 1)
        self._parts.addWidget(self._account_part)
        self._parts.addLayout(limits, 1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= WIDE
        self._parts.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
        self._parts.setSpacing((6 if wide else 2) * UNIT)
        self._account_part.setFixedWidth(ACCOUNT_WIDTH if wide else max(0, self.width() - 6 * UNIT))

    def show_gauges(self, gauges: tuple[Gauge, ...], account: AccountView | None = None) -> None:
        """The limits and the account of this frame."""
        if account is not None and account != self._account:
            self._account = account
            self.figures.setText(_figures(account))
        if gauges == self._gauges:
            return
        self._gauges = gauges
        self.empty.setVisible(not gauges)
        self._account_part.setVisible(bool(gauges))
        while len(self._rows) < len(gauges):
            self._rows.append(_Row(self._theme, self._grid, len(self._rows)))
        for at, row in enumerate(self._rows):
            row.set_visible(at < len(gauges))
            if at < len(gauges):
                row.show(gauges[at])
        self._show_tightest(tightest(gauges))

    def _show_tightest(self, gauge: Gauge | None) -> None:
        self.headline.setText("" if gauge is None else fmt.percent(used(gauge), 0))
        self.subject.setText("" if gauge is None else f"of {gauge.name.replace('_', ' ')}, the tightest limit")
        set_role(self.headline, "role", None if gauge is None else _TONES[gauge.state])

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.empty.set_theme(theme)
        for row in self._rows:
            row.bar.set_theme(theme)

    def state(self) -> dict[str, Any]:
        rows = [[row.name.text(), row.value.text(), row.cap.text(), row.word.text()] for row in self._rows[: len(self._gauges)]]
        return {"name": self.accessibleName(), "headline": self.headline.text(), "rows": rows, "figures": self.figures.text()}


def _figures(account: AccountView) -> str:
    def amount(value: Cash) -> str:
        return f"{fmt.money(value)} {account.currency}"

    return (
        f"Open risk {amount(account.open_risk)}\nExposure {amount(account.exposure)}\n"
        f"Drawdown {fmt.percent(account.drawdown)}, worst {fmt.percent(account.max_drawdown)}\nPeak {amount(account.peak)}"
    )
