"""Which exchange is spoken to, where, and with what: before anything is sent."""

from __future__ import annotations

import asyncio
import importlib
import logging
import traceback
from collections.abc import Iterator
from decimal import getcontext
from typing import Any

import pytest

from engine.brokers.exchange.addresses import hosts, place_of
from engine.brokers.exchange.catalogue import PROFILES, profile_of
from engine.brokers.exchange.client import close_client, make_client
from engine.brokers.exchange.keys import ApiKey
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.errors import BrokerError, UserError
from engine.ports.venue import VenueAddress
from tests.brokers.exchange_adapter import address, played, venue_of
from tests.peers.exchange import Exchange, refused, saying, too_heavy
from tests.peers.faults import Answer, Drop

pytestmark = pytest.mark.xdist_group("ccxt")

CANARY = ApiKey("canary-key-31415926", "canary-secret-27182818", "canary-password-16180339", is_for_tests=True)
REST, STREAMS = "http://127.0.0.1:8970", "ws://127.0.0.1:8971"


def client_of(name: str, url: str = "", ws_url: str = "", key: ApiKey | None = None, **more: Any) -> Any:
    """A client that is made outside a loop and never opened."""
    return make_client(profile_of(name), place_of(url, ws_url), key, timeout_s=10, **more)


@pytest.mark.parametrize("name", [*PROFILES, "kucoin", "gate"])
def test_every_address_of_every_exchange_is_moved(name: str) -> None:
    client = client_of(name, REST, STREAMS)
    assert set(hosts(client.urls["api"])) == {"127.0.0.1:8970", "127.0.0.1:8971"}
    assert all(scheme in ("http", "ws") for scheme in schemes(client.urls["api"]))


def schemes(addresses: Any) -> Iterator[str]:
    for each in addresses.values():
        if isinstance(each, dict):
            yield from schemes(each)
        else:
            yield each.partition("://")[0]


def test_binances_paths_at_another_address_are_those_of_its_combined_streams() -> None:
    api = client_of("binance", REST, STREAMS).urls["api"]
    assert (api["public"], api["private"], api["sapi"]) == (f"{REST}/api/v3", f"{REST}/api/v3", f"{REST}/sapi/v1")
    assert (api["ws"]["spot"], api["ws"]["ws-api"]["spot"]) == (f"{STREAMS}/stream/ws", f"{STREAMS}/ws-api/v3")


def test_one_clients_addresses_are_nobody_elses() -> None:
    client_of("binance", REST, STREAMS)
    assert "127.0.0.1:8970" not in set(hosts(client_of("binance").urls["api"]))


@pytest.mark.parametrize(
    ("url", "ws_url", "streams"),
    [
        (REST, "", "ws://127.0.0.1:8970"),
        ("http://localhost:1/", "", "ws://localhost:1"),
        ("http://[::1]:8970", "", "ws://[::1]:8970"),
        ("https://gateway.example", "", "wss://gateway.example"),
        ("https://gateway.example", "wss://streams.example:9443", "wss://streams.example:9443"),
    ],
)
def test_an_address_is_scheme_and_host(url: str, ws_url: str, streams: str) -> None:
    place = place_of(url, ws_url)
    assert place is not None
    assert f"{place.streams.scheme}://{place.streams.netloc}" == streams


