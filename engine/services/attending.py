"""One running live session of this user, spoken with from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.core.errors import UserError
from engine.live.control import ask, listening


class Attended:
    """The session of `book`, or the only one that runs. UserError where there is none, or several to choose from."""

    def __init__(self, folder: Path, book: int | None) -> None:
        running = [told for told in listening(folder) if book is None or told["book"] == book]
        if not running:
            which = "no live session" if book is None else f"no live session with book {book}"
            raise UserError(f"{which} is running here; begin one with main.py run --feed, or in the window")
        if len(running) > 1:
            books = ", ".join(str(told["book"]) for told in running)
            raise UserError(f"several live sessions are running, of the books {books}; name one of them with --book")
        self._told = running[0]

    def state(self) -> dict[str, Any]:
        """How it stands."""
        return ask(self._told, "GET", "/v1/state")

    def do(self, what: str, **body: Any) -> dict[str, Any]:
        """Has it do something, such as flatten; what is None is left out. UserError where it refuses."""
        return ask(self._told, "POST", f"/v1/{what}", _given(body))

    def answer(self, signal: str, **body: Any) -> dict[str, Any]:
        """Answers a signal that waits."""
        return ask(self._told, "POST", f"/v1/signals/{quote(signal, safe='')}", _given(body))

    def cancel(self, order: str) -> dict[str, Any]:
        """Has an order cancelled; how it stands then."""
        return self._ordered("DELETE", order, None)

    def change(self, order: str, **body: Any) -> dict[str, Any]:
        """Has an order changed; how it stands then."""
        return self._ordered("PATCH", order, _given(body))

    def _ordered(self, method: str, order: str, body: dict[str, Any] | None) -> dict[str, Any]:
        place = f"/v1/orders/{quote(order, safe='')}"
        ask(self._told, method, place, body)
        return ask(self._told, "GET", place)


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
