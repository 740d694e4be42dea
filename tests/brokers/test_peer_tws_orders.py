"""The loopback TWS as the real ib_async sees it: the life of orders."""

from __future__ import annotations

from decimal import Decimal

import ib_async
import pytest
from ib_async import LimitOrder, MarketOrder, Order, StopLimitOrder, StopOrder

from tests.brokers.ib_client import GOLD, Errors, at_every_version, settled
from tests.peers.tws import Peer


@at_every_version()
async def test_a_market_order_fills_in_two_parts_with_commissions(peer: Peer, ib: ib_async.IB) -> None:
    peer.partial_fills()
    await peer.quote("XAUUSD", 4000, 4001, ask_size=3)
    trade = ib.placeOrder(GOLD, MarketOrder("BUY", 5, tif="DAY", orderRef="entry"))
    await settled(ib)
    assert (trade.orderStatus.status, trade.orderStatus.filled, trade.orderStatus.remaining) == ("Submitted", 3, 2)
    await peer.quote("XAUUSD", 4001, 4002, ask_size=3)
    await settled(ib)
    assert (trade.orderStatus.status, trade.orderStatus.avgFillPrice) == ("Filled", 4001.4)
    assert [(it.execution.shares, it.execution.price, it.execution.cumQty) for it in trade.fills] == [(3, 4001, 3), (2, 4002, 5)]
    assert [it.commissionReport.commission for it in trade.fills] == [2, 2]
    assert [it.execution.orderRef for it in trade.fills] == ["entry", "entry"]
    assert [it.kind for it in peer.sent() if it.message.order][:7] == [
        "openOrder",
        "orderStatus",
        "execDetails",
        "openOrder",
        "orderStatus",
        "openOrder",
        "commissionReport",
    ]


@at_every_version()
async def test_the_wire_of_an_order_is_on_record(peer: Peer, ib: ib_async.IB) -> None:
    order = LimitOrder("SELL", 2, 4100.5, tif="GTD", goodTillDate="20251121 12:00:00 UTC", orderRef="abc", outsideRth=True)
    ib.placeOrder(GOLD, order)
    await settled(ib)
    (request,) = peer.received("placeOrder")
    assert request.order is not None
    assert request.asked is not None
    sent = request.order
    assert (sent.action, sent.quantity, sent.type, sent.limit) == ("SELL", 2, "LMT", 4100.5)
    assert (sent.tif, sent.good_till, sent.ref, sent.outside_rth) == ("GTD", "20251121 12:00:00 UTC", "abc", True)
    assert request.asked.con_id == 69067924
    assert request.payload.startswith(b"3\0")


@at_every_version()
async def test_a_limit_order_rests_is_changed_and_fills_at_its_price_or_better(peer: Peer, ib: ib_async.IB) -> None:
    order = LimitOrder("BUY", 1, 3990, tif="GTC")
    trade = ib.placeOrder(GOLD, order)
    await settled(ib)
    assert (trade.orderStatus.status, trade.orderStatus.permId) == ("Submitted", peer.orders[0].perm_id)
    order.lmtPrice, order.totalQuantity = 3995, 2
    ib.placeOrder(GOLD, order)
    await settled(ib)
    (held,) = peer.orders
    assert (held.limit, held.quantity, trade.orderStatus.remaining) == (3995, 2, 2)
    await peer.quote("XAUUSD", "3995.50", "3995.80")
    await settled(ib)
    assert trade.orderStatus.status == "Submitted"
    await peer.quote("XAUUSD", "3994.50", "3994.80")
    await settled(ib)
    assert (trade.orderStatus.status, trade.orderStatus.filled, trade.orderStatus.avgFillPrice) == ("Filled", 2, 3994.8)


@at_every_version()
async def test_a_cancel_is_confirmed_and_a_cancel_of_a_filled_order_refused(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    resting = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990, tif="GTC"))
    await settled(ib)
    ib.cancelOrder(resting.order)
    await settled(ib)
    assert resting.orderStatus.status == "Cancelled"
    assert errors.codes == [202]
    filled = ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY"))
    await settled(ib)
    ib.client.cancelOrder(filled.order.orderId)
    ib.client.cancelOrder(999)
    await settled(ib)
    assert errors.codes == [202, 10148, 10147]
    assert filled.orderStatus.status == "Filled"


