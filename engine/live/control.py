"""The way into a running session from another program: its private file says the port and the word of its door."""

from __future__ import annotations

import json
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from engine.core.errors import UserError

HOST = "127.0.0.1"
BY = "NiceGold-By"
"""The header in which a program of ours says what it is, for the journal."""
PATIENCE_S = 60.0
CONNECT_S = 2.0
NONE: Mapping[str, str] = {}


class Nameplate:
    """The file that tells the session's owner, and nobody else, where it listens."""

    def __init__(self, folder: Path, book: int) -> None:
        self._file = folder / f"session-{os.getpid()}-{book}.json"
        self._book = book
        self.word = secrets.token_hex(32)

    def put_up(self, port: int) -> None:
        """From here on `sessions` finds it."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(self._file, {"book": self._book, "pid": os.getpid(), "port": port, "word": self.word})

    def take_down(self) -> None:
        """Nobody finds it any more."""
        self._file.unlink(missing_ok=True)


def sessions(folder: Path) -> list[dict[str, Any]]:
    """What the sessions said of where they listen. One of them may have died since: `ask` finds that out."""
    return [told for file in sorted(folder.glob("session-*.json")) if (told := _read(file)) is not None]


def listening(folder: Path) -> list[dict[str, Any]]:
    """As `sessions`, of those somebody listens for; the files of the others are taken away."""
    return [told for told in sessions(folder) if _is_reached(told)]


def _is_reached(told: dict[str, Any]) -> bool:
    try:
        with socket.create_connection((HOST, told["port"]), CONNECT_S):
            return True
    except ConnectionRefusedError:
        _forget(told)
        return False
    except OSError:  # one that is too busy to be reached is there all the same
        return True


def ask(
    told: dict[str, Any],
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    patience_s: float = PATIENCE_S,
    **headers: str,
) -> dict[str, Any]:
    """What the session of `sessions` answers; waits for it. UserError where it refuses or cannot be reached.

    `path` begins with /v1; underscores in the names of `headers` stand for hyphens. The file of one that listens no more is taken
    away.
    """
    name = f"the session of book {told['book']} (process {told['pid']})"
    connection = HTTPConnection(HOST, told["port"], timeout=patience_s)
    try:
        sent = None if body is None else json.dumps(body).encode()
        known = {"Authorization": f"Bearer {told['word']}", "Content-Type": "application/json", BY: "command line"}
        connection.request(method, path, sent, {**known, **headers})
        answer = connection.getresponse()
        found = json.loads(answer.read())
    except ConnectionRefusedError as error:
        _forget(told)
        raise UserError(
            f"{name} is not running any more; what works at its broker has to be cancelled there, or by a session of it"
        ) from error
    except TimeoutError as error:
        raise UserError(
            f"{name} did not answer within {patience_s:g} s; what was asked of it may be done all the same"
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        raise UserError(f"{name} does not answer: {error or type(error).__name__}") from error
    finally:
        connection.close()
    if not isinstance(found, dict) or "error" in found:
        raise UserError(str(found["error"]) if isinstance(found, dict) else f"{name} answers what nobody understands")
    return found


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
