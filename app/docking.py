"""Where the panels stand: their docks, the proportions a new layout begins with, and the layout that is remembered."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import PySide6QtAds as ads  # noqa: N813 - the name its own documentation uses
from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.page import Page
from app.panels import PANELS, Panel, Place
from app.state import Memory

AREAS = {
    "left": ads.LeftDockWidgetArea,
    "right": ads.RightDockWidgetArea,
    "bottom": ads.BottomDockWidgetArea,
}
TICKET_HEIGHT = 430
"""Pixels the ticket needs to show its preview without scrolling."""

_OFF = (
    ads.CDockManager.ActiveTabHasCloseButton,
    ads.CDockManager.AllTabsHaveCloseButton,
    ads.CDockManager.DockAreaHasCloseButton,
    ads.CDockManager.DockAreaHasUndockButton,
    ads.CDockManager.DockAreaHasTabsMenuButton,
    ads.CDockManager.FocusHighlighting,
)


class Docking(QWidget):
    """The docks by panel name (`docks`) and the manager that lays them out."""

    def __init__(self, panels: Mapping[str, Panel]) -> None:
        super().__init__()
        ads.CDockManager.setConfigFlag(ads.CDockManager.OpaqueSplitterResize, True)
        for flag in _OFF:
            ads.CDockManager.setConfigFlag(flag, False)
        self._manager = ads.CDockManager(self)
        self._manager.setStyleSheet("")
        self.docks: dict[str, ads.CDockWidget | Page] = {}
        self._areas: dict[str, ads.CDockAreaWidget] = {}
        self._placed = (0, 0, 0)
        self._was_restored = False
        self._stack = QStackedWidget()
        self._stack.addWidget(self._manager)
        self._chart = panels["chart"].widget
        for place in PANELS:
            if place.area == "page":
                page = self.docks[place.name] = Page(place.title, panels[place.name].widget, self.leave_page)
                self._stack.addWidget(page)
            else:
                self._add(place, panels[place.name].widget)
        for name in ("positions", "signals"):
            self.docks[name].setAsCurrentTab()
        inner = QVBoxLayout(self)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self._stack)
        self._proportions(1366, 700)
        self._as_built = self._manager.saveState()

    def _add(self, place: Place, widget: QWidget) -> None:
        dock = self.docks[place.name] = ads.CDockWidget(self._manager, place.title, self._manager)
        dock.setObjectName(place.name)
        dock.setTabToolTip(f"{place.title} ({place.shortcut})" if place.shortcut else place.title)
        dock.setWidget(widget, ads.CDockWidget.eInsertMode.ForceNoScrollArea)
        dock.setMinimumSizeHintMode(ads.CDockWidget.eMinimumSizeHintMode.MinimumSizeHintFromDockWidget)
        manager, areas, area = self._manager, self._areas, place.area
        if area == "center":
            areas[area] = manager.setCentralWidget(dock)
            areas[area].setAllowedAreas(ads.DockWidgetArea.OuterDockAreas)
        elif area == "right_low":
            areas[area] = manager.addDockWidget(ads.BottomDockWidgetArea, dock, areas["right"])
        elif area in areas:
            manager.addDockWidgetTabToArea(dock, areas[area])
        elif area == "bottom":
            areas[area] = manager.addDockWidget(ads.BottomDockWidgetArea, dock, areas["center"])
        else:
            areas[area] = manager.addDockWidget(AREAS[area], dock)

    def _proportions(self, width: int, height: int) -> None:
        """The chart gets at least half of the window, the ticket what its preview needs, the lists some more on large screens."""
        left, right = min(max(232, width // 8), 320), min(max(324, width // 6), 440)
        below = min(max(196, round(height * 0.28)), 480)
        manager, areas = self._manager, self._areas
        manager.setSplitterSizes(areas["left"], [left, width - left - right, right])
        manager.setSplitterSizes(areas["center"], [height - below, below])
        manager.setSplitterSizes(areas["right"], [max(270, height - TICKET_HEIGHT), TICKET_HEIGHT])
        self._placed = self._splits()

    def _splits(self) -> tuple[int, int, int]:
        """What a hand on a splitter would change: widths of the sides, height of the lists."""
        return self._areas["left"].width(), self._areas["right"].width(), self._areas["bottom"].height()

    def follow(self) -> None:
        """After the window's size changed: a layout nobody has touched follows it."""
        if not self._was_restored and self._splits() == self._placed:
            self._proportions(self._manager.width(), self._manager.height())

    def raise_(self, name: str) -> None:
        """Shows a panel in front; a page stands before all docks until another panel is asked for."""
        dock = self.docks[name]
        if isinstance(dock, Page):
            self._stack.setCurrentWidget(dock)
            return
        self.leave_page()
        self.docks[name].toggleView(True)
        self.docks[name].setAsCurrentTab()

    def show_waiting(self, cards: int) -> None:
        """Says on the page in front how many signals wait behind it."""
        if isinstance(page := self._stack.currentWidget(), Page):
            page.show_waiting(cards)

    def leave_page(self) -> None:
        """Shows the docks; the focus goes to the chart, not back to a button that trades."""
        if self._stack.currentWidget() is not self._manager:
            self._stack.setCurrentWidget(self._manager)
            self._chart.setFocus(Qt.FocusReason.OtherFocusReason)

    def reset(self) -> None:
        """The layout as it came."""
        self._manager.restoreState(self._as_built)

    def restore(self, memory: Memory) -> bool:
        """Brings back the layout `memory` kept, if any; False when it cannot be used."""
        kept = memory.get("docks")
        self._was_restored = bool(kept)
        return not kept or self._manager.restoreState(QByteArray(base64.b64decode(kept)))

    def remember(self, memory: Memory) -> None:
        """Keeps the layout for the next start."""
        memory.set("docks", base64.b64encode(self._manager.saveState().data()).decode())
