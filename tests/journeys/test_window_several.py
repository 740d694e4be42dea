"""Two recorded instruments in one window: watchlist, chart and ticket look at one of them, the account holds both."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.domain.instrument import instrument_of
from engine.domain.intents import SubmitOrder
from engine.domain.market import Timeframe
from engine.request import Recording, Request
from engine.signals.desk import Mode
from tests.app.rig import Desk, live, request
from tests.engine.rig import market
from tests.journeys.headless import write_history
from tests.journeys.test_headless_several import silver

BARS = 400
LATER = 40
"""Bars of gold before silver's file begins."""


@pytest.fixture
def wanted(home: Path) -> Request:
    gold = write_history(home / "XAUUSD_M1.csv", market(BARS, 5))
    other = write_history(home / "XAGUSD_M1.csv", silver(market(BARS, 6))[LATER:])
    beside = Recording(other, instrument_of("XAGUSD"), Timeframe.of("M1"), "UTC")
    return request(home, replay=gold, clock="UTC", also=(beside,), mode=Mode.MANUAL)


def watched(desk: Desk) -> dict[str, str]:
    """Symbol and bid of each row of the watchlist."""
    return {row["symbol"]: row["bid"] for row in desk.rows("watchlist")}


def looks_at(desk: Desk) -> tuple[str, str, str]:
    """The instrument of chart, ticket and watchlist."""
    row = desk.panel("watchlist").table.current()
    return desk.panel("chart").state()["symbol"], desk.panel("ticket").state()["symbol"], row.symbol


def test_what_is_chosen_in_the_watchlist_is_what_chart_and_ticket_show(qapp, wanted: Request) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(3 * LATER)
        assert looks_at(desk) == ("XAUUSD", "XAUUSD", "XAUUSD")
        assert all(bid != "–" for bid in watched(desk).values())
        assert set(watched(desk)) == {"XAUUSD", "XAGUSD"}
        gold = desk.panel("chart").state()["last_bar"]
        desk.panel("watchlist").table.select_key("XAGUSD")
        assert looks_at(desk) == ("XAGUSD", "XAGUSD", "XAGUSD")
        await desk.frame()
        shown = desk.panel("chart").state()
        assert shown["last_bar"]["close"].startswith("2")
        assert len(shown["last_bar"]["close"].split(".")[1]) == 3
        assert 0 < shown["bars"] < 3 * LATER
        desk.panel("ticket").symbols.setCurrentText("XAUUSD")
        assert looks_at(desk) == ("XAUUSD", "XAUUSD", "XAUUSD")
        assert desk.panel("chart").state()["last_bar"]["open"] == gold["open"]

    live(wanted, scenario)


def test_an_order_in_each_is_drawn_on_its_own_chart_and_both_are_held(qapp, wanted: Request) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        await desk.bars(3 * LATER)
        for symbol, far_below in (("XAUUSD", 160_000), ("XAGUSD", 20_000)):
            desk.bridge.submit(SubmitOrder(symbol, "buy", "market", 10, stop_loss=far_below))
        await desk.play(lambda: len(desk.rows("positions")) == 2, "two positions")
        assert {row["symbol"] for row in desk.rows("positions")} == {"XAUUSD", "XAGUSD"}
        assert {"XAUUSD-entry", "XAUUSD-stop"} <= set(desk.lines())
        assert "correlation" in str(desk.panel("risk").state())
        desk.panel("watchlist").table.select_key("XAGUSD")
        await desk.frame()
        assert {"XAGUSD-entry", "XAGUSD-stop"} <= set(desk.lines())
        assert not any(line.startswith("XAUUSD") for line in desk.lines())
        await desk.bars(4)
        before = desk.panel("chart").state()["bars"]
        await desk.bars(4)
        assert desk.panel("chart").state()["bars"] > before

    live(wanted, scenario)


def test_an_instrument_the_session_does_not_trade_is_watched_and_nothing_else(qapp, wanted: Request) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.opened()
        desk.panel("watchlist").add("EURUSD")
        assert desk.panel("watchlist").table.current().symbol == "EURUSD"
        assert desk.panel("chart").state()["symbol"] == "XAUUSD"
        assert desk.panel("ticket").state()["symbol"] == "XAUUSD"

    live(wanted, scenario)
