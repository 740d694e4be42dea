"""Bars of the past in pages, and of a future as one series out of its contracts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from engine.brokers.ib.history import History
from engine.brokers.ib.listing import Listed
from engine.core.clock import DAY, MINUTE, Nanos, to_iso
from engine.core.errors import BrokerError, DataError
from engine.domain.market import Bars, Symbol, Timeframe
from engine.market.continuous import join
from engine.market.contracts import Contract
from engine.market.rolling import MEASURED_DAYS, Measure, Rolling

MOST_CONTRACTS = 8
"""As many contracts make up a series; IB knows those that are over for two years."""

Volumes = dict[tuple[Symbol, Contract, date, date], dict[date, float]]
FindMonth = Callable[[Contract], Awaitable[Listed]]


async def paged(history: History, listed: Listed, frame: Timeframe, since: Nanos, until: Nanos) -> Bars:
    """Bars that are over of one contract, asked for in pages, as slowly as IB wants it."""
    span, most = frame.span, DAY if frame.span <= MINUTE else 7 * DAY
    found: list[Bars] = []
    at, last = since, since - 1
    while at < until:
        # A page begins a bar early, so that none is lost where one of IB's lies across its edge.
        page = await history.bars(listed, frame, max(since, at - span), min(at + most - span, until))
        page = page[int(page.at.searchsorted(last, side="right")) :]
        found.append(page)
        last = int(page.at[-1]) if len(page) else last
        at += most - span
    return Bars.join(found)


class Series:
    """Bars of a future that end in the contract that is dealt in: earlier ones are moved by what the contracts differed in.

    `find` finds a contract, one that is over too; `say` is given the sentence for contracts that TWS does not tell: the series
    then begins later. `volumes` keeps what was traded on days that are over.
    """

    def __init__(self, rolling: Rolling, history: History, find: FindMonth, say: Callable[[str], None], volumes: Volumes) -> None:
        self._rolling = rolling
        self._history = history
        self._find = find
        self._say = say
        self._volumes = volumes

    async def bars(self, dealt: Contract, frame: Timeframe, since: Nanos, until: Nanos) -> Bars:
        """Bars that are over from `since` to before `until` (ns UTC). BrokerError where those of `dealt` are not told."""
        begins = self._rolling.begins(dealt, since, until, await self.measure(since, until))[-MOST_CONTRACTS:]
        ends = [at for at, _ in begins[1:]] + [until]
        bars: dict[Contract, Bars] = {}
        for (at, contract), end in reversed(list(zip(begins, ends, strict=True))):
            start = at if at == begins[0][0] else max(since, self._rolling.session_before(at))
            try:
                bars[contract] = await paged(self._history, await self._find(contract), frame, start, end)
            except BrokerError as error:
                if contract == dealt or not self._history.link.is_open:
                    raise
                self._say(f"{self._rolling.instrument.symbol}: bars begin at {to_iso(end)}: {error}")
                break
        return self._joined(bars, [each for each in begins if each[1] in bars])

    async def measure(self, since: Nanos, until: Nanos) -> Measure | None:
        """What was traded in each contract by day, where contracts follow each other by volume; None where that is not known, and
        open interest IB does not tell."""
        rolling = self._rolling
        if rolling.rule.rule != "volume":
            return None
        contract, last = rolling.in_front(since), rolling.follower(rolling.in_front(until))
        found: dict[Contract, dict[date, float]] = {}
        while contract <= last:
            try:
                found[contract] = await self._traded(contract, since - DAY, until)
            except BrokerError as error:
                if not self._history.link.is_open:
                    raise
                self._say(f"{rolling.instrument.symbol}: contracts follow each other by the calendar: {error}")
                return None
            contract = rolling.follower(contract)
        return found if any(found.values()) else None

    async def _traded(self, contract: Contract, since: Nanos, until: Nanos) -> dict[date, float]:
        """Asked for once a day: only days that are over decide."""
        rolling = self._rolling
        asked = rolling.instrument.symbol, contract, rolling.trading_day(since), rolling.trading_day(until)
        if asked not in self._volumes:
            self._volumes[asked] = await self._history.volumes(await self._find(contract), since, until)
        return self._volumes[asked]

    async def front(self, at: Nanos) -> Contract:
        """The contract in front at `at` (ns UTC), by the rule."""
        return self._rolling.in_front(at, await self.measure(at - MEASURED_DAYS * DAY, at))

    def _joined(self, bars: dict[Contract, Bars], begins: list[tuple[Nanos, Contract]]) -> Bars:
        """The longest series that can be joined."""
        for first in range(len(begins) - 1):
            try:
                return join(bars, begins[first:], self._rolling.rule.adjustment).bars
            except DataError as error:
                self._say(f"{self._rolling.instrument.symbol}: bars begin at {to_iso(begins[first + 1][0])}: {error}")
        last = begins[-1]
        return join(bars, [last], self._rolling.rule.adjustment).bars
