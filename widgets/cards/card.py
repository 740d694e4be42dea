"""A signal that waits for the owner's word: what, why, at what risk, until when, and the four answers."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from engine.core.clock import SECOND, Nanos
from engine.core.errors import UserError
from engine.domain.instrument import instrument_of
from engine.domain.intents import AcceptCard, FlipCard, Intent, ResizeCard, VetoCard
from engine.domain.limits import LimitLine
from engine.domain.views import CardView
from widgets import format as fmt
from widgets.cards.expectation import MEANING, expected_r, in_words
from widgets.cards.probability import ProbabilityBar
from widgets.cards.weights import Weights
from widgets.gauges.bar import level
from widgets.style import font, headline_font, set_role, table_font
from widgets.theme import UNIT, Theme
from widgets.ticket.field import NumberField

REASONS = ("", "news ahead", "against my view", "already exposed", "spread too wide", "too late in the session", "strong level")
URGENT = 30 * SECOND


class SignalCard(QFrame):
    """One waiting signal. `intent` carries AcceptCard, VetoCard, FlipCard or ResizeCard; A, V, F, R answer the focused card."""

    intent = Signal(object)

    def __init__(self, card: CardView, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.card = card
        self.instrument = instrument_of(card.signal.symbol)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("surface", "card")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._answered = False
        self._unread = ""
        self._build(theme)
        self._lay_out()
        self._wire()
        self._show_signal()
        self.update_card(card, card.at)

    def _build(self, theme: Theme) -> None:
        self.side = QLabel(font=font(14, bold=True))
        self.symbol = QLabel()
        self.left = QLabel(font=table_font())
        self.number = QLabel(font=headline_font())
        self.against = QLabel()
        self.against.setProperty("role", "hint")
        self.expected = QLabel(font=table_font())
        self.expected.setToolTip(MEANING)
        self.probability = ProbabilityBar(theme)
        self.prices = {name: QLabel() for name in ("Entry", "Stop", "Target")}
        self.rewards = {name: QLabel() for name in self.prices}
        self.weights = Weights(theme)
        self.quantity = NumberField("Card quantity", "Quantity in lots; change it, then Resize (R)")
        self.quantity.step = self.instrument.lot_step
        self.size = QLabel()
        self.size.setProperty("role", "hint")
        self.verdict = QLabel(wordWrap=True)
        self.reason = QComboBox(editable=True)
        self.reason.addItems(list(REASONS))
        self.reason.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.reason.setMinimumContentsLength(8)
        self.reason.lineEdit().setPlaceholderText("Reason for the journal")
        self.reason.setAccessibleName("Reason")
        self.reason.setToolTip("Why you decide so; written to the journal beside the untouched signal")
        self.buttons = {name: QPushButton(name) for name in ("Accept", "Veto", "Flip", "Resize")}

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, 2 * UNIT)
        layout.setSpacing(UNIT)
        layout.addLayout(_row(self.side, self.symbol, None, self.left))
        layout.addLayout(_row(self.number, self.probability, self.against, self.expected, stretch=self.probability))
        layout.addLayout(self._price_row())
        layout.addWidget(self.weights)
        self.quantity.setFixedWidth(16 * UNIT)
        layout.addLayout(_row(self.quantity, self.size, self.reason, stretch=self.reason))
        layout.addWidget(self.verdict)
        layout.addLayout(_row(*self.buttons.values()))

    def _price_row(self) -> QGridLayout:
        """Entry, stop and target in a column each: name and distance above, price below."""
        grid = QGridLayout()
        grid.setVerticalSpacing(0)
        grid.setHorizontalSpacing(2 * UNIT)
        for at, name in enumerate(self.prices):
            self.rewards[name].setFont(table_font())
            self.rewards[name].setProperty("role", "hint")
            grid.addWidget(self.rewards[name], 0, at)
            grid.addWidget(self.prices[name], 1, at)
        return grid

    def _wire(self) -> None:
        acts = {"Accept": self.accept, "Veto": self.veto, "Flip": self.flip, "Resize": self.resize_order}
        hints = {
            "Accept": "Trade it at fresh prices, sized and judged anew",
            "Veto": "Let it go",
            "Flip": "Trade the other way, distances of stop and target mirrored",
            "Resize": "Trade it with the quantity typed here",
        }
        for name, button in self.buttons.items():
            key = name[0]
            button.setToolTip(f"{hints[name]} ({key})")
            button.setAccessibleName(f"{name} signal")
            button.clicked.connect(lambda _checked, act=acts[name]: act())
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(acts[name])
        self.buttons["Accept"].setProperty("kind", "accent")
        self.quantity.changed.connect(self._show_size)
        self.quantity.returnPressed.connect(self.resize_order)

    def _show_signal(self) -> None:
        """What never changes: the signal as it was emitted."""
        signal, sign = self.card.signal, 1 if self.card.signal.side == "buy" else -1
        self.setAccessibleName(f"{fmt.side_word(sign)} {signal.symbol} {signal.probability:.2f}")
        self.side.setText(f"{fmt.side_word(sign)} {'▲' if sign > 0 else '▼'}")
        set_role(self.side, "role", "good" if sign > 0 else "loss")
        self.symbol.setText(signal.symbol)
        self.number.setText(f"{signal.probability:.2f}")
        self.against.setText(f"from {signal.threshold:.2f}")
        self.probability.show_probability(signal.probability, signal.threshold)
        self._show_expected(expected_r(signal))
        risk = abs(signal.reference - signal.stop) or 1
        for name, ticks in zip(self.prices, (signal.reference, signal.stop, signal.target), strict=True):
            self.prices[name].setText(fmt.price(ticks, self.instrument))
            reward = sign * (ticks - signal.reference) / risk
            self.rewards[name].setText(f"{name} {fmt.r_multiple(reward)}" if name != "Entry" else name)
        self.setToolTip(f"Signal {signal.signal} by {signal.policy}, model {signal.model_sha256[:12] or 'none'}")

    def _show_expected(self, result: float | None) -> None:
        self.expected.setText(in_words(result))
        self.expected.setVisible(result is not None)
        set_role(self.expected, "role", "loss" if result is not None and result < 0 else "hint")

    # --- as time goes ---

    def update_card(self, card: CardView, now: Nanos) -> None:
        """The card as of this frame; `now` is the session's time."""
        if card != self.card or not self.quantity.text():
            untouched = not self.quantity.isModified()
            self.card = card
            self.weights.show_weights(card.contributions)
            if untouched:
                self.quantity.setText(fmt.plain(fmt.lots(card.quantity, self.instrument)))
                self._show_size()
            self._show_verdict()
        self.count_down(now)

    def count_down(self, now: Nanos) -> None:
        """Show what is left until the card expires."""
        left = self.card.expires - now
        text = f"expires {fmt.countdown(left)}" if left > 0 else "expired"
        if text != self.left.text():
            self.left.setText(text)
            self.left.setToolTip(f"Expires {fmt.moment_with_zone(self.card.expires)} in market time, which runs as it plays")
            set_role(self.left, "role", "warn" if left < URGENT else "hint")

    def _show_verdict(self) -> None:
        warned = [line for line in self.card.lines if not line.hard and not line.passed]
        if self._unread:
            self._say(self._unread, "error")
        elif self.card.reasons:
            self._say(" ".join(map(fmt.sentence, self.card.reasons)), "error")
        elif warned:
            self._say("Passes, with a warning: " + "; ".join(_complaint(line) for line in warned) + ".", "warn")
        else:
            words, share = self._tightest()
            self._say(f"Passes every limit{words}.", "good" if level(share) == "ok" else "warn")
        self._enable()

    def _enable(self) -> None:
        """Which answers could be carried out as things stand; a smaller quantity may pass a limit the sizer's does not."""
        about_size = any(line.hard and not line.passed for line in self.card.lines)
        stands = {
            "Accept": not self.card.reasons,
            "Veto": True,
            "Flip": True,
            "Resize": not self._unread and (not self.card.reasons or about_size or not self.card.quantity),
        }
        for name, button in self.buttons.items():
            button.setEnabled(not self._answered and stands[name] and (name == "Veto" or not self.card.closed))

    def _tightest(self) -> tuple[str, float]:
        """The hard limit that would be used most, in words and as a share of its cap."""
        capped = [line for line in self.card.lines if line.cap and line.hard]
        if not capped:
            return "", 0.0
        line = max(capped, key=lambda line: max(line.after_fill, line.after_stop) / line.cap)
        share = max(line.after_fill, line.after_stop) / line.cap
        return f"; tightest {line.name.replace('_', ' ')} at {fmt.percent(share, 0)}", share

    def _say(self, sentence: str, role: str) -> None:
        self.verdict.setText(sentence)
        set_role(self.verdict, "role", role)

    def _show_size(self) -> None:
        before, steps = self._unread, self._steps()
        self.size.setText(f"lot · {fmt.units(steps, self.instrument)}" if steps else "lot")
        if self._unread != before:
            self._show_verdict()

    def _steps(self) -> int:
        """The quantity typed, 0 where it cannot be used; where it cannot even be read the card says so and Resize is dead."""
        self._unread = ""
        try:
            value = self.quantity.value()
        except UserError as error:
            self._unread = f"{error}."
            self.quantity.mark(self._unread)
            return 0
        try:
            self.quantity.mark("")
            return self.instrument.steps(value) if value is not None else 0
        except UserError as error:
            self.quantity.mark(f"{error}.")
            return 0

    # --- the four answers ---

    def accept(self) -> None:
        """Trade it; refused while the gate stands against it."""
        if self.buttons["Accept"].isEnabled():
            self._answer(AcceptCard(self.card.signal.signal, self._why()))

    def veto(self) -> None:
        self._answer(VetoCard(self.card.signal.signal, self._why()))

    def flip(self) -> None:
        """Trade the other way; refused while nothing may be traded on this signal."""
        if self.buttons["Flip"].isEnabled():
            self._answer(FlipCard(self.card.signal.signal, self._why()))

    def resize_order(self) -> None:
        """Trade it with the quantity typed; the first press moves there while the quantity is still the sizer's."""
        if not self.buttons["Resize"].isEnabled():
            return
        steps = self._steps()
        if not steps or steps == self.card.quantity:
            self.quantity.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.quantity.selectAll()
            return
        self._answer(ResizeCard(self.card.signal.signal, steps, self._why()))

    def _why(self) -> str:
        return self.reason.currentText().strip()

    def _answer(self, intent: Intent) -> None:
        """One answer a card; the engine takes it away."""
        if self._answered:
            return
        self._answered = True
        self._enable()
        self.intent.emit(intent)

    def reopen(self) -> None:
        """The answer was refused: let the owner decide again."""
        self._answered = False
        self._enable()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        set_role(self, "focused", True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        set_role(self, "focused", False)

    def set_theme(self, theme: Theme) -> None:
        self.probability.set_theme(theme)
        self.weights.set_theme(theme)

    def state(self) -> dict[str, Any]:
        return {
            "signal": self.card.signal.signal,
            "title": f"{self.side.text()} {self.symbol.text()}",
            "probability": self.number.text(),
            "expected": self.expected.text(),
            "left": self.left.text(),
            "prices": {name: label.text() for name, label in self.prices.items()},
            "why": self.weights.texts(),
            "quantity": self.quantity.text(),
            "verdict": self.verdict.text(),
            "buttons": {name: button.isEnabled() for name, button in self.buttons.items()},
        }


def _complaint(line: LimitLine) -> str:
    """What a limit has to say against the order, to stand within a sentence."""
    return line.sentence.rstrip(".") or line.name.replace("_", " ")


def _row(*widgets: QWidget | None, stretch: QWidget | None = None) -> QHBoxLayout:
    """The widgets side by side; None is a gap that takes what is left."""
    row = QHBoxLayout()
    row.setSpacing(UNIT)
    for widget in widgets:
        if widget is None:
            row.addStretch()
        else:
            row.addWidget(widget, 1 if widget is stretch or isinstance(widget, QPushButton) else 0)
    return row
