"""The live console of a session without a window: a picture on a terminal, plain lines anywhere else."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from engine.core.clock import SECOND, Nanos, SystemClock
from engine.domain.instrument import INSTRUMENTS, Instrument
from engine.domain.views import EngineView
from widgets import format as written

if TYPE_CHECKING:
    from rich.live import Live

PICTURE_EVERY: Nanos = SECOND // 4
LINE_EVERY: Nanos = SECOND
_KEPT = 200


class Console:
    """Shows a session on `stream`. Call `start`, then `update` as often as you like, then `stop`, all on one thread.

    `badges` (PAPER, SIMULATED, REPLAY) stand before everything. A terminal gets a picture four times a second; a file or
    a pipe gets every fact as a line, and after facts, once a second at most, a line of the account.
    """

    def __init__(
        self,
        badges: Sequence[str],
        *,
        instruments: Mapping[str, Instrument] = INSTRUMENTS,
        zone: str = "UTC",
        stream: TextIO | None = None,
        now: Callable[[], Nanos] | None = None,
    ) -> None:
        self._badges = tuple(badges)
        self._instruments = instruments
        self._zone = zone
        self._stream = sys.stdout if stream is None else stream
        self._now = SystemClock().monotonic if now is None else now
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._view: EngineView | None = None
        self._shown: Nanos | None = None
        self._live: Live | None = None

    @property
    def is_live(self) -> bool:
        """True on a terminal that can move its cursor."""
        return self._stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")

    def start(self) -> None:
        """Takes the terminal over; nothing where there is none."""
        if not self.is_live:
            return
        from rich.console import Console as Terminal
        from rich.live import Live

        self._live = Live(console=Terminal(file=self._stream), auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._live.start()

    def update(self, view: EngineView, lines: Sequence[str]) -> None:
        """The engine as it is now and the sentences of the facts since the last update. Draws when it is time to."""
        self._view = view
        self._lines.extend(lines)
        if self._live is None:
            self._print(view, lines)
        elif self._is_due(PICTURE_EVERY):
            self._draw(self._live, view)

    def stop(self) -> None:
        """Shows the last state and gives the terminal back. May be called twice."""
        if self._live is not None:
            if self._view is not None:
                self._draw(self._live, self._view)
            self._live.stop()
            self._live = None
        elif self._view is not None:
            self._write(self._account_line(self._view))
        self._view = None

    def _is_due(self, every: Nanos) -> bool:
        now = self._now()
        if self._shown is not None and now - self._shown < every:
            return False
        self._shown = now
        return True

    def _draw(self, live: Live, view: EngineView) -> None:
        from app.console_picture import Frame, picture

        frame = Frame(view, list(self._lines), self._badges, self._instruments, self._zone)
        live.update(picture(frame, live.console.width, live.console.height), refresh=True)

    def _print(self, view: EngineView, lines: Sequence[str]) -> None:
        for line in lines:
            self._write(line)
        if lines and self._is_due(LINE_EVERY):
            self._write(self._account_line(view))

    def _write(self, line: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        plain = line.replace(written.MINUS, "-").replace("\u00a0", " ")
        self._stream.write(plain.encode(encoding, "replace").decode(encoding) + "\n")
        self._stream.flush()

    def _account_line(self, view: EngineView) -> str:
        account = view.account
        held = ", ".join(
            f"{position.symbol} {written.signed_lots(position.quantity, self._instruments[position.symbol])}"
            for position in view.positions
        )
        parts = [
            " ".join(self._badges),
            written.moment_with_zone(view.at, self._zone),
            f"{view.mode} {view.state}",
            f"equity {written.money(account.equity)} {account.currency}",
            f"day {written.signed_money(account.equity - account.day_start)}",
            f"position {held or 'flat'}",
            f"{len(view.working)} orders working",
        ]
        return " | ".join(parts)
