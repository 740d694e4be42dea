"""The kill switch at an exchange where resting stops lock the coins that are to be sold."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from engine.domain import facts as f
from engine.live.kill import kill
from tests.catalogue.rig import at_exchange, exchanged
from tests.catalogue.test_exchange_sends import QUICK, RESTING, guarded, held, standing
from tests.peers.exchange import Exchange, refused, saying
from tests.peers.faults import Answer, Drop


@exchanged
async def test_fault_38_the_kill_switch_sells_what_its_stops_had_locked_and_nothing_is_left(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        desk.buy(1_000)
        await guarded(desk, exchange)
        entry = desk.buy(1_000, **RESTING)
        await desk.until(lambda: desk.state(entry) == "ACCEPTED")
        assert exchange.wallet.free["PAXG"] < Decimal("0.0001")
        report = await kill(desk.session, flatten=True)
        assert (report.leftovers, report.cancelled, report.closed, report.is_verified) == ((), 1, 1, True)
        assert (held(exchange), standing(exchange), desk.position) == (0, 0, 0)
        assert not [it for it in exchange.orders if it.is_open]
        assert desk.session.pipeline.guard.state == "HALTED"


@pytest.mark.parametrize(
    "action", [saying(refused("unknown_order")), Answer(503, "Service Unavailable"), Drop()], ids=["-2011", "503", "lost"]
)
def test_fault_38_cancels_that_fail_are_asked_again_until_all_is_sold(
    action: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @exchanged
    async def scenario(exchange: Exchange, folder: Path) -> None:
        exchange.deposit("PAXG", -10)
        async with at_exchange(exchange, folder, **QUICK) as desk:
            await desk.ready()
            desk.buy(1_000)
            await guarded(desk, exchange)
            exchange.faults.on("DELETE order", action)
            report = await kill(desk.session, flatten=True)
            assert (report.leftovers, held(exchange), standing(exchange), desk.position) == ((), 0, 0, 0)

    scenario(tmp_path, monkeypatch)


@exchanged
async def test_fault_38_what_cannot_be_cancelled_is_listed_by_the_exchanges_own_word(exchange: Exchange, folder: Path) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        entry = desk.buy(1_000, **RESTING)
        await desk.until(lambda: desk.state(entry) == "ACCEPTED")
        exchange.faults.on("DELETE order", saying(refused("unknown_order")), times=None)
        report = await kill(desk.session, patience_s=1.5)
        order = exchange.order(entry)
        assert report.leftovers == (f"buy 0.10000000 PAXGUSDT LIMIT works still ({order.order_id})",)
        assert len(exchange.asked("DELETE order")) > 1
        assert desk.facts(f.KillSwitched)[-1].leftovers == report.leftovers
