"""The form of an instrument: groups of fields in two columns, each checked as it is typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from widgets import style
from widgets.instruments.fields import ValueField
from widgets.instruments.groups import GROUPS, Group
from widgets.instruments.texts import field_of
from widgets.theme import UNIT

COLUMN_WIDTH = 480


class Form(QScrollArea):
    """Shows texts by path; `edited` when the owner changed one."""

    edited = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMaximumWidth(2 * COLUMN_WIDTH + 24 * UNIT)
        self.fields: dict[str, ValueField] = {}
        self._beside: dict[str, str] = {}
        self._groups: list[tuple[Group, QWidget]] = []
        inner = QWidget()
        row = QHBoxLayout(inner)
        row.setContentsMargins(4 * UNIT, 2 * UNIT, 4 * UNIT, 2 * UNIT)
        row.setSpacing(6 * UNIT)
        columns = [QVBoxLayout(), QVBoxLayout()]
        for column in columns:
            column.setSpacing(4 * UNIT)
            holder = QWidget()
            holder.setMaximumWidth(COLUMN_WIDTH)
            holder.setLayout(column)
            column.setContentsMargins(0, 0, 0, 0)
            row.addWidget(holder, 1)
        for group in GROUPS:
            made = self._group(group)
            self._groups.append((group, made))
            columns[group.column].addWidget(made)
        for column in columns:
            column.addStretch()
        row.addStretch()
        self.setWidget(inner)

    def _group(self, group: Group) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        title = QLabel(group.title)
        title.setFont(style.font(bold=True))
        column.addWidget(title)
        for spec in group.specs:
            field = self.fields[spec.path] = ValueField(spec)
            field.edited.connect(self.edited)
            column.addWidget(field)
        return made

    def show_texts(self, texts: Mapping[str, str], is_future: bool) -> None:
        """Fills the fields; what no field stands for is kept as it is."""
        self._beside = {path: text for path, text in texts.items() if path not in self.fields}
        for path, field in self.fields.items():
            field.set_text(texts.get(path, ""))
        for group, widget in self._groups:
            widget.setVisible(is_future or not group.future)
        self._is_future = is_future

    def texts(self) -> dict[str, str]:
        """Every value as it stands now."""
        hidden = {spec.path for group in GROUPS if group.future and not self._is_future for spec in group.specs}
        shown = {path: field.text() for path, field in self.fields.items() if path not in hidden}
        return {**self._beside, **shown}

    def mark(self, faults: Iterable[tuple[str, str]], stored: Mapping[str, str]) -> list[str]:
        """Says at each field what is wrong with it and whether it differs from `stored`; what belongs to none is returned."""
        by_field: dict[str, str] = {}
        rest: list[str] = []
        for path, sentence in faults:
            owner = field_of(path, self.fields) or self._spoken_of(path, sentence)
            if owner and owner not in by_field:
                by_field[owner] = _in_its_line(path.removeprefix(owner), sentence)
            elif not owner:
                rest.append(sentence)
        self.fields["size.contract"].set_unit(self.fields["size.unit"].text())
        for path, field in self.fields.items():
            field.mark(by_field.get(path, ""))
            field.mark_changed(field.text().strip() != stored.get(path, "").strip())
        return rest

    def _spoken_of(self, part: str, sentence: str) -> str:
        """The field meant by what is wrong with a part such as "size": the one the sentence begins with, else the first."""
        named = f"{part}.{sentence.partition(' ')[0]}"
        inside = [path for path in self.fields if part and path.startswith(part + ".")]
        return named if named in inside else next(iter(inside), "")


def _in_its_line(rest: str, sentence: str) -> str:
    """The sentence with the line it is about, where the field has several."""
    number = rest.removeprefix(".").partition(".")[0]
    return f"line {int(number) + 1}: {sentence}" if number.isdigit() else sentence
