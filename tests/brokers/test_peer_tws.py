"""The loopback TWS as the real ib_async sees it: connecting, accounts and contracts."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from math import isnan

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
async def test_the_contract_of_a_position_lacks_the_exchange_that_an_order_needs(peer: Peer, ib: ib_async.IB) -> None:
    await peer.hold("GC", 1, 4010)
    await settled(ib)
    (held,) = ib.positions()
    assert held.contract.exchange == ""
    errors = Errors(ib)
    ib.placeOrder(held.contract, ib_async.MarketOrder("SELL", 1, tif="DAY"))
    ib.reqMktData(held.contract)
    await settled(ib)
    assert errors.codes == [321, 321]
    await ib.qualifyContractsAsync(held.contract)
    assert held.contract.exchange == "COMEX"


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
async def test_silver_and_a_currency_pair_are_there_too(peer: Peer, ib: ib_async.IB) -> None:
    silver, euro = await ib.qualifyContractsAsync(ib_async.Commodity("XAGUSD", "SMART", "USD"), ib_async.Forex("EURUSD"))
    assert (silver.conId, euro.conId, euro.localSymbol) == (77124483, 12087792, "EUR.USD")
    ib.placeOrder(euro, ib_async.MarketOrder("BUY", 20_000, tif="IOC"))
    await settled(ib)
    assert peer.position("EURUSD") == 20_000
    bars = await ib.reqHistoricalDataAsync(silver, "20251119 21:00:00 UTC", "2 D", "4 hours", "ASK", False)
    assert len(bars) == 12


@at_every_version()
async def test_an_unknown_contract_is_error_200(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    assert await ib.reqContractDetailsAsync(ib_async.Commodity("XPTUSD", "SMART", "USD")) == []
    assert errors.codes == [200]
    ib.RaiseRequestErrors = True
    with pytest.raises(ib_async.wrapper.RequestError, match="200"):
        await ib.reqContractDetailsAsync(ib_async.Future("GC", "203012", "COMEX"))


@at_every_version()
async def test_the_peers_clock_is_the_brokers_time(peer: Peer, ib: ib_async.IB) -> None:
    assert await ib.reqCurrentTimeAsync() == datetime(2025, 11, 20, 15, tzinfo=UTC)


@at_every_version(accounts=("DU1", "DU2"))
async def test_an_account_that_is_not_there_is_a_validation_error(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    ib.client.reqAccountUpdates(True, "DU3")
    ib.client.reqAccountUpdatesMulti(ib.client.getReqId(), "DU3", "", False)
    ib.reqPnL("DU3")
    ib.client.reqMarketRule(1)
    ib.client.reqAutoOpenOrders(True)
    await settled(ib)
    assert errors.codes == [321, 321, 321, 321, 327]


@at_every_version()
async def test_what_was_cancelled_is_told_no_more(peer: Peer, ib: ib_async.IB) -> None:
    profit = ib.reqPnLSingle("DU1234567", "", GOLD.conId)
    ib.client.cancelPositions()
    ib.client.reqAccountUpdates(False, "DU1234567")
    ib.cancelPnLSingle("DU1234567", "", GOLD.conId)
    await settled(ib)
    peer.venue.record.forget()
    await peer.place("XAUUSD", "BUY", 1)
    assert peer.sent() == []
    assert isnan(profit.value)


def test_a_version_the_client_does_not_speak_never_gets_ready() -> None:
    async def play() -> None:
        async with Peer(server_version=156) as peer:
            ib = ib_async.IB()
            with pytest.raises(TimeoutError):
                await ib.connectAsync(peer.host, peer.port, clientId=1, timeout=0.2)

    asyncio.run(play())
