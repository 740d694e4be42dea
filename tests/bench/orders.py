"""Milliseconds from the click to the bytes of an order at the venue's end of the loopback socket, through the fsynced journal.

An entry with its stop, at the loopback TWS in this process, by the real client; the intent is on the disk before the bytes leave.
`durable` is the part that waits for the disk and its thread, `fsync_share` what of the whole that is. The floor is one write and
fsync of a page to a file in the same folder.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.core import undisturbed
from engine.core.clock import SystemClock
from engine.domain import facts as f
from engine.domain.intents import CancelOrder, SubmitOrder
from engine.profile import VenueSection
from tests.bench.live import BID, GOLD, percentiles, session
from tests.peers.faults import Drop
from tests.peers.tws import Peer

ORDERS, EVERY_S = 200, 0.12
"""The real client holds back what is more than 45 messages a second."""
LIMIT = SubmitOrder(GOLD, "buy", "limit", 1, price=BID - 10_000, stop_loss=BID - 12_000)


def run() -> dict[str, Any]:
    """Target: the 99th percentile under 8 ms."""
    with tempfile.TemporaryDirectory() as folder:
        floor = percentiles([_page(Path(folder)) for _ in range(ORDERS)])
        ours = undisturbed.run(_measured(Path(folder)))
    return {"ours": ours, "floor": {"page_fsynced": floor}, "ratio": round(ours["p99_ms"] / floor["p99_ms"], 2)}


async def _measured(folder: Path) -> dict[str, Any]:
    clicked: dict[str, int] = {}
    arrived: dict[str, int] = {}
    durable: dict[str, int] = {}
    async with Peer(clock=SystemClock(), always_open=True) as peer:

        def spy(received: Any) -> bool:
            arrived.setdefault(received.order.ref, time.perf_counter_ns())
            return False

        peer.faults.on("placeOrder", Drop(), times=None, where=spy)
        quoting = asyncio.ensure_future(_quote(peer))
        venue = VenueSection(host=peer.host, port=peer.port, client_id=1)
        async with session(folder, ib=venue) as opened:
            live = opened.session

            def note(record: f.Record) -> None:
                if isinstance(record.fact, f.OrderSent):
                    durable.setdefault(record.fact.order, time.perf_counter_ns())

            live.pipeline.subscribers.append(note)
            for _ in range(ORDERS):
                at = time.perf_counter_ns()
                records = live.do(LIMIT)
                clicked |= {r.fact.order: at for r in records if isinstance(r.fact, f.OrderIntended) and r.fact.role == "entry"}
                await asyncio.sleep(EVERY_S)
                for order in live.pipeline.register.all_live():
                    if order.role.value == "entry" and order.may("CancelRequested"):
                        live.do(CancelOrder(order.id))
        quoting.cancel()
        await asyncio.gather(quoting, return_exceptions=True)
    whole = {name: arrived[name] - at for name, at in clicked.items() if name in arrived}
    waits = {name: durable[name] - clicked[name] for name in whole}
    return {
        "orders": len(clicked),
        "not_seen": len(clicked) - len(whole),
        **percentiles(list(whole.values())),
        "durable": percentiles(list(waits.values())),
        "fsync_share": round(sum(waits.values()) / sum(whole.values()), 3),
    }


async def _quote(peer: Peer) -> None:
    """Prices that move by a tick, so that they stay fresh."""
    moved = 0
    while True:
        moved = (moved + 1) % 5
        await peer.quote(GOLD, f"{BID / 100 + moved / 100:.2f}", f"{BID / 100 + 0.3 + moved / 100:.2f}")
        await asyncio.sleep(0.25)


def _page(folder: Path) -> int:
    """Nanoseconds to append a page to a file and sync it."""
    handle = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        at = time.perf_counter_ns()
        os.write(handle, b"x" * 4_096)
        os.fsync(handle)
        return time.perf_counter_ns() - at
    finally:
        os.close(handle)
