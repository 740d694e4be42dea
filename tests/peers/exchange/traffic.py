"""The way of a request: recorded, met by what is to go wrong, carried out, and its answer met likewise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.peers.exchange.desk import Desk
from tests.peers.exchange.faults import CutAt, Reply, refusal, reply, spoken
from tests.peers.exchange.record import Request
from tests.peers.exchange.refusals import Refused
from tests.peers.exchange.routes import ROUTES, SOCKET_METHODS
from tests.peers.exchange.streams import Hub, Socket
from tests.peers.faults import Action, Answer, Cut, Faults, Mute, Passage

SUBSCRIPTIONS = {"SUBSCRIBE", "UNSUBSCRIBE"}
USER_SUBSCRIPTION = "userDataStream.subscribe.signature"


class Traffic:
    """Requests of all connections in the order of their arrival; `seen` keeps every one."""

    def __init__(self, desk: Desk, hub: Hub, faults: Faults, later: Callable[[float, Callable[[], None]], None]) -> None:
        self.seen: list[Request] = []
        self._desk = desk
        self._hub = hub
        self._asked = Passage(faults, self._arrived, later)
        self._answered = Passage(faults, self._left, later)

    def take(self, request: Request) -> None:
        self.seen.append(request)
        self._asked.put(request.kind, request)

    def _arrived(self, kind: str, request: Request, action: Action | None) -> None:
        match action:
            case Answer():
                self._say(request, spoken(action, request))
            case Cut(acted):
                if acted:
                    self._carry_out(request)
                request.caller.abort()
            case Mute():
                self._carry_out(request)
            case _:
                answer = self._carry_out(request)
                if answer is not None:
                    self._answered.put(f"answer {kind}", answer)

    def _left(self, kind: str, answer: Reply, action: Action | CutAt | None) -> None:
        match action:
            case Answer():
                self._say(answer.request, spoken(action, answer.request))
            case CutAt(bytes=count):
                answer.request.caller.answer_in_part(answer, count)
            case Cut():
                answer.request.caller.abort()
            case None:
                self._say(answer.request, answer)

    def _say(self, request: Request, answer: Reply) -> None:
        request.status = answer.status
        request.caller.answer(answer)

    def _carry_out(self, request: Request) -> Reply | None:
        """The answer; None where a socket was told otherwise."""
        try:
            if request.kind in SUBSCRIPTIONS and isinstance(request.caller.origin, Socket):
                self._hub.subscribe(request.caller.origin, request.message)
                return None
            if request.kind == USER_SUBSCRIPTION and isinstance(request.caller.origin, Socket):
                self._admit(request, 2, signed=True)
                self._hub.subscribe_user(request.caller.origin, request.message)
                return None
            return reply(request, self._value(request), {"X-MBX-USED-WEIGHT-1M": str(self._desk.gate.used_weight)})
        except Refused as reason:
            request.code = reason.code
            return refusal(request, reason)

    def _value(self, request: Request) -> Any:
        where = (request.method, request.path)
        route = ROUTES.get(SOCKET_METHODS.get(request.name, where) if request.method == "WS" else where)
        if route is None:
            raise Refused(404, -1, f"Not found: {request.kind}")
        self._admit(request, route.weight, signed=route.signed)
        if route.is_order:
            self._desk.gate.count_order(self._desk.now_ms())
        return route.carry_out(self._desk, request.parameters)

    def _admit(self, request: Request, weight: int, *, signed: bool) -> None:
        gate, now = self._desk.gate, self._desk.now_ms()
        gate.weigh(weight, now)
        if signed:
            gate.check_key(request.key)
            gate.check_signed(request.signed_text, request.parameters.get("signature"), request.parameters, now)
