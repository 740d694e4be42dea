"""A roll before it is done and after it was broken off: what is foretold, what is offered, and what a crash leaves behind."""

from __future__ import annotations

import asyncio
import io
from contextlib import redirect_stderr, redirect_stdout
from decimal import Decimal
from pathlib import Path

import pytest

from app.cli import run
from engine.core.errors import UserError
from engine.domain import facts as f
from engine.domain.intents import ChooseProtection, ClosePosition, SubmitOrder
from engine.domain.views import RollDue, RollView
from tests.live import test_contracts as desk_of
from tests.live.test_contracts import Desk, at_tws, desk_at, local
from tests.peers.tws import Peer


async def held_under_a_stop(desk: Desk, quantity: int) -> int:
    """Waits until the position can be traded and has a stop; its price."""
    await desk.quotes()
    await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == quantity, "the position")
    await desk.until(lambda: not desk.session.prices_trouble("GC"), "prices")
    await desk.until(lambda: not desk.session.obstacles("GC")[1], "the venue")
    desk.do(ChooseProtection("GC", "attach"))
    await desk.until(lambda: desk.peer.venue.broker.working() and desk.stops, "the stop")
    (stop,) = desk.stops
    assert stop is not None
    return stop


def working(peer: Peer) -> list[str]:
    """Which contracts have orders that work at TWS."""
    return sorted(it.contract.local_symbol for it in peer.venue.broker.working())


async def command(home: Path, *words: str) -> tuple[int, str]:
    """Exit code of the command line, and what it printed."""
    out = io.StringIO()

    def ran() -> int:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(out):
            patch.setenv("NICEGOLD_HOME", str(home))
            return run(list(words))

    return await asyncio.to_thread(ran), out.getvalue()


@at_tws
async def test_a_roll_is_foretold_with_prices_and_done_at_the_word_of_another_program(peer: Peer, folder: Path) -> None:
    months, data = desk_of.NOW, folder / "data"
    data.mkdir()
    await peer.hold(local(months.out), 2, 4000)
    async with desk_at(peer, data, days=months.notice_in) as desk:
        stop = await held_under_a_stop(desk, 2)
        venue = desk.session.picture().venue
        assert venue is not None
        assert venue.rolls == (RollDue("GC", desk_of.OUT, desk_of.INTO),)
        assert f"rolled into {desk_of.INTO} at your word: main.py session roll GC, or Roll in the menu" in desk.report
        foreseen = await desk.session.rolls.foresee("GC")
        assert foreseen == RollView("GC", desk_of.OUT, desk_of.INTO, 2, 40_000, 40_200, 200, stop + 200, None)
        assert working(peer) == [local(months.out)]
        assert await command(folder, "session", "roll", "gc") == (
            0,
            "GC is being rolled; main.py session state shows what is held\n",
        )
        await desk.until(lambda: desk.told(f.RollEnded), "the end")
        assert desk.told(f.RollEnded)[0].is_whole, desk.told(f.RollEnded)
        assert {it.by for it in desk.told(f.IntentReceived)} == {"owner", "command line", "roll"}
        await desk.until(lambda: desk.stops == [stop + 200], "the new stop")
        await desk.until(lambda: working(peer) == [local(months.into)], "one stop, of the new contract")
        after = desk.session.picture().venue
        assert after is not None
        assert after.rolls == ()


@at_tws
async def test_what_stands_against_a_roll_is_said_before_anything_is_asked(peer: Peer, folder: Path) -> None:
    async with desk_at(peer, folder, days=desk_of.NOW.notice_in - 1) as desk:
        await desk.quotes()
        await desk.until(lambda: desk.told(f.ContractChosen), "the contract")
        with pytest.raises(UserError, match="nothing of GC is held; there is nothing to roll"):
            await desk.session.rolls.foresee("GC")
        venue = desk.session.picture().venue
        assert venue is not None
        assert venue.rolls == ()


