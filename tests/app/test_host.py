"""The engine on its own thread: it answers while it plays, stops where asked, and never leaves a question open."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.core.clock import HOUR
from engine.core.errors import EngineStopped, StoreError, UserError
from engine.domain import facts as f
from engine.domain.facts import Record
from engine.domain.intents import Flatten, SetMode, SubmitOrder
from engine.domain.market import Bar, Timeframe
from engine.host import MAX_SPEED, Frame, Host, Opening
from engine.services.bookkeeping import facts_hash
from engine.session import Request, open_session
from engine.signals.desk import Mode
from tests.app.rig import request
from tests.engine.market.histories import gold, mt4, write

SOON_S = 60.0


class Engine:
    """A host whose session is open; `bars` and `records` are all that its frames held."""

    def __init__(self, wanted: Request) -> None:
        self.failures: list[BaseException] = []
        self.host = Host(wanted, self.failures.append)
        self.opening: Opening = self.host.start().result(SOON_S)
        self.bars: list[Bar] = []
        self.records: list[Record] = []

    def take(self) -> Frame:
        frame = self.host.take().result(SOON_S)
        self.bars += frame.bars.get("XAUUSD", [])
        self.records += frame.records
        return frame

    def play_bars(self, count: int) -> Frame:
        self.host.play_bars(count).result(SOON_S)
        return self.wait(lambda frame: not frame.playing)

    def wait(self, claim: Callable[[Frame], Any]) -> Frame:
        """The first frame of which `claim` holds."""
        end = time.monotonic() + SOON_S
        while not claim(frame := self.take()):
            assert time.monotonic() < end
        return frame


@pytest.fixture
def start(home: Path) -> Iterator[Callable[[Request], Engine]]:
    engines: list[Engine] = []

    def begin(wanted: Request) -> Engine:
        engines.append(Engine(wanted))
        return engines[-1]

    yield begin
    for engine in engines:
        engine.host.stop()
        assert engine.failures == []


def replay(home: Path, **changes: Any) -> Request:
    file = write(home, mt4(gold("2020-03-06T20:00", "2020-03-09T02:00", step=1)), "XAUUSD_M1.csv")
    return request(home, replay=file, clock="UTC", mode=Mode.AUTO, **changes)


def test_what_could_not_be_written_did_not_happen(home: Path) -> None:
    wanted = request(home)
    engine = Engine(wanted)
    engine.play_bars(2)
    books = sqlite3.connect(wanted.db.removeprefix("sqlite:///"), isolation_level=None)
    books.execute("BEGIN IMMEDIATE")
    order = SubmitOrder("XAUUSD", "buy", "market", 10, stop_loss=engine.take().view.quotes[0].bid - 1_000)
    with pytest.raises(StoreError):
        engine.host.submit(order).result(SOON_S)
    engine.host.stop()
    assert [type(failure) for failure in engine.failures] == [StoreError]
    books.execute("ROLLBACK")
    books.close()
    again = Engine(wanted)
    again.play_bars(2)
    assert again.take().view.positions == ()
    again.host.stop()
    assert again.failures == []


def test_bars_are_played_one_by_one_or_many_and_then_it_stands(home: Path, start) -> None:
    engine = start(request(home))
    engine.play_bars(1)
    assert len(engine.bars) == 1
    engine.host.step_bar().result(SOON_S)
    engine.wait(lambda frame: not frame.playing)
    assert len(engine.bars) == 2
    frame = engine.play_bars(20)
    assert len(engine.bars) == 22
    assert engine.take().view.at == frame.view.at


def test_commands_are_answered_while_the_market_runs_as_fast_as_it_can(home: Path, start) -> None:
    engine = start(request(home, mode=Mode.MANUAL))
    engine.play_bars(1)
    engine.host.set_playing(True, MAX_SPEED).result(SOON_S)
    for mode in ("CONFIRM", "MANUAL", "AUTO"):
        records = engine.host.submit(SetMode(mode)).result(SOON_S)
        assert [record.fact.mode for record in records if isinstance(record.fact, f.ModeChanged)] == [mode]
        assert engine.host.is_busy
    verdict = engine.host.preview(SubmitOrder("XAUUSD", "buy", "market", 10)).result(SOON_S)
    assert verdict.lines
    engine.host.set_playing(False).result(SOON_S)
    assert engine.take().view.at == engine.take().view.at


def test_no_fact_is_lost_or_doubled_between_frames(home: Path, start) -> None:
    engine = start(request(home, mode=Mode.AUTO))
    engine.play_bars(400)
    first, records = len(engine.opening.records), engine.records
    assert [record.seq for record in records] == list(range(first + 1, first + len(records) + 1))
    assert any(isinstance(record.fact, f.OrderFilled) for record in records)


def test_a_command_that_fails_does_not_end_the_engine(home: Path, start, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = start(request(home))
    monkeypatch.setattr(engine.host._session.pipeline, "preview", broken)
    with pytest.raises(ZeroDivisionError):
        engine.host.preview(SubmitOrder("XAUUSD", "buy", "market", 10)).result(SOON_S)
    engine.play_bars(2)
    assert len(engine.bars) == 2


def test_the_weekend_is_jumped_over(home: Path, start) -> None:
    engine = start(replay(home))
    engine.play_bars(119)
    friday = engine.take().view.at
    engine.host.set_playing(True, 600.0).result(SOON_S)
    engine.wait(lambda frame: frame.view.at > friday + 47 * HOUR)


def test_a_replay_ends_finished_and_takes_no_more_orders(home: Path, start) -> None:
    engine = start(replay(home))
    engine.host.set_playing(True, MAX_SPEED).result(SOON_S)
    frame = engine.wait(lambda frame: not frame.playing)
    assert frame.finished
    assert frame.played == 1.0
    with pytest.raises(UserError, match="at its end"):
        engine.host.submit(Flatten()).result(SOON_S)


def test_a_last_bar_that_was_stepped_to_finishes_the_run_too(home: Path, start) -> None:
    engine = start(replay(home))
    assert engine.play_bars(10_000).finished
    engine.host.stop()
    with pytest.raises(UserError, match="this run is finished"):
        open_session(replay(home))


def test_a_run_closed_and_opened_again_and_again_has_the_facts_of_one_that_was_not(home: Path, start) -> None:
    whole = replay(home)
    in_parts = replace(whole, db=f"sqlite:///{(home / 'parts.db').as_posix()}")
    start(whole).play_bars(10_000)
    for bars in (1, 37, 60, 10_000):
        engine = start(in_parts)
        engine.play_bars(bars)
        engine.host.stop()
    assert facts_hash(in_parts.db, None) == facts_hash(whole.db, None)


def test_what_is_asked_of_a_stopped_engine_is_refused_at_once(home: Path, start) -> None:
    engine = start(request(home))
    engine.host.stop()
    engine.host.stop()
    with pytest.raises(EngineStopped):
        engine.host.take().result(SOON_S)


def test_an_engine_that_breaks_says_so_and_leaves_no_question_open(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(request(home))
    with monkeypatch.context() as spoilt:
        spoilt.setattr(engine.host._session.pipeline, "on_quote", broken)
        engine.host.set_playing(True, MAX_SPEED).result(SOON_S)
        with pytest.raises(EngineStopped):
            engine.wait(lambda _frame: False)
        engine.host.stop()
    assert [type(failure) for failure in engine.failures] == [ZeroDivisionError]
    again = Engine(request(home))
    again.play_bars(1)
    again.host.stop()


def broken(*_: object) -> None:
    raise ZeroDivisionError("on purpose")


def test_closing_while_it_opens_gives_the_opening_up(home: Path) -> None:
    begun: Future[None] = Future()

    def slow(wanted: Request) -> None:
        begun.set_result(None)
        while True:
            wanted.progress(0.5, "for ever")

    host = Host(request(home), lambda _error: None, slow)
    opened = host.start()
    begun.result(SOON_S)
    host.stop()
    with pytest.raises(EngineStopped):
        opened.result(SOON_S)


def test_the_opening_says_that_a_file_looks_written_on_another_clock(home: Path, start: Callable[[Request], Engine]) -> None:
    table = gold("2024-05-06", "2024-05-18", step=15, zone="Europe/Helsinki")
    file = write(home, mt4(table), "XAUUSD_M15.csv")
    (doubt,) = start(request(home, replay=file, clock="UTC", timeframe=Timeframe.of("M15"), mode=Mode.AUTO)).opening.doubts
    assert doubt.startswith("XAUUSD_M15.csv: ")
    assert doubt.endswith("at EET: the file looks written on that clock")
