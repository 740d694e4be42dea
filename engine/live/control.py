"""A door for the owner's commands into a running session: a loopback socket whose port and word lie in a private file."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from engine.core.errors import NiceGoldError, UserError

HOST = "127.0.0.1"
_LONGEST = 65_536
_PATIENCE_S = 60.0

Answer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Control:
    """Serves one session. `answer` is given each request of whoever knows the word."""

    def __init__(self, folder: Path, book: int, answer: Answer) -> None:
        self._file = folder / f"session-{os.getpid()}-{book}.json"
        self._book = book
        self._answer = answer
        self._word = secrets.token_hex(32)
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listens, and tells where in the file."""
        self._server = await asyncio.start_server(self._serve, HOST, 0, limit=_LONGEST)
        port = self._server.sockets[0].getsockname()[1]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({"book": self._book, "pid": os.getpid(), "port": port, "word": self._word}, file)

    async def close(self) -> None:
        """Listens no more and takes the file away."""
        self._file.unlink(missing_ok=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await asyncio.wait_for(reader.readline(), _PATIENCE_S))
            if not hmac.compare_digest(str(request.pop("word", "")), self._word):
                return
            writer.write(json.dumps(await self._carry_out(request)).encode() + b"\n")
            await writer.drain()
        except (ValueError, AttributeError, TimeoutError, ConnectionError):
            pass  # whoever does not know how to ask is not answered
        finally:
            writer.close()

    async def _carry_out(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"answer": await self._answer(request)}
        except NiceGoldError as error:
            return {"refused": str(error)}


def sessions(folder: Path) -> list[dict[str, Any]]:
    """The sessions that said where they listen; a file of one that died is passed over and taken away."""
    found = []
    for file in sorted(folder.glob("session-*.json")):
        try:
            told = json.loads(file.read_text())
            os.kill(int(told["pid"]), 0)
        except (OSError, ValueError, KeyError, TypeError):
            file.unlink(missing_ok=True)
            continue
        found.append(told)
    return found


async def ask(told: dict[str, Any], request: dict[str, Any], patience_s: float = _PATIENCE_S) -> dict[str, Any]:
    """What the session of `sessions` answers. UserError where it refuses or cannot be reached."""
    try:
        async with asyncio.timeout(patience_s):
            reader, writer = await asyncio.open_connection(HOST, int(told["port"]), limit=_LONGEST)
            try:
                writer.write(json.dumps({**request, "word": told["word"]}).encode() + b"\n")
                line = await reader.readline()
            finally:
                writer.close()
        answer: dict[str, Any] = json.loads(line)
    except (OSError, TimeoutError, ValueError) as error:
        raise UserError(f"the session of book {told['book']} (process {told['pid']}) does not answer: {error}") from error
    if "refused" in answer:
        raise UserError(str(answer["refused"]))
    found: dict[str, Any] = answer["answer"]
    return found
