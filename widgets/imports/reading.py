"""How a file is read: format, instrument, timeframe and clock, as found and as the owner overrules them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QLineEdit, QWidget

from engine.domain.imports import TICKS, Choices, ClockOption, ImportPlan
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import TIMEFRAMES
from widgets import style
from widgets.elided import ElidedLabel
from widgets.format import percent
from widgets.imports import words
from widgets.theme import UNIT

Check = Callable[[str], str]
"""What is wrong with a clock as it was typed, in one sentence; empty where nothing is."""

CANDIDATES = 4
"""How many clocks are put side by side where the owner has to choose one."""
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "tab", "space": "space", "pipe": "|"}


class Reading(QWidget):
    """A form over a plan; `changed(Choices)` with every choice of the owner."""

    changed = Signal(object)

    def __init__(self, check_clock: Check, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._check = check_clock
        self._plan: ImportPlan | None = None
        self._clock = ""
        self.format = self._combo("Format", "What the file is read as; the format found comes first")
        self.symbol = self._combo("Instrument", "What the file holds the history of")
        self.timeframe = self._combo("Timeframe", "The length of a bar")
        self.clock = self._combo("Clock", "EET, UTC+4, Europe/London, America/New_York+7h, or EET-1h until 2014-01-05, EET")
        self.clock.setEditable(True)
        self.clock.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.columns = self._line("Columns", "time,open,high,low,close,-,volume", "The file's columns in order; - is not read")
        self.time_format = self._line("Time format", "found", "Such as DD/MM/YYYY HH:NN, or s, ms, us, ns since 1970")
        self.separator = self._combo("Separator", "What stands between the columns")
        self.separator.addItems(list(_SEPARATORS))
        self.scale = self._line("Price scale", "1", "All prices are multiplied by it, for instance 0.01")
        self.replaces = QCheckBox("Take the file's values where stored ones differ")
        self.replaces.setToolTip("The values stored now are kept as earlier ones; Undo brings them back")
        self.forces = QCheckBox("Read anyway")
        self.forces.setToolTip("Read the file although its name, its rows or its calendar contradict what is asked for")
        self.why = {name: ElidedLabel() for name in ("format", "symbol", "timeframe", "clock")}
        self.evidence = QLabel(wordWrap=True)
        self.evidence.setProperty("role", "label")
        self.evidence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._labels: dict[QWidget, QLabel] = {}
        self._lay_out()
        self._wire()

    def _combo(self, name: str, hint: str) -> QComboBox:
        made = QComboBox()
        made.setAccessibleName(name)
        made.setToolTip(hint)
        made.setMinimumWidth(58 * UNIT)
        made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        return made

    def _line(self, name: str, placeholder: str, hint: str) -> QLineEdit:
        made = QLineEdit(placeholderText=placeholder)
        made.setAccessibleName(name)
        made.setToolTip(hint)
        return made

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * UNIT)
        grid.setVerticalSpacing(UNIT)
        grid.setColumnStretch(2, 1)
        fields = self._fields()
        for row, field in enumerate(fields):
            label = self._labels[field] = QLabel(field.accessibleName())
            label.setProperty("role", "label")
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            why = next((self.why[name] for name in self.why if getattr(self, name) is field), None)
            if why is None:
                grid.addWidget(field, row, 1, 1, 2)
                continue
            why.setProperty("role", "hint")
            grid.addWidget(field, row, 1)
            grid.addWidget(why, row, 2)
        grid.addWidget(self.evidence, len(fields), 1, 1, 2)
        grid.addWidget(self.replaces, len(fields) + 1, 1, 1, 2)
        grid.addWidget(self.forces, len(fields) + 2, 1, 1, 2)

    def _fields(self) -> tuple[QComboBox | QLineEdit, ...]:
        mapping = (self.columns, self.separator, self.time_format)
        return (self.format, *mapping, self.symbol, self.timeframe, self.clock, self.scale)

    def _wire(self) -> None:
        self.format.activated.connect(lambda _row: self._choose(format=self.format.currentData()))
        self.symbol.activated.connect(lambda _row: self._choose(symbol=self.symbol.currentText()))
        self.timeframe.activated.connect(lambda _row: self._choose(timeframe=self.timeframe.currentText()))
        self.clock.activated.connect(lambda _row: self._take_clock(self.clock.currentData() or self.clock.currentText()))
        self.clock.lineEdit().editingFinished.connect(lambda: self._take_clock(self.clock.currentText()))
        self.clock.lineEdit().textEdited.connect(self._judge)
        self.columns.editingFinished.connect(self._take_columns)
        self.time_format.editingFinished.connect(self._take_columns)
        self.separator.activated.connect(lambda _row: self._take_columns())
        self.scale.editingFinished.connect(self._take_scale)
        self.replaces.clicked.connect(lambda on: self._choose(replace=on))
        self.forces.clicked.connect(lambda on: self._choose(force=on))

    def show_plan(self, plan: ImportPlan, open_to_changes: bool) -> None:
        """The plan's values; while it is imported, and afterwards, nothing can be changed."""
        self._plan = plan
        fields = self._fields()
        blocked = [QSignalBlocker(field) for field in fields]
        self._fill_format(plan)
        _fill(self.symbol, list(INSTRUMENTS), plan.symbol)
        _fill(self.timeframe, [TICKS] if plan.timeframe == TICKS else list(TIMEFRAMES), plan.timeframe)
        self._fill_clock(plan)
        self.columns.setText(plan.choices.columns or "")
        self.time_format.setText(plan.choices.time_format)
        self.separator.setCurrentText(next(name for name, sign in _SEPARATORS.items() if sign == plan.choices.separator))
        self.scale.setText(plan.choices.price_scale or "")
        self.replaces.setChecked(plan.choices.replace)
        self.forces.setChecked(plan.choices.force)
        del blocked
        self._show_what_matters(plan)
        for field in (*fields, self.replaces, self.forces):
            field.setEnabled(open_to_changes)

    def _show_what_matters(self, plan: ImportPlan) -> None:
        mapped = plan.format in ("", "plain") or bool(plan.choices.columns) or "--columns" in plan.refusal
        scaled = "--price-scale" in plan.refusal or bool(plan.choices.price_scale)
        shown = {self.columns: mapped, self.separator: mapped, self.time_format: mapped, self.scale: scaled}
        for field, on in shown.items():
            field.setVisible(on)
            self._labels[field].setVisible(on)
        change = plan.change
        self.replaces.setVisible(plan.choices.replace or (change is not None and change.changed > 0))
        self.forces.setVisible(plan.choices.force or "--force" in plan.refusal)

    def _fill_format(self, plan: ImportPlan) -> None:
        self.format.clear()
        if not plan.format and not plan.choices.format:
            self.format.addItem("not recognised", None)
        for option in plan.formats:
            self.format.addItem(option.title, option.name)
            self.format.setItemData(self.format.count() - 1, option.why, Qt.ItemDataRole.ToolTipRole)
        self.format.setCurrentIndex(0)
        also = [option.title for option in plan.formats[1:] if option.recognised]
        known = plan.formats[0].why if plan.format else "none that is known"
        told = "chosen" if plan.choices.format else known
        self.why["format"].show_text(f"{told}; could also be {', '.join(also)}" if also else told)
        self.why["symbol"].show_text(plan.symbol_why)
        self.why["timeframe"].show_text(plan.timeframe_why)

    def _fill_clock(self, plan: ImportPlan) -> None:
        self.clock.clear()
        for option in plan.clocks:
            self.clock.addItem(_clock(option), option.spec)
        chosen = self._clock = plan.clock or plan.choices.clock or ""
        self.clock.setCurrentIndex(self.clock.findData(chosen))
        self.clock.setEditText(chosen)
        style.set_role(self.clock.lineEdit(), "wrong", bool(plan.clocks) and not chosen)
        self.clock.lineEdit().setPlaceholderText("choose one" if plan.clocks else "")
        word, role, why = words.CONFIDENCE.get(plan.confidence, ("", "", ""))
        told = {"proposed": "from the closed hours", "measured": "measured against stored bars", "written": "by the format"}
        self.why["clock"].show_text(" · ".join(part for part in (word, told.get(plan.clock_how, "")) if part))
        self.why["clock"].setToolTip(why)
        style.set_role(self.why["clock"], "role", role or "hint")
        told_of = [words.in_the_panel(sentence) for sentence in plan.clock_evidence]
        if not plan.clock:
            told_of = [_clock(option) for option in plan.clocks[:CANDIDATES]]
        self.evidence.setText("\n".join(told_of))
        self.evidence.setVisible(bool(told_of))

    def _judge(self, text: str) -> bool:
        """Marks a clock that is none."""
        problem = self._check(text) if text.strip() else ""
        style.set_role(self.clock.lineEdit(), "wrong", bool(problem))
        if problem:
            self.why["clock"].show_text(problem)
            style.set_role(self.why["clock"], "role", "error")
        return not problem

    def _take_clock(self, spec: str) -> None:
        known = self.clock.findText(spec)
        spec = (self.clock.itemData(known) if known >= 0 else spec).strip()
        self.clock.setEditText(spec)
        if spec != self._clock and self._judge(spec):  # Return tells of it twice
            self._clock = spec
            self._choose(clock=spec or None)

    def _take_columns(self) -> None:
        written = self.columns.text().strip() or None
        self._choose(
            columns=written,
            separator=_SEPARATORS[self.separator.currentText()],
            time_format=self.time_format.text().strip(),
        )

    def _take_scale(self) -> None:
        self._choose(price_scale=self.scale.text().strip() or None)

    def _choose(self, **changes: Any) -> None:
        if self._plan is None:
            return
        choices: Choices = replace(self._plan.choices, **changes)
        if choices != self._plan.choices:
            self.changed.emit(choices)


def _clock(option: ClockOption) -> str:
    parts = []
    if option.closed_share is not None:
        parts.append(f"{percent(option.closed_share, 1)} in closed hours")
    if option.correlation is not None:
        parts.append(f"returns {option.correlation:.3f}")
    if option.same:
        parts.append(f"as {', '.join(option.same[:2])}")
    return f"{option.spec}   {' · '.join(parts)}" if parts else option.spec


def _fill(combo: QComboBox, names: list[str], chosen: str) -> None:
    combo.clear()
    combo.addItems(names if not chosen or chosen in names else [chosen, *names])
    combo.setCurrentIndex(combo.findText(chosen) if chosen else -1)
