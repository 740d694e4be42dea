"""What the window says of an order that was sent, of a run that ended, and before a book is left for a new one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.dialogs.account import PaperAccount
from engine.domain.intents import CancelAll, CancelOrder, ClosePosition, EditProtection, Halt, SetMode, SubmitOrder
from engine.domain.limits import LimitPrice
from engine.signals.desk import Mode
from tests.app.rig import Desk, live, request
from tests.engine.market.histories import gold, mt4, write

BUY = SubmitOrder("XAUUSD", "buy", "market", 10)


async def note(desk: Desk, words: str) -> str:
    """What the status bar says, once it holds `words`."""
    return await desk.until(lambda: words in (said := desk.window.status.state()["note"]) and said, words)


def test_an_order_that_is_in_is_acknowledged_until_it_fills(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(20)
        desk.bridge.submit(BUY)
        said = await note(desk, "BUY")
        assert said == "BUY 0.10 XAUUSD market is in; it fills at the next quote, when the market plays"
        assert desk.window.status.note.property("role") == "good"
        await desk.bars(1)
        assert desk.rows("positions")
        assert desk.window.status.state()["note"] == ""
        desk.bridge.submit(ClosePosition("XAUUSD"))
        assert (await note(desk, "SELL")).startswith("SELL 0.10 XAUUSD market is in")

    live(request(home, mode=Mode.MANUAL), scenario)


def test_working_orders_their_cancel_and_new_stops_are_acknowledged(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(20)
        bid = desk.window._picture.view.quotes[0].bid
        desk.bridge.submit(SubmitOrder("XAUUSD", "buy", "limit", 10, bid - 2_000))
        assert (await note(desk, "BUY")).endswith("is in and waits for its price")
        desk.bridge.submit(CancelAll())
        await note(desk, "1 order is cancelled")
        await asyncio.wrap_future(desk.bridge.host.submit(BUY))
        await desk.bars(1)
        desk.bridge.submit(EditProtection("XAUUSD", bid - 1_500))
        await note(desk, "stop and target are as you set them")

    live(request(home, mode=Mode.MANUAL), scenario)


def test_an_order_cancelled_by_a_halt_is_no_longer_said_to_be_in(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(20)
        bid = desk.window._picture.view.quotes[0].bid
        desk.bridge.submit(SubmitOrder("XAUUSD", "buy", "limit", 10, bid - 2_000))
        await note(desk, "waits for its price")
        await desk.frame()
        assert "waits for its price" in desk.window.status.state()["note"]
        desk.bridge.submit(Halt(reason="owner"))
        await desk.until(lambda: not desk.window.status.state()["note"], "an empty note", 3.0)

    live(request(home, mode=Mode.MANUAL), scenario)


def test_a_refusal_is_forgotten_when_a_later_wish_is_done(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        desk.bridge.submit(CancelOrder("none"))
        await note(desk, "not working")
        desk.bridge.submit(SetMode("AUTO"))
        await desk.until(lambda: not desk.window.status.state()["note"], "an empty note")

    live(request(home), scenario)


def test_the_end_of_a_recording_is_summed_up_and_nothing_can_be_decided_any_more(qapp, home: Path) -> None:
    file = write(home, mt4(gold("2020-03-02T08:00", "2020-03-02T11:00", step=1)), "XAUUSD_M1.csv")

    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(100)
        await asyncio.wrap_future(desk.bridge.host.submit(BUY))
        await desk.bars(2)
        await asyncio.wrap_future(desk.bridge.host.submit(ClosePosition("XAUUSD")))
        await desk.bars(10_000)
        banner = desk.window.state()["banner"]
        account = desk.window._picture.view.account
        assert "1 trade, " in banner
        assert f"costs {account.costs / 1e6:,.2f} USD" in banner
        assert f"{abs(account.equity - account.opening) / 1e6:,.2f} USD" in banner
        assert desk.window.state()["toolbar"]["buttons"] == {"HALT": False, "Resume": False}
        assert not desk.window.account_bar.mode.isEnabled()

    live(request(home, replay=file, clock="UTC", mode=Mode.MANUAL), scenario)


def test_the_speed_that_was_chosen_is_kept_for_a_fresh_start(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        first = desk.window
        first.replay_bar.speed.setValue(first.replay_bar.speed.maximum())
        desk.terminal._begin(desk.window.bridge.request)
        await desk.until(lambda: desk.terminal.window not in (first, None), "a fresh window")
        assert desk.window.replay_bar.state()["speed"] == "max"

    live(request(home), scenario)


def test_a_reset_says_what_stays_behind_and_what_begins(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(20)
        await asyncio.wrap_future(desk.bridge.host.submit(BUY))
        await desk.bars(1)
        desk.window.commands.run("paper_account")
        dialog = desk.window.findChild(PaperAccount)
        left, kept, market = dialog.note.text().split("\n\n")
        assert left.startswith("Open now, and staying in the old book as it is: XAUUSD long 0.10 lots, ")
        assert left.endswith("1 order works.")
        assert "stays in the database" in kept
        assert "the same prices" in market
        assert "--seed N" in market
        dialog.close()

    live(request(home, mode=Mode.MANUAL), scenario)


def test_a_limits_price_on_the_chart_is_explained(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(20)
        await asyncio.wrap_future(desk.bridge.host.submit(BUY))
        await desk.bars(1)
        prices: tuple[LimitPrice, ...] = desk.window._picture.view.limit_prices
        lines = desk.panel("chart").model.lines
        told = {limit.name: lines[f"limit-{limit.name}"].tooltip for limit in prices}
        assert "loss at the stop grows" in told["position"]
        assert all(told.values())

    live(request(home, mode=Mode.MANUAL), scenario)
