"""The loopback TWS as the real ib_async sees it: live prices and history."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import ib_async

from tests.brokers.ib_client import GOLD, Errors, at_every_version, settled, until
from tests.peers.tws import Peer


@at_every_version()
async def test_quotes_stream_and_only_what_changed_is_sent(peer: Peer, ib: ib_async.IB) -> None:
    ticker = ib.reqMktData(GOLD)
    await peer.quote("XAUUSD", 4000, "4000.50", bid_size=30, ask_size=40)
    await settled(ib)
    assert (ticker.bid, ticker.bidSize, ticker.ask, ticker.askSize) == (4000, 30, 4000.5, 40)
    assert (ticker.marketDataType, ticker.minTick) == (1, 0.01)
    before = len(peer.sent("tickPrice"))
    await peer.quote("XAUUSD", "4000.10", "4000.50", bid_size=30, ask_size=40)
    await settled(ib)
    assert len(peer.sent("tickPrice")) == before + 1
    assert ticker.bid == 4000.1
    ib.cancelMktData(GOLD)
    await settled(ib)
    await peer.quote("XAUUSD", 4100, 4101)
    assert len(peer.sent("tickPrice")) == before + 1


@at_every_version(market_data="delayed")
async def test_delayed_quotes_are_labelled(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    ib.reqMktData(GOLD)
    await settled(ib)
    assert errors.codes == [10168]
    ib.reqMarketDataType(3)
    ticker = ib.reqMktData(GOLD, "233")
    await settled(ib)
    assert errors.codes == [10168, 10167]
    assert ticker.marketDataType == 3
    assert ticker.bid == 3999.85


@at_every_version()
async def test_a_snapshot_ends(peer: Peer, ib: ib_async.IB) -> None:
    (ticker,) = await ib.reqTickersAsync(GOLD)
    assert (ticker.bid, ticker.ask) == (3999.85, 4000.15)


@at_every_version()
async def test_tick_by_tick_has_every_quote_and_no_trades_of_spot_gold(peer: Peer, ib: ib_async.IB) -> None:
    errors, seen = Errors(ib), []
    ticker = ib.reqTickByTickData(GOLD, "BidAsk")
    ticker.updateEvent += lambda it: seen.extend((tick.bidPrice, tick.askPrice) for tick in it.tickByTicks)
    await settled(ib)
    await peer.quote("XAUUSD", 4001, 4002)
    await peer.quote("XAUUSD", 4001, 4002)
    await settled(ib)
    assert seen == [(3999.85, 4000.15), (4001, 4002), (4001, 4002)]
    ib.reqTickByTickData(GOLD, "Last")
    await settled(ib)
    assert errors.codes == [10189]


@at_every_version()
async def test_tick_by_tick_has_trades_of_futures_and_mid_prices(peer: Peer, ib: ib_async.IB) -> None:
    (future,) = await ib.qualifyContractsAsync(ib_async.Future(localSymbol="GCZ5", exchange="COMEX"))
    trades, mids = ib.reqTickByTickData(future, "AllLast"), ib.reqTickByTickData(GOLD, "MidPoint")
    await settled(ib)
    seen = until(mids.updateEvent)
    await peer.quote("GCZ5", 4020, "4020.2")
    await peer.quote("XAUUSD", 4001, 4002)
    await seen
    assert trades.last == 4020
    assert [tick.midPoint for tick in mids.tickByTicks] == [4001.5]
    ib.cancelTickByTickData(GOLD, "MidPoint")
    await settled(ib)
    assert len(await ib.reqHistoricalTicksAsync(future, "", "20251120 14:00:00 UTC", 5, "TRADES", False)) == 5


@at_every_version(market_data="none")
async def test_without_market_data_every_stream_is_refused(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    ib.reqMktData(GOLD)
    ib.reqTickByTickData(GOLD, "BidAsk")
    ib.reqMktDepth(GOLD)
    await settled(ib)
    assert errors.codes == [354, 10189, 354]


@at_every_version()
async def test_unknown_contracts_and_wrong_words_are_refused_in_every_request(peer: Peer, ib: ib_async.IB) -> None:
    errors, unknown = Errors(ib), ib_async.Contract(conId=1, exchange="SMART")
    ib.reqMktData(unknown)
    ib.reqTickByTickData(unknown, "BidAsk")
    ib.reqMktDepth(unknown)
    ib.reqRealTimeBars(unknown, 5, "MIDPOINT", False)
    ib.reqRealTimeBars(GOLD, 5, "TRADES", False)
    ib.RequestTimeout = 1
    await ib.reqHistoricalDataAsync(unknown, "", "1 D", "1 hour", "MIDPOINT", False)
    await ib.reqHistoricalTicksAsync(unknown, "", "", 3, "MIDPOINT", False)
    assert errors.codes == [200, 200, 200, 200, 162, 200, 200]


@at_every_version()
async def test_what_history_cannot_give_is_a_validation_error(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    for end, duration, size, what in (
        ("", "1 Z", "1 hour", "MIDPOINT"),
        ("", "1 D", "7 hours and more", "MIDPOINT"),
        ("yesterday", "1 D", "1 hour", "MIDPOINT"),
        ("", "1 D", "1 hour", "RUMOURS"),
    ):
        ib.client.reqHistoricalData(ib.client.getReqId(), GOLD, end, duration, size, what, False, 1, False, [])
    await settled(ib)
    assert errors.codes == [321] * 4


@at_every_version()
async def test_depth_is_told_row_by_row(peer: Peer, ib: ib_async.IB) -> None:
    (future,) = await ib.qualifyContractsAsync(ib_async.Future(localSymbol="GCZ5", exchange="COMEX"))
    ticker = ib.reqMktDepth(future, numRows=3)
    await peer.book("GCZ5", [(4010, 2), ("4009.9", 5)], [("4010.1", 1), ("4010.2", 3), ("4010.3", 9), ("4010.4", 9)])
    await settled(ib)
    assert [(level.price, level.size) for level in ticker.domBids] == [(4010, 2), (4009.9, 5)]
    assert [(level.price, level.size) for level in ticker.domAsks] == [(4010.1, 1), (4010.2, 3), (4010.3, 9)]
    smart = ib.reqMktDepth(GOLD, numRows=2, isSmartDepth=True)
    await settled(ib)
    assert [(level.price, level.marketMaker) for level in smart.domBids] == [(3999.85, "IBCMDTY"), (3999.84, "IBCMDTY")]
    await peer.quote("GCZ5", 4000, 4001)
    await peer.book("GCZ5", [(4000, 1)], [])
    await settled(ib)
    assert [(level.price, level.size) for level in ticker.domBids] == [(4000, 1)]
    assert ticker.domAsks == []
    ib.cancelMktDepth(future)
    await settled(ib)
    assert {it.exchange for it in await ib.reqMktDepthExchangesAsync()} == {"COMEX", "IDEALPRO"}


@at_every_version()
async def test_bars_come_in_both_date_formats_and_agree(peer: Peer, ib: ib_async.IB) -> None:
    zoned = await ib.reqHistoricalDataAsync(GOLD, "", "3600 S", "1 min", "MIDPOINT", False, formatDate=1)
    utc = await ib.reqHistoricalDataAsync(GOLD, "", "3600 S", "1 min", "MIDPOINT", False, formatDate=2)
    assert len(zoned) == len(utc) == 60
    assert utc[0].date == datetime(2025, 11, 20, 14, 0, tzinfo=UTC) == zoned[0].date
    assert [_prices(bar) for bar in zoned] == [_prices(bar) for bar in utc]
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in utc)
    assert all(one.close == two.open for one, two in pairwise(utc))
    assert {(bar.volume, bar.average, bar.barCount) for bar in utc} == {(-1, -1, -1)}
    hour = await ib.reqHistoricalDataAsync(GOLD, "", "3600 S", "1 hour", "MIDPOINT", False, formatDate=2)
    assert (hour[0].open, hour[0].close) == (utc[0].open, utc[-1].close)


@at_every_version()
async def test_day_bars_have_dates_and_skip_the_weekend(peer: Peer, ib: ib_async.IB) -> None:
    days = await ib.reqHistoricalDataAsync(GOLD, "", "1 W", "1 day", "BID", True, formatDate=1)
    assert [bar.date for bar in days] == [date(2025, 11, day) for day in (14, 17, 18, 19, 20)]


@at_every_version()
async def test_trades_are_refused_for_spot_gold_and_given_for_futures(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    assert not await ib.reqHistoricalDataAsync(GOLD, "", "1 D", "1 hour", "TRADES", False)
    assert errors.codes == [162]
    (future,) = await ib.qualifyContractsAsync(ib_async.Future(localSymbol="GCZ5", exchange="COMEX"))
    bars = await ib.reqHistoricalDataAsync(future, "", "1 D", "1 hour", "TRADES", False)
    assert len(bars) == 16
    assert all(bar.volume > 0 and bar.barCount > 0 for bar in bars)


@at_every_version()
async def test_bars_are_kept_up_to_date(peer: Peer, ib: ib_async.IB) -> None:
    told = []
    bars = await ib.reqHistoricalDataAsync(GOLD, "", "600 S", "1 min", "MIDPOINT", False, formatDate=2, keepUpToDate=True)
    bars.updateEvent += lambda _, is_new: told.append(is_new)
    count = len(bars)
    await peer.advance(5)
    await peer.quote("XAUUSD", 4004, 4006)
    await settled(ib)
    assert (bars[-1].close, bars[-1].high) == (4005, 4005)
    await peer.advance(60)
    await settled(ib)
    assert told == [True, False, True]
    assert len(bars) == count + 2
    assert bars[-1].date == datetime(2025, 11, 20, 15, 1, tzinfo=UTC)
    ib.cancelHistoricalData(bars)
    await settled(ib)
    await peer.quote("XAUUSD", 4104, 4106)
    await settled(ib)
    assert told == [True, False, True]


@at_every_version()
async def test_five_second_bars_come_as_time_passes(peer: Peer, ib: ib_async.IB) -> None:
    bars = ib.reqRealTimeBars(GOLD, 5, "MIDPOINT", False)
    await settled(ib)
    await peer.quote("XAUUSD", 4001, 4003)
    await peer.advance(10)
    await settled(ib)
    assert [(bar.time.second, bar.open_, bar.high, bar.close) for bar in bars] == [(0, 4000, 4002, 4002), (5, 4002, 4002, 4002)]


@at_every_version()
async def test_history_is_paced_when_the_peer_is_told_to(peer: Peer, ib: ib_async.IB) -> None:
    peer.venue.pacing.enforced = True
    errors = Errors(ib)
    asked = (GOLD, "", "600 S", "1 min", "MIDPOINT", False)
    assert len(await ib.reqHistoricalDataAsync(*asked)) == 10
    assert not await ib.reqHistoricalDataAsync(*asked)
    assert errors.codes == [162]
    assert "pacing violation" in errors[0][2]
    await peer.advance(15)
    assert len(await ib.reqHistoricalDataAsync(*asked)) == 10


@at_every_version()
async def test_past_ticks_and_the_first_timestamp_can_be_asked_for(peer: Peer, ib: ib_async.IB) -> None:
    mids = await ib.reqHistoricalTicksAsync(GOLD, "", datetime(2025, 11, 20, 14, tzinfo=UTC), 50, "MIDPOINT", False)
    assert len(mids) == 50
    assert mids[-1].time == datetime(2025, 11, 20, 13, 59, 59, tzinfo=UTC)
    quotes = await ib.reqHistoricalTicksAsync(GOLD, datetime(2025, 11, 20, 14, tzinfo=UTC), "", 3, "BID_ASK", False)
    assert [tick.time.second for tick in quotes] == [0, 1, 2]
    assert all(tick.priceBid < tick.priceAsk for tick in quotes)
    assert await ib.reqHeadTimeStampAsync(GOLD, "MIDPOINT", False, 2) == datetime(2006, 12, 31, 23, tzinfo=UTC)
    assert await ib.reqHeadTimeStampAsync(GOLD, "TRADES", False, 2) == []


def _prices(bar: ib_async.BarData) -> tuple[float, float, float, float]:
    return bar.open, bar.high, bar.low, bar.close
