"""A TWS to try the terminal against: `python -m tests.peers.tws --port 7497`. Loopback only, no real money, no real prices.

Commands on standard input make it misbehave; `help` lists them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Sequence

from engine.core.clock import SystemClock
from tests.peers.tws import feed
from tests.peers.tws.console import Console, read_commands
from tests.peers.tws.peer import A_THURSDAY, Peer

WATCHED = {"simulated": ("XAUUSD", "XAGUSD", "GC", "MGC", "EURUSD"), "still": ()}


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers.tws", description=__doc__)
    parser.add_argument("--port", type=int, default=7497, help="0 takes a free one")
    parser.add_argument("--server-version", type=int, default=178, help="157 to 178")
    parser.add_argument("--account", action="append", help="DU... is paper, U... is real; may be given several times")
    parser.add_argument("--cash", default="1000000", help="US dollars in each account")
    parser.add_argument("--market-data", choices=("live", "delayed", "none"), default="live")
    parser.add_argument("--feed", choices=tuple(WATCHED), default="simulated", help="prices that move, or that stand still")
    parser.add_argument("--seed", type=int, default=7, help="another seed is another market")
    parser.add_argument("--minutes", type=float, help="ends by itself after so long")
    return parser.parse_args(words)


async def serve(told: argparse.Namespace) -> None:
    """Runs until interrupted, or for as long as told."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, end.set)
    if told.minutes is not None:
        loop.call_later(told.minutes * 60, end.set)
    accounts = told.account or ["DU1234567"]
    async with Peer(
        server_version=told.server_version,
        accounts=accounts,
        cash=told.cash,
        clock=SystemClock(),
        market_data=told.market_data,
        port=told.port,
        seed=told.seed,
        anchor=A_THURSDAY,
        always_open=True,
    ) as peer:
        version = peer.venue.version
        print(f"TWS ready at {peer.host}:{peer.port}, server version {version}, accounts {','.join(accounts)}", flush=True)
        moving = set(WATCHED[told.feed])
        read_commands(Console(peer, moving))
        await feed.run(peer, moving, end)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments()))
