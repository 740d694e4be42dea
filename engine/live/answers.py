"""What a running session answers to its owner's programs, one line an address. Intents meet the same gate as the window's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from aiohttp import web

from engine.core.errors import UserError
from engine.domain import facts as f
from engine.domain.intents import Intent, SubmitOrder, encode
from engine.domain.order import Order
from engine.live import bodies, telling
from engine.live.control import BY
from engine.live.kill import kill
from engine.live.repeats import Outcome
from engine.live.session import LiveSession

RECORD_S = 10.0
"""How long an order's way to the disk is waited for."""
LONGEST_KEY = 200
PROGRAMS = frozenset({"command line"})
"""Who may say so of itself; everybody else is "api"."""

INTENTS: dict[tuple[str, str], type[bodies.Body]] = {
    ("DELETE", "/v1/orders/{order}"): bodies.Cancel,
    ("PATCH", "/v1/orders/{order}"): bodies.Change,
    ("POST", "/v1/flatten"): bodies.Flatten,
    ("POST", "/v1/signals/{signal}"): bodies.Answer,
    ("POST", "/v1/halt"): bodies.Halt,
    ("POST", "/v1/resume"): bodies.Resume,
    ("POST", "/v1/limits"): bodies.Limit,
    ("POST", "/v1/protection"): bodies.Protection,
    ("POST", "/v1/reconnect"): bodies.Reconnect,
    ("POST", "/v1/roll"): bodies.Roll,
}
"""Arming is not among them: the account's name is typed by a person at the desk."""


class Refusal(Exception):
    """An answer that says no, with its HTTP status."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Answers:
    """Answers for one session. Each is given the request and returns what is to be said, or raises Refusal or UserError."""

    def __init__(self, session: LiveSession, book: int) -> None:
        self._session = session
        self._book = book

    def table(self) -> dict[tuple[str, str], Callable[[web.Request], Any]]:
        """What is answered where."""
        return {
            ("GET", "/v1/state"): self._state,
            ("POST", "/v1/kill"): self._kill,
            ("POST", "/v1/orders"): self._order,
            ("GET", "/v1/orders/{order}"): self._look,
            **{place: self._carrying_out(kind) for place, kind in INTENTS.items()},
        }

    async def _state(self, _request: web.Request) -> dict[str, Any]:
        pipeline, view = self._session.pipeline, self._session.picture()
        waiting = {held.symbol: pipeline.protection.waiting(held.symbol) for held in view.positions}
        return {"book": self._book, **telling.state(view, pipeline.instruments, waiting)}

    async def _kill(self, request: web.Request) -> dict[str, Any]:
        asked = await _read(request, bodies.Kill)
        try:
            return asdict(await kill(self._session, asked.flatten, asked.drill, _by(request)))
        except UserError as error:
            raise Refusal(422, str(error)) from error

    async def _look(self, request: web.Request) -> dict[str, Any]:
        return telling.order(known := self._known(request), self._session.pipeline.instruments[known.symbol])

    # --- orders -------------------------------------------------------------------------------------------------------

    async def _order(self, request: web.Request) -> dict[str, Any]:
        asked = await _read(request, bodies.Order)
        preview = _preview(request)
        key = "" if preview else _key(request)
        if preview or self._session.repeats.of(key) is None:  # what came before is told for as long as somebody answers
            self._refuse_late()
        intent = asked.intent(bodies.Place(self._session.pipeline))
        if preview:
            return self._preview(intent)
        return await self._once(intent, _by(request), key)

    def _preview(self, intent: SubmitOrder) -> dict[str, Any]:
        verdict = self._session.preview(intent)
        return telling.verdict(verdict, self._session.pipeline.instruments[intent.symbol])

    async def _once(self, intent: SubmitOrder, by: str, key: str) -> dict[str, Any]:
        """Places the order unless its key has come before; what is answered is the same each time."""
        known = self._session.repeats.of(key)
        if known is None:
            self._session.do(intent, by, key)
            known = self._session.repeats.of(key)
        elif known.intent != encode(intent):
            raise Refusal(409, f"the Idempotency-Key {key} has come with another order before; give each order a key of its own")
        if known is None:
            raise Refusal(500, "a fault in the program: the order was not placed; see the log")
        await self._recorded()
        return _told(known)

    async def _recorded(self) -> None:
        """Returns when what was done is on a disk, or will not be."""
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._session.journal.when_durable(partial(_tell, answered), safety=False)
        try:
            async with asyncio.timeout(RECORD_S):
                await answered
        except TimeoutError:
            raise Refusal(503, "the order is not on record yet; ask again with the same Idempotency-Key") from None

    def _known(self, request: web.Request) -> Order:
        name = request.match_info["order"]
        known = self._session.pipeline.register.orders.get(name)
        if known is None:
            raise Refusal(404, f"this session knows no order {name}")
        return known

    # --- everything else ----------------------------------------------------------------------------------------------

    def _carrying_out(self, kind: type[bodies.Body]) -> Callable[[web.Request], Any]:
        async def answer(request: web.Request) -> dict[str, Any]:
            asked = await _read(request, kind)
            self._refuse_late()
            if "order" in request.match_info:
                self._known(request)
            place = bodies.Place(self._session.pipeline, next(iter(request.match_info.values()), ""))
            return self._done(asked.intent(place), _by(request))

        return answer

    def _done(self, intent: Intent, by: str) -> dict[str, Any]:
        records = self._session.do(intent, by)
        for record in records:
            if isinstance(record.fact, f.IntentRefused):
                raise Refusal(422, record.fact.reason)
        if not records:
            raise Refusal(500, "a fault in the program: what was asked is not done; see the log")
        return {"facts": [json.loads(f.canonical(record)) for record in records]}

    def _refuse_late(self) -> None:
        if self._session.is_leaving:
            raise Refusal(503, "the session is being closed; nothing was done")


def _tell(waiting: asyncio.Future[str], word: str) -> None:
    if not waiting.done():  # its patience may have ended
        waiting.set_result(word)


def _told(outcome: Outcome) -> dict[str, Any]:
    """The same words whenever it is asked."""
    if outcome.refused:
        raise Refusal(422, outcome.refused)
    if outcome.unrecorded:
        raise Refusal(503, outcome.unrecorded)
    if not outcome.placed:
        raise Refusal(500, "a fault in the program: the order was not placed; see the log")
    return {"order": outcome.placed[0], "orders": outcome.placed}


async def _read(request: web.Request, kind: type[bodies.B]) -> bodies.B:
    raw = await request.read()
    if raw and (request.content_type != "application/json" or "Content-Encoding" in request.headers):
        raise Refusal(415, "the body must be sent as application/json, and as it is: not compressed")
    return bodies.read(raw, kind)


def _key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise UserError("an order needs the header Idempotency-Key, so that it may be sent again without being placed twice")
    if len(key) > LONGEST_KEY or not all(" " <= char <= "~" for char in key):
        raise UserError(f"an Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters")
    return key


def _preview(request: web.Request) -> bool:
    """Whether nothing is to be placed. What the address asks beside that is refused: a word misspelt must not place an order."""
    asked = list(request.query.items())
    if asked not in ([], [("preview", "true")], [("preview", "false")]):
        raise UserError(f"?{request.query_string:.100} is not understood; give preview=true, preview=false or nothing")
    return ("preview", "true") in asked


def _by(request: web.Request) -> str:
    said = request.headers.get(BY, "")
    return said if said in PROGRAMS else "api"
