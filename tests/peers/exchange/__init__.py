"""A loopback exchange that speaks Binance spot over HTTP and WebSocket to the real ccxt, with one account behind it."""

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
