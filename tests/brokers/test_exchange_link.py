"""When a broker at an exchange may send at all: keys, test exchanges, reading only, and the switch of a dead man."""

from __future__ import annotations

import asyncio
import base64
import importlib
import re
from random import Random
from typing import Any

import pytest

from engine.brokers.exchange.addresses import place_of
from engine.brokers.exchange.broker import ExchangeBroker
from engine.brokers.exchange.catalogue import profile_of
from engine.brokers.exchange.client import close_client, make_client
from engine.brokers.exchange.dealing import DEALINGS, dealing_of
from engine.brokers.exchange.keys import ApiKey
from engine.brokers.exchange.switch import DeadMansSwitch
from engine.brokers.exchange.wire import Wire
from engine.core.clock import SystemClock
from engine.core.errors import BrokerError, NotAdmitted, UserError
from engine.domain import facts as f
from engine.domain.order import OrderType, TimeInForce
from engine.ports.venue import VenueAddress
from tests.brokers.exchange_adapter import played
from tests.brokers.exchange_broker import OURS, Told, broker_of, dealing, order
from tests.peers.exchange import Exchange

pytestmark = pytest.mark.xdist_group("ccxt")

KEY = ApiKey("canary-key-31415926", base64.b64encode(b"canary-secret").decode(), is_for_tests=True)


def bare(address: VenueAddress, told: Told, key: ApiKey | None = KEY, **more: Any) -> ExchangeBroker:
    return ExchangeBroker(address, key, OURS, told, clock=SystemClock(), random=Random(1), sleep=told.sleep, **more)


@pytest.mark.parametrize("name", ["kraken", "coinbase"])
def test_fault_12_a_broker_of_a_sandbox_there_is_not_sends_nothing_and_does_not_try_again(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[Any] = []
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", lambda self, *words, **more: looked_up.append(words))
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", lambda self, *words, **more: looked_up.append(words))

    async def run() -> None:
        told = Told()
        broker = bare(VenueAddress(name, sandbox=True), told)
        with pytest.raises(NotAdmitted, match="nothing was sent"):
            await broker.connect()
        broker.submit(order())
        assert (await told.one(f.OrderRejected)).reason.endswith("nothing was sent")
        await broker.close()
        await broker.close()
        assert told.waits == []

    asyncio.run(run())
    assert looked_up == []


def test_a_broker_without_a_key_takes_no_orders() -> None:
    async def run() -> None:
        with pytest.raises(BrokerError, match="takes orders of the owner of a key only"):
            await bare(VenueAddress("binance"), Told(), None).connect()

    asyncio.run(run())


@played
async def test_an_account_of_another_kind_is_refused_and_not_tried_again(exchange: Exchange) -> None:
    told = Told()
    broker = broker_of(exchange, told, address={"is_live": True})
    with pytest.raises(UserError, match="is a test exchange here"):
        await broker.connect()
    assert exchange.requests == []
    await broker.close()


@played
async def test_a_key_that_may_withdraw_is_refused_and_not_tried_again(exchange: Exchange) -> None:
    exchange.gate.may_withdraw = True
    told = Told()
    broker = broker_of(exchange, told)
    with pytest.raises(NotAdmitted, match="may withdraw money and is not used"):
        await broker.connect()
    assert (told.waits, told.facts) == ([], [])
    await broker.close()


def test_a_connection_for_reading_only_sends_no_order() -> None:
    @dealing(address={"is_read_only": True}, listening=False)
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        broker.submit(order())
        assert "was connected to for reading only; nothing was sent" in (await told.one(f.OrderRejected)).reason
        assert exchange.asked("POST order") == []

    scenario()


@dealing(listening=False)
async def test_after_closing_everything_is_refused_and_orders_stay(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order("one"))
    await told.one(f.OrderAccepted)
    await broker.close()
    broker.submit(order("two"))
    broker.cancel("one")
    await told.one(f.CancelRejected)
    assert (told.kinds("two"), exchange.orders[0].status) == (["OrderRejected"], "NEW")


def test_what_an_exchange_holds_is_no_more_than_its_row_says() -> None:
    abilities = dealing_of("binance").abilities()
    assert abilities.types == {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}
    assert abilities.tifs == {TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}
    assert abilities.post_only
    assert [abilities.brackets, abilities.groups, abilities.modifies, abilities.shorts] == [False] * 4
    assert dealing_of("weex").abilities().types == {OrderType.MARKET, OrderType.LIMIT}


@pytest.mark.parametrize("name", DEALINGS)
def test_every_row_promises_only_what_the_library_has(name: str) -> None:
    client = make_client(profile_of(name), None, None, timeout_s=10)
    offered, row = client.features["spot"]["createOrder"], DEALINGS[name]
    assert all(offered["timeInForce"][tif.value] for tif in row.tifs)
    assert offered["timeInForce"]["PO"] or not row.post_only
    assert offered["stopLossPrice"] or OrderType.STOP not in row.types
    assert offered["trailing"] or OrderType.TRAILING not in row.types
    assert client.has["editOrder"] or not row.edits
    assert row.buys_by_quantity == (not offered["marketBuyRequiresPrice"])


@pytest.mark.parametrize("name", DEALINGS)
def test_an_id_of_ours_is_one_the_exchange_takes(name: str) -> None:
    row = DEALINGS[name]
    for own in ("NG000001", "NGe21cb7ca-000001-stop", "a very long name of an order that fits nowhere"):
        assert re.fullmatch(row.own_id, row.their_id(own))
        assert row.their_id(own) == row.their_id(own)
    assert row.their_id("NGe21cb7ca-000001-stop") != row.their_id("NGe21cb7ca-000001")


def test_an_exchange_without_a_dead_mans_switch_says_so() -> None:
    @played
    async def scenario(exchange: Exchange) -> None:
        broker = broker_of(exchange, Told(), dead_man_s=60.0)
        with pytest.raises(NotAdmitted, match="has no switch that cancels orders"):
            await broker.connect()
        await broker.close()

    scenario()


def test_a_dead_mans_switch_is_pressed_in_time_and_let_go_in_the_end() -> None:
    pressed: list[str] = []

    async def run() -> None:
        web = importlib.import_module("aiohttp.web")

        async def answer(request: Any) -> Any:
            pressed.append(f"{request.path} {(await request.post())['timeout']}")
            return web.json_response({"error": [], "result": {"currentTime": "", "triggerTime": ""}})

        site = web.Application()
        site.router.add_route("POST", "/{path:.*}", answer)
        runner = web.AppRunner(site)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        profile = profile_of("kraken")
        client = make_client(profile, place_of(f"http://127.0.0.1:{runner.addresses[0][1]}", ""), KEY, timeout_s=10, paced=False)
        gold = client.safe_market_structure({"id": "PAXGUSD", "symbol": "PAXG/USD", "base": "PAXG", "quote": "USD", "spot": True})
        client.set_markets([gold])
        try:
            switch = DeadMansSwitch(Wire(client, profile, "Kraken", SystemClock(), 10), 60.0)
            for _ in range(3):
                await switch.press()
            await switch.release()
        finally:
            await close_client(client)
            await runner.cleanup()

    importlib.import_module("ccxt.pro")
    asyncio.run(run())
    assert pressed == ["/0/private/CancelAllOrdersAfter 60", "/0/private/CancelAllOrdersAfter 0"]
