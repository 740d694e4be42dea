"""A loopback exchange that speaks Binance spot over HTTP and WebSocket to the real ccxt, with one account behind it.

    async with Exchange() as exchange:                       # or `with Aside() as peer` in a test without a loop
        await exchange.quote("PAXGUSDT", "3900.00", "3900.10", depth="0.5")
        client = binance(exchange)                           # tests.peers.exchange.client
        exchange.faults.on("answer POST order", Drop())      # accepted, its reply is lost; kinds: see faults.py
        ...
        assert exchange.order("own-id").status == "NEW"      # what the exchange believes
        assert len(exchange.asked("POST order")) == 1        # what was on the wire

By hand: `python -m tests.peers.exchange --port 8970`.
"""

from tests.peers.exchange.faults import CutAt, changed, crossed, garbage, saying, stale
from tests.peers.exchange.matching import Fees
from tests.peers.exchange.refusals import banned, refused, too_heavy
from tests.peers.exchange.server import KEY, SECRET, Exchange

__all__ = [
    "KEY",
    "SECRET",
    "CutAt",
    "Exchange",
    "Fees",
    "banned",
    "changed",
    "crossed",
    "garbage",
    "refused",
    "saying",
    "stale",
    "too_heavy",
]
