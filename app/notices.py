"""Desktop notices: a signal, a fill, a denial, said outside the window where the desktop allows it."""

from __future__ import annotations

from PySide6.QtWidgets import QMainWindow, QSystemTrayIcon

from app.picture import Picture
from app.state import remembered
from engine.domain import facts as f
from engine.domain.instrument import instrument_of
from engine.domain.order import Side
from widgets import format as fmt

MOST_PER_FRAME = 3
"""More at once is a flood; the lists have them all."""


class Notices:
    """Speaks through the system tray while the window is not the active one; silent where there is no tray."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._tray: QSystemTrayIcon | None = None
        self.said: list[str] = []
        self.enabled = bool(remembered("notices").get("enabled", True))

    def show(self, picture: Picture) -> None:
        """Notices what is new in this frame."""
        texts = [text for record in picture.frame.records if (text := notice(record.fact, picture))]
        if not self.enabled or not texts:
            return
        self.said = (self.said + texts)[-50:]
        if not self._window.isActiveWindow() and QSystemTrayIcon.isSystemTrayAvailable():
            for text in texts[:MOST_PER_FRAME]:
                self._icon().showMessage("NiceGold Terminal — PAPER", text, QSystemTrayIcon.MessageIcon.Information, 5_000)

    def _icon(self) -> QSystemTrayIcon:
        if self._tray is None:
            self._tray = QSystemTrayIcon(self._window.windowIcon(), self._window)
            self._tray.show()
        return self._tray


def notice(fact: f.Fact, picture: Picture) -> str:
    """One line for a fact worth interrupting for; "" for the others."""
    match fact:
        case f.CardOpened():
            signal = picture.chronicle.signals[fact.signal].signal
            word = "LONG" if signal.side == Side.BUY.value else "SHORT"
            return f"Signal {word} {signal.symbol}, probability {signal.probability:.0%}, waits for you"
        case f.OrderFilled():
            instrument = instrument_of(fact.symbol)
            lots, price = fmt.lots(fact.quantity, instrument), fmt.price(fact.price, instrument)
            return f"{fact.side.title()} {lots} {fact.symbol} at {price}"
        case f.OrderDenied():
            return f"Order denied: {fact.reason}"
        case f.TradingStateChanged() if fact.state != "ACTIVE":
            return f"Trading is {fact.state}: {fact.reason}"
    return ""
