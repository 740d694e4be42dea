"""A live session at a loopback venue, as the cases of the catalogue drive it."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.secrets import KEY_VARIABLE, SECRET_VARIABLE
from engine.config import AccountSection, Config, LimitsSection, ProtectionSection
from engine.core.clock import MINUTE, SystemClock
from engine.domain import facts as f
from engine.domain.intents import Intent, SubmitOrder
from engine.domain.market import Timeframe
from engine.domain.order import Order
from engine.domain.shipped import shipped_instrument
from engine.live.opening import Opened, live_session
from engine.live.session import LiveSession
from engine.profile import Profile, SessionSection, VenueSection
from engine.request import Request
from engine.signals.desk import Mode
from tests.catalogue.invariants import Wire, violations
from tests.peers.exchange import KEY, SECRET, Exchange
from tests.peers.exchange.record import Request as Asked
from tests.peers.exchange.tape import Bar
from tests.peers.faults import Drop
from tests.peers.tws import Peer
from tests.peers.tws.record import Received

PATIENCE_S = 60.0
GOLD, PAXG = "XAUUSD", "PAXGUSDT"
BID, ASK = "4000.00", "4000.30"


@dataclass
class Desk:
    """The session and what the venue sees of it. Prices are ticks of 0.01, quantities lot steps of `symbol`."""

    session: LiveSession
    opened: Opened
    db: str
    wire: Wire
    symbol: str
    faults: list[Exception] = field(default_factory=list)

    def do(self, intent: Intent) -> list[f.Fact]:
        """The facts that the intent led to at once."""
        return [record.fact for record in self.session.do(intent)]

    def buy(self, quantity: int = 2, **terms: Any) -> str:
        """Our id of an order to buy at the market with a stop 20 below, unless its terms say otherwise."""
        given = {"symbol": self.symbol, "side": "buy", "type": "market", "quantity": quantity, "stop_loss": 398_000, **terms}
        facts = self.do(SubmitOrder(**given))
        placed = [fact.order for fact in facts if isinstance(fact, f.OrderIntended)]
        assert placed, facts
        return placed[0]

    def order(self, name: str) -> Order:
        return self.session.pipeline.register[name]

    def state(self, name: str) -> str:
        return self.order(name).state.value

    @property
    def position(self) -> int:
        return self.session.pipeline.ledger.position(self.symbol)

    @property
    def records(self) -> list[f.Record]:
        return list(self.session.journal.records())

    def facts(self, *kinds: type[f.Fact]) -> list[Any]:
        """All facts of these kinds so far."""
        return [record.fact for record in self.records if isinstance(record.fact, kinds)]

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Returns when it holds; fails after a while, with the last facts."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    await asyncio.sleep(0.005)
        except TimeoutError:
            told = "\n".join(str(record.fact) for record in self.records[-15:])
            raise AssertionError(f"never held: {what or holds}\n{self.session.trouble}\n{told}") from None

    async def ready(self) -> None:
        """Returns when orders may be placed."""
        await self.until(lambda: not any(self.session.obstacles(self.symbol)), "that trading may begin")


@asynccontextmanager
async def at_tws(peer: Peer, folder: Path, **terms: Any) -> AsyncIterator[Desk]:
    """A session at the peer, in the books of `folder`; another in the same folder goes on with the book of the one before.

    Afterwards all five invariants must hold, with the venue's own position.
    """
    given = {"client_id": 1, "timeout": 2.0, **terms.pop("venue", {})}
    venue = VenueSection(host=peer.host, port=peer.port, **given)
    async with session_at(folder, "ib", {"ib": venue}, "XAUUSD@ib", **terms) as desk:
        spying = peer.faults.on("placeOrder", Drop(), times=None, where=lambda received: _spy(desk, received))
        await peer.quote(GOLD, BID, ASK)
        try:
            yield desk
        finally:
            spying.lift()
    held = {GOLD: int(peer.position(GOLD))}
    found = violations(desk.db, desk.wire, held)
    assert not found, found
    assert desk.faults == []


@asynccontextmanager
async def at_exchange(exchange: Exchange, folder: Path, **terms: Any) -> AsyncIterator[Desk]:
    """As `at_tws`, at an exchange: PAXGUSDT, steps of 0.0001, and 10 PAXG that the account has from before."""
    venue = VenueSection(url=exchange.rest_url, ws_url=exchange.socket_url, timeout=2.0, **terms.pop("venue", {}))
    spying = None
    try:
        async with session_at(folder, "binance", {"binance": venue}, PAXG, **terms) as desk:
            spying = exchange.faults.on("POST order", Drop(), times=None, where=lambda request: _spy_on(desk, request))
            yield desk
    finally:
        if spying is not None:
            spying.lift()
    held = {PAXG: int(exchange.wallet.total("PAXG") / Decimal("0.0001"))}
    found = violations(desk.db, desk.wire, held)
    assert found == [], found
    assert desk.faults == []


def _spy_on(desk: Desk, request: Asked) -> bool:
    """Notes an order on its way in, and lets it pass."""
    desk.wire.saw(request.parameters["newClientOrderId"], desk.db)
    return False


def _spy(desk: Desk, received: Received) -> bool:
    """Notes an order on its way in, and lets it pass: a number that is known is a change of an order, not a new one."""
    order = received.order
    assert order is not None
    if not order.what_if and (key := (received.client_id, order.order_id, order.ref)) not in desk.wire.numbers:
        desk.wire.numbers.add(key)
        desk.wire.saw(order.ref, desk.db)
    return False


@asynccontextmanager
async def session_at(
    folder: Path, broker: str, venues: Mapping[str, VenueSection], instrument: str, **terms: Any
) -> AsyncIterator[Desk]:
    """A session in the books of `folder`, which checks nothing when it ends."""
    limits, protection = terms.pop("limits", {}), terms.pop("protection", {})
    db = terms.pop("db", f"sqlite:///{(folder / 'books.db').as_posix()}")
    section = SessionSection(**{"patience": 2.0, "reconcile_every": 30.0, "look_every": 0.2, "history_bars": 200, **terms})
    request = Request(
        db=db,
        models=folder / "models",
        instrument=shipped_instrument(instrument),
        timeframe=Timeframe.of("M1"),
        config=Config(
            account=AccountSection(currency=shipped_instrument(instrument).currency),
            limits=LimitsSection(**{"sessions": "ignore", "duplicate_window_s": 0, **limits}),
            protection=ProtectionSection(**protection),
        ),
        policy="sma_cross",
        mode=Mode.MANUAL,
        feed=broker,
        broker=broker,
        profile=Profile(name="catalogue", venues=dict(venues), session=section),
    )
    faults: list[Exception] = []
    stop = asyncio.Event()
    async with live_session(request, faults.append) as opened:
        running = asyncio.ensure_future(opened.session.run(stop))
        desk = Desk(opened.session, opened, db, Wire(), request.instrument.symbol, faults)
        try:
            yield desk
        finally:
            stop.set()
            await running


def played(scenario: Callable[[Peer, Path], Coroutine[Any, Any, None]]) -> Callable[[Path], None]:
    """A test of a scenario with a TWS of real time that is always open, and a folder for the books."""

    def test(tmp_path: Path) -> None:
        logging.getLogger("ib_async").setLevel(logging.CRITICAL)
        asyncio.run(_play(scenario, tmp_path))

    test.__name__ = getattr(scenario, "__name__", "scenario")
    test.__doc__ = scenario.__doc__
    return test


def exchanged(scenario: Callable[[Exchange, Path], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test of a scenario with an exchange that quotes gold at 4000.00 to 4000.10, a hundred ounces at each price."""

    async def play(folder: Path) -> None:
        async with asyncio.timeout(180), Exchange() as exchange:
            exchange.history("PAXGUSDT", minutes(200))
            await exchange.quote("PAXGUSDT", "4000.00", "4000.10", depth=100)
            await scenario(exchange, folder)

    def test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        importlib.import_module("ccxt.pro")  # takes seconds, which are nobody's fault
        monkeypatch.setenv(KEY_VARIABLE, KEY)
        monkeypatch.setenv(SECRET_VARIABLE, SECRET)
        asyncio.run(play(tmp_path))

    test.__name__ = getattr(scenario, "__name__", "scenario")
    test.__doc__ = scenario.__doc__
    return test


def minutes(count: int) -> list[Bar]:
    """One-minute bars of a market that swings by a dollar, up to the last whole minute."""
    now = SystemClock().now() // MINUTE * 60_000
    prices = [Decimal(4000 + number % 2) for number in range(count + 1)]
    pairs = pairwise(prices)
    return [
        Bar(now - (count - number) * 60_000, opened, max(opened, close), min(opened, close), close, Decimal(1), opened, 1)
        for number, (opened, close) in enumerate(pairs)
    ]


async def _play(scenario: Callable[[Peer, Path], Awaitable[None]], folder: Path) -> None:
    async with asyncio.timeout(180), Peer(clock=SystemClock(), always_open=True) as peer:
        await scenario(peer, folder)


def sequence(records: Sequence[f.Fact]) -> list[str]:
    """The kinds of facts in their order."""
    return [type(fact).__name__ for fact in records]
