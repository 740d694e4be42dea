"""Recent signals of any fate."""

from __future__ import annotations

from engine.domain.views import SignalView
from widgets import format as fmt
from widgets.cards.expectation import expected_r, in_words
from widgets.tables.cells import time_column
from widgets.tables.column import Column, text_column

_ROLES = {"waiting": "gold", "accepted": "up", "auto": "up", "resized": "up", "flipped": "warn", "vetoed": "down"}


def columns() -> tuple[Column, ...]:
    """The columns of the list of signals."""
    at = time_column(lambda row: row.at)
    return (
        Column("time", "Time", lambda row: row.at, lambda row, d: fmt.clock(row.at, d.zone)[:5], numeric=False, width=50,
               tint=lambda _row: "text1", why=at.why, export=at.export),
        text_column("symbol", "Symbol", lambda row: row.signal.symbol, 56),
        text_column("side", "Side", lambda row: _word(row), 48, tint=lambda row: "up" if row.signal.side == "buy" else "down"),
        Column("probability", "Prob", lambda row: row.signal.probability,
               lambda row, _d: fmt.number(row.signal.probability, 2), width=36, why=_odds),
        text_column("outcome", "Outcome", lambda row: row.outcome, 62, tint=lambda row: _ROLES.get(row.outcome, "text1"),
                    why=_why),
        text_column("reason", "Reason", lambda row: row.reason, 46, tint=lambda _row: "text1", why=_why),
    )  # fmt: skip


def _word(row: SignalView) -> str:
    return "LONG" if row.signal.side == "buy" else "SHORT"


def _why(row: SignalView, _display: fmt.Display) -> str:
    return f"Signal {row.signal.signal} {row.outcome}" + (f": {row.reason}" if row.reason else "")


def _odds(row: SignalView, _display: fmt.Display) -> str:
    signal = row.signal
    parts = (f"probability {signal.probability:.3f}", f"acts from {signal.threshold:.3f}", in_words(expected_r(signal)))
    return ", ".join(part for part in parts if part)