@at_every_version(cash=10_000)
async def test_an_order_beyond_the_margin_is_rejected(peer: Peer, ib: ib_async.IB) -> None:
    trade = ib.placeOrder(GOLD, MarketOrder("BUY", 100, tif="DAY"))
    await settled(ib)
    assert trade.orderStatus.status == "Cancelled"
    assert trade.log[-1].errorCode == 201
    assert bool(trade.advancedError) == (peer.venue.version >= 166)
    assert peer.orders == []


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (LimitOrder("BUY", 1, 4000.005, tif="DAY"), 110),
        (MarketOrder("BUY", 0, tif="DAY"), 434),
        (MarketOrder("BUY", 0.5, tif="DAY"), 201),
        (Order(orderType="PEG MID", action="BUY", totalQuantity=1, tif="DAY"), 387),
        (LimitOrder("BUY", 1, 4000, tif="GTD"), 391),
        (StopOrder("BUY", 1, None, tif="DAY"), 321),
        (MarketOrder("BUY", 1, tif="DAY", account="DU0"), 321),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else value.orderType,
)
def test_what_is_wrong_with_an_order_has_its_code(order: Order, code: int) -> None:
    @at_every_version()
    async def scenario(peer: Peer, ib: ib_async.IB) -> None:
        errors = Errors(ib)
        ib.placeOrder(GOLD, order)
        await settled(ib)
        assert errors.codes == [code]
        assert peer.orders == []

    scenario(178)


@at_every_version()
async def test_what_cannot_be_changed_has_its_code(peer: Peer, ib: ib_async.IB) -> None:
    peer.partial_fills()
    await peer.quote("XAUUSD", 4000, 4001, ask_size=2)
    errors = Errors(ib)
    filled, cancelled, part, waiting = (
        LimitOrder("BUY", quantity, price, tif="GTC") for quantity, price in ((1, 4001), (1, 3990), (3, 4001), (1, 3980))
    )
    for order in (filled, cancelled, part, waiting):
        ib.placeOrder(GOLD, order)
    ib.cancelOrder(cancelled)
    await settled(ib)
    peer.slow_cancels()
    ib.cancelOrder(waiting)
    await settled(ib)
    errors.clear()
    silver = ib_async.Commodity("XAGUSD", "SMART", "USD")
    for order_id, contract, change in (
        (filled.orderId, GOLD, LimitOrder("BUY", 2, 4000, tif="GTC")),
        (cancelled.orderId, GOLD, LimitOrder("BUY", 2, 4000, tif="GTC")),
        (part.orderId, silver, LimitOrder("BUY", 4, 40, tif="GTC")),
        (part.orderId, GOLD, LimitOrder("BUY", 2, 4001, tif="GTC")),
        (waiting.orderId, GOLD, LimitOrder("BUY", 2, 4000, tif="GTC")),
        (part.orderId, GOLD, LimitOrder("BUY", 4, 4000.001, tif="GTC")),
        (1, GOLD, LimitOrder("BUY", 4, 4000, tif="GTC")),
    ):
        ib.client.placeOrder(order_id, contract, change)
    await settled(ib)
    assert errors.codes == [104, 103, 105, 201, 161, 110, 103]
    assert [it.status for it in peer.orders] == ["Filled", "Cancelled", "Submitted", "PendingCancel"]
    ib.client.placeOrder(part.orderId, GOLD, LimitOrder("BUY", 4, 4000, tif="GTC"))
    await settled(ib)
    assert (peer.orders[2].quantity, peer.orders[2].limit) == (4, 4000)


@at_every_version()
async def test_an_order_that_was_held_back_can_be_changed_and_sent(peer: Peer, ib: ib_async.IB) -> None:
    order = LimitOrder("BUY", 1, 3990, tif="GTC", transmit=False)
    trade = ib.placeOrder(GOLD, order)
    await settled(ib)
    assert trade.orderStatus.status == "PendingSubmit"
    order.transmit, order.lmtPrice = True, 3991
    ib.placeOrder(GOLD, order)
    await settled(ib)
    assert (trade.orderStatus.status, peer.orders[0].limit) == ("Submitted", 3991)


