"""Compiling ahead: once for an installation, in a process of its own, and given up when the session closes."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from engine.config import Config
from engine.core.errors import EngineStopped, NiceGoldError
from engine.domain.instrument import instrument_of
from engine.domain.market import Timeframe
from engine.services import rehearsal
from engine.session import Request


@pytest.fixture
def request_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    books = f"sqlite:///{(tmp_path / 'books.db').as_posix()}"
    return Request(books, tmp_path / "models", instrument_of("XAUUSD"), Timeframe.of("M1"), Config())


def test_a_rehearsal_plays_on_books_of_its_own_and_says_how_far_it_is(request_: Request, tmp_path: Path) -> None:
    shares: list[float] = []
    rehearsal.rehearse(request_, lambda share, _words: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert not (tmp_path / "books.db").exists()


def test_what_was_compiled_once_is_not_compiled_again(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(rehearsal, "run_apart", lambda *arguments: asked.append(arguments[0]))
    rehearsal.compile_ahead(request_)
    rehearsal.compile_ahead(request_)
    assert asked == [rehearsal.rehearse]


def test_a_rehearsal_that_fails_is_no_reason_not_to_open_and_is_tried_again(request_: Request, monkeypatch) -> None:
    tries: list[int] = []

    def fail(*_: object) -> None:
        tries.append(1)
        raise NiceGoldError("the worker died")

    monkeypatch.setattr(rehearsal, "run_apart", fail)
    rehearsal.compile_ahead(request_)
    rehearsal.compile_ahead(request_)
    assert len(tries) == 2


def test_closing_meanwhile_ends_the_process(request_: Request, tmp_path: Path) -> None:
    def leave(_share: float, _words: str) -> None:
        raise EngineStopped("closed")

    with pytest.raises(EngineStopped):
        rehearsal.compile_ahead(replace(request_, progress=leave))
    assert multiprocessing.active_children() == []
    assert list(tmp_path.glob("rehearsed-*")) == []