@at_tws
async def test_after_a_crash_between_close_and_open_the_report_says_what_to_do_and_no_order_is_left(
    peer: Peer, folder: Path
) -> None:
    months = desk_of.NOW
    await peer.hold(local(months.out), 2, 4000)
    async with desk_at(peer, folder, days=months.notice_in) as desk:
        stop = await held_under_a_stop(desk, 2)
        desk.session.record(f.RollBegun("GC", months.out.code, months.into.code, 2, 200, stop + 200, None, "owner"))
        desk.do(ClosePosition("GC"))
        await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == 0, "the close")
    async with desk_at(peer, folder, days=months.notice_in) as desk:
        await desk.until(lambda: not working(peer), "no order at TWS")
        await desk.until(lambda: desk.on_record(f.RollEnded), "the end")
        (over,) = desk.on_record(f.RollEnded)
        level = Decimal(stop + 200) / 10
        assert (over.quantity, over.is_whole, over.contract) == (0, False, months.out.code)
        assert over.reason == (
            f"the program ended on the way: {desk_of.OUT} was closed, and nothing is held; to have the position in "
            f"{desk_of.INTO}, buy 2 of it by the ticket, stop {level:f}; "
            f"see in TWS that no order for {desk_of.OUT} works any more"
        )
        assert f"Not rolled: {over.reason}" in desk.report
        assert (peer.position(local(months.out)), peer.position(local(months.into))) == (Decimal(0), Decimal(0))


@at_tws
async def test_a_stop_whose_position_was_closed_while_the_program_was_away_is_cancelled_at_the_venue(
    peer: Peer, folder: Path
) -> None:
    months = desk_of.NOW
    await peer.hold(local(months.out), 2, 4000)
    async with desk_at(peer, folder, days=months.notice_in) as desk:
        stop = await held_under_a_stop(desk, 2)
        desk.session.record(f.RollBegun("GC", months.out.code, months.into.code, 2, 200, stop + 200, None, "owner"))
    assert working(peer) == [local(months.out)]
    await peer.place(local(months.out), "SELL", 2)
    assert peer.position(local(months.out)) == 0
    async with desk_at(peer, folder, days=months.notice_in) as desk:
        await desk.until(lambda: not working(peer), "no order at TWS")
        await desk.until(lambda: not desk.session.pipeline.ledger.position("GC"), "nothing in the books")
        await desk.until(lambda: not desk.stops, "no stop in the books")
        await desk.until(lambda: desk.on_record(f.RollEnded), "the end")
        (over,) = desk.on_record(f.RollEnded)
        assert (over.quantity, over.is_whole) == (0, False)
        assert f"{desk_of.OUT} was closed, and nothing is held" in over.reason


@at_tws
async def test_after_a_crash_before_the_close_the_old_position_keeps_its_stop_and_may_be_rolled_again(
    peer: Peer, folder: Path
) -> None:
    months = desk_of.NOW
    await peer.hold(local(months.out), 2, 4000)
    async with desk_at(peer, folder, days=months.notice_in) as desk:
        stop = await held_under_a_stop(desk, 2)
        desk.session.record(f.RollBegun("GC", months.out.code, months.into.code, 2, 200, stop + 200, None, "owner"))
    async with desk_at(peer, folder, days=months.notice_in) as desk:
        await desk.until(lambda: desk.on_record(f.RollEnded), "the end")
        (over,) = desk.on_record(f.RollEnded)
        assert over.reason == (
            f"the program ended on the way: 2 of 2 {desk_of.OUT} are still held; look at their stop, then roll them: "
            "main.py session roll GC, or Roll in the menu"
        )
        assert (over.quantity, over.is_whole, desk.stops) == (2, False, [stop])
        assert working(peer) == [local(months.out)]


@at_tws
async def test_what_is_held_in_another_month_than_the_profile_names_is_an_alarm_and_is_closed_where_it_is(
    peer: Peer, folder: Path
) -> None:
    months = desk_of.NOW
    await peer.hold(local(months.out), 2, 4000)
    async with desk_at(peer, folder, days=months.notice_in) as desk:
        stop = await held_under_a_stop(desk, 2)
    async with desk_at(peer, folder, days=months.notice_in, month=months.into.code) as desk:
        await desk.quotes()
        sentence = f"GC is held in {local(months.out)} and dealt in as {local(months.into)}: nothing is opened"
        await desk.until(lambda: desk.session.obstacles("GC")[0].startswith(sentence), "the sentence")
        venue = desk.session.picture().venue
        assert venue is not None
        assert venue.alarm.startswith(sentence)
        assert venue.trouble.startswith(sentence)
        assert desk.stops == [stop]
        (denied,) = [it for it in desk.do(SubmitOrder("GC", "buy", "market", 1)) if isinstance(it, f.OrderDenied)]
        assert sentence in denied.reason
        desk.do(ClosePosition("GC"))
        await desk.until(lambda: desk.session.pipeline.ledger.position("GC") == 0, "the close")
        await desk.until(lambda: not working(peer), "no stop at TWS")
        assert (peer.position(local(months.out)), peer.position(local(months.into))) == (Decimal(0), Decimal(0))
        await desk.until(lambda: not desk.session.contracts.alarm, "no alarm")
