"""Fees that an exchange takes out of what was bought, through the engine's own line: what is held is what can be sold."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from typing import Any

import pytest

from engine.domain import facts as f
from engine.domain.intents import ClosePosition
from engine.domain.order import Role, State
from engine.execution.reconciliation import reconcile
from tests.brokers.conformance.desk import Desk
from tests.brokers.conformance.exchange_stage import Binance
from tests.peers.exchange import Fees
from tests.peers.faults import Drop

pytestmark = pytest.mark.xdist_group("ccxt")

TENTH = Fees(Decimal("0.001"), Decimal("0.001"))


def at_the_desk(scenario: Callable[[Desk], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    async def run() -> None:
        async with asyncio.timeout(180), Binance("binance", TENTH).stage() as stage:
            await scenario(await Desk(stage).open())

    def test() -> None:
        importlib.import_module("ccxt.pro")  # takes seconds, which are nobody's fault
        asyncio.run(run())

    return test


@at_the_desk
async def test_a_buy_whose_fee_was_taken_in_coins_is_held_protected_and_closed_to_the_last_step(desk: Desk) -> None:
    await desk.order("buy", quantity=1234, stop_loss=-300)
    await desk.quote(0)
    kept = 2  # 1.234 of 1234 lot steps
    assert desk.position == 1234 - kept
    assert [fact.quantity for fact in desk.facts(f.PositionAdopted)] == [1234 - kept]
    found = await desk.reconciled()
    assert found.is_clean, found.lines
    await desk.do(ClosePosition(desk.symbol))
    await desk.quote(0)
    await desk.quote(0)
    assert desk.position == 0
    assert desk.working(Role.STOP, Role.CLOSE) == []
    assert [fact.state for fact in desk.facts(f.TradingStateChanged)] in ([], ["ACTIVE"])


@at_the_desk
async def test_a_fee_in_coins_that_was_missed_is_found_without_a_halt(desk: Desk) -> None:
    exchange, broker = desk.stage._exchange, desk.stage.broker  # type: ignore[attr-defined]  # the stage of this exchange
    exchange.stall()
    exchange.faults.on("answer POST order", Drop())
    broker._commands.wire.client.timeout = 200
    entry = await desk.order("buy", quantity=5000, stop_loss=-300)
    assert desk.state(entry) is State.UNKNOWN
    looks: Mapping[str, int] = {}
    for _ in range(4):
        looks = await looked(desk, looks)
    assert (desk.state(entry), desk.position) == (State.FILLED, 4995)
    assert [fact.quantity for fact in desk.facts(f.PositionAdopted)] == [4995]
    assert [fact.state for fact in desk.facts(f.TradingStateChanged)] in ([], ["ACTIVE"])


async def looked(desk: Desk, looks: Mapping[str, int]) -> Mapping[str, int]:
    """One look at the venue, taken in; what is to be given to the next."""
    found = reconcile(
        await desk.stage.broker.standing(list(desk.line.register.all_live())),
        register=desk.line.register,
        ledger=desk.line.ledger,
        instruments={desk.symbol: desk.stage.instrument},
        steps=desk.stage.broker.steps,
        quotes=desk.line.book.last,
        currency=desk.stage.instrument.currency,
        at=desk.stage.now,
        absences=looks,
    )
    for report in found.reports:
        desk.line.on_report(report)
    await desk.settle()
    return found.absences
