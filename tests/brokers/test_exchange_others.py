"""The other supported exchanges, as far as their recorded answers go: each read by the real ccxt from a loopback socket."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import tarfile
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.exchange.keys import ApiKey
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.errors import BrokerError
from engine.ports.venue import VenueAddress, VenueState

RECORDED = Path(__file__).parents[2] / ".." / "shared" / "data" / "exchange-json"

pytestmark = [
    pytest.mark.xdist_group("ccxt"),
    pytest.mark.skipif(not RECORDED.is_dir(), reason="there are no recorded answers beside the project"),
]

KEY = ApiKey("key", base64.b64encode(b"secret").decode(), "word", is_for_tests=True)
NOW = 1_795_188_971
Answers = Mapping[str, Any]

OKX = {
    "/api/v5/public/instruments": "http_get_instruments_spot",
    "/api/v5/public/time": {"code": "0", "data": [{"ts": f"{NOW}000"}]},
    "/api/v5/account/config": {"code": "0", "data": [{"perm": "read_only,trade"}]},
    "/api/v5/account/balance": "http_get_account_balance",
    "/api/v5/trade/orders-pending": "http_get_orders_pending",
}
BYBIT = {
    "/v5/market/instruments-info": "http_get_instruments_spot",
    "/v5/market/time": {"retCode": 0, "result": {"timeSecond": str(NOW), "timeNano": f"{NOW}000000000"}},
    "/v5/user/query-api": "http_get_user_query_api",
    "/v5/account/info": "http_get_account_info",
    "/v5/account/wallet-balance": "http_get_wallet_balance",
    "/v5/order/realtime": "http_get_orders_realtime",
    "/v5/execution/list": "http_get_executions",
}
KRAKEN = {
    "/0/public/AssetPairs": "http_asset_pairs",
    "/0/public/Time": "http_server_time",
    "/0/private/BalanceEx": {"error": [], "result": {"XXBT": {"balance": "1.2435", "hold_trade": "0.8423"}}},
    "/0/private/OpenOrders": "http_open_orders",
    "/0/private/TradesHistory": "http_trades_history",
}
COINBASE = {
    "/api/v3/brokerage/market/products": "http_products",
    "/api/v3/brokerage/transaction_summary": {"fee_tier": {"taker_fee_rate": "0.008", "maker_fee_rate": "0.006"}},
    "/api/v3/brokerage/key_permissions": {"can_view": True, "can_trade": True, "can_transfer": False},
    "/v2/time": {"data": {"epoch": NOW}},
    "/api/v3/brokerage/accounts": "http_accounts",
    "/api/v3/brokerage/orders/historical/batch": "http_orders_list",
}


@cache
def recorded(name: str, answer: str) -> bytes:
    with tarfile.open(RECORDED / f"{name}.tar.gz") as archive:
        held = archive.extractfile(f"{name}/test_data/{answer}.json")
        assert held is not None
        return held.read()


def state_of(name: str, answers: Answers) -> tuple[VenueState, list[str]]:
    """What a venue makes of the answers, and the paths it asked for. What is not among them is 404."""
    importlib.import_module("ccxt.pro")
    asked: list[str] = []

    async def read(venue: ExchangeVenue) -> VenueState:
        await venue.connect()
        try:
            return await venue.state()
        finally:
            await venue.close()

    return asyncio.run(served(name, answers, asked, read)), asked


async def served(
    name: str, answers: Answers, asked: list[str], scenario: Callable[[ExchangeVenue], Coroutine[Any, Any, VenueState]]
) -> VenueState:
    web = importlib.import_module("aiohttp.web")

    async def answer(request: Any) -> Any:
        asked.append(request.path)
        found = answers.get(request.path)
        if found is None:
            return web.Response(status=404)
        body = recorded(name, found) if isinstance(found, str) else json.dumps(found).encode()
        return web.Response(body=body, content_type="application/json")

    site = web.Application()
    site.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(site)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = VenueAddress(name, url=f"http://127.0.0.1:{runner.addresses[0][1]}")
        return await scenario(ExchangeVenue(address, KEY, paced=False))
    finally:
        await runner.cleanup()


def test_okx_as_recorded() -> None:
    state, asked = state_of("okx", OKX)
    assert [(it.currency, it.total, it.free) for it in state.cash] == [
        ("USDT", Decimal("99.89469657000001"), Decimal("94.42612990333333"))
    ]
    assert [(it.contract, it.client_order_id, it.quantity, it.limit) for it in state.open_orders] == [
        ("BTC-USDT-SWAP", "client-order-1", Decimal("0.10"), 103_500)
    ]
    assert len(asked) == 5


def test_bybit_as_recorded() -> None:
    state, asked = state_of("bybit", BYBIT)
    assert [(it.currency, it.total) for it in state.cash] == [("USDT", Decimal("1000.50"))]
    assert [it.client_order_id for it in state.open_orders] == ["client-open-1", "client-open-2"]
    assert [(it.symbol, it.quantity, it.price, it.commission) for it in state.executions] == [
        ("BTCUSDT", Decimal("0.100"), Decimal("50000.00"), Decimal("0.0150"))
    ]
    assert asked[:2] == ["/v5/market/instruments-info", "/v5/market/time"]


def test_kraken_as_recorded() -> None:
    state, asked = state_of("kraken", KRAKEN)
    assert [(it.currency, it.total, it.free) for it in state.cash] == [("BTC", Decimal("1.2435"), Decimal("0.4012"))]
    assert [(it.contract, it.symbol, it.limit) for it in state.open_orders] == [
        ("XBTUSDT", "BTCUSDT", 29_500),
        ("ETHUSDT", None, 1_800),
    ]
    assert [(it.execution_id, it.price, it.commission) for it in state.executions] == [
        ("TCCCTY-WJ6EO-4FP4VZ", Decimal("29500.50"), Decimal("23.60"))
    ]
    assert any("Kraken does not tell whether the key may withdraw" in note for note in state.notes)
    assert asked[:2] == ["/0/public/AssetPairs", "/0/public/Time"]


def test_coinbase_as_recorded() -> None:
    accounts = json.loads(recorded("coinbase", "http_accounts"))
    for each in accounts["accounts"]:
        each["type"] = f"ACCOUNT_TYPE_{each['type']}"
    state, _ = state_of("coinbase", {**COINBASE, "/api/v3/brokerage/accounts": accounts})
    assert [(it.currency, it.total, it.free) for it in state.cash] == [
        ("BTC", Decimal("1.23956789"), Decimal("1.23456789")),
        ("USD", Decimal("10450.50"), Decimal("10000.50")),
    ]
    assert (state.open_orders[0].contract, state.open_orders[0].limit) == ("BTC-USD", 45_000)


def test_balances_the_library_does_not_understand_are_not_an_empty_account() -> None:
    with pytest.raises(BrokerError, match="answered with something else than balances"):
        state_of("coinbase", COINBASE)


@pytest.mark.parametrize(
    ("name", "answers", "path", "empty"),
    [
        ("okx", OKX, "/api/v5/account/balance", {"code": "0"}),
        ("okx", OKX, "/api/v5/trade/orders-pending", {"code": "0"}),
        ("bybit", BYBIT, "/v5/account/wallet-balance", {"retCode": 0, "result": {}}),
        ("bybit", BYBIT, "/v5/order/realtime", {"retCode": 0}),
        ("bybit", BYBIT, "/v5/execution/list", {"retCode": 0, "result": {}}),
        ("kraken", KRAKEN, "/0/private/BalanceEx", {"error": []}),
        ("kraken", KRAKEN, "/0/private/OpenOrders", {"error": [], "result": {}}),
        ("kraken", KRAKEN, "/0/private/TradesHistory", {"error": [], "result": {}}),
        ("coinbase", COINBASE, "/api/v3/brokerage/accounts", {}),
    ],
)
def test_an_answer_without_its_rows_is_an_error_at_every_exchange(name: str, answers: Answers, path: str, empty: Any) -> None:
    with pytest.raises(BrokerError, match="answered with something else than"):
        state_of(name, {**answers, path: empty})


@pytest.mark.parametrize(
    ("name", "answers", "path", "answer"),
    [
        ("okx", OKX, "/api/v5/account/config", {"code": "0", "data": [{"perm": "read_only,trade,withdraw"}]}),
        ("bybit", BYBIT, "/v5/user/query-api", {"retCode": 0, "result": {"permissions": {"Wallet": ["Withdraw"]}}}),
        ("coinbase", COINBASE, "/api/v3/brokerage/key_permissions", {"can_view": True, "can_transfer": True}),
    ],
)
def test_a_key_that_may_withdraw_is_refused_where_the_exchange_tells(name: str, answers: Answers, path: str, answer: Any) -> None:
    with pytest.raises(BrokerError, match="may withdraw money and is not used"):
        state_of(name, {**answers, path: answer})
