"""Prices that move by themselves, for a terminal that is tried by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from tests.peers.tws.peer import Peer

EVERY_S = 0.25


async def run(peer: Peer, names: Collection[str], end: asyncio.Event) -> None:
    """Puts up each contract's quote four times a second until `end` is set; time-driven things happen meanwhile.

    `names` may change while it runs.
    """
    while not end.is_set():
        await peer.follow_paths(tuple(names))
        await peer.on_time()
        try:
            await asyncio.wait_for(end.wait(), EVERY_S)
        except TimeoutError:
            continue
