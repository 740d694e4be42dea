"""The loopback TWS as the real ib_async sees it: connecting, accounts, contracts, prices and history."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from itertools import pairwise

import ib_async
import pytest

from tests.brokers.ib_client import GOLD, Errors, at_every_version, settled
from tests.peers.tws import Peer


@at_every_version(accounts=("DU1234567",))
async def test_a_client_connects_and_everything_it_asks_at_the_start_is_answered(peer: Peer, ib: ib_async.IB) -> None:
    assert ib.isConnected()
    assert ib.client.serverVersion() == peer.venue.version
    assert ib.managedAccounts() == ["DU1234567"]
    asked = [request.kind for request in peer.received()]
    start = ["startApi", "reqPositions", "reqOpenOrders", "reqCompletedOrders", "reqAccountUpdates", "reqAccountUpdatesMulti"]
    assert asked == [*start, "reqExecutions"]
    assert peer.clients == [1]


@at_every_version(accounts=("DU1234567", "U7654321"), cash=250_000)
async def test_several_accounts_are_told_apart(peer: Peer, ib: ib_async.IB) -> None:
    await peer.hold("XAUUSD", 3, 3990, account="U7654321")
    await settled(ib)
    assert ib.managedAccounts() == ["DU1234567", "U7654321"]
    (held,) = ib.positions()
    assert (held.account, held.contract.conId, held.position, held.avgCost) == ("U7654321", 69067924, 3, 3990)
    cash = {it.account: it.value for it in ib.accountValues() if it.tag == "TotalCashValue"}
    assert cash == {"DU1234567": "250000.00", "U7654321": "250000.00"}


@at_every_version()
async def test_positions_portfolio_cash_and_profit_follow_a_fill(peer: Peer, ib: ib_async.IB) -> None:
    await peer.quote("XAUUSD", 4000, 4001)
    profit = ib.reqPnL("DU1234567")
    single = ib.reqPnLSingle("DU1234567", "", 69067924)
    await peer.place("XAUUSD", "BUY", 10)
    await peer.quote("XAUUSD", 4010, 4011)
    await settled(ib)
    (position,) = ib.positions()
    assert (position.position, round(position.avgCost, 6)) == (10, 4001.2)
    (item,) = ib.portfolio()
    assert item.position == 10
    assert {it.value for it in ib.accountValues() if it.tag == "TotalCashValue"} == {"959988.00"}
    assert profit.unrealizedPnL == pytest.approx(10 * (4010.5 - 4001) - 2)
    assert (single.position, single.value) == (10, 40105)
    await peer.place("XAUUSD", "SELL", 10)
    await settled(ib)
    assert ib.positions() == ib.portfolio() == []
    assert profit.realizedPnL == pytest.approx(90 - 4)


@at_every_version()
async def test_the_portfolio_is_valued_again_every_three_minutes(peer: Peer, ib: ib_async.IB) -> None:
    await peer.hold("XAUUSD", 10, 4000)
    await peer.quote("XAUUSD", 4010, 4012)
    await peer.advance(179)
    await settled(ib)
    assert [it.marketPrice for it in ib.portfolio()] == [4000]
    await peer.advance(1)
    await settled(ib)
    assert [it.unrealizedPNL for it in ib.portfolio()] == [110]


@at_every_version()
async def test_the_account_summary_has_the_tags_it_was_asked_for(peer: Peer, ib: ib_async.IB) -> None:
    summary = {it.tag: it.value for it in await ib.accountSummaryAsync()}
    assert summary["NetLiquidation"] == "1000000.00"
    assert summary["AccountType"] == "INDIVIDUAL"
    assert float(summary["BuyingPower"]) == 4_000_000


@at_every_version()
async def test_contracts_are_found_and_described(peer: Peer, ib: ib_async.IB) -> None:
    (gold,) = await ib.qualifyContractsAsync(ib_async.Commodity("XAUUSD", "SMART", "USD"))
    assert (gold.conId, gold.primaryExchange) == (69067924, "IBCMDTY")
    (details,) = await ib.reqContractDetailsAsync(gold)
    assert (details.minTick, details.longName, details.timeZoneId) == (0.01, "London Gold", "US/Eastern")
    assert details.tradingHours.startswith("20251119:1800-20251120:1700;20251120:1800-20251121:1700;20251122:CLOSED")
    chain = await ib.reqContractDetailsAsync(ib_async.Future("GC", exchange="COMEX"))
    assert [it.contract.localSymbol for it in chain] == ["GCZ5", "GCG6", "GCJ6", "GCM6", "GCQ6", "GCV6"]
    assert {it.contract.multiplier for it in chain} == {"100"}
    assert chain[0].contract.lastTradeDateOrContractMonth == "20251229"
    (front,) = await ib.reqContractDetailsAsync(ib_async.ContFuture("MGC", "COMEX"))
    assert (front.contract.localSymbol, front.contract.multiplier) == ("MGCZ5", "10")
    assert [it.increment for it in await ib.reqMarketRuleAsync(int(chain[0].marketRuleIds))] == [0.1]
    assert {it.contract.symbol for it in await ib.reqMatchingSymbolsAsync("GC")} == {"GC"}
    assert {it.contract.conId for it in await ib.reqMatchingSymbolsAsync("gold")} > {69067924}


@at_every_version()
async def test_an_unknown_contract_is_error_200(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    assert await ib.reqContractDetailsAsync(ib_async.Commodity("XPTUSD", "SMART", "USD")) == []
    assert errors.codes == [200]
    ib.RaiseRequestErrors = True
    with pytest.raises(ib_async.wrapper.RequestError, match="200"):
        await ib.reqContractDetailsAsync(ib_async.Future("GC", "203012", "COMEX"))


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
async def test_depth_is_told_row_by_row(peer: Peer, ib: ib_async.IB) -> None:
    (future,) = await ib.qualifyContractsAsync(ib_async.Future(localSymbol="GCZ5", exchange="COMEX"))
    ticker = ib.reqMktDepth(future, numRows=3)
    await peer.book("GCZ5", [(4010, 2), ("4009.9", 5)], [("4010.1", 1), ("4010.2", 3), ("4010.3", 9), ("4010.4", 9)])
    await settled(ib)
    assert [(level.price, level.size) for level in ticker.domBids] == [(4010, 2), (4009.9, 5)]
    assert [(level.price, level.size) for level in ticker.domAsks] == [(4010.1, 1), (4010.2, 3), (4010.3, 9)]
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


@at_every_version()
async def test_the_peers_clock_is_the_brokers_time(peer: Peer, ib: ib_async.IB) -> None:
    assert await ib.reqCurrentTimeAsync() == datetime(2025, 11, 20, 15, tzinfo=UTC)


def test_a_version_the_client_does_not_speak_never_gets_ready() -> None:
    async def play() -> None:
        async with Peer(server_version=156) as peer:
            ib = ib_async.IB()
            with pytest.raises(TimeoutError):
                await ib.connectAsync(peer.host, peer.port, clientId=1, timeout=0.2)

    asyncio.run(play())


def _prices(bar: ib_async.BarData) -> tuple[float, float, float, float]:
    return bar.open, bar.high, bar.low, bar.close
