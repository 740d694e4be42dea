"""What was on the wire, for tests to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from tests.peers.exchange.http import Head


class Caller(Protocol):
    """Who asked and hears the answer; `origin` is its link or its socket."""

    origin: Any

    def answer(self, answer: Any) -> None: ...

    def answer_in_part(self, answer: Any, count: int) -> None: ...

    def abort(self) -> None: ...


@dataclass(slots=True, eq=False)
class Request:
    """One request as it arrived. `method` is WS for a message on a socket, whose own method is then in `name`,
    and all of it in `message`.

    `path` is without the query, `target` and `body` as they were sent; `parameters` those of query and body together.
    `status` is that of the answer the exchange gave, None while or if it gave none; `at_ms` by the exchange's clock.
    """

    method: str
    path: str
    name: str
    parameters: Mapping[str, str]
    target: str
    body: bytes
    key: str | None
    at_ms: int
    caller: Caller
    message: Any = None
    status: int | None = None
    code: int | None = None

    @property
    def kind(self) -> str:
        """What faults call it: "POST order", "GET ticker/24hr", "SUBSCRIBE"."""
        return self.name if self.method == "WS" else f"{self.method} {self.name}"

    @property
    def signed_text(self) -> str:
        """What the signature was made of: query and body as sent, or the sorted parameters on a socket."""
        if self.method == "WS":
            return "&".join(f"{name}={value}" for name, value in sorted(self.parameters.items()) if name != "signature")
        text = self.target.partition("?")[2] + self.body.decode()
        return "&".join(part for part in text.split("&") if not part.startswith("signature="))


def from_http(head: Head, caller: Caller, now_ms: int) -> Request:
    parameters = dict(parse_qsl(head.query, keep_blank_values=True)) | dict(parse_qsl(head.body.decode(), keep_blank_values=True))
    name, key = "/".join(head.path.strip("/").split("/")[2:]), head.headers.get("x-mbx-apikey")
    return Request(head.method, head.path, name, parameters, head.target, head.body, key, now_ms, caller)


def from_socket(path: str, message: Any, payload: bytes, caller: Caller, now_ms: int) -> Request:
    asked = message.get("params")
    given = asked if isinstance(asked, dict) else {"streams": ",".join(asked or [])}
    parameters = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    name, key = str(message.get("method")), parameters.get("apiKey")
    return Request("WS", path, name, parameters, path, payload, key, now_ms, caller, message)