@at_every_version(accounts=("DU1", "DU2"))
async def test_with_several_accounts_an_order_must_name_one(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY"))
    ib.placeOrder(ib_async.Commodity("XPTUSD", "SMART", "USD"), MarketOrder("BUY", 1, tif="DAY", account="DU2"))
    ib.placeOrder(GOLD, MarketOrder("BUY", 1, tif="DAY", account="DU2"))
    await settled(ib)
    assert errors.codes == [435, 200]
    assert (peer.position("XAUUSD", "DU1"), peer.position("XAUUSD", "DU2")) == (0, 1)


@at_every_version()
async def test_what_if_answers_with_margins_and_places_nothing(peer: Peer, ib: ib_async.IB) -> None:
    await peer.quote("XAUUSD", 4000, 4000)
    state = await ib.whatIfOrderAsync(GOLD, MarketOrder("BUY", 10, tif="DAY"))
    assert (float(state.initMarginBefore), float(state.initMarginChange), float(state.initMarginAfter)) == (0, 2000, 2000)
    assert float(state.maintMarginAfter) == 1600
    huge = await ib.whatIfOrderAsync(GOLD, MarketOrder("BUY", 1_000_000, tif="DAY"))
    assert float(huge.initMarginAfter) > float(huge.equityWithLoanAfter)
    assert (state.commission, state.commissionCurrency) == (2, "USD")
    assert peer.orders == []


@at_every_version()
async def test_a_bracket_waits_for_its_last_part_and_its_exits_for_the_entry(peer: Peer, ib: ib_async.IB) -> None:
    entry, target, stop = ib.bracketOrder("BUY", 4, 3995, 4010, 3990, tif="GTC")
    first = ib.placeOrder(GOLD, entry)
    await settled(ib)
    assert peer.sent("openOrder") == []
    exits = [ib.placeOrder(GOLD, target), ib.placeOrder(GOLD, stop)]
    await settled(ib)
    assert [it.orderStatus.status for it in (first, *exits)] == ["Submitted", "PreSubmitted", "PreSubmitted"]
    assert [it.orderStatus.whyHeld for it in exits] == ["child", "child,trigger"]
    await peer.quote("XAUUSD", "3994.70", 3995)
    await settled(ib)
    assert [it.orderStatus.status for it in (first, *exits)] == ["Filled", "Submitted", "PreSubmitted"]
    await peer.quote("XAUUSD", 3990, "3990.30")
    await settled(ib)
    assert [it.orderStatus.status for it in exits] == ["Cancelled", "Filled"]
    assert exits[1].fills[0].execution.price == 3990
    assert exits[1].fills[0].commissionReport.realizedPNL == pytest.approx(4 * -5 - 4)
    assert peer.position("XAUUSD") == 0


@at_every_version()
async def test_a_part_of_the_target_leaves_a_smaller_stop(peer: Peer, ib: ib_async.IB) -> None:
    peer.partial_fills()
    for order in ib.bracketOrder("BUY", 4, 4001, 4010, 3990, tif="GTC"):
        ib.placeOrder(GOLD, order)
    await settled(ib)
    await peer.quote("XAUUSD", 4010, 4011, bid_size=1)
    await settled(ib)
    _, target, stop = ib.trades()
    assert (target.orderStatus.filled, target.orderStatus.remaining) == (1, 3)
    assert (stop.order.totalQuantity, stop.orderStatus.remaining) == (3, 3)


@at_every_version()
async def test_a_cancelled_entry_takes_its_exits_along(peer: Peer, ib: ib_async.IB) -> None:
    trades = [ib.placeOrder(GOLD, order) for order in ib.bracketOrder("BUY", 4, 3995, 4010, 3990, tif="GTC")]
    await settled(ib)
    ib.cancelOrder(trades[0].order)
    await settled(ib)
    assert {it.orderStatus.status for it in trades} == {"Cancelled"}


@at_every_version()
async def test_a_part_of_an_oca_group_of_the_reducing_kind_reduces_the_others(peer: Peer, ib: ib_async.IB) -> None:
    peer.partial_fills()
    orders = [LimitOrder("BUY", 5, 3990, tif="GTC"), LimitOrder("BUY", 5, 3980, tif="GTC")]
    trades = [ib.placeOrder(GOLD, order) for order in ib.oneCancelsAll(orders, "both", 3)]
    await settled(ib)
    await peer.quote("XAUUSD", 3989, 3990, ask_size=2)
    await settled(ib)
    assert [it.orderStatus.remaining for it in trades] == [3, 3]


@at_every_version()
async def test_one_of_an_oca_group_cancels_the_others(peer: Peer, ib: ib_async.IB) -> None:
    orders = [LimitOrder("BUY", 1, 3990, tif="GTC"), StopOrder("BUY", 1, 4020, tif="GTC"), LimitOrder("BUY", 1, 3980, tif="GTC")]
    trades = [ib.placeOrder(GOLD, order) for order in ib.oneCancelsAll(orders, "either", 1)]
    await settled(ib)
    await peer.quote("XAUUSD", 4019, 4020)
    await settled(ib)
    assert [it.orderStatus.status for it in trades] == ["Cancelled", "Filled", "Cancelled"]


@at_every_version()
async def test_stops_trigger_on_their_side_of_the_quote(peer: Peer, ib: ib_async.IB) -> None:
    buy = ib.placeOrder(GOLD, StopOrder("BUY", 1, 4010, tif="GTC"))
    sell = ib.placeOrder(GOLD, StopLimitOrder("SELL", 1, 3989.5, 3990, tif="GTC"))
    await settled(ib)
    await peer.quote("XAUUSD", "4009.50", "4009.99")
    await peer.quote("XAUUSD", "3990.01", "3990.10")
    await settled(ib)
    assert [buy.orderStatus.status, sell.orderStatus.status] == ["PreSubmitted", "PreSubmitted"]
    await peer.quote("XAUUSD", "3989.40", "4010.00")
    await settled(ib)
    assert (buy.orderStatus.status, buy.orderStatus.avgFillPrice) == ("Filled", 4010)
    assert (sell.orderStatus.status, sell.orderStatus.whyHeld) == ("Submitted", "")
    await peer.quote("XAUUSD", "3989.50", "3989.80")
    await settled(ib)
    assert (sell.orderStatus.status, sell.orderStatus.avgFillPrice) == ("Filled", 3989.5)


@at_every_version()
async def test_a_trailing_stop_follows_by_amount_and_by_percent(peer: Peer, ib: ib_async.IB) -> None:
    await peer.quote("XAUUSD", 4000, 4000)
    amount = Order(orderType="TRAIL", action="SELL", totalQuantity=1, auxPrice=5, tif="GTC", orderRef="amount")
    percent = Order(orderType="TRAIL", action="SELL", totalQuantity=1, trailingPercent=1, tif="GTC", orderRef="percent")
    trades = [ib.placeOrder(GOLD, amount), ib.placeOrder(GOLD, percent)]
    await settled(ib)
    await peer.quote("XAUUSD", 4010, 4011)
    await peer.quote("XAUUSD", 4006, 4007)
    assert (peer.order("amount").trail_stop, peer.order("percent").trail_stop) == (4005, Decimal("3969.90"))
    await peer.quote("XAUUSD", 4005, 4006)
    await settled(ib)
    assert [it.orderStatus.status for it in trades] == ["Filled", "PreSubmitted"]
    await peer.quote("XAUUSD", "3969.90", 3971)
    await settled(ib)
    assert trades[1].orderStatus.avgFillPrice == 3969.9


@at_every_version()
async def test_time_in_force_is_kept(peer: Peer, ib: ib_async.IB) -> None:
    peer.partial_fills()
    await peer.quote("XAUUSD", 4000, 4001, ask_size=2)
    orders = {
        "IOC": LimitOrder("BUY", 5, 4001, tif="IOC"),
        "FOK": LimitOrder("BUY", 5, 4001, tif="FOK"),
        "DAY": LimitOrder("BUY", 5, 3900, tif="DAY"),
        "GTC": LimitOrder("BUY", 5, 3900, tif="GTC"),
        "GTD": LimitOrder("BUY", 5, 3900, tif="GTD", goodTillDate="20251120-15:00:10"),
    }
    trades = {tif: ib.placeOrder(GOLD, order) for tif, order in orders.items()}
    await settled(ib)
    found = {tif: (it.orderStatus.status, it.orderStatus.filled) for tif, it in trades.items()}
    working = ("Submitted", 0)
    assert found == {"IOC": ("Cancelled", 2), "FOK": ("Cancelled", 0), "DAY": working, "GTC": working, "GTD": working}
    await peer.advance(10)
    await settled(ib)
    assert trades["GTD"].orderStatus.status == "Cancelled"
    assert trades["DAY"].orderStatus.status == "Submitted"
    await peer.advance(7 * 3600)
    await settled(ib)
    assert [trades[tif].orderStatus.status for tif in ("DAY", "GTC")] == ["Cancelled", "Submitted"]


@at_every_version()
async def test_an_order_without_time_in_force_lives_on_though_the_client_calls_it_cancelled(peer: Peer, ib: ib_async.IB) -> None:
    trade = ib.placeOrder(GOLD, LimitOrder("BUY", 1, 3990))
    await settled(ib)
    assert trade.log[-1].errorCode == 10349
    assert trade.orderStatus.status == "Cancelled"
    assert (peer.orders[0].status, peer.orders[0].tif) == ("Submitted", "DAY")


@at_every_version()
async def test_an_order_outside_its_hours_is_warned_of_and_waits(peer: Peer, ib: ib_async.IB) -> None:
    errors = Errors(ib)
    (future,) = await ib.qualifyContractsAsync(ib_async.Future(localSymbol="GCZ5", exchange="COMEX"))
    await peer.advance(7.5 * 3600)
    waits = ib.placeOrder(future, MarketOrder("BUY", 1, tif="GTC"))
    fills = ib.placeOrder(future, MarketOrder("BUY", 1, tif="GTC", outsideRth=True))
    await settled(ib)
    assert errors.codes == [399, 399]
    assert [it.status for it in peer.orders] == ["PreSubmitted", "PreSubmitted"]
    await peer.advance(3600)
    await peer.quote("GCZ5", 4010, "4010.2")
    await settled(ib)
    assert (waits.orderStatus.status, fills.orderStatus.status) == ("ValidationError", "Filled")
