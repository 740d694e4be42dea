"""The loopback TWS outside a test's own loop: started by hand, and on a thread of its own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from math import nan
from pathlib import Path

import ib_async

from tests.brokers.ib_client import GOLD, connected, settled, until
from tests.peers.tws import Peer
from tests.peers.tws.console import Console
from tests.peers.tws.thread import in_thread

ROOT = Path(__file__).parents[2]


def test_started_by_hand_it_says_one_line_and_its_prices_move() -> None:
    words = ["-m", "tests.peers.tws", "--port", "0", "--account", "DU42", "--account", "U43", "--minutes", "3"]
    pipe = subprocess.PIPE
    running = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line.endswith("server version 178, accounts DU42,U43\n")
        assert asyncio.run(_watch(int(line.split(":")[1].split(",")[0]))) >= 2
        assert running.stdin is not None
        running.stdin.write("orders\nfreeze\n")
        running.stdin.flush()
        assert [running.stdout.readline(), running.stdout.readline()] == ["\n", "done\n"]
        running.terminate()
        rest, _ = running.communicate(timeout=60)
        assert (rest, running.returncode) == ("", 0)
    finally:
        running.kill()
        running.communicate()


async def _watch(port: int) -> int:
    """Waits for the gold price to move and returns how many prices were seen."""
    seen = set()
    async with asyncio.timeout(60), connected(Peer(port=port)) as ib:
        assert ib.managedAccounts() == ["DU42", "U43"]
        ticker = ib.reqMktData(GOLD)
        while len(seen - {nan}) < 2:
            await until(ticker.updateEvent)
            seen.add(ticker.bid)
    return len(seen)


def test_it_can_be_told_to_misbehave_by_hand() -> None:
    async def play() -> list[str]:
        async with Peer() as peer, connected(peer) as ib:
            console = Console(peer, moving := {"XAUUSD"})
            ib.placeOrder(GOLD, ib_async.LimitOrder("BUY", 2, 3990, tif="GTC", orderRef="mine"))
            await settled(ib)
            said = [
                await console.run(line) for line in ("orders", "quote XAUUSD 4001 4002", "typed sell XAUUSD 1", "fill mine 2")
            ]
            said += [
                await console.run(line) for line in ("on placeOrder 201 no", "on error drop", "nonsense", "quote XAUUSD", "1100")
            ]
            assert moving == set()
            gone = until(ib.disconnectedEvent)
            await console.run("restart lower")
            await gone
            return said

    orders, *said = asyncio.run(play())
    assert orders.endswith(" BUY 2 XAUUSD LMT Submitted filled 0 mine")
    assert said[1].endswith(" Filled")
    assert said[2].endswith(" 2 at 4002")
    assert said[5] == "unknown command nonsense; help lists them"
    assert said[6].startswith("quote: TypeError")


def test_on_a_thread_of_its_own_it_serves_a_client_that_blocks() -> None:
    async def trade(host: str, port: int) -> str:
        peer = Peer(port=port)
        async with connected(peer) as ib:
            placed = ib.placeOrder(GOLD, ib_async.MarketOrder("BUY", 1, tif="DAY", orderRef="x"))
            await asyncio.wait_for(until(placed.filledEvent), 60)
            return placed.orderStatus.status

    with in_thread(server_version=176) as remote:
        remote.do(lambda peer: peer.quote("XAUUSD", 4100, 4101))
        assert asyncio.run(trade(remote.host, remote.port)) == "Filled"
        (request,) = remote.look(lambda peer: peer.received("placeOrder"))
        assert request.order is not None
        assert request.order.ref == "x"
