"""Who takes part: a broker that joins adds a line to `SETTINGS`."""

from __future__ import annotations

import asyncio

from engine.brokers.sim.terms import SimTerms
from engine.brokers.sim.venues import VENUES
from engine.core.clock import SECOND
from engine.domain.order import OrderType, TimeInForce
from engine.ports.outside import Abilities
from tests.brokers.conformance.cases import Case
from tests.brokers.conformance.desk import Desk
from tests.brokers.conformance.exchange_stage import Binance
from tests.brokers.conformance.ib_stage import Ib
from tests.brokers.conformance.paper_stage import Paper
from tests.brokers.conformance.stage import Setting

PATIENCE_S = 30
BARE = Abilities(frozenset({OrderType.MARKET, OrderType.LIMIT}), frozenset({TimeInForce.GTC}))
STOPS_ONLY = Abilities(BARE.types | {OrderType.STOP}, BARE.tifs | {TimeInForce.IOC}, modifies=True)
"""Venues that hold little: what they lack is held by the engine, and is played here too."""

SETTINGS: list[Setting] = [
    Paper("paper", SimTerms(slippage=0)),
    Paper("paper-slow", SimTerms(slippage=0, latency=SECOND // 20)),
    Paper("paper-okx", SimTerms(slippage=0, venue=VENUES["okx"])),
    Paper("paper-stops", SimTerms(slippage=0), STOPS_ONLY),
    Paper("paper-bare", SimTerms(slippage=0), BARE),
    Ib("ib-157", 157),
    Ib("ib-176", 176),
    Ib("ib-178", 178),
    Binance("binance"),
]


def play(setting: Setting, case: Case) -> str:
    """Plays the case; who held what it is about: "venue" or "engine"."""
    return asyncio.run(asyncio.wait_for(_play(setting, case), PATIENCE_S))


async def _play(setting: Setting, case: Case) -> str:
    async with setting.stage() as stage:
        desk = await Desk(stage).open()
        await case.play(desk)
        await desk.check()
        return "venue" if case.needs(stage.broker.abilities) else "engine"
