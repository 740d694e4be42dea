"""The link to an exchange: offline while it refuses, no live host instead of a sandbox, and an end once the key is revoked."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.secrets import KEY_VARIABLE, SECRET_VARIABLE
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.profile import VenueSection
from tests.catalogue.rig import PAXG, at_exchange, exchanged, session_at
from tests.catalogue.test_exchange_sends import QUICK, RESTING, guarded, why_not
from tests.catalogue.test_link import prices_from_elsewhere, venue
from tests.peers.exchange import Exchange

PAUSE_S = 1.2
"""Longer than the first pause before a link is made again, so that one that goes back by itself is seen to."""


@exchanged
async def test_fault_01_a_known_book_opens_offline_and_connects_by_itself_when_the_exchange_is_there(
    exchange: Exchange, folder: Path
) -> None:
    async with at_exchange(exchange, folder, **QUICK) as desk:
        await desk.ready()
        name = desk.buy(1_000, **RESTING)
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
    await exchange.stop()
    with prices_from_elsewhere() as prices:
        async with at_exchange(exchange, folder, **QUICK) as desk:
            prices.say(400_000, 400_010, symbol=PAXG)
            await desk.until(lambda: "out of reach" in desk.session.trouble)
            assert "out of reach" in why_not(desk)
            assert desk.state(name) == "ACCEPTED"
            sent = len(exchange.asked("POST order"))
            await exchange.start()
            await desk.ready()
            assert venue(desk)[-1] == "CONNECTED"
            assert desk.state(name) == "ACCEPTED"
            assert len(exchange.asked("POST order")) == sent
            entry = desk.buy(1_000)
            await desk.until(lambda: desk.state(entry) == "FILLED")


@pytest.mark.parametrize("name", ["kraken", "kucoin"])
def test_fault_12_a_sandbox_that_is_not_there_opens_no_session_and_asks_no_live_host(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setenv(KEY_VARIABLE, "a-key")
    monkeypatch.setenv(SECRET_VARIABLE, "a-secret")
    for word in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(asyncio.BaseEventLoop, word, lambda _self, *words, **_more: asked.append(words))

    async def play() -> None:
        async with session_at(tmp_path, name, {name: VenueSection(sandbox=True)}, PAXG):
            pass

    with pytest.raises(BrokerError, match=r"has no test exchange .* nothing was sent"):
        asyncio.run(play())
    assert asked == []


@exchanged
async def test_fault_65_a_key_that_is_revoked_in_mid_session_halts_trading_and_is_not_tried_again(
    exchange: Exchange, folder: Path
) -> None:
    exchange.deposit("PAXG", -10)
    async with at_exchange(exchange, folder, **QUICK, reconcile_every=1.0) as desk:
        await desk.ready()
        desk.buy(1_000)
        await guarded(desk, exchange)
        exchange.revoke_key()
        entry = desk.buy(1_000)
        await desk.until(lambda: desk.state(entry) == "REJECTED")
        await desk.until(lambda: desk.facts(f.TradingStateChanged))
        (halt,) = desk.facts(f.TradingStateChanged)
        assert (halt.state, halt.cause) == ("HALTED", "key")
        assert "does not accept the key: it was deleted" in halt.reason
        assert "HALTED" in why_not(desk)
        asked = len([it for it in exchange.requests if it.key])
        await asyncio.sleep(PAUSE_S)
        later = [it.kind for it in exchange.requests if it.key][asked:]
        assert later in ([], ["GET openOrders"])  # the account's stream was open, and asks once why it ended
        assert venue(desk)[-1] == "LOST"
        (stop,) = [it for it in exchange.orders if it.is_open]
        assert stop.side == "SELL"
