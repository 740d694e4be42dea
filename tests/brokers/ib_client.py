"""The real ib_async at the loopback TWS, once for each server version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import ib_async
import pytest

from tests.peers.tws import Peer

VERSIONS = (157, 176, 178)
GOLD = ib_async.Commodity("XAUUSD", "SMART", "USD", conId=69067924)

Scenario = Callable[[Peer, ib_async.IB], Awaitable[None]]


def at_every_version(**terms: Any) -> Callable[[Scenario], Callable[..., None]]:
    """Makes a test of a scenario: it runs at each server version. `terms` are the peer's."""
    return _test(VERSIONS, terms)


def at_the_newest_version(**terms: Any) -> Callable[[Scenario], Callable[..., None]]:
    """Makes a test of a scenario for which the version does not matter."""
    return _test(VERSIONS[-1:], terms)


@asynccontextmanager
async def connected(peer: Peer, client_id: int = 1, **terms: Any) -> AsyncIterator[ib_async.IB]:
    """A client of the peer, gone when the block ends."""
    ib = await connect(peer, client_id, **terms)
    try:
        yield ib
    finally:
        await disconnect(ib)


async def connect(peer: Peer, client_id: int = 1, **terms: Any) -> ib_async.IB:
    """A connected client whose requests are not throttled."""
    ib = ib_async.IB()
    ib.client.MaxRequests = 0
    ib.RequestTimeout = 10
    ib.TimezoneTWS = "US/Eastern"
    await ib.connectAsync(peer.host, peer.port, clientId=client_id, timeout=60, raiseSyncErrors=True, **terms)
    return ib


async def disconnect(ib: ib_async.IB) -> None:
    """Ends the client and waits for its socket."""
    if ib.client.conn.isConnected():
        gone = until(ib.client.conn.disconnected)
        ib.disconnect()
        await gone


async def settled(ib: ib_async.IB) -> None:
    """Returns when everything that the peer has sent so far has arrived: a question goes there and its answer comes back."""
    await ib.reqCurrentTimeAsync()


def until(event: Any) -> asyncio.Future[tuple[Any, ...]]:
    """The arguments of the next time the event is emitted; listens from now on."""
    future: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

    def emitted(*values: Any) -> None:
        event.disconnect(emitted)
        if not future.done():
            future.set_result(values)

    event.connect(emitted)
    return future


class Errors(list[tuple[int, int, str]]):
    """Every error the client is told of from now on: request id, code, text."""

    def __init__(self, ib: ib_async.IB) -> None:
        super().__init__()
        ib.errorEvent += lambda request, code, text, _contract: self.append((request, code, text))

    @property
    def codes(self) -> list[int]:
        return [code for _, code, _ in self]


def _test(versions: tuple[int, ...], terms: dict[str, Any]) -> Callable[[Scenario], Callable[..., None]]:
    def decorate(scenario: Scenario) -> Callable[..., None]:
        async def play(version: int) -> None:
            async with Peer(server_version=version, **terms) as peer, connected(peer) as ib:
                await scenario(peer, ib)

        @pytest.mark.parametrize("version", versions)
        def test(version: int) -> None:
            asyncio.run(asyncio.wait_for(play(version), 120))

        test.__name__ = getattr(scenario, "__name__", "scenario")
        test.__doc__ = scenario.__doc__
        return test

    return decorate
