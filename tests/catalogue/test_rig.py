"""The rig itself: an order goes out, fills, and the book goes on after its session ended, at both venues."""

from __future__ import annotations

from pathlib import Path

from tests.catalogue.rig import at_exchange, at_tws, exchanged, played
from tests.peers.exchange import Exchange
from tests.peers.tws import Peer


@played
async def test_a_position_at_tws_is_protected_and_there_again_in_the_next_session(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        name = desk.buy()
        await desk.until(lambda: desk.state(name) == "FILLED" and desk.session.pipeline.protection.at_venue(desk.symbol) == 2)
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        assert desk.position == 2
        assert desk.session.pipeline.protection.at_venue(desk.symbol) == 2


@exchanged
async def test_a_position_at_an_exchange_is_protected_and_there_again_in_the_next_session(
    exchange: Exchange, folder: Path
) -> None:
    async with at_exchange(exchange, folder) as desk:
        await desk.ready()
        before = desk.position
        name = desk.buy(1_000)
        await desk.until(lambda: desk.state(name) == "FILLED" and desk.session.pipeline.protection.at_venue(desk.symbol) >= 999)
        held = desk.position
        assert 0 < held - before <= 1_000
    async with at_exchange(exchange, folder) as desk:
        await desk.ready()
        assert desk.position == held
