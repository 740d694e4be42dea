"""What the exchange says when it will not: Binance's codes, statuses and words, which ccxt maps by."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A request is answered with an error: `status` of HTTP, `code` and `text` of the body."""

    def __init__(self, status: int, code: int, text: str, *, retry_after_s: int | None = None, data: Any = None) -> None:
        super().__init__(f"{code} {text}")
        self.status = status
        self.code = code
        self.text = text
        self.retry_after_s = retry_after_s
        self.data = data

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": self.code, "msg": self.text}
        return body if self.data is None else {**body, "data": self.data}


WORDS = {
    "bus": (500, -1006, "An unexpected response was received from the message bus. Execution status unknown."),
    "backend": (504, -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    "recv_window": (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    "ahead": (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time."),
    "signature": (400, -1022, "Signature for this request is not valid."),
    "tif": (400, -1115, "Invalid timeInForce."),
    "kind": (400, -1116, "Invalid orderType."),
    "side": (400, -1117, "Invalid side."),
    "interval": (400, -1120, "Invalid interval."),
    "symbol": (400, -1121, "Invalid symbol."),
    "combination": (400, -1128, "Combination of optional parameters invalid."),
    "balance": (400, -2010, "Account has insufficient balance for requested action."),
    "duplicate": (400, -2010, "Duplicate order sent."),
    "would_take": (400, -2010, "Order would immediately match and take."),
    "would_trigger": (400, -2010, "Stop price would trigger immediately."),
    "oco_prices": (400, -2010, "The relationship of the prices for the orders is not correct."),
    "unknown_order": (400, -2011, "Unknown order sent."),
    "no_order": (400, -2013, "Order does not exist."),
    "key_format": (401, -2014, "API-key format invalid."),
    "key": (401, -2015, "Invalid API-key, IP, or permissions for action."),
}


def refused(word: str) -> Refused:
    """The refusal of that name, ready to be raised or to be answered out of turn."""
    status, code, text = WORDS[word]
    return Refused(status, code, text)


def missing(name: str) -> Refused:
    return Refused(400, -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def unwanted(name: str) -> Refused:
    return Refused(400, -1106, f"Parameter '{name}' sent when not required.")


def unread(read: int, sent: int) -> Refused:
    return Refused(400, -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")


def illegal(name: str) -> Refused:
    return Refused(400, -1100, f"Illegal characters found in parameter '{name}'.")


def filtered(name: str) -> Refused:
    return Refused(400, -1013, f"Filter failure: {name}")


def too_heavy(limit: int, retry_after_s: int) -> Refused:
    text = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. Please use WebSocket Streams."
    return Refused(429, -1003, text, retry_after_s=retry_after_s)


def too_many_orders(limit: int, retry_after_s: int) -> Refused:
    return Refused(
        429, -1015, f"Too many new orders; current limit is {limit} orders per 10 SECOND.", retry_after_s=retry_after_s
    )


def banned(until_ms: int, retry_after_s: int) -> Refused:
    text = f"Way too much request weight used; IP banned until {until_ms}. Please use WebSocket Streams for live updates."
    return Refused(418, -1003, text, retry_after_s=retry_after_s)
