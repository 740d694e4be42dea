"""A program of the owner's that speaks with a running session over real HTTP."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from engine.live.control import HOST, sessions

Said = tuple[int, Any]


class Caller:
    """Asks the session whose file lies in a folder; what is said is (status, JSON)."""

    def __init__(self, client: aiohttp.ClientSession, told: dict[str, Any]) -> None:
        self._client = client
        self.port = int(told["port"])
        self.headers = {"Authorization": f"Bearer {told['word']}"}

    async def get(self, path: str) -> Said:
        return await self.ask("GET", path)

    async def post(self, path: str, body: Any = None, key: str = "") -> Said:
        """With an Idempotency-Key where one is given."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.ask("POST", path, json={} if body is None else body, headers={**self.headers, **headers})

    async def ask(self, method: str, path: str, **terms: Any) -> Said:
        """Anything at all; `terms` as aiohttp has them."""
        terms.setdefault("headers", self.headers)
        async with self._client.request(method, f"http://{HOST}:{self.port}{path}", **terms) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def calling(folder: Path, process: int | None = None) -> AsyncIterator[Caller]:
    """Somebody who has read the file of the session that runs in this folder, in this `process` or in this program."""
    [told] = [told for told in sessions(folder) if told["pid"] == (process or os.getpid())]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as client:
        yield Caller(client, told)
