"""The door for the owner's programs into a running session: HTTP on this machine alone, for who knows the word of its file."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from engine.core.errors import NiceGoldError, UserError
from engine.execution.hands import Refused
from engine.live.answers import Answers, Refusal
from engine.live.control import HOST, Nameplate
from engine.live.session import LiveSession

LARGEST = 65_536
"""Bytes of a body."""
READ_S = 10.0
"""How long a request may take to arrive."""
SILENT_S = 10.0
"""How long a connection may stay open on which nothing is said."""
MOST = 32
"""Connections at a time."""
LEAVE_S = 2.0
"""How long an answer on its way holds up the session's end."""

Handler = Callable[[web.Request], Any]


class Door:
    """Serves one session from `open` to `close`."""

    def __init__(self, folder: Path, book: int, session: LiveSession, fault: Callable[[Exception], None]) -> None:
        """`folder` is where the private file is put; `fault` is told of a bug in an answer."""
        self._plate = Nameplate(folder, book)
        self._session = session
        self._answers = Answers(session, book)
        self._fault = fault
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None

    async def open(self) -> None:
        """Listens, and tells where in the file."""
        app = web.Application(middlewares=[self._guard], client_max_size=LARGEST)
        for (method, path), answer in self._answers.table().items():
            app.router.add_route(method, path, self._answering(answer))
        self._runner = web.AppRunner(
            app, access_log=None, keepalive_timeout=SILENT_S, shutdown_timeout=LEAVE_S, auto_decompress=False
        )
        await self._runner.setup()
        self._listener = await asyncio.get_running_loop().create_server(self._connected, HOST, 0)
        self._port = int(self._listener.sockets[0].getsockname()[1])
        self._plate.put_up(self._port)

    async def close(self) -> None:
        """Listens no more and takes the file away."""
        self._plate.take_down()
        if self._listener is not None:
            self._listener.close()
        if self._runner is not None:
            await self._leave(self._runner)
        if self._listener is not None:
            await self._listener.wait_closed()
        self._runner = self._listener = None

    @staticmethod
    async def _leave(runner: web.AppRunner) -> None:
        """Whoever does not read what was said to it is not waited for."""
        server = runner.server
        open_ones = [] if server is None else [connection.transport for connection in server.connections]
        await runner.cleanup()
        for transport in open_ones:
            if transport is not None:
                transport.abort()

    def _connected(self) -> asyncio.BaseProtocol:
        """Who speaks with the next one to come. More than a few at a time are turned away: they would take what trading needs."""
        server = None if self._runner is None else self._runner.server
        return _TurnedAway() if server is None or len(server.connections) >= MOST else server()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Whoever does not know the word hears nothing of what is behind the door. Every answer is JSON."""
        try:
            self._admit(request)
            answer: web.StreamResponse = await handler(request)
            return answer
        except Refusal as refusal:
            return _refused(refusal.status, str(refusal))
        except Refused as refusal:
            return _refused(422, str(refusal))
        except UserError as error:
            return _refused(400, str(error))
        except NiceGoldError as error:
            return _refused(422, str(error))
        except web.HTTPException as error:
            return _refused(error.status, _SAID.get(error.status, error.reason))
        except Exception as error:  # a bug in an answer must not end the session, and is reported like any other
            self._fault(error)
            return _refused(500, f"a fault in the program ({type(error).__name__}); its report is in the log")

    def _admit(self, request: web.Request) -> None:
        if request.headers.get("Host") not in (f"{HOST}:{self._port}", f"localhost:{self._port}"):
            raise Refusal(403, "this door is for programs of this machine that call it by its address")
        if "Origin" in request.headers:
            raise Refusal(403, "this door is not for pages of a browser")
        kind, _, word = request.headers.get("Authorization", "").partition(" ")
        is_known = hmac.compare_digest(word.strip().encode(errors="surrogateescape"), self._plate.word.encode())
        if kind.lower() != "bearer" or not is_known:
            raise Refusal(401, "the word of the session's file is needed: Authorization: Bearer WORD")

    def _answering(self, answer: Handler) -> Handler:
        async def answered(request: web.Request) -> web.Response:
            try:
                async with asyncio.timeout(READ_S):
                    await request.read()
            except TimeoutError:
                raise Refusal(408, f"the request did not arrive within {READ_S:g} s") from None
            if self._session.has_ended:
                raise Refusal(503, "the session is over; nothing was done")
            return web.json_response(await answer(request))

        return answered


class _TurnedAway(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def _refused(status: int, sentence: str) -> web.Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return web.json_response({"error": sentence}, status=status, headers=headers)


_SAID = {
    404: "there is nothing at this address; it begins with /v1",
    405: "this cannot be done at this address",
    413: f"the body is longer than {LARGEST} bytes",
}
