"""How often history may be asked for. Off unless a test turns it on."""

from __future__ import annotations

from engine.core.clock import MINUTE, SECOND, Clock, Nanos


class Pacing:
    """No identical request within 15 s, fewer than six for a contract in 2 s, at most 60 in 10 minutes (BID_ASK counts twice)."""

    def __init__(self, clock: Clock) -> None:
        self.enforced = False
        self._clock = clock
        self._asked: list[tuple[Nanos, tuple[str, ...]]] = []

    def violated(self, con_id: int, what: str, request: tuple[str, ...]) -> bool:
        """Notes a request; True when it comes too soon."""
        now = self._clock.now()
        key = (str(con_id), what, *request)
        self._asked = [(at, asked) for at, asked in self._asked if now - at < 10 * MINUTE]
        same = any(asked == key and now - at < 15 * SECOND for at, asked in self._asked)
        burst = sum(asked[:2] == key[:2] and now - at < 2 * SECOND for at, asked in self._asked)
        total = sum(2 if asked[1] == "BID_ASK" else 1 for _, asked in self._asked)
        self._asked.append((now, key))
        return self.enforced and (same or burst >= 5 or total >= 60)
