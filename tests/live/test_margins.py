"""What an order would do to margin: TWS's own word over a real connection, or an estimate that says it is one."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.intents import SubmitOrder, SubmitPair
from engine.domain.margin import Margin
from engine.live.margins import QUESTION, margin
from tests.catalogue.rig import GOLD, Desk, at_tws
from tests.catalogue.rig import played as at_a_tws
from tests.live.rig import on_paper, played
from tests.peers.faults import Cut, Hold
from tests.peers.tws import Peer

ORDER = SubmitOrder(GOLD, "buy", "limit", 10, price=399_000, stop_loss=398_000)


def ask(desk: Desk, order: SubmitOrder | SubmitPair = ORDER) -> asyncio.Task[Margin]:
    return asyncio.ensure_future(margin(desk.session.pipeline, desk.session.broker, order))


@at_a_tws
async def test_tws_tells_the_margin_of_a_ticket_and_nothing_is_placed_or_recorded(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        told = await ask(desk)
        assert told.initial_added == told.initial > told.maintenance > 0
        assert (told.excess, told.estimated) == (told.equity - told.maintenance, "")
        assert await ask(desk, SubmitPair(ORDER, ORDER)) == told
        assert not peer.orders
        assert not desk.facts(f.OrderFact)


@at_a_tws
async def test_the_session_goes_on_while_tws_keeps_its_answer_to_itself(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, venue={"timeout": 30.0}) as desk:
        await desk.ready()
        held = peer.faults.on("openOrder", Hold(), times=None)
        asked = ask(desk)
        await desk.until(lambda: any(it.order and it.order.what_if for it in peer.received("placeOrder")), "the question")
        await peer.quote(GOLD, "4001.00", "4001.30")
        await desk.until(lambda: desk.session.pipeline.book.last[GOLD].bid == 400_100, "the next price")
        assert not asked.done()
        held.release()
        assert (await asked).initial > 0


@at_a_tws
async def test_a_question_nobody_waits_for_spoils_neither_the_next_one_nor_an_order(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, venue={"timeout": 30.0}) as desk:
        await desk.ready()
        held = peer.faults.on("openOrder", Hold(), times=1)
        first = ask(desk)
        await desk.until(lambda: any(it.order and it.order.what_if for it in peer.received("placeOrder")), "the question")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        second = ask(desk, SubmitOrder(GOLD, "buy", "limit", 20, price=399_000))
        told = await second
        held.release()
        assert abs(told.initial - 2 * (await ask(desk)).initial) <= Decimal("0.02")
        name = desk.buy(type="limit", price=399_000)
        await desk.until(lambda: desk.state(name) == "ACCEPTED", "an order that rests")
        assert not any(fact.order == QUESTION for fact in desk.facts(f.OrderFact))


@at_a_tws
async def test_a_link_that_is_lost_meanwhile_is_the_answer(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, venue={"timeout": 30.0}) as desk:
        await desk.ready()
        peer.faults.on("openOrder", Cut(), times=1)
        with pytest.raises(BrokerError, match=r"lost|closed|ended|out of reach"):
            await ask(desk)
        await desk.ready()


@played
async def test_where_no_venue_tells_margin_it_is_estimated_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_paper(tmp_path, monkeypatch) as desk:
        await desk.ready()
        pipeline, broker = desk.session.pipeline, desk.session.broker
        told = await margin(pipeline, broker, ORDER)
        assert told.initial == (Decimal("3990.00") * 10 / 3).quantize(Decimal("0.000001"))
        assert told.estimated == "estimated here from the leverage limit of 3:1"
        await desk.open_long(10)
        closing = await margin(pipeline, broker, SubmitOrder(GOLD, "sell", "market", 10, reduce_only=True))
        assert (closing.initial, closing.excess) == (0, closing.equity)
        assert closing.initial_added < 0
