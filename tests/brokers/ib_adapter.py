"""The Interactive Brokers adapter at the loopback TWS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.brokers.ib.venue import IbVenue
from engine.core.errors import BrokerError
from engine.ports.venue import VenueAddress
from tests.brokers.ib_client import VERSIONS
from tests.peers.tws import Peer

Scenario = Callable[[Peer], Awaitable[None]]


def at_every_version(**terms: Any) -> Callable[[Scenario], Callable[..., None]]:
    """Makes a test of a scenario: it runs at each server version, against a peer on `terms`."""
    return _test(VERSIONS, terms)


def at_the_newest_version(**terms: Any) -> Callable[[Scenario], Callable[..., None]]:
    """Makes a test of a scenario for which the version does not matter."""
    return _test(VERSIONS[-1:], terms)


def address(peer: Peer, **terms: Any) -> VenueAddress:
    """Where the peer is, with an impatience that suits a test."""
    return VenueAddress(**{"broker": "ib", "host": peer.host, "port": peer.port, "client_id": 1, "timeout": 5.0, **terms})


@asynccontextmanager
async def connected(peer: Peer, **terms: Any) -> AsyncIterator[IbVenue]:
    """The adapter, connected until the block ends."""
    venue = IbVenue(address(peer, **terms))
    await venue.connect()
    try:
        yield venue
    finally:
        await venue.close()


async def refusal(act: Awaitable[object]) -> str:
    """The one sentence with which it fails."""
    with pytest.raises(BrokerError) as refused:
        await act
    sentence = str(refused.value)
    assert "\n" not in sentence
    return sentence


async def refused(peer: Peer, **terms: Any) -> str:
    """The sentence with which a connection is refused; what is left of it ends with the test."""
    return await refusal(IbVenue(address(peer, **terms)).connect())


async def alone(peer: Peer) -> None:
    """Returns when the peer has seen every client go."""
    while peer.clients:
        await asyncio.sleep(0)


def _test(versions: tuple[int, ...], terms: dict[str, Any]) -> Callable[[Scenario], Callable[..., None]]:
    def decorate(scenario: Scenario) -> Callable[..., None]:
        async def play(version: int) -> None:
            complaints: list[dict[str, Any]] = []
            asyncio.get_running_loop().set_exception_handler(lambda _loop, complaint: complaints.append(complaint))
            async with Peer(**{"server_version": version, **terms}) as peer:
                await scenario(peer)
            assert complaints == [], complaints

        @pytest.mark.parametrize("version", versions)
        def test(version: int) -> None:
            logging.getLogger("ib_async").setLevel(logging.CRITICAL)
            asyncio.run(asyncio.wait_for(play(version), 120))

        test.__name__ = getattr(scenario, "__name__", "scenario")
        test.__doc__ = scenario.__doc__
        return test

    return decorate
