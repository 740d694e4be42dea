"""The window's thread is blocked for ten seconds: how late do stop orders leave the engine's thread?

Twice a second a moment comes at which a stop for an open position is to leave, another being cancelled; its delay is the time
from that moment to the handing over to the broker, with its intent on a disk before. Blocked is the main thread, once by a loop
in Python and once by a call in C that holds the interpreter's lock in pieces of 200 ms. The floor is the same without a block.
"""

from __future__ import annotations

import asyncio
import ctypes
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.core import undisturbed
from engine.domain import facts as f
from engine.domain.intents import CancelOrder, SubmitOrder
from tests.bench.live import BID, GOLD, Steady, percentiles, session

BLOCKED_S, EVERY_S, PIECE_S = 10.0, 0.5, 0.2
BUY = SubmitOrder(GOLD, "buy", "market", 2, stop_loss=BID - 10_000)
STOP = SubmitOrder(GOLD, "sell", "stop", 1, price=BID - 12_000, reduce_only=True)


def run() -> dict[str, Any]:
    """Targets: the 99th percentile under 20 ms beside Python, and within a piece beside C."""
    floor = _measured(lambda: time.sleep(BLOCKED_S))
    python, in_c = _measured(_loop), _measured(_call)
    ratio = {"python": round(python["p99_ms"] / floor["p99_ms"], 2), "c": round(in_c["p99_ms"] / floor["p99_ms"], 2)}
    return {"ours": {"python_loop": python, "c_call_200_ms": in_c}, "floor": {"not_blocked": floor}, "ratio": ratio}


def _loop() -> None:
    """Python that never waits."""
    end = time.perf_counter() + BLOCKED_S
    count = 0
    while time.perf_counter() < end:
        count += 1


def _call() -> None:
    """C that keeps the interpreter's lock while it sleeps."""
    holding = ctypes.PyDLL(None).usleep
    end = time.perf_counter() + BLOCKED_S
    while time.perf_counter() < end:
        holding(int(PIECE_S * 1e6))


def _measured(block: Callable[[], None]) -> dict[str, Any]:
    ready, over = threading.Event(), threading.Event()
    delays: list[int] = []
    engine = threading.Thread(target=lambda: undisturbed.run(_engine(ready, over, delays)), name="engine")
    engine.start()
    ready.wait()
    block()
    over.set()
    engine.join()
    return {"orders": len(delays), **percentiles(delays)}


async def _engine(ready: threading.Event, over: threading.Event, delays: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with session(Path(folder), Steady(0)) as opened:
            live, due, left = opened.session, dict[str, int](), dict[str, int]()

            def note(record: f.Record) -> None:
                if isinstance(record.fact, f.OrderSent):
                    left[record.fact.order] = time.perf_counter_ns()

            live.pipeline.subscribers.append(note)
            live.do(BUY)
            while not live.pipeline.ledger.position(GOLD):
                await asyncio.sleep(0.01)
            ready.set()
            moment = time.perf_counter_ns()
            while not over.is_set():
                moment += int(EVERY_S * 1e9)
                await asyncio.sleep(max(0.0, (moment - time.perf_counter_ns()) / 1e9))
                due.update(_placed(live.do(STOP), moment))
                for order in live.pipeline.register.all_live():
                    if order.stop == STOP.price and order.state.value == "ACCEPTED":
                        live.do(CancelOrder(order.id))
            delays += [left[name] - moment for name, moment in due.items()]


def _placed(records: Sequence[f.Record], moment: int) -> dict[str, int]:
    return {record.fact.order: moment for record in records if isinstance(record.fact, f.OrderIntended)}
