"""Bars of the past from IB, asked for no faster than it allows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date

import numpy as np
from ib_async import BarData
from ib_async.wrapper import RequestError

from engine.brokers.ib import codes
from engine.brokers.ib.amounts import moment
from engine.brokers.ib.link import Link
from engine.brokers.ib.listing import Listed
from engine.brokers.ib.pacing import Pacing
from engine.core.clock import DAY, HOUR, MINUTE, SECOND, Nanos, to_datetime
from engine.core.errors import BrokerError, UserError
from engine.domain.market import Bars, BarSide, Timeframe

SIZES: Mapping[Nanos, str] = {
    MINUTE: "1 min",
    5 * MINUTE: "5 mins",
    15 * MINUTE: "15 mins",
    30 * MINUTE: "30 mins",
    HOUR: "1 hour",
    4 * HOUR: "4 hours",
}
SHOWS: Mapping[BarSide, str] = {BarSide.BID: "BID", BarSide.ASK: "ASK", BarSide.MID: "MIDPOINT"}

Sleep = Callable[[float], Awaitable[None]]


class History:
    """Asks for bars over a link. `sleep` waits that many seconds of the clock that `pacing` goes by."""

    def __init__(self, link: Link, pacing: Pacing, sleep: Sleep = asyncio.sleep) -> None:
        self.link = link
        self._pacing = pacing
        self._sleep = sleep

    async def bars(self, listed: Listed, frame: Timeframe, since: Nanos, until: Nanos) -> Bars:
        """Whole bars from `since` to before `until` (ns UTC), of the side that the instrument's own bars are of.

        Ascending, each once; `volume` 0 and `spread` NaN, for quotes have neither. Waits as long as pacing asks for. UserError
        for a timeframe or a span that is not asked for in one request, BrokerError for what TWS refuses (162) or does not tell.
        Empty where IB has none.
        """
        size, what = SIZES.get(frame.span), SHOWS[listed.instrument.bar_side]
        if size is None:
            raise UserError(f"bars of {frame.name} are not asked for at Interactive Brokers; ask for H4 or shorter ones")
        terms = (to_datetime(until).strftime("%Y%m%d %H:%M:%S UTC"), size, _duration(until - since))
        while delay := self._pacing.wait(listed.contract.conId, what, terms):
            await self._sleep(delay / SECOND)
        try:
            found = await self.link.ask(
                f"{frame.name} bars of {listed.name}",
                lambda: self.link.ib.reqHistoricalDataAsync(
                    listed.contract, terms[0], terms[2], terms[1], what, useRTH=False, formatDate=2, timeout=0
                ),
            )
        except BrokerError as error:
            if not _says_nothing_there(error.__cause__):
                raise
            return Bars.empty()
        rows = {at: bar for bar in found if since <= (at := moment(bar.date)) and at + frame.span <= until}
        return _columns(dict(sorted(rows.items())), listed.name)

    async def volumes(self, listed: Listed, since: Nanos, until: Nanos) -> dict[date, float]:
        """What was traded in the contract on each trading day of the span. BrokerError where it has no trades or TWS refuses."""
        days = -(-(until - since) // DAY)
        terms = (to_datetime(until).strftime("%Y%m%d %H:%M:%S UTC"), "1 day", f"{days} D" if days <= 365 else "2 Y")
        while delay := self._pacing.wait(listed.contract.conId, "TRADES", terms):
            await self._sleep(delay / SECOND)
        found = await self.link.ask(
            f"the volume of {listed.name} by day",
            lambda: self.link.ib.reqHistoricalDataAsync(
                listed.contract, terms[0], terms[2], terms[1], "TRADES", useRTH=False, formatDate=1, timeout=0
            ),
        )
        return {bar.date: float(bar.volume) for bar in found if type(bar.date) is date and bar.volume > 0}


def _says_nothing_there(refusal: BaseException | None) -> bool:
    """Whether a span has no bars: a weekend, or before the first. IB says it with the code of its refusals."""
    return isinstance(refusal, RequestError) and refusal.code == codes.HISTORY and "returned no data" in refusal.message


def _duration(span: Nanos) -> str:
    if not 0 < span <= 7 * DAY:
        raise UserError("history is asked for in pieces of up to seven days; choose a later beginning or an earlier end")
    return f"{-(-span // SECOND)} S" if span <= DAY else f"{-(-span // DAY)} D"


def _columns(rows: Mapping[Nanos, BarData], name: str) -> Bars:
    prices = np.array([(bar.open, bar.high, bar.low, bar.close) for bar in rows.values()], np.float64).reshape(-1, 4)
    if not (np.isfinite(prices).all() and (prices > 0).all()):
        raise BrokerError(f"TWS told bars of {name} with a price that is no number above zero; nothing was taken")
    volume = np.array([max(0.0, float(bar.volume)) for bar in rows.values()], np.float64)
    opened, high, low, close = prices.T.copy()
    return Bars(np.array(list(rows), np.int64), opened, high, low, close, volume, np.full(len(rows), np.nan))
