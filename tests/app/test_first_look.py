"""The history is there to be painted before the session is, and what was read to find the timeframe is not read again."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine.feeds
from engine.domain.instrument import instrument_of
from engine.domain.market import Bars
from engine.host import Host
from engine.market.importing import History, read_history
from tests.app.rig import request

SOON_S = 60
ROWS = "2020.01.06,{:02d}:{:02d},1550.{:02d},1550.90,1549.90,1550.50,10\n"


def test_the_history_is_given_before_the_session_is_open(home: Path) -> None:
    given: list[tuple[Bars, bool]] = []
    host = Host(
        request(home), lambda _error: None, history=lambda bars: given.append((bars, host._session is None and not opened.done()))
    )
    opened = host._opened
    opening = host.start().result(SOON_S)
    host.stop()
    [(bars, was_early)] = given
    assert was_early
    assert bars is opening.before["XAUUSD"]
    assert len(bars)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files read since."""
    seen: list[Path] = []

    def read(path: Path, *arguments: object) -> History:
        seen.append(path)
        return read_history(path, *arguments)

    monkeypatch.setattr(engine.feeds, "read_history", read)
    return seen


def recording(folder: Path, minutes: int) -> Path:
    file = folder / "XAUUSD_M1.csv"
    file.write_text("".join(ROWS.format(9 + at // 60, at % 60, at % 60) for at in range(minutes)), "utf-8")
    return file


def test_a_file_is_read_once_for_its_timeframe_and_its_bars(home: Path, reads: list[Path]) -> None:
    file = recording(home, 90)
    asked = request(home, replay=file, clock="UTC", policy="sma_cross")
    assert engine.feeds.timeframe_of(file, asked.instrument, "UTC") == asked.timeframe
    assert engine.feeds.feed_of(asked).tape.quotes == 4 * 90
    assert len(reads) == 1


def test_a_file_that_grew_meanwhile_is_read_again(home: Path, reads: list[Path]) -> None:
    asked = request(home, replay=recording(home, 90), clock="UTC", policy="sma_cross")
    engine.feeds.timeframe_of(asked.replay, instrument_of("XAUUSD"), "UTC")
    recording(home, 120)
    assert engine.feeds.feed_of(asked).tape.quotes == 4 * 120
    assert len(reads) == 2