@pytest.mark.parametrize(
    ("url", "ws_url", "sentence"),
    [
        ("http://gateway.example", "", "--url http://gateway.example would send keys unencrypted"),
        (REST, "ws://gateway.example", "--ws-url ws://gateway.example would send keys unencrypted"),
        ("http://127.0.0.1.evil.example", "", "unencrypted"),
        ("127.0.0.1:8970", "", "is not scheme and host alone; write http://127.0.0.1:8970"),
        ("ftp://127.0.0.1", "", "is not scheme and host alone"),
        (REST + "/api/v3", "", "is not scheme and host alone"),
        ("http://me:word@127.0.0.1:8970", "", "--url http://127.0.0.1:8970 is not scheme and host alone"),
        ("http://127.0.0.1:port", "", "is not scheme and host alone"),
        (REST, "http://127.0.0.1:8971", "--ws-url http://127.0.0.1:8971 is not scheme and host alone; write ws://"),
        ("", STREAMS, "goes with --url"),
    ],
)
def test_an_address_that_cannot_be_is_refused_with_what_to_write(url: str, ws_url: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        place_of(url, ws_url)
    assert "word@" not in str(caught.value)


@pytest.mark.parametrize("name", ["kraken", "coinbase", "kucoin", "weex"])
def test_fault_12_a_switch_to_a_sandbox_that_raises_sends_nothing_to_a_live_host(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[Any] = []
    opened: list[Any] = []
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", lambda self, *words, **more: looked_up.append(words))
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", lambda self, *words, **more: opened.append(words))
    venue = ExchangeVenue(VenueAddress(name, sandbox=True), CANARY)
    with pytest.raises(BrokerError, match=r"has no test exchange .* nothing was sent"):
        asyncio.run(venue.connect())
    assert (looked_up, opened) == ([], [])


@pytest.mark.parametrize("name", ["binance", "bybit"])
def test_a_sandbox_has_none_of_the_live_hosts(name: str) -> None:
    live, test = client_of(name), client_of(name, sandbox=True)
    assert not set(hosts(live.urls["api"])) & set(hosts(test.urls["api"]))


def test_okx_marks_each_request_of_its_sandbox() -> None:
    assert client_of("okx", sandbox=True).headers["x-simulated-trading"] == "1"


@pytest.mark.parametrize("name", ["hyperliquid", "pacifica", "lighter"])
def test_a_class_that_signs_requests_of_its_own_gets_no_key_without_consent(name: str) -> None:
    with pytest.raises(UserError, match=f"signs requests of its own with a key for {name}.*--consent"):
        client_of(name, key=CANARY)
    assert client_of(name).apiKey is None
    assert client_of(name, key=CANARY, consent=True).apiKey == CANARY.key


def test_an_exchange_there_is_not_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match="broker 'goldbank' is not known; use one of ib, binance, kraken, okx, bybit, coinbase"):
        client_of("goldbank")


@pytest.mark.parametrize(("name", "supported"), [("Binance", True), ("kraken", True), ("gate", False)])
def test_an_exchange_is_supported_or_untested(name: str, supported: bool) -> None:
    assert profile_of(name).is_supported == supported


def test_a_client_sends_nothing_twice_and_tells_numbers_as_text() -> None:
    client = client_of("binance")
    assert client.options["maxRetriesOnFailure"] == 0
    assert (client.timeout, client.timeout_on_exit, client.number) == (10_000, 0, str)
    assert client.enableRateLimit


PERMISSIONS = [
    ("binance", {"enableWithdrawals": True}, True),
    ("binance", {"enableWithdrawals": False}, False),
    ("binance", {"enableWithdrawals": "yes"}, None),
    ("okx", {"code": "0", "data": [{"perm": "read_only,withdraw,trade"}]}, True),
    ("okx", {"code": "0", "data": [{"perm": "read_only,trade"}]}, False),
    ("okx", {"code": "0", "data": []}, None),
    ("bybit", {"result": {"permissions": {"Wallet": ["AccountTransfer", "Withdraw"]}}}, True),
    ("bybit", {"result": {"permissions": {"Wallet": []}}}, False),
    ("bybit", {"result": None}, None),
    ("coinbase", {"can_view": True, "can_transfer": True}, True),
    ("coinbase", {"can_view": True, "can_transfer": False}, False),
    ("coinbase", [], None),
]


@pytest.mark.parametrize(("name", "answer", "withdraws"), PERMISSIONS)
def test_what_a_key_may_do_is_read_from_each_exchanges_own_answer(name: str, answer: Any, withdraws: bool | None) -> None:
    permission = PROFILES[name].permission
    assert permission is not None
    assert permission.withdraws(answer) is withdraws
    assert hasattr(importlib.import_module("ccxt.pro"), name)
    assert callable(getattr(client_of(name), permission.method))


def test_a_key_does_not_show_itself() -> None:
    shown = f"{CANARY!r} {CANARY} {[CANARY]} {CANARY.__dict__ if hasattr(CANARY, '__dict__') else ''}"
    assert "canary" not in shown


TROUBLES = {
    "fine": None,
    "key": saying(refused("key")),
    "signature": saying(refused("signature")),
    "time": saying(refused("ahead")),
    "busy": saying(too_heavy(6000, 7)),
    "page": Answer(502, "<html>Bad Gateway</html>"),
    "silence": Drop(),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_fault_64_a_canary_secret_appears_in_no_log_error_or_traceback(
    trouble: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    @played
    async def scenario(exchange: Exchange) -> None:
        exchange.gate.key, exchange.gate._secret = CANARY.key, CANARY.secret.encode()
        venue = ExchangeVenue(address(exchange, timeout=0.2), CANARY, paced=False)
        fault = TROUBLES[trouble]
        if fault is not None:
            exchange.faults.on("GET account", fault, times=None)
        await venue.connect()
        try:
            seen.append(repr(await venue.state()))
        except BrokerError as error:
            seen.append("".join(traceback.format_exception(error)))
        seen.append(f"{venue!r} {venue.wire!r} {venue.wire.client!r}")
        await venue.close()
        assert {it.key for it in exchange.asked("GET account")} == {CANARY.key}

    with caplog.at_level(logging.DEBUG):
        for name in ("ccxt", "ccxt.base.exchange"):
            logging.getLogger(name).setLevel(logging.NOTSET)
        scenario()
    out = capfd.readouterr()
    everything = "\n".join([*seen, caplog.text, out.out, out.err])
    assert "canary" not in everything
    assert len(seen) == 2


@played
async def test_a_venue_that_is_dropped_half_way_leaves_nothing_open(exchange: Exchange) -> None:
    exchange.faults.on("GET exchangeInfo", Answer(500, "Internal Server Error"))
    venue = venue_of(exchange)
    with pytest.raises(BrokerError, match="listing the markets"):
        await venue.connect()
    await exchange.until(lambda: not exchange._connections)
    await venue.connect()
    await venue.close()


def test_its_rounding_leaves_ours_alone() -> None:
    from ccxt.base.decimal_to_precision import DECIMAL_PLACES, ROUND

    before = getcontext().copy()
    assert client_of("binance").decimal_to_precision("1.125", ROUND, 2, DECIMAL_PLACES) == "1.13"
    after = getcontext()
    assert (after.rounding, after.prec, after.traps) == (before.rounding, before.prec, before.traps)


def test_a_client_is_closed_to_the_end_however_often_that_is_cancelled() -> None:
    class Slow:
        is_closed = False

        async def close(self) -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            self.is_closed = True

    async def scenario() -> None:
        client = Slow()
        closing = asyncio.ensure_future(close_client(client))
        for _ in range(3):
            await asyncio.sleep(0)
            closing.cancel()
        await asyncio.wait([closing])
        assert closing.cancelled()
        assert client.is_closed

    asyncio.run(scenario())
