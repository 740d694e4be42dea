"""What-if margin in the window, told by a TWS over a real connection."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from engine.config import AccountSection, Config, LimitsSection
from engine.core.clock import SystemClock
from engine.domain.market import Timeframe
from engine.domain.order import Side
from engine.domain.shipped import shipped_instrument
from engine.profile import Profile, SessionSection, VenueSection
from engine.request import Request
from engine.signals.desk import Mode
from tests.app.rig import Desk, live
from tests.peers.faults import Hold, Rule
from tests.peers.tws import Peer

T = TypeVar("T")
GOLD = "XAUUSD"
PATIENCE_S = 60.0


class Tws:
    """A loopback TWS on a thread of its own, so that a window that is busy does not keep it from answering."""

    def __init__(self, loop: asyncio.AbstractEventLoop, peer: Peer) -> None:
        self._loop, self.peer = loop, peer

    def do(self, work: Callable[[Peer], Coroutine[Any, Any, T]]) -> T:
        """Runs a coroutine there, and gives its result."""
        return asyncio.run_coroutine_threadsafe(work(self.peer), self._loop).result(PATIENCE_S)

    def hold(self, kind: str) -> Rule:
        async def begin(peer: Peer) -> Rule:
            return peer.faults.on(kind, Hold(), times=None)

        return self.do(begin)

    def questions(self) -> int:
        """How often a margin was asked for."""

        async def count(peer: Peer) -> int:
            return sum(it.order is not None and it.order.what_if for it in peer.received("placeOrder"))

        return self.do(count)

    def release(self, rule: Rule) -> None:
        async def end(_peer: Peer) -> None:
            rule.release()

        self.do(end)


@contextmanager
def tws() -> Iterator[Tws]:
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)
    ready, over = threading.Event(), asyncio.Event()
    found: list[Tws] = []

    async def serve() -> None:
        async with Peer(clock=SystemClock(), always_open=True) as peer:
            await peer.quote(GOLD, "4000.00", "4000.30")
            found.append(Tws(asyncio.get_running_loop(), peer))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="tws")
    thread.start()
    assert ready.wait(PATIENCE_S)
    try:
        yield found[0]
    finally:
        found[0]._loop.call_soon_threadsafe(over.set)
        thread.join()


def at_tws(home: Path, venue: Tws) -> Request:
    instrument = shipped_instrument("XAUUSD@ib")
    return Request(
        db=f"sqlite:///{(home / 'books.db').as_posix()}",
        models=home / "models",
        instrument=instrument,
        timeframe=Timeframe.of("M1"),
        config=Config(account=AccountSection(currency=instrument.currency), limits=LimitsSection(sessions="ignore")),
        policy="sma_cross",
        mode=Mode.MANUAL,
        feed="ib",
        broker="ib",
        profile=Profile(
            name="margin",
            venues={"ib": VenueSection(host=venue.peer.host, port=venue.peer.port, client_id=1, timeout=30.0)},
            session=SessionSection(patience=0.5, look_every=0.2, history_bars=200),
        ),
    )


async def a_ticket(desk: Desk) -> Any:
    """A ticket to buy ten ounces once orders may be placed."""
    await desk.opened()
    ticket = desk.panel("ticket")
    await desk.until(lambda: ticket.quote is not None and not ticket.state()["doubt"], "a price to trade on", PATIENCE_S)
    ticket.form.sides.buttons[Side.BUY].click()
    ticket.form.amount.show_value("0.10")
    return ticket


def test_the_ticket_shows_what_tws_says_of_margin_and_not_what_it_said_of_another_order(qapp, home: Path) -> None:
    with tws() as venue:

        async def scenario(desk: Desk) -> None:
            ticket = await a_ticket(desk)
            await desk.until(lambda: ticket.margin.figures.text(), "the margin of ten ounces", PATIENCE_S)
            assert ticket.margin.state()["head"] == "Margin after this order (USD), by the venue"
            of_ten = ticket.margin.figures.text()
            held, asked = venue.hold("openOrder"), venue.questions()
            ticket.form.amount.show_value("0.20")
            await desk.until(lambda: venue.questions() > asked, "the question about twenty ounces", PATIENCE_S)
            assert ticket.margin.state()["source"] == "asking…"
            ticket.form.amount.show_value("0.30")
            await desk.until(lambda: venue.questions() > asked + 1, "the question about thirty ounces", PATIENCE_S)
            venue.release(held)
            shown = await desk.until(lambda: ticket.margin.figures.text(), "the margin of thirty ounces", PATIENCE_S)
            initial = [int(text.split("\u00a0")[1].split(" ")[0].replace(",", "")) for text in (of_ten, shown)]
            assert abs(initial[1] - 3 * initial[0]) <= 5

        live(at_tws(home, venue), scenario)


def test_a_link_that_is_lost_is_said_in_the_ticket_and_the_margin_comes_back_with_it(qapp, home: Path) -> None:
    with tws() as venue:

        async def scenario(desk: Desk) -> None:
            ticket = await a_ticket(desk)
            await desk.until(lambda: ticket.margin.figures.text(), "a margin", PATIENCE_S)
            venue.do(lambda peer: peer.shut_down())
            await desk.until(lambda: "out of reach" in ticket.margin.source.text(), "that the link is lost", PATIENCE_S)
            assert ticket.margin.figures.text() == ""
            doubt = await desk.until(lambda: ticket.state()["doubt"], "prices in doubt", PATIENCE_S)
            assert ticket.form.sides.buttons[Side.BUY].property("doubtful") is True
            assert desk.panel("watchlist").table.painting.dim == {GOLD}
            assert desk.panel("chart").model.doubt == ticket.state()["doubt"]
            assert doubt
            venue.do(lambda peer: peer.listen())
            await desk.until(lambda: ticket.margin.figures.text(), "the margin again", PATIENCE_S)

        live(at_tws(home, venue), scenario)


def test_closing_the_window_waits_for_no_margin(qapp, home: Path) -> None:
    with tws() as venue:

        async def scenario(desk: Desk) -> None:
            venue.hold("openOrder")
            ticket = await a_ticket(desk)
            await desk.until(lambda: venue.questions(), "a question", PATIENCE_S)
            assert ticket.margin.state()["source"] == "asking…"

        live(at_tws(home, venue), scenario)
