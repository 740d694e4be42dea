"""The parts of what is known of a file: quality, rows as written and as read, and what would change."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engine.core.clock import SECOND
from engine.domain.imports import BadLine, Change, Figure, ImportPlan, SampleRow
from widgets import style
from widgets.elided import ElidedLabel
from widgets.format import DASH
from widgets.imports import words
from widgets.imports.lanes import CoverageBar
from widgets.imports.listing import Head, Listing
from widgets.theme import UNIT, Theme

_DISAGREE = 0.9


class Section(QWidget):
    """A part with its title."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = QLabel(title)
        self.title.setFont(style.font(bold=True))
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(UNIT)
        self.column.addWidget(self.title)


class Quality(Section):
    """The figures in two columns, and the lines that are refused."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("Quality")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(3 * UNIT)
        self._grid.setVerticalSpacing(UNIT // 2)
        self._grid.setColumnStretch(1, 1)
        self.values: dict[str, QLabel] = {}
        self.bad = Listing(theme, "Refused lines", most=8)
        self.more = QLabel()
        self.more.setProperty("role", "hint")
        self.column.addLayout(self._grid)
        self.column.addWidget(self.bad)
        self.column.addWidget(self.more)

    def show_figures(self, figures: Sequence[Figure], bad: Sequence[BadLine], bad_count: int) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            item.widget().deleteLater()
        self.values = {}
        for row, figure in enumerate(figures):
            name, value = QLabel(figure.name), ElidedLabel()
            name.setProperty("role", "label")
            value.show_text(figure.text)
            value.setProperty("role", figure.tone)
            value.setToolTip("\n".join(part for part in (figure.text, figure.why) if part))
            name.setToolTip(figure.why)
            self._grid.addWidget(name, row, 0)
            self._grid.addWidget(value, row, 1)
            self.values[figure.name] = value
        heads = (Head("Line", 68, True, "text1"), Head("Refused because", 0, role="warn"), Head("As written", 0, role="text1"))
        self.bad.show_rows(heads, [(f"{row.line:,}", row.reason, row.raw) for row in bad])
        self.bad.setVisible(bool(bad))
        self.more.setText(f"and {bad_count - len(bad):,} more")
        self.more.setVisible(bad_count > len(bad))


class Rows(Section):
    """The first and the last rows, as written beside as read."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("Rows, as written and as read")
        self.table = Listing(theme, "First and last rows", most=13)
        self.column.addWidget(self.table)

    def show_plan(self, plan: ImportPlan) -> None:
        """Columns that say nothing in any row are left out."""
        every = (*plan.first, *plan.last)
        used = [at for at in range(len(plan.columns)) if any(row.values and row.values[at] is not None for row in every)]
        is_read = any(row.values for row in every)
        written = any(row.raw for row in every)
        heads = [Head("Line", 68, True, "text1")] if written else []
        heads += [Head("As written", 0, role="text1")] if written else []
        if is_read:
            fine = any(row.at % SECOND for row in every)
            heads.append(Head("Time, UTC", 160 if fine else 112))
            heads += [Head(plan.columns[at].capitalize(), 62, True) for at in used]
        rows = [_sample(row, plan, used, written, is_read) for row in plan.first]
        if plan.last:
            rows.append(tuple("…" for _ in heads))
            rows += [_sample(row, plan, used, written, is_read) for row in plan.last]
        self.table.show_rows(heads, rows)
        self.setVisible(bool(rows))


def _sample(row: SampleRow, plan: ImportPlan, used: Sequence[int], written: bool, is_read: bool) -> tuple[str, ...]:
    cells = [f"{row.line:,}" if row.line else DASH, row.raw] if written else []
    if is_read:
        cells.append(words.moment(row.at))
        cells += [_value(row, plan, at) for at in used]
    return tuple(cells)


def _value(row: SampleRow, plan: ImportPlan, at: int) -> str:
    if not row.values:
        return DASH
    value = row.values[at]
    whole = plan.columns[at] == "volume" and value is not None and value.is_integer()
    return words.value(value, 0 if whole else plan.decimals)


class Changes(Section):
    """What an import would do: counts, the time it covers, values that differ, and how other sources agree."""

    def __init__(self, theme: Theme) -> None:
        super().__init__("What would change")
        self.counts = {name: QLabel() for name in ("new", "alike", "other values")}
        line = QHBoxLayout()
        line.setSpacing(6 * UNIT)
        for label in self.counts.values():
            label.setFont(style.font(bold=True))
            line.addWidget(label)
        line.addStretch()
        self.bar = CoverageBar(theme)
        self.corrections = Listing(theme, "Stored values that the file has otherwise", most=5)
        self.neighbours = QVBoxLayout()
        self.neighbours.setSpacing(0)
        self.column.addLayout(line)
        self.column.addWidget(self.bar)
        self.column.addWidget(self.corrections)
        self.column.addLayout(self.neighbours)

    def show_change(self, change: Change | None, decimals: int, is_done: bool) -> None:
        self.setVisible(change is not None)
        self.title.setText("What was changed" if is_done else "What would change")
        if change is None:
            return
        told = {"new": change.new, "alike": change.same, "other values": change.changed}
        roles = {"new": "", "alike": "hint", "other values": "warn" if change.changed else "hint"}
        for name, label in self.counts.items():
            label.setText(f"{told[name]:,} {name}")
            style.set_role(label, "role", roles[name])
        self.bar.show_lanes(change.lanes)
        heads = (Head("Time, UTC", 112), Head("Value", 60), Head("Stored", 80, True), Head("In the file", 80, True, "warn"))
        rows = [(words.moment(each.at), each.column, f"{each.stored:,.{decimals}f}", f"{each.file:,.{decimals}f}")
                for each in change.corrections]  # fmt: skip
        self.corrections.show_rows(heads, rows)
        self.corrections.setVisible(bool(rows))
        while (item := self.neighbours.takeAt(0)) is not None:
            item.widget().deleteLater()
        for other in change.neighbours:
            label = ElidedLabel()
            label.show_text(words.neighbour(other))
            disagrees = other.correlation is not None and other.correlation < _DISAGREE
            label.setProperty("role", "warn" if disagrees else "hint")
            self.neighbours.addWidget(label)
