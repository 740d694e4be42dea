"""The console of a session without a window."""

import io
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from app.console import Console
from engine.core.clock import SECOND, from_iso
from engine.domain.facts import SignalEmitted
from engine.domain.instrument import INSTRUMENTS, cash
from engine.domain.limits import Limits
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role, Side, State
from engine.domain.views import AccountView, CardView, EngineView, Gauge, PositionView

AT = from_iso("2026-01-06T14:30:00")
GOLD = INSTRUMENTS["XAUUSD"]
SIGNAL = SignalEmitted(
    "s1", "XAUUSD", "sell", AT, 320_000, 320_400, 319_400, AT + 60 * SECOND, 0.5731, 0.5, 1.5, "model", "ab", "cd"
)


def view(**changes) -> EngineView:
    account = AccountView(
        "PAPER-1", "USD", cash(100_000), cash("100812.5"), cash(900), cash("-52.5"), cash(35), cash(101_000), cash(101_200),
        0.0038, 0.01, cash(500), cash(32_000),
    )  # fmt: skip
    whole = EngineView(
        AT, 1, "AUTO", "ACTIVE", "", "model", "ab", account, (Quote("XAUUSD", AT, 320_000, 320_025),), (), (), (),
        (Gauge("daily_loss", 0.0019, 0.02, "ok", ""), Gauge("leverage", 2.9, 3.0, "warn", "")), (), Limits(),
    )  # fmt: skip
    return replace(whole, **changes)


def position(**changes) -> PositionView:
    held = PositionView("XAUUSD", -10, 320_050.0, 320_025, cash("-52.5"), 0, cash("1"), AT, 320_400, 319_400, cash("40"), 10)
    return replace(held, **changes)


class Screen(io.StringIO):
    """A terminal that remembers what it was sent."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("LINES", "40")
    return Screen()


class Watch:
    """A monotonic clock that a test sets."""

    at = 0

    def __call__(self) -> int:
        return self.at


def shown(terminal: Screen, *args, badges=("PAPER", "SIMULATED"), **changes) -> str:
    console = Console(badges, stream=terminal)
    console.start()
    console.update(view(**changes), *(args or ([],)))
    console.stop()
    return terminal.getvalue()


def test_a_file_gets_every_fact_and_then_a_line_of_the_account():
    stream = io.StringIO()
    console = Console(["PAPER", "SIMULATED"], stream=stream)
    console.start()
    console.update(view(positions=(position(),)), ["sold 0.10 lots of XAUUSD at 3200.00", "stop accepted"])
    assert stream.getvalue().splitlines() == [
        "sold 0.10 lots of XAUUSD at 3200.00",
        "stop accepted",
        "PAPER SIMULATED | 2026-01-06 14:30:00 UTC | AUTO ACTIVE | equity 100,812.50 USD | day -187.50 | position XAUUSD -0.10"
        " | 0 orders working",
    ]


def test_a_file_gets_the_account_once_a_second_at_most_and_nothing_where_nothing_happened():
    stream, watch = io.StringIO(), Watch()
    console = Console(["PAPER"], stream=stream, now=watch)
    for at, lines in ((0, ["one"]), (SECOND // 2, ["two"]), (2 * SECOND, []), (3 * SECOND, ["three"])):
        watch.at = at
        console.update(view(), lines)
    written = stream.getvalue().splitlines()
    assert [line.split(" | ")[0] for line in written] == ["one", "PAPER", "two", "three", "PAPER"]


def test_stopping_writes_the_last_state_to_a_file_once():
    stream = io.StringIO()
    console = Console(["PAPER"], stream=stream)
    console.update(view(), [])
    console.stop()
    console.stop()
    assert len(stream.getvalue().splitlines()) == 1


def test_a_stream_of_another_encoding_gets_what_it_can_show():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Console(["PAPER"], stream=stream).update(view(), ["limit raised to 5 € a lot"])
    assert raw.getvalue().splitlines()[0] == b"limit raised to 5 ? a lot"


def test_a_dumb_terminal_is_treated_as_a_file(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert not Console(["PAPER"], stream=terminal).is_live


def test_a_terminal_shows_badges_account_and_limits(terminal):
    text = shown(terminal)
    for expected in (
        "PAPER",
        "SIMULATED",
        "AUTO",
        "ACTIVE",
        "100,812.50 USD",
        "−187.50",
        "daily loss",
        "leverage",
        "2.90×",
        "3,200.25",
    ):
        assert expected in text


def test_a_terminal_shows_positions_with_stop_and_target(terminal):
    text = shown(terminal, positions=(position(),))
    for expected in ("−0.10", "3,200.50", "3,204.00", "3,194.00", "−52.50"):
        assert expected in text


def test_a_terminal_shows_working_orders(terminal):
    order = Order("A1", "XAUUSD", Side.BUY, OrderType.STOP, 10, Role.STOP, stop=320_400, state=State.ACCEPTED)
    text = shown(terminal, working=(order,))
    for expected in ("XAUUSD stop", "buy", "0.10", "3,204.00", State.ACCEPTED.value):
        assert expected in text


def test_a_terminal_shows_signals_that_wait_for_the_owner(terminal):
    card = CardView(SIGNAL, AT, AT + 60 * SECOND, 10, 0.1, (), (), ())
    text = shown(terminal, cards=(card,))
    for expected in ("Waiting signals", "sell", "57.3", "14:31:00"):
        assert expected in text


def test_a_terminal_says_when_there_is_nothing_to_show(terminal):
    text = shown(terminal)
    for expected in ("Nothing has happened yet.", "none working"):
        assert expected in text


def test_a_terminal_shows_why_trading_stopped(terminal):
    text = shown(terminal, state="HALTED", state_reason="drawdown 15 % reached")
    assert "HALTED" in text
    assert "drawdown 15 % reached" in text


def test_the_newest_facts_stay_on_a_terminal_however_many_there_were(terminal):
    text = shown(terminal, [f"fact {number}" for number in range(500)])
    assert "fact 499" in text
    assert "fact 1\n" not in text


def test_a_terminal_is_drawn_four_times_a_second_at_most(terminal):
    watch = Watch()
    console = Console(["PAPER"], stream=terminal, now=watch)
    console.start()
    console.update(view(), [])
    drawn = terminal.getvalue()
    watch.at = SECOND // 5
    console.update(view(mode="MANUAL"), [])
    assert terminal.getvalue() == drawn
    watch.at = SECOND // 4
    console.update(view(mode="CONFIRM"), [])
    assert "CONFIRM" in terminal.getvalue()
    console.stop()


def test_facts_that_look_like_markup_are_shown_as_they_are(terminal):
    assert "order [bold]A1[/bold] sent" in shown(terminal, ["order [bold]A1[/bold] sent"])


def test_importing_the_console_imports_neither_rich_nor_qt():
    code = "import sys, app.console; sys.exit(bool({'rich', 'PySide6'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ}).returncode == 0
