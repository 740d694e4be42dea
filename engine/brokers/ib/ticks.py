"""Quotes tick by tick: every change of bid and ask, where the stream gives a few a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ib_async import TickByTickBidAsk, Ticker

from engine.brokers.ib import codes
from engine.brokers.ib.link import Link
from engine.brokers.ib.listing import Listed
from engine.brokers.ib.quotes import QuoteStream, Side
from engine.core.clock import Clock

BID_ASK = "BidAsk"


class TickQuoteStream(QuoteStream):
    """A QuoteStream of ticks, and an ordinary one from the moment TWS refuses them: it gives ticks of a few instruments only, and
    of none without a subscription. `say` is given the sentence for that."""

    def __init__(self, link: Link, listed: Listed, clock: Clock, say: Callable[[str], None], *, accepts_delayed: bool) -> None:
        super().__init__(link, listed, clock, accepts_delayed=accepts_delayed)
        self._say = say
        self._is_refused = False

    def _request_data(self) -> Ticker:
        if self._is_refused:
            return super()._request_data()
        return self._link.ib.reqTickByTickData(self._listed.contract, BID_ASK)

    def _release_data(self) -> None:
        if self._is_refused:
            super()._release_data()
        else:
            self._link.ib.cancelTickByTickData(self._listed.contract, BID_ASK)

    def _numbers(self) -> dict[Any, int]:
        return super()._numbers() if self._is_refused else self._link.ib.wrapper.ticker2ReqId[BID_ASK]

    def _told(self, request: int, code: int, text: str) -> None:
        if self._is_refused or request != self._request or code in codes.NOTICES:
            super()._told(request, code, text)
            return
        self._numbers().pop(self._ticker, None)
        self._is_refused = True
        name = self._listed.name
        self._say(f"{self._link.name} {codes.refusal(code, text)}, asked for quotes of {name}; they are streamed instead")
        self._subscribe()

    def _on_ticks(self, ticker: Ticker) -> None:
        if self._is_refused:
            super()._on_ticks(ticker)
            return
        for tick in ticker.tickByTicks:
            if isinstance(tick, TickByTickBidAsk):
                self._take_both(Side(tick.bidPrice, tick.bidSize), Side(tick.askPrice, tick.askSize))

    def _take_both(self, bid: Side, ask: Side) -> None:
        """A tick has both sides, so a crossed one is wrong by itself."""
        is_sound = self._is_sound(bid) and self._is_sound(ask)
        if is_sound and bid.price <= ask.price:
            self._emit(bid, ask)
        else:
            self.quarantined += 1
