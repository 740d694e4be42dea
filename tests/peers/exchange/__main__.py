"""The loopback exchange by hand: `python -m tests.peers.exchange --port 8970`, with prices that move."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Sequence

from tests.peers.exchange.feed import Feed
from tests.peers.exchange.server import KEY, SECRET, Exchange


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.peers.exchange", description=__doc__)
    parser.add_argument("--port", type=int, default=8970, help="0 takes a free one")
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--secret", default=SECRET)
    parser.add_argument("--minutes", type=float, help="how long to run; until it is interrupted when left out")
    parser.add_argument("--history", type=int, default=20_000, metavar="MINUTES", help="how many one-minute bars it begins with")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args(words)


async def run(chosen: argparse.Namespace) -> None:
    """Serves until the time is over or somebody says stop."""
    over = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows interrupts by exception
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with Exchange(chosen.port, key=chosen.key, secret=chosen.secret) as exchange:
        feed = Feed(exchange, chosen.seed)
        feed.begin(chosen.history)
        print(f"exchange ready at {exchange.rest_url} and {exchange.socket_url}, key {exchange.key}", flush=True)
        moving = asyncio.create_task(feed.run())
        try:
            await asyncio.wait_for(over.wait(), None if chosen.minutes is None else chosen.minutes * 60)
        except TimeoutError:
            pass
        finally:
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(run(arguments()))
