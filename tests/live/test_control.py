"""The door into a running session: its file is there whole or not at all, and goes only with the session."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.live.control import HOST, ask, sessions
from tests.live.rig import on_paper, played


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


@played
async def test_a_session_is_found_by_its_private_file_and_answers(folder: Path, patch: pytest.MonkeyPatch) -> None:
    signalled: list[tuple[int, int]] = []
    patch.setattr(os, "kill", lambda *given: signalled.append(given))
    async with on_paper(folder, patch) as desk:
        [file] = folder.glob("session-*.json")
        assert os.name == "nt" or file.stat().st_mode & 0o777 == 0o600
        [told] = sessions(folder)
        assert (told["book"], told["pid"]) == (desk.opened.book.id, os.getpid())
        assert (await asyncio.to_thread(ask, told, "GET", "/v1/state"))["book"] == told["book"]
    assert sessions(folder) == []
    assert signalled == []  # a process is never sent anything to find out whether it lives


@pytest.mark.parametrize("text", ["", '{"book": 1, "pid"', "[]", '{"book": 1}', '{"book": 1, "pid": 2, "port": "x", "word": ""}'])
def test_a_file_that_cannot_be_read_is_passed_over_and_stays(tmp_path: Path, text: str) -> None:
    file = tmp_path / "session-1-1.json"
    file.write_text(text)
    assert sessions(tmp_path) == []
    assert file.read_text() == text


def test_the_file_of_a_session_that_listens_no_more_goes_when_it_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "session-1-7.json"
    file.write_text(f'{{"book": 7, "pid": {os.getpid()}, "port": {_closed_port()}, "word": "word"}}')
    [told] = sessions(tmp_path)
    assert file.exists()
    with pytest.raises(UserError, match=r"the session of book 7 \(process \d+\) is not running any more"):
        ask(told, "POST", "/v1/kill", {})
    assert not file.exists()


def test_a_session_that_says_nothing_is_given_up_after_a_while(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind((HOST, 0))
        deaf.listen()
        (tmp_path / "session-1-7.json").write_text(f'{{"book": 7, "pid": 1, "port": {deaf.getsockname()[1]}, "word": "word"}}')
        [told] = sessions(tmp_path)
        with pytest.raises(UserError, match=r"did not answer within 0\.2 s"):
            ask(told, "POST", "/v1/kill", {}, patience_s=0.2)
    assert sessions(tmp_path) == [told]


def test_a_file_that_another_session_has_written_meanwhile_stays(tmp_path: Path) -> None:
    file = tmp_path / "session-1-7.json"
    said = f'{{"book": 7, "pid": 1, "port": {_closed_port()}, "word": "%s"}}'
    file.write_text(said % "old")
    [told] = sessions(tmp_path)
    file.write_text(said % "new")
    with pytest.raises(UserError, match="is not running any more"):
        ask(told, "POST", "/v1/kill", {})
    assert file.exists()
