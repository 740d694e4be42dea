"""Several targets of one order: a price and a share of the quantity each."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from engine.domain.instrument import Instrument
from widgets.theme import UNIT
from widgets.ticket.field import NumberField
from widgets.ticket.row import Row

MOST = 10
"""Targets that one order may have."""


@dataclass(frozen=True, slots=True)
class _Target:
    row: Row
    price: NumberField
    share: NumberField
    remove: QPushButton


class Targets(QWidget):
    """Rows that can be added and taken away. `changed` comes with every edit. Shares nobody typed are kept even."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[_Target] = []
        self._by_hand = False
        self._decimals: int | None = 0
        self._step = Decimal(1)
        self.add = QPushButton("Add target")
        self.add.setToolTip(f"Close the position in parts, each at a price of its own; up to {MOST}")
        self.add.clicked.connect(lambda _checked: self.add_row())
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(UNIT)
        unit = QLabel("each: price, % of size")
        unit.setProperty("role", "hint")
        self._column.addWidget(Row("Targets", self.add, unit))

    def add_row(self, price: str = "", share: str = "") -> None:
        """One target more; a `share` makes all shares those that were typed."""
        if len(self.rows) == MOST:
            return
        self._by_hand = self._by_hand or bool(share)
        target = self._made(len(self.rows) + 1)
        target.price.setText(price)
        target.share.setText(share)
        self.rows.append(target)
        self._column.addWidget(target.row)
        self._settle()

    def _made(self, number: int) -> _Target:
        price = NumberField(f"Target {number}", "This target's price, or its distance from the entry")
        share = NumberField(f"Share of target {number}", "How much of the order closes here, in percent")
        share.setMaximumWidth(16 * UNIT)
        price.decimals, price.step = self._decimals, self._step
        price.setPlaceholderText("price" if self._decimals is not None else "distance")
        share.setPlaceholderText("%")
        remove = QPushButton("✕")
        remove.setProperty("flat", True)
        remove.setFixedWidth(6 * UNIT)
        remove.setToolTip("Take this target away")
        remove.setAccessibleName(f"Remove target {number}")
        target = _Target(Row("", price, share, remove), price, share, remove)
        price.changed.connect(self.changed)
        share.textEdited.connect(lambda _text: setattr(self, "_by_hand", True))
        share.changed.connect(self.changed)
        remove.clicked.connect(lambda _checked: self._remove(target))
        return target

    def _remove(self, target: _Target) -> None:
        self.rows.remove(target)
        self._column.removeWidget(target.row)
        target.row.hide()
        target.row.deleteLater()
        self._by_hand = self._by_hand and bool(self.rows)
        self._settle()

    def _settle(self) -> None:
        """Name the rows by their place, and share evenly what nobody shared by hand."""
        count = len(self.rows)
        for number, target in enumerate(self.rows, start=1):
            target.row.fields = {f"target{number}": target.price, f"share{number}": target.share}
            if not self._by_hand:
                target.share.setText(str(100 // count + (number <= 100 % count)))
        self.add.setEnabled(count < MOST)
        self.changed.emit()

    def clear(self) -> None:
        """No targets."""
        while self.rows:
            self._remove(self.rows[-1])

    def set_unit(self, instrument: Instrument, by_distance: bool) -> None:
        """Prices or distances of this instrument."""
        self._decimals = None if by_distance else instrument.price_decimals
        self._step = instrument.tick_size * 10
        for target in self.rows:
            target.price.decimals, target.price.step = self._decimals, self._step
            target.price.setPlaceholderText("distance" if by_distance else "price")

    @property
    def all_rows(self) -> list[Row]:
        return [target.row for target in self.rows]
