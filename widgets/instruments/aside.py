"""Beside the form: what follows from the values, when the market is shut next, what changed, and what was before."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from engine.core.clock import to_datetime
from engine.domain.revision import Change, Listed, shown
from widgets import style
from widgets.format import MINUS, Display
from widgets.instruments.groups import NAMES
from widgets.theme import UNIT

WIDTH = 328


class Part(QWidget):
    """A title and rows that are made anew with every showing."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = QLabel(title)
        self.title.setFont(style.font(bold=True))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(UNIT)
        self._column.addWidget(self.title)
        self._rows: QWidget | None = None

    def fill(self, rows: QWidget) -> None:
        """The rows in place of those before."""
        if self._rows is not None:
            self._column.removeWidget(self._rows)
            self._rows.deleteLater()
        self._rows = rows
        self._column.addWidget(rows)

    def fill_pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Names at the left, values at the right edge."""
        rows = QWidget()
        grid = QGridLayout(rows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * UNIT)
        grid.setVerticalSpacing(UNIT // 2)
        grid.setColumnStretch(1, 1)
        for row, (name, value) in enumerate(pairs):
            label, figure = QLabel(name), QLabel(value, wordWrap=True)
            label.setProperty("role", "label")
            figure.setAlignment(Qt.AlignmentFlag.AlignRight)
            figure.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(figure, row, 1)
        self.fill(rows)

    def fill_lines(self, lines: Sequence[str], role: str = "label") -> None:
        """A line each."""
        rows = QLabel("\n".join(lines), wordWrap=True)
        rows.setProperty("role", role)
        self.fill(rows)


class Aside(QScrollArea):
    """`restored(version)` when the owner wants an earlier version's values in the form."""

    restored = Signal(int)

    def __init__(self, display: Display) -> None:
        super().__init__()
        self._display = display
        self.setWidgetResizable(True)
        self.setFixedWidth(WIDTH)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.about = QLabel(wordWrap=True)
        self.about.setProperty("role", "hint")
        self.figures = Part("What follows")
        self.coming = Part("Shut next")
        self.contracts = Part("Contracts")
        self.changes = Part("Changes")
        self.history = Part("Versions")
        self.restore_buttons: dict[int, QPushButton] = {}
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(2 * UNIT, 2 * UNIT, 3 * UNIT, 2 * UNIT)
        column.setSpacing(4 * UNIT)
        for part in (self.about, self.changes, self.figures, self.coming, self.contracts, self.history):
            column.addWidget(part)
        column.addStretch()
        self.setWidget(inner)

    def show_changes(self, changes: Sequence[Change]) -> None:
        """What saving would change, in the words of the form."""
        self.changes.setVisible(bool(changes))
        if changes:
            self.changes.fill_lines(
                [f"{NAMES.get(each.path, each.path)}: {_short(each.before)} → {_short(each.after)}" for each in changes], "warn"
            )

    def show_coming(self, closures: Sequence[str], contracts: Sequence[str]) -> None:
        """The next closures and, for futures, the contracts in front."""
        self.coming.fill_lines(closures or ["No holidays are kept."])
        self.contracts.setVisible(bool(contracts))
        self.contracts.fill_lines(contracts)

    def show_history(self, versions: Sequence[Listed], version: int) -> None:
        """Every version, the newest first; all but the one in force can be restored."""
        rows = QWidget()
        column = QVBoxLayout(rows)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        self.restore_buttons = {}
        for each in reversed(versions):
            column.addLayout(self._version(each, each.version == version))
        self.history.fill(rows)

    def _version(self, each: Listed, in_force: bool) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2 * UNIT)
        when = f"{to_datetime(each.at, self._display.zone):%Y-%m-%d %H:%M}, " if each.version else ""
        name = QLabel(f"{each.version}  {when}{each.reason}", wordWrap=True)
        name.setProperty("role", None if in_force else "label")
        name.setToolTip(f"SHA-256 {each.sha256}")
        row.addWidget(name, 1)
        if in_force:
            mark = QLabel("in force")
            mark.setProperty("role", "good")
            row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
            return row
        button = self.restore_buttons[each.version] = QPushButton("Restore")
        button.setToolTip(f"Put the values of version {each.version} into the form; nothing is stored until you save")
        button.setAccessibleName(f"Restore version {each.version}")
        button.clicked.connect(lambda _checked, version=each.version: self.restored.emit(version))
        row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return row


def _short(value: object) -> str:
    """A value that fits a line; lists by their count."""
    if isinstance(value, list) and any(isinstance(part, dict) for part in value):
        return f"{len(value)} rules"
    text = ", ".join(map(str, value)) if isinstance(value, list) else shown(value)
    return MINUS + text[1:] if text[:1] == "-" else text
