"""The TWS wire: frames of a 4-byte big-endian length and NUL-ended fields, and what the message numbers are called."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

UNSET_NUMBER = "1.7976931348623157E308"
"""How a double without a value is written."""

REQUESTS = {
    1: "reqMktData",
    2: "cancelMktData",
    3: "placeOrder",
    4: "cancelOrder",
    5: "reqOpenOrders",
    6: "reqAccountUpdates",
    7: "reqExecutions",
    8: "reqIds",
    9: "reqContractDetails",
    10: "reqMktDepth",
    11: "cancelMktDepth",
    15: "reqAutoOpenOrders",
    16: "reqAllOpenOrders",
    17: "reqManagedAccts",
    20: "reqHistoricalData",
    25: "cancelHistoricalData",
    49: "reqCurrentTime",
    50: "reqRealTimeBars",
    51: "cancelRealTimeBars",
    58: "reqGlobalCancel",
    59: "reqMarketDataType",
    61: "reqPositions",
    62: "reqAccountSummary",
    63: "cancelAccountSummary",
    64: "cancelPositions",
    71: "startApi",
    76: "reqAccountUpdatesMulti",
    77: "cancelAccountUpdatesMulti",
    81: "reqMatchingSymbols",
    82: "reqMktDepthExchanges",
    87: "reqHeadTimeStamp",
    90: "cancelHeadTimeStamp",
    91: "reqMarketRule",
    92: "reqPnL",
    93: "cancelPnL",
    94: "reqPnLSingle",
    95: "cancelPnLSingle",
    96: "reqHistoricalTicks",
    97: "reqTickByTickData",
    98: "cancelTickByTickData",
    99: "reqCompletedOrders",
}
"""What a client asks, by number."""

MESSAGES = {
    "tickPrice": 1,
    "tickSize": 2,
    "orderStatus": 3,
    "error": 4,
    "openOrder": 5,
    "updateAccountValue": 6,
    "updatePortfolio": 7,
    "updateAccountTime": 8,
    "nextValidId": 9,
    "contractDetails": 10,
    "execDetails": 11,
    "updateMktDepth": 12,
    "updateMktDepthL2": 13,
    "managedAccounts": 15,
    "historicalData": 17,
    "tickGeneric": 45,
    "tickString": 46,
    "currentTime": 49,
    "realtimeBar": 50,
    "contractDetailsEnd": 52,
    "openOrderEnd": 53,
    "accountDownloadEnd": 54,
    "execDetailsEnd": 55,
    "tickSnapshotEnd": 57,
    "marketDataType": 58,
    "commissionReport": 59,
    "position": 61,
    "positionEnd": 62,
    "accountSummary": 63,
    "accountSummaryEnd": 64,
    "accountUpdateMulti": 73,
    "accountUpdateMultiEnd": 74,
    "symbolSamples": 79,
    "mktDepthExchanges": 80,
    "tickReqParams": 81,
    "headTimestamp": 88,
    "historicalDataUpdate": 90,
    "marketRule": 93,
    "pnl": 94,
    "pnlSingle": 95,
    "historicalTicks": 96,
    "historicalTicksBidAsk": 97,
    "historicalTicksLast": 98,
    "tickByTick": 99,
    "orderBound": 100,
    "completedOrder": 101,
    "completedOrdersEnd": 102,
}
"""What the server says, by name. Names are those of the API's callbacks."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a client. `order` is the permId it is about, 0 for none, so that a fault can aim at it."""

    kind: str
    fields: tuple[Any, ...]
    order: int = 0

    def encode(self) -> bytes:
        """The framed bytes."""
        return frame("".join(text(field) + "\0" for field in (MESSAGES[self.kind], *self.fields)).encode())


def frame(payload: bytes) -> bytes:
    """The payload behind its length."""
    return struct.pack(">I", len(payload)) + payload


def text(value: Any) -> str:
    """A field as the wire has it: nothing for None, 1 and 0 for booleans, plain digits for numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return plain(value)
    return str(value)


def plain(value: Decimal) -> str:
    """A Decimal without exponent and without trailing zeros."""
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


class Frames:
    """Takes bytes in any pieces and gives whole payloads. Iterating takes what is complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def take(self, size: int) -> bytes | None:
        """The next `size` raw bytes, or None while they are not all there."""
        if len(self._buffer) < size:
            return None
        head = bytes(self._buffer[:size])
        del self._buffer[:size]
        return head

    @property
    def rest(self) -> bytes:
        """What has come of a message that is not complete."""
        return bytes(self._buffer)

    def __iter__(self) -> Iterator[bytes]:
        while len(self._buffer) >= 4:
            end = 4 + struct.unpack(">I", self._buffer[:4])[0]
            if len(self._buffer) < end:
                return
            payload = bytes(self._buffer[4:end])
            del self._buffer[:end]
            yield payload


def fields_of(payload: bytes) -> list[str]:
    """The NUL-ended fields of a payload."""
    return payload.decode().split("\0")[:-1]


class Fields:
    """Reads the fields of a request one after another. An empty field is "no value"."""

    def __init__(self, values: list[str]) -> None:
        self._values = values
        self._at = 0

    def text(self) -> str:
        value = self._values[self._at] if self._at < len(self._values) else ""
        self._at += 1
        return value

    def skip(self, count: int = 1) -> Fields:
        self._at += count
        return self

    def integer(self) -> int:
        return int(self.text() or 0)

    def number(self) -> Decimal | None:
        value = self.text()
        return Decimal(value) if value else None

    def flag(self) -> bool:
        return self.text() in ("1", "true", "True")
