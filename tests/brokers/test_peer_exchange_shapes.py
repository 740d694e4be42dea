"""The loopback exchange's answers and events have the fields, and the kinds of values, that Binance's had when recorded."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.peers.exchange.desk import Desk
from tests.peers.exchange.gate import Gate
from tests.peers.exchange.matching import Fees
from tests.peers.exchange.routes import API, ROUTES
from tests.peers.exchange.server import BALANCES

RECORDED = Path(__file__).parents[2] / ".." / "shared" / "data"
GOLD = {"symbol": "PAXGUSDT"}
LATER = {"icebergQty", "origQuoteOrderQty", "strategyId"}
"""Fields that not every answer of the kind had."""

pytestmark = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded market data is not beside the project")


class Listener:
    """Hears everything."""

    def __init__(self) -> None:
        self.events: dict[str, Any] = {}

    def has(self, name: str) -> bool:
        return True

    def tell(self, name: str, kind: str, event: Any) -> None:
        self.events.setdefault(kind, event)

    def tell_user(self, event: Any) -> None:
        self.events.setdefault(f"{event['e']} {event.get('x', '')}".strip(), event)


class Played:
    """An exchange where a little was traded, without sockets."""

    def __init__(self) -> None:
        self.heard = Listener()
        self.desk = Desk(Gate("key", "secret"), BALANCES, Fees(), lambda: 1_795_000_000_000, self.heard)
        self.desk.matching.street("PAXGUSDT", [(Decimal(3900), Decimal(1))], [(Decimal(3901), Decimal(1))])
        limit = {**GOLD, "side": "BUY", "type": "LIMIT", "quantity": "0.5", "timeInForce": "GTC"}
        self.market = self.ask("POST", "order", {**GOLD, "side": "SELL", "type": "MARKET", "quantity": "0.5"})
        self.ask("POST", "order", {**limit, "price": "3890", "newClientOrderId": "gone"})
        self.cancelled = self.ask("DELETE", "order", {**GOLD, "origClientOrderId": "gone"})
        self.ask("POST", "order", {**limit, "price": "3890"})
        pair = {**GOLD, "side": "SELL", "quantity": "0.5", "price": "3990", "stopPrice": "3800"}
        self.ask("POST", "order/oco", pair)

    def ask(self, method: str, name: str, parameters: dict[str, str]) -> Any:
        return ROUTES[method, API + name].carry_out(self.desk, parameters)


@cache
def played() -> Played:
    return Played()


@cache
def fixtures() -> dict[str, Any]:
    """Spot messages of another project's tests, by file name."""
    with tarfile.open(RECORDED / "exchange-json" / "binance.tar.gz") as archive:
        files = [it for it in archive.getmembers() if "/spot/" in it.name and it.name.endswith(".json")]
        # only files are listed
        return {Path(it.name).stem: json.load(archive.extractfile(it)) for it in files}  # type: ignore[arg-type]


@cache
def streamed() -> dict[str, Any]:
    """The first recorded event of each kind."""
    found: dict[str, Any] = {}
    text = gzip.decompress((RECORDED / "exchange-recordings" / "BINANCE.ws.1.0.txt.gz").read_bytes()).decode()
    for line in text.splitlines():
        if '"stream"' in line and "{" in line:
            event = json.loads(line[line.index("{") :])["data"]
            found.setdefault(event.get("e", "bookTicker"), event)
    return found


def listed(symbol: str) -> Any:
    """A symbol as exchangeInfo had it on the day of the recording."""
    text = gzip.decompress((RECORDED / "exchange-recordings" / "BINANCE.0.txt.gz").read_bytes()).decode()
    info, _ = json.JSONDecoder().raw_decode(text[text.index('{"timezone"') :])
    return next(it for it in info["symbols"] if it["symbol"] == symbol)


def missing(theirs: Any, ours: Any, where: str = "") -> Iterator[str]:
    """Fields of theirs that ours lacks, and values of another kind."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted(theirs.keys() - ours.keys() - LATER):
            yield f"{where}{name}"
        for name in theirs.keys() & ours.keys():
            yield from missing(theirs[name], ours[name], f"{where}{name}.")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if theirs and ours:
            yield from missing(theirs[0], ours[0], f"{where}0.")
    elif theirs is not None and ours is not None and type(theirs) is not type(ours):
        yield f"{where}: {theirs!r} is not {ours!r}"


@pytest.mark.parametrize("kind", ["depthUpdate", "bookTicker", "kline", "aggTrade"])
def test_a_streamed_event_has_the_recorded_fields(kind: str) -> None:
    assert list(missing(streamed()[kind], played().heard.events[kind])) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("execution_report_new", "executionReport NEW"),
        ("execution_report_trade", "executionReport TRADE"),
        ("execution_report_canceled", "executionReport CANCELED"),
        ("account_position", "outboundAccountPosition"),
    ],
)
def test_an_event_of_the_account_has_the_known_fields(name: str, kind: str) -> None:
    assert list(missing(fixtures()[name], played().heard.events[kind])) == []


def test_a_pairs_event_has_the_known_fields() -> None:
    assert list(missing(fixtures()["list_status_wrapped"]["event"], played().heard.events["listStatus"])) == []


@pytest.mark.parametrize(
    ("name", "method", "path", "parameters"),
    [
        ("depth_response", "GET", "depth", GOLD),
        ("klines_response", "GET", "klines", {**GOLD, "interval": "1m"}),
        ("ticker_24hr_response", "GET", "ticker/24hr", GOLD),
        ("book_ticker_response", "GET", "ticker/bookTicker", GOLD),
        ("ticker_price_response", "GET", "ticker/price", GOLD),
        ("trades_response", "GET", "trades", GOLD),
        ("server_time_response", "GET", "time", {}),
        ("ping_response", "GET", "ping", {}),
        ("account_response", "GET", "account", {}),
        ("account_trades_response", "GET", "myTrades", GOLD),
        ("open_orders_response", "GET", "openOrders", GOLD),
        ("all_orders_response", "GET", "allOrders", GOLD),
    ],
)
def test_an_answer_has_the_known_fields(name: str, method: str, path: str, parameters: dict[str, str]) -> None:
    assert list(missing(fixtures()[name], played().ask(method, path, parameters))) == []


def test_placing_and_cancelling_answer_with_the_known_fields() -> None:
    assert list(missing(fixtures()["new_order_full_response"], played().market)) == []
    assert list(missing(fixtures()["cancel_order_response"], played().cancelled)) == []


def test_a_symbol_is_listed_with_the_recorded_fields_and_steps() -> None:
    theirs, ours = listed("PAXGUSDT"), played().ask("GET", "exchangeInfo", GOLD)["symbols"][0]
    assert list(missing({**theirs, "filters": []}, ours)) == []
    lots = [next(it for it in symbol["filters"] if it["filterType"] == "LOT_SIZE") for symbol in (theirs, ours)]
    assert lots[0] == lots[1]
