"""Breaks in the bars: where some are missing, or prices are another thing's, no signal is made across them.

A machine that slept, a feed that was silent, a split: features and policies look back over many bars and would take the break
for a move of the market. So they begin anew from the feed's own history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np

from engine.core.clock import Clock, Nanos, to_iso
from engine.core.errors import NiceGoldError
from engine.core.log import logger
from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument
from engine.domain.market import Bar, Bars, Symbol
from engine.lane import Lane
from engine.pipeline import Pipeline
from engine.ports.outside import LiveFeed

MISSED = 3
"""Bars of an open market that a quiet one may lack without its being a break."""

_log = logger("breaks")


class Breaks:
    """Watches the bars that close. `run` has those of a broken instrument fetched after a bar's close, until it is mended."""

    def __init__(self, pipeline: Pipeline, feed: LiveFeed, clock: Clock, before: Mapping[Symbol, Bars], bars: int) -> None:
        """`before` are the bars that the lanes were warmed with, `bars` how many are fetched."""
        self._pipeline = pipeline
        self._feed = feed
        self._clock = clock
        self._bars = bars
        self._wake = asyncio.Event()
        self._last: dict[Symbol, Bar] = {}
        self._since: dict[Symbol, list[Bar]] = {}
        """What closed since the break; the first of them may not be whole."""
        self._torn: Nanos = 0
        for symbol, known in before.items():
            whole = unbroken(known, pipeline.instruments[symbol])
            if len(whole) < len(known):
                pipeline.lanes[symbol].renew(whole)
            if len(known):
                self._last[symbol] = known.row(len(known) - 1)
        pipeline.on_bar.append(self._on_bar)

    def leapt(self, why: str) -> None:
        """Time leapt, and the bars at hand are not whole."""
        self._torn = self._clock.now()
        for symbol in self._pipeline.lanes:
            self._break(symbol, why)

    def tear(self, symbol: Symbol, why: str) -> None:
        """What came before is of another contract; its bars are fetched anew."""
        self._torn = self._clock.now()
        self._break(symbol, why)

    async def run(self) -> None:
        """Mends until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for symbol in tuple(self._pipeline.broken):
                await self._mend(self._pipeline.lanes[symbol])

    def _on_bar(self, symbol: Symbol, bar: Bar, _equity: Cash) -> None:
        last, self._last[symbol] = self._last.get(symbol), bar
        why = _break_between(last, bar, self._pipeline.lanes[symbol]) if last is not None else ""
        if why:
            self._break(symbol, why)
            self._pipeline.emit(f.AlertRaised("break in bars", f"{why}; no signal is made of it before they are fetched"))
        if symbol in self._since and bar.at + self._pipeline.lanes[symbol].timeframe.span > self._torn:
            self._since[symbol].append(bar)
            self._wake.set()

    def _break(self, symbol: Symbol, why: str) -> None:
        self._pipeline.broken[symbol] = why
        self._since[symbol] = []
        _log.warning("no signal is made across a break", symbol=symbol, why=why)

    async def _mend(self, lane: Lane) -> None:
        now, symbol = self._clock.now(), lane.symbol
        broken = self._since[symbol]
        try:
            known = await self._feed.history(symbol, lane.timeframe, now - self._bars * lane.timeframe.span, now)
        except NiceGoldError as error:  # asked again after the next bar
            _log.warning("bars could not be fetched", symbol=symbol, why=str(error))
            return
        newer = _newer(known, broken, lane.timeframe.span)
        if self._since[symbol] is broken and newer is not None:
            lane.renew(unbroken(known, lane.instrument))
            for bar in newer:
                lane.take(bar)
            del self._since[symbol], self._pipeline.broken[symbol]
            _log.info("bars are whole again", symbol=symbol)


def unbroken(bars: Bars, instrument: Instrument) -> Bars:
    """The bars after the last jump that no market makes between a close and the next open: a split, another contract."""
    before = bars.close[:-1]
    jumps = np.flatnonzero(np.abs(bars.open[1:] - before) > float(instrument.collar) * before)
    return bars[int(jumps[-1]) + 1 :] if len(jumps) else bars


def _break_between(last: Bar, bar: Bar, lane: Lane) -> str:
    """Why `bar` is no continuation of the one before it; "" where it is."""
    since = last.at + lane.timeframe.span
    if _missed(lane, since, bar.at):
        return f"bars of {lane.symbol} are missing from {to_iso(since)} to {to_iso(bar.at)}"
    if abs(bar.open - last.close) > float(lane.instrument.collar) * last.close:
        return f"{lane.symbol} jumped from {last.close:g} to {bar.open:g} between two bars, as at a split or in another contract"
    return ""


def _missed(lane: Lane, at: Nanos, until: Nanos) -> bool:
    """Whether the market was open for more bars from `at` to `until` than a quiet one may lack."""
    missed, sessions, span = 0, lane.instrument.sessions, lane.timeframe.span
    while at < until and missed <= MISSED:
        missed += sessions.is_open(at)
        at = at + span if sessions.is_open(at) else max(at + span, lane.timeframe.floor(sessions.next_open(at)))
    return missed > MISSED


def _newer(known: Bars, closed: list[Bar], span: Nanos) -> list[Bar] | None:
    """What closed here after the last `known` bar. None while bars between are missing, or the first, which may not be whole."""
    if not len(known) or not closed or known.at[-1] < closed[0].at:
        return None
    last = int(known.at[-1])
    newer = [bar for bar in closed if bar.at > last]
    return newer if not newer or newer[0].at == last + span else None
