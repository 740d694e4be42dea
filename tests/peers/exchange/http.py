"""HTTP/1.1 and WebSocket frames, as much as a client of the exchange uses, from bytes and to bytes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


@dataclass(frozen=True, slots=True)
class Head:
    """A request as it stood on the wire; header names in lower case, `target` still percent-encoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def wants_socket(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"


def request(buffer: bytearray) -> Head | None:
    """Takes the next whole request from the buffer; None while it is not there yet."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    whole = end + 4 + int(headers.get("content-length", "0"))
    if len(buffer) < whole:
        return None
    body = bytes(buffer[end + 4 : whole])
    del buffer[:whole]
    method, target, _ = first.split(" ", 2)
    return Head(method, target, headers, body)


def response(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A whole answer; the connection stays open."""
    known = {it.value: it.phrase for it in HTTPStatus}
    shown = {"Content-Type": "application/json;charset=UTF-8", "Content-Length": str(len(body)), **headers}
    lines = [f"HTTP/1.1 {status} {known.get(status, 'Unknown')}", *(f"{name}: {value}" for name, value in shown.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def accept(head: Head) -> bytes:
    """The answer that makes a WebSocket of the connection; no extension is taken up."""
    key = head.headers["sec-websocket-key"].encode()
    proof = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {proof}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole frame from the server."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 65536:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + payload


@dataclass(slots=True)
class Frames:
    """What a client sends after the handshake, put together from masked frames."""

    buffer: bytearray = field(default_factory=bytearray)
    _pieces: bytearray = field(default_factory=bytearray)
    _kind: int = TEXT

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The whole messages that have arrived: opcode and payload."""
        self.buffer += data
        while (taken := self._take()) is not None:
            opcode, final, payload = taken
            if opcode >= CLOSE:
                yield opcode, payload
                continue
            if opcode:
                self._kind = opcode
            self._pieces += payload
            if final:
                whole, self._pieces = bytes(self._pieces), bytearray()
                yield self._kind, whole

    def _take(self) -> tuple[int, bool, bytes] | None:
        if len(self.buffer) < 6:
            return None
        size, start = self.buffer[1] & 0x7F, 2
        if size >= 126:
            wide = 2 if size == 126 else 8
            if len(self.buffer) < 6 + wide:
                return None
            size, start = int.from_bytes(self.buffer[2 : 2 + wide], "big"), 2 + wide
        end = start + 4 + size
        if len(self.buffer) < end:
            return None
        mask, masked = self.buffer[start : start + 4], self.buffer[start + 4 : end]
        payload = bytes(byte ^ mask[number % 4] for number, byte in enumerate(masked))
        opcode, final = self.buffer[0] & 0x0F, bool(self.buffer[0] & 0x80)
        del self.buffer[:end]
        return opcode, final, payload
