"""The editor of instruments: choose one, change its values with every fault said at its field, save that as a new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from engine.domain.definition import Definition, faults, parse
from engine.domain.revision import Change, Listed, differences
from widgets.elided import ElidedLabel
from widgets.format import Display
from widgets.instruments.aside import Aside
from widgets.instruments.figures import figures
from widgets.instruments.form import Form
from widgets.instruments.picker import Picker
from widgets.instruments.texts import texts_of, values_of
from widgets.style import set_role
from widgets.theme import UNIT, Theme

LATER = "A change begins with the next session, which opens a new book; this session goes on with the terms it began with."


@dataclass(slots=True)
class Typed:
    """What the owner typed for an instrument, why, and the newest version there was when the edit began."""

    texts: dict[str, str]
    follows: int
    reason: str = ""


class InstrumentsView(QWidget):
    """`chosen(key)`, `drafted(Definition)` when the form holds a sound definition, `saved(Definition, reason, version)` with the
    version the edit began from, `begun()` for a session on what is stored, and `left()` are what the owner asks for."""

    chosen = Signal(str)
    drafted = Signal(object)
    saved = Signal(object, str, int)
    begun = Signal()
    left = Signal()

    def __init__(self, theme: Theme, display: Display, leverage: Decimal) -> None:
        super().__init__()
        self._display, self._leverage = display, leverage
        self._price: Decimal | None = None
        self._stored: Listed | None = None
        self._versions: Sequence[Listed] = ()
        self._typed: dict[str, Typed] = {}
        self._draft: Definition | None = None
        self._session = ("", "")
        self.picker = Picker(theme)
        self.form = Form()
        self.aside = Aside(display)
        self.note = QLabel(LATER, wordWrap=True)
        self.begin = QPushButton("Begin the next session")
        self.begin.setToolTip("End this session and begin one on the terms that are stored, in a book of its own")
        self.banner = QFrame()
        self.banner.setProperty("role", "banner")
        self.summary = ElidedLabel()
        self.reason = QLineEdit(placeholderText="Why: kept with the version")
        self.reason.setAccessibleName("Reason of the change")
        self.discard = QPushButton("Discard")
        self.save = QPushButton("Save")
        self.save.setProperty("kind", "accent")
        self._lay_out()
        self._wire()
        self.setEnabled(False)

    def _lay_out(self) -> None:
        strip = QHBoxLayout(self.banner)
        strip.setContentsMargins(4 * UNIT, UNIT, 2 * UNIT, UNIT)
        strip.addWidget(self.note, 1)
        strip.addWidget(self.begin)
        foot = QHBoxLayout()
        foot.setContentsMargins(4 * UNIT, UNIT, 3 * UNIT, 2 * UNIT)
        foot.setSpacing(2 * UNIT)
        self.reason.setFixedWidth(240)
        for widget, stretch in ((self.summary, 1), (self.reason, 0), (self.discard, 0), (self.save, 0)):
            foot.addWidget(widget, stretch)
        middle = QHBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(self.form, 1)
        middle.addWidget(_line("v"))
        middle.addWidget(self.aside)
        middle.addStretch()
        work = QVBoxLayout()
        work.setContentsMargins(0, 0, 0, 0)
        work.setSpacing(0)
        work.addWidget(self.banner)
        work.addLayout(middle, 1)
        work.addWidget(_line("h"))
        work.addLayout(foot)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.picker)
        whole.addWidget(_line("v"))
        whole.addLayout(work, 1)

    def _wire(self) -> None:
        self.picker.chosen.connect(self._choose)
        self.form.edited.connect(self._edit)
        self.aside.restored.connect(self.restore)
        self.reason.textChanged.connect(self._explain)
        self.reason.returnPressed.connect(self._save)
        self.save.clicked.connect(lambda _checked: self._save())
        self.discard.clicked.connect(lambda _checked: self.drop())
        self.begin.clicked.connect(lambda _checked: self.begun.emit())
        self.discard.setToolTip("Put the stored values back into the form")
        for keys, act in (("Ctrl+S", self._save), ("Ctrl+F", self.search), ("Esc", self.left.emit)):
            QShortcut(QKeySequence(keys), self, act, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # --- what is shown ---

    def show_list(self, listed: Sequence[Listed], key: str, session: tuple[str, str]) -> None:
        """The instruments, with `key` chosen. `session` is the key and the hash of what the session trades on."""
        if not self.isEnabled():
            self.setEnabled(True)
            self.search()
        self._session = session
        self.picker.show_list(listed, key)

    def show_instrument(self, versions: Sequence[Listed], version: int, price: Decimal | None) -> None:
        """An instrument's versions, the one in force among them, and its last price; what was typed before is still there."""
        self._versions, self._price = versions, price
        self._stored = stored = next(each for each in versions if each.version == version)
        self.aside.show_history(versions, version)
        typed = self._typed.get(stored.key)
        self._fill(typed.texts if typed else texts_of(stored.definition))
        self.reason.setText(typed.reason if typed else "")

    def show_coming(self, key: str, closures: Sequence[str], contracts: Sequence[str]) -> None:
        """When the market is shut next by what the form says."""
        if self._stored is not None and key == self._stored.key:
            self.aside.show_coming(closures, contracts)

    def show_stored(self, key: str) -> None:
        """What was typed for `key` is stored; what is open for another instrument stays open."""
        self._typed.pop(key, None)
        if self._stored is not None and self._stored.key == key:
            self.reason.clear()

    def complain(self, sentence: str) -> None:
        """Says why something could not be done, where it was asked for."""
        self._say(sentence, "error")

    def set_theme(self, theme: Theme) -> None:
        self.picker.set_theme(theme)

    def state(self) -> dict[str, Any]:
        fields = {path: field.text() for path, field in self.form.fields.items()}
        marked = {path: field.fault.text() for path, field in self.form.fields.items() if field.fault.text()}
        return {
            "key": self._stored.key if self._stored else "",
            "fields": fields,
            "faults": marked,
            "summary": self.summary.text(),
            "banner": self.note.text() if not self.banner.isHidden() else "",
        }

    # --- what the owner does ---

    def _choose(self, key: str) -> None:
        self.chosen.emit(key)

    def search(self) -> None:
        """The keys go to the search box."""
        self.picker.search.setFocus()
        self.picker.search.selectAll()

    def restore(self, version: int) -> None:
        """Puts an earlier version's values into the form."""
        wanted = next(each for each in self._versions if each.version == version)
        self._typed[wanted.key] = Typed(texts_of(wanted.definition), self._versions[-1].version)
        self.reason.setText(f"back to version {version}")
        self._fill(self._typed[wanted.key].texts)

    def drop(self) -> None:
        """Puts the stored values back into the form."""
        if self._stored is not None:
            self._typed.pop(self._stored.key, None)
            self.reason.clear()
            self._fill(texts_of(self._stored.definition))

    def _fill(self, texts: dict[str, str]) -> None:
        assert self._stored is not None
        self.form.show_texts(texts, self._stored.definition.kind == "future")
        self._judge()
        if self._draft is not None:
            self.drafted.emit(self._draft)

    def _edit(self) -> None:
        if self._stored is not None:
            self._keep(self._stored, self.form.texts())
            self._judge()
            if self._draft is not None:
                self.drafted.emit(self._draft)

    def _keep(self, stored: Listed, texts: dict[str, str]) -> None:
        """An edit goes on from the version it began from; one that is back at what is stored is none."""
        if values_of(texts) == values_of(texts_of(stored.definition)):
            self._typed.pop(stored.key, None)
            return
        typed = self._typed.setdefault(stored.key, Typed(texts, self._versions[-1].version, self.reason.text()))
        typed.texts = texts

    def _explain(self, reason: str) -> None:
        if self._stored is not None and self._stored.key in self._typed:
            self._typed[self._stored.key].reason = reason
        self._judge()

    def _judge(self) -> None:
        """Says what is wrong and what would change, and what could be done about it."""
        stored = self._stored
        if stored is None:
            return
        values = values_of(self.form.texts())
        found = faults(values)
        self._draft = None if found else parse(values, stored.key)
        rest = self.form.mark(found, texts_of(stored.definition))
        changes = differences(stored.definition, self._draft) if self._draft is not None else []
        self.aside.figures.title.setText(
            "What follows" if self._draft is not None else "What followed from the last sound values"
        )
        if self._draft is not None:
            self.aside.figures.fill_pairs(figures(self._draft, self._price, self._display.currency, self._leverage))
        self.aside.show_changes(changes)
        self._about(stored)
        self._sum_up(found, rest, changes)

    def _about(self, stored: Listed) -> None:
        known = "as shipped" if not stored.version else f"version {stored.version}: {stored.reason}"
        self.aside.about.setText(f"{stored.key}, {known}")

    def _sum_up(self, found: Sequence[tuple[str, str]], rest: Sequence[str], changes: Sequence[Change]) -> None:
        assert self._stored is not None
        dirty, key = bool(found or changes), self._stored.key
        focused = self.window().focusWidget()
        held = next((part for part in (self.discard, self.save, self.reason, self.begin) if part is focused), None)
        pending = self._session[0] == key and self._session[1] != self._stored.sha256
        self.banner.setVisible(dirty or pending)
        self.note.setText(
            f"{key} version {self._stored.version} is stored. It begins with the next session, which opens a new book."
            if pending and not dirty
            else LATER
        )
        self.begin.setVisible(pending and not dirty)
        self.discard.setEnabled(dirty)
        self.reason.setEnabled(dirty)
        self.save.setText(f"Save as version {self._versions[-1].version + 1}" if dirty else "Save")
        ready = bool(changes) and not found and bool(self.reason.text().strip())
        self.save.setEnabled(ready)
        self.save.setToolTip(
            "Store these values as a new version (Ctrl+S)" if ready else "There must be a sound change and a reason"
        )
        if held is not None and not (held.isEnabled() and held.isVisible()):
            self.picker.search.setFocus(Qt.FocusReason.OtherFocusReason)
        if found:
            many = "1 value is" if len(found) == 1 else f"{len(found)} values are"
            self._say(rest[0] if rest else f"{many} not accepted; each says why below its field", "error")
        elif changes:
            count = "1 change" if len(changes) == 1 else f"{len(changes)} changes"
            self._say(count if self.reason.text().strip() else f"{count}; say why, then save", "warn")
        else:
            self._say("As it is stored.", "hint")

    def _say(self, sentence: str, role: str) -> None:
        self.summary.show_text(sentence)
        set_role(self.summary, "role", role)

    def _save(self) -> None:
        if self._stored is not None and self._draft is not None and self.save.isEnabled():
            self.saved.emit(self._draft, self.reason.text().strip(), self._typed[self._stored.key].follows)


def _line(way: str) -> QFrame:
    made = QFrame()
    made.setProperty("line", way)
    return made
