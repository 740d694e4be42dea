"""Fault 53: a clock that is set five minutes ahead or back. Timeouts hold, clocks are compared anew, nothing is sent twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.domain import facts as f
from tests.catalogue.rig import PAXG, at_exchange, exchanged
from tests.catalogue.test_exchange_sends import QUICK, RESTING, guarded, sent, there, told_of, unheard, why_not
from tests.peers.exchange import Exchange, saying, too_heavy
from tests.peers.faults import Drop, Hold

MINUTES_5 = 300


@contextmanager
def stepped(seconds: int) -> Iterator[None]:
    """The machine's clock is set by so much; the exchange has its own, and what is monotonic stays so."""
    real, real_ns = time.time, time.time_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: real() + seconds)
        patch.setattr(time, "time_ns", lambda: real_ns() + seconds * 1_000_000_000)
        yield


@pytest.mark.parametrize("seconds", [MINUTES_5, -MINUTES_5], ids=["ahead", "back"])
def test_fault_53_an_answer_that_was_lost_as_the_clock_was_set_is_missed_in_time_and_trading_goes_on(
    seconds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @exchanged
    async def scenario(exchange: Exchange, folder: Path) -> None:
        exchange.deposit("PAXG", -10)
        async with at_exchange(exchange, folder, **{**QUICK, "patience": 0.5}) as desk:  # several answers are waited for in vain
            await desk.ready()
            lost = exchange.faults.on("answer POST order", Drop())
            with unheard(exchange):
                first = desk.buy(1_000, **RESTING)
                await desk.until(lambda: lost.hits)
                unasked = exchange.faults.on("GET account", Hold(), times=None)
                with stepped(seconds):
                    await desk.until(lambda: desk.facts(f.OrderUnknown))
                    unasked.release()
                    await desk.until(lambda: desk.state(first) == "ACCEPTED")
            assert told_of(desk, first) == ["OrderIntended", "OrderSent", "OrderUnknown", "OrderAccepted"]
            with stepped(seconds):
                await exchange.quote(PAXG, "4000.00", "4000.20", depth=100)
                await desk.ready()
                desk.buy(1_000)
                await guarded(desk, exchange)
            assert (sent(exchange, first), there(exchange, first)) == (1, 1)

    scenario(tmp_path, monkeypatch)


@exchanged
async def test_fault_53_an_order_that_is_refused_for_its_time_is_not_sent_again_and_the_next_one_is_taken(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        with stepped(-MINUTES_5):
            first = desk.buy(1_000)
            await desk.until(lambda: desk.state(first) == "REJECTED")
            assert desk.order(first).reason.endswith("the clock was measured again, so place it anew")
            assert (sent(exchange, first), there(exchange, first)) == (1, 0)
            second = desk.buy(1_000)
            await guarded(desk, exchange)
        assert desk.state(second) == "FILLED"


@exchanged
async def test_fault_53_after_a_leap_ahead_the_exchange_is_asked_before_anything_is_opened(
    exchange: Exchange, folder: Path
) -> None:
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        asked = desk.session.keeper.found.at
        waiting = exchange.faults.on("GET account", Hold())
        with stepped(MINUTES_5):
            await desk.until(lambda: "its clock was set 30" in desk.session.keeper.found.trouble)
            assert "its clock was set 30" in why_not(desk)
            waiting.release()
            await exchange.quote(PAXG, "4000.00", "4000.20", depth=100)
            await desk.ready()
            assert desk.session.keeper.found.at > asked
        assert exchange.asked("POST order") == []


@exchanged
async def test_fault_53_a_step_ahead_ends_no_wait_that_the_exchange_asked_for(exchange: Exchange, folder: Path) -> None:
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        exchange.faults.on("POST order", saying(too_heavy(6000, 1)))
        refused_at = exchange.now_ms()
        name = desk.buy(1_000, **RESTING)
        await desk.until(lambda: desk.facts(f.OrderUnknown))
        asked = len(exchange.requests)
        with stepped(MINUTES_5):
            await desk.until(lambda: desk.state(name) == "REJECTED")
        signed = [it for it in exchange.requests[asked:] if it.method != "WS" and it.key]
        assert all(it.at_ms - refused_at >= 990 for it in signed)
        assert (sent(exchange, name), there(exchange, name)) == (1, 0)
