"""An account at an exchange as reconciliation asks for it: our ids, whole lot steps, coins as positions, fees in kind."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.brokers.exchange.broker import ExchangeBroker
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.order import OrderType, Role, Side, terms
from engine.ports.broker import TakenInKind
from tests.brokers.exchange_broker import Told, broker_of, dealing, market, order
from tests.peers.exchange import Exchange
from tests.peers.faults import Answer, Drop, Replace

pytestmark = pytest.mark.xdist_group("ccxt")


@dealing
async def test_a_coin_that_is_held_is_a_position_in_whole_lot_steps(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    exchange.deposit("PAXG", "0.00017")
    state = await broker.standing()
    assert {(it.symbol, it.quantity, it.average) for it in state.positions} == {
        ("PAXGUSDT", Decimal("10.0001"), None),
        ("BTCUSDT", Decimal(1), None),
    }
    assert broker.steps("PAXGUSDT", Decimal("10.0001")) == 100_001
    with pytest.raises(BrokerError, match="no whole number of lot steps"):
        broker.steps("PAXGUSDT", Decimal("0.00017"))


@dealing
async def test_what_was_asked_for_is_found_open_ended_or_not_at_all(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    for each in (order("works"), order("gone"), market("filled"), order("short", quantity=500_000)):
        broker.submit(each)
    await told.until(lambda: told.of(f.OrderRejected) and told.kinds("filled"))
    broker.cancel("gone")
    await told.one(f.OrderCancelled)
    late = broker_of(exchange, Told())
    await late.connect()
    state = await late.standing([order("works"), order("gone"), market("filled"), market("none")])
    await late.close()
    assert [it.client_order_id for it in state.open_orders] == ["works"]
    assert {it.client_order_id: it.status for it in state.ended_orders} == {"gone": "cancelled", "filled": "filled"}
    assert {it.client_order_id for it in state.executions} == {"filled"}


@dealing
async def test_an_id_the_exchange_does_not_take_is_hashed_and_found_again_in_another_process(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    name = "a-book-of-a-long-name-000001-target-of-the-entry"
    broker.submit(order(name))
    await told.one(f.OrderAccepted)
    theirs = exchange.orders[0].ticket.client_id
    assert theirs != name
    late = broker_of(exchange, Told())
    await late.connect()
    [foreign] = (await late.standing()).open_orders
    [found] = (await late.standing([order(name)])).open_orders
    await late.close()
    assert (foreign.client_order_id, found.client_order_id) == (theirs, name)


@dealing
async def test_after_a_restart_an_order_is_cancelled_by_our_id(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order("one"))
    await told.one(f.OrderAccepted)
    hears = Told()
    late = broker_of(exchange, hears)
    await late.connect()
    await late.standing([order("one")])
    late.cancel("one")
    await hears.one(f.OrderCancelled)
    await late.close()
    assert exchange.orders[0].status == "CANCELED"
    assert hears.kinds("one")[-1] == "OrderCancelled"


@dealing
async def test_an_order_by_hand_is_cancelled_under_the_id_it_was_adopted_as(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    by_hand = exchange.place("PAXGUSDT", "BUY", "LIMIT", "0.5", price="3800.00", timeInForce="GTC")
    adopted = order("EXT-1", role=Role.EXTERNAL, limit=380_000)
    broker.apply(f.OrderAdopted(**terms(adopted), broker_id=str(by_hand.order_id), filled=0))
    broker.cancel("EXT-1")
    await told.one(f.OrderCancelled)
    assert by_hand.status == "CANCELED"


@pytest.mark.parametrize("kind", ["GET account", "GET openOrders", "GET myTrades", "GET order"])
def test_a_part_that_is_not_answered_is_an_error_and_not_an_empty_list(kind: str) -> None:
    @dealing(listening=False, pulse_s=3600.0)
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        await exchange.until(lambda: exchange.asked("GET openOrders"))
        exchange.faults.on(kind, Answer(503, "Service Unavailable"), times=2)
        with pytest.raises(BrokerError, match="cannot be reached or is out of order"):
            await broker.standing([order("one")])

    scenario()


@dealing
async def test_balances_that_move_while_they_are_asked_are_asked_again(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    def meanwhile(reply: object) -> object:
        exchange.place("PAXGUSDT", "BUY", "MARKET", "0.5", newClientOrderId="by-hand")
        return reply

    exchange.faults.on("answer GET account", Replace(meanwhile))
    state = await broker.standing()
    assert [it.quantity for it in state.executions] == [Decimal("0.5")]
    assert Decimal("10.4995") in [it.quantity for it in state.positions]


@dealing
async def test_a_fee_taken_out_of_what_was_bought_leaves_the_position_in_whole_steps(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    before = exchange.wallet.total("PAXG")
    await broker.standing()
    for number, quantity in enumerate((123, 123, 5000)):
        broker.submit(market(f"buy-{number}", quantity=quantity))
    broker.submit(market("sell", Side.SELL, quantity=200))
    await told.until(lambda: len(told.of(f.OrderFilled)) == 4)
    kept = [it for it in told.facts if isinstance(it, TakenInKind)]
    traded = sum(it.quantity * Side(it.side).sign for it in told.of(f.OrderFilled))
    held = exchange.wallet.total("PAXG")
    assert before * 10_000 + traded - sum(it.quantity for it in kept) == held * 10_000 // 1
    assert [it.value for it in kept] == [it.quantity * 390_010 for it in kept]
    state = await broker.standing()
    assert sum(it.in_kind for it in state.executions) == Decimal("0.0005246")
    assert {it.commission_currency for it in state.executions} == {"USDT"}


@dealing
async def test_what_was_bought_can_be_sold_though_the_fee_was_taken_out_of_it(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    exchange.deposit("PAXG", -10)
    await broker.standing()
    broker.submit(market("buy"))
    await told.one(f.OrderFilled)
    stop = order("stop", Side.SELL, limit=None, stop=380_000, type=OrderType.STOP, role=Role.STOP, reduce_only=True)
    broker.submit(stop)
    modified = await told.one(f.OrderModified)
    assert (modified.order, modified.quantity, modified.stop) == ("stop", 4995, 380_000)
    assert told.kinds("stop") == ["OrderAccepted", "OrderModified"]
    broker.submit(market("more", Side.SELL, quantity=6000))
    assert (await told.one(f.OrderRejected)).order == "more"


@dealing(timeout=0.2)
async def test_an_order_that_is_found_later_goes_on_under_the_stream(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    exchange.stall()
    exchange.faults.on("answer POST order", Drop())
    broker.submit(order())
    await told.one(f.OrderUnknown)
    await broker.standing([order()])
    exchange.resume()
    await exchange.trade("PAXGUSDT", "SELL", "5.5", limit="3890.00")
    await told.one(f.OrderFilled)
    assert set(told.kinds("one")[1:-1]) <= {"OrderAccepted"}
    assert told.kinds("one")[-1] == "OrderFilled"


@dealing
async def test_an_order_that_was_asked_for_before_it_was_placed_is_placed_all_the_same(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    await broker.standing([order("held")])
    broker.submit(order("held"))
    await told.one(f.OrderAccepted)
    broker.submit(order("held"))
    broker.cancel("held")
    await told.one(f.OrderCancelled)
    assert len(exchange.asked("POST order")) == 1
