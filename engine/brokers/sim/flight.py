"""What was asked of the venue and has not reached it yet."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from engine.core.clock import Nanos
from engine.domain.instrument import Steps
from engine.domain.market import Ticks
from engine.domain.order import ClientOrderId, Order


class Cancel(NamedTuple):
    order: ClientOrderId


class Change(NamedTuple):
    order: ClientOrderId
    quantity: Steps
    limit: Ticks | None
    stop: Ticks | None


Request = Order | Cancel | Change


class Flight:
    """Requests under way, in the order in which they arrive."""

    def __init__(self, latency: Nanos) -> None:
        self._latency = latency
        self._way: deque[tuple[Nanos, Request]] = deque()

    @property
    def due(self) -> Nanos | None:
        """When the next one arrives, ns UTC."""
        return self._way[0][0] if self._way else None

    def leave(self, request: Request, now: Nanos) -> None:
        self._way.append((now + self._latency, request))

    def carries(self, order: ClientOrderId) -> bool:
        """Whether this order is on its way."""
        return any(isinstance(request, Order) and request.id == order for _, request in self._way)

    def orders(self) -> list[Order]:
        return [request for _, request in self._way if isinstance(request, Order)]

    def land(self, at: Nanos) -> list[Request]:
        """Those that have arrived by `at`, which are under way no more."""
        landed = []
        while self._way and self._way[0][0] <= at:
            landed.append(self._way.popleft()[1])
        return landed
