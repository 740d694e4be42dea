"""The door into a running session: its file is there whole or not at all, and goes only with the session."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import UserError
from engine.live.control import HOST, Control, ask, sessions


async def _echo(request: dict[str, Any]) -> dict[str, Any]:
    return {"heard": request["do"]}


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def test_a_session_is_found_by_its_private_file_and_answers(tmp_path: Path) -> None:
    async def play() -> None:
        control = Control(tmp_path, 3, _echo)
        await control.open()
        try:
            [file] = tmp_path.iterdir()
            assert os.name == "nt" or file.stat().st_mode & 0o777 == 0o600
            [told] = sessions(tmp_path)
            assert (told["book"], told["pid"]) == (3, os.getpid())
            assert await ask(told, {"do": "sing"}) == {"heard": "sing"}
        finally:
            await control.close()
        assert list(tmp_path.iterdir()) == []

    asyncio.run(play())


def test_looking_for_sessions_sends_no_process_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signalled: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *given: signalled.append(given))

    async def play() -> None:
        control = Control(tmp_path, 3, _echo)
        await control.open()
        try:
            assert await ask(sessions(tmp_path)[0], {"do": "sing"}) == {"heard": "sing"}
        finally:
            await control.close()

    asyncio.run(play())
    assert signalled == []


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
        asyncio.run(ask(told, {"do": "kill"}))
    assert not file.exists()


def test_a_file_that_another_session_has_written_meanwhile_stays(tmp_path: Path) -> None:
    file = tmp_path / "session-1-7.json"
    said = f'{{"book": 7, "pid": 1, "port": {_closed_port()}, "word": "%s"}}'
    file.write_text(said % "old")
    [told] = sessions(tmp_path)
    file.write_text(said % "new")
    with pytest.raises(UserError, match="is not running any more"):
        asyncio.run(ask(told, {"do": "kill"}))
    assert file.exists()
