"""`broker check --broker ib` as a user and a program see it."""

from __future__ import annotations

import json
import logging
from decimal import Decimal
from typing import Any

import pytest

from app.cli import run
from engine.core.clock import to_iso
from tests.brokers.ib_adapter import alone
from tests.peers.tws import Peer
from tests.peers.tws.peer import A_THURSDAY
from tests.peers.tws.thread import in_thread


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)


def check(port: int, *more: str) -> int:
    return run(["broker", "check", "--broker", "ib", "--host", "127.0.0.1", "--port", str(port), "--client-id", "4", *more])


async def trade(peer: Peer) -> None:
    """A position, a fill and an order that works."""
    await peer.hold("GC", 1, 4010)
    await peer.place("XAUUSD", "BUY", 2, ref="entry")
    await peer.place("XAUUSD", "SELL", 2, "STP", stop=3950.25, ref="stop", tif="GTC")


@pytest.mark.parametrize("version", [157, 176, 178])
def test_everything_is_printed_as_lines_and_one_object(version: int, capsys: pytest.CaptureFixture[str]) -> None:
    with in_thread(server_version=version) as tws:
        tws.do(trade)
        filled = tws.look(lambda peer: peer.executions[0])
        assert check(tws.port, "--json") == 0
        tws.do(alone)
    *lines, last = capsys.readouterr().out.splitlines()
    told: dict[str, Any] = json.loads(last)
    assert (told["connected"], told["accounts"], told["is_live"]) == (True, ["DU1234567"], False)
    assert told["server"].endswith(f"server version {version}")
    assert {it["contract"]: it["quantity"] for it in told["positions"]} == {"GCZ5": "1", "XAUUSD": "2"}
    assert [(it["client_order_id"], it["type"], it["stop"], it["limit"]) for it in told["open_orders"]] == [
        ("stop", "stop", "3950.25", None)
    ]
    (fill,) = told["executions"]
    assert (fill["execution_id"], fill["side"], fill["at"]) == (filled.exec_id, "buy", to_iso(A_THURSDAY))
    assert (Decimal(fill["price"]), Decimal(fill["commission"])) == (filled.price, filled.commission)
    assert [it["currency"] for it in told["cash"]] == ["USD"]
    assert lines[0].startswith(f"connected to TWS at 127.0.0.1:{tws.port}")
    assert [line.split()[0] for line in lines[1:]] == ["cash", "position", "position", "order", "execution"]


def test_what_cannot_be_done_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with in_thread(accounts=("U7654321",)) as tws:
        assert check(tws.port, "--json") == 2
        assert check(tws.port, "--live") == 0
        port = tws.port
    assert check(port, "--live") == 2
    printed = capsys.readouterr()
    refused, gone = printed.err.splitlines()
    assert "account U7654321 at TWS at" in refused
    assert f"nobody listens at 127.0.0.1:{port}" in gone
    assert printed.out.startswith(f"connected to TWS at 127.0.0.1:{port}, server version 178: LIVE, accounts U7654321")


def test_a_timeout_must_be_above_zero(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(1, "--timeout", "0") == 2
    assert "--timeout 0 is out of range: it should be greater than 0" in capsys.readouterr().err
