"""Orders whose fate is in doubt, looked for at TWS: among open orders, among those that have ended, and by their executions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ib_async import Fill, Trade

from engine.brokers.ib.book import Entry
from engine.brokers.ib.link import Unanswered
from engine.brokers.ib.reconnect import Sleep, ended, started
from engine.brokers.ib.reports import OrderReports
from engine.brokers.ib.venue import IbVenue
from engine.core.errors import BrokerError

AGAIN_AFTER_S = 1.0


class LookUp:
    """Entries are added; one look answers all that wait. What TWS does not answer ends the connection: it owes an answer that
    would pass for one to the next question. While there is none, the entries wait for `go_on`."""

    reports: OrderReports
    """Is told what was found."""

    def __init__(self, venue: Callable[[], IbVenue | None], sleep: Sleep) -> None:
        self._venue = venue
        self._sleep = sleep
        self._doubted: dict[str, Entry] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, entry: Entry) -> None:
        """The entry is to be looked for."""
        self._doubted[entry.order.id] = entry
        self.go_on()

    def go_on(self) -> None:
        """Looks for what waits, if anything does."""
        if self._doubted and (self._task is None or self._task.done()):
            self._task = started(self._look(), "looking for orders at TWS")

    async def close(self) -> None:
        """Looks no more."""
        task, self._task = self._task, None
        self._doubted.clear()
        await ended(task)

    async def _look(self) -> None:
        while self._doubted and (venue := self._venue()) is not None:
            asked = tuple(self._doubted.values())
            try:
                opened = await venue.open_orders()
                completed = await venue.ended_orders()
                fills = await venue.fills()
            except Unanswered as error:
                await venue.link.close(str(error))
                continue
            except BrokerError:
                await self._sleep(AGAIN_AFTER_S)
                continue
            for entry in asked:
                self._doubted.pop(entry.order.id, None)
                self._settle(entry, opened, completed, fills)

    def _settle(self, entry: Entry, opened: Sequence[Trade], completed: Sequence[Trade], fills: Sequence[Fill]) -> None:
        for fill in fills:
            if _is(entry, fill.execution.orderRef, fill.execution.permId):
                self.reports.found_fill(entry, fill.execution)
        for trade in opened:
            if _is(entry, trade.order.orderRef, trade.order.permId):
                self.reports.found_working(entry, trade.order, trade.orderStatus.status)
                return
        for trade in completed:
            if _is(entry, trade.order.orderRef, trade.order.permId):
                self.reports.found_ended(entry, trade.orderStatus.status)
                return
        self.reports.not_found(entry)


def _is(entry: Entry, name: str, permanent_id: int) -> bool:
    return name == entry.order.id or permanent_id in entry.permanent_ids
