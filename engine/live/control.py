"""A door for the owner's commands into a running session: a loopback socket whose port and word lie in a private file."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from engine.core.errors import NiceGoldError, UserError

HOST = "127.0.0.1"
_LONGEST = 65_536
_PATIENCE_S = 60.0
_CONNECT_S = 5.0

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
        _write_whole(self._file, {"book": self._book, "pid": os.getpid(), "port": port, "word": self._word})

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
    """What the sessions said of where they listen. One of them may have died since: `ask` finds that out."""
    return [told for file in sorted(folder.glob("session-*.json")) if (told := _read(file)) is not None]


async def ask(told: dict[str, Any], request: dict[str, Any], patience_s: float = _PATIENCE_S) -> dict[str, Any]:
    """What the session of `sessions` answers. UserError where it refuses or cannot be reached.

    The file of one that listens no more is taken away.
    """
    try:
        async with asyncio.timeout(patience_s):
            reader, writer = await _reached(told)
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


async def _reached(told: dict[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(_CONNECT_S):
            return await asyncio.open_connection(HOST, told["port"], limit=_LONGEST)
    except ConnectionRefusedError as error:
        _forget(told)
        raise UserError(
            f"the session of book {told['book']} (process {told['pid']}) is not running any more; what works at its broker "
            "has to be cancelled there, or by a session of it"
        ) from error


def _forget(told: dict[str, Any]) -> None:
    """Takes the file away, unless another session has taken its name meanwhile."""
    file = Path(told["file"])
    if _read(file) == told:
        file.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Any] | None:
    """What a session's file says, with its own path; None where that cannot be read, which says nothing of the session."""
    try:
        told = json.loads(file.read_text())
        return {
            "book": int(told["book"]),
            "pid": int(told["pid"]),
            "port": int(told["port"]),
            "word": str(told["word"]),
            "file": str(file),
        }
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_whole(path: Path, told: dict[str, Any]) -> None:
    """For its owner's eyes only, and never there in part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".session-")  # made with mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(told, file)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
