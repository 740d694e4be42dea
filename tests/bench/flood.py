"""100,000 quotes a second into the pipeline for a minute, and orders beside them: how late are order facts, does memory grow.

Every quote is a step of the pipeline; only a window would see them conflated. Ten times a second an order is placed and one is
cancelled; its delay is the time from the intent to its acknowledgement on record, through the journal on disk. The floor is the
same session with ten quotes a second.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from engine.core import undisturbed
from engine.domain import facts as f
from engine.domain.intents import CancelOrder, SubmitOrder
from tests.bench.live import BID, GOLD, Steady, percentiles, session

RATE, SECONDS = 100_000, 60
ORDERS_EVERY_S = 0.1
LIMIT = SubmitOrder(GOLD, "buy", "limit", 1, price=BID - 10_000, stop_loss=BID - 12_000)


def run() -> dict[str, Any]:
    """Target: the 99th percentile under 20 ms and memory flat."""
    floor = undisturbed.run(_measured(0, 10))
    ours = undisturbed.run(_measured(RATE, SECONDS))
    return {"ours": ours, "floor": {"ten_quotes_a_second": floor}, "ratio": round(ours["p99_ms"] / floor["p99_ms"], 2)}


async def _measured(rate: int, seconds: int) -> dict[str, Any]:
    feed = Steady(rate)
    with tempfile.TemporaryDirectory() as folder:
        async with session(Path(folder), feed) as opened:
            accepted: dict[str, int] = {}

            def note(record: f.Record) -> None:
                if isinstance(record.fact, f.OrderAccepted):
                    accepted.setdefault(record.fact.order, time.perf_counter_ns())

            opened.session.pipeline.subscribers.append(note)
            asked: dict[str, int] = {}
            told, resident = feed.told, []
            begun = time.perf_counter()
            while time.perf_counter() - begun < seconds:
                asked |= _order(opened.session)
                resident.append(_resident())
                await asyncio.sleep(ORDERS_EVERY_S)
            took, quotes = time.perf_counter() - begun, feed.told - told
    delays = [accepted[name] - at for name, at in asked.items() if name in accepted]
    settled = resident[len(resident) // 5 :]
    return {
        "quotes_per_s": round(quotes / took),
        "orders": len(asked),
        "unanswered": len(asked) - len(delays),
        **percentiles(delays),
        "memory_mb": round(settled[-1] / 1e6, 1),
        "memory_growth_mb": round((settled[-1] - settled[0]) / 1e6, 1),
    }


def _order(live: Any) -> dict[str, int]:
    """Places an order and cancels the one before; when it was asked for."""
    for order in live.pipeline.register.all_live():
        if order.role.value == "entry" and order.state.value == "ACCEPTED":
            live.do(CancelOrder(order.id))
    at = time.perf_counter_ns()
    records = live.do(LIMIT)
    return {r.fact.order: at for r in records if isinstance(r.fact, f.OrderIntended) and r.fact.role == "entry"}


def _resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096
