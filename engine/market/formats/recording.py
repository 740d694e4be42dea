"""Recorded exchange messages (cryptofeed's raw files): `seconds: JSON` a line, before them the addresses spoken to.

Times are those of arrival, so that a replay knows nothing earlier than the recorder did; finished klines have their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import numpy as np

from engine.core.clock import SECOND, Nanos
from engine.core.errors import DataError
from engine.domain.market import TIMEFRAMES, Floats, Symbol, Timeframe
from engine.market.formats.base import BadRow, Format, Parsed
from engine.market.formats.header import NEEDED
from engine.market.formats.source import Source
from engine.market.formats.venues import Events, Message, reader_of
from engine.market.formats.venues.events import Best, Deal, Kline

_LINE = re.compile(
    r"(?:(?P<url>\w+://\S+) (?P<way><->|->|<-) )?(?P<second>\d{9,11})\.?(?P<part>\d*)(?:: (?P<body>.*))?$", re.DOTALL
)
_HEAD = re.compile(rb"(\w+://\S+) (<->|->|<-) \d{9,11}(\.\d+)?")
_MOST_NAMED = 8


def detects(head: bytes, name: str) -> bool:
    return _HEAD.match(head) is not None


def parse(source: Source) -> Parsed:
    """Quotes of the wanted instrument; where a timeframe is wanted (or there are no quotes) its klines, or bars of its trades.

    DataError when the exchange is not known, or the recording holds nothing of the kind.
    """
    label = source.path.name
    match = _HEAD.match(source.head)
    address = match[1].decode("utf-8", "replace") if match else ""
    read = reader_of(address)
    if read is None:
        raise DataError(f"{label}: recorded at {address}, whose messages are not known")
    bad: list[BadRow] = []
    try:
        found = read(_messages(source, bad))
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise DataError(f"{label}: a message is not as {address} sends them ({type(error).__name__}: {error})") from error
    events = _wanted(found, source.wanted.symbol, label)
    frame = source.wanted.timeframe
    if frame is None and events.quotes:
        return _ticks(events.quotes, bad)
    return _bars(_klines(events, frame, label), bad)


def _messages(source: Source, bad: list[BadRow]) -> Iterator[Message]:
    for number, line in enumerate(source.text.decode("utf-8", "replace").split("\n"), 1):
        match = _LINE.match(line)
        if match is None or match["body"] is None or match["way"] == "<-":
            continue
        try:
            body = json.loads(match["body"])
        except (ValueError, RecursionError):
            bad.append(BadRow(number, "message is not JSON"))
            continue
        yield Message(number, _nanos(match["second"], match["part"]), match["url"] or "", body)


def _nanos(second: str, part: str) -> Nanos:
    return int(second) * SECOND + int(part.ljust(9, "0")[:9])


def _wanted(found: dict[Symbol, Events], symbol: Symbol | None, label: str) -> Events:
    filled = {name: events for name, events in found.items() if events.quotes or events.deals or events.klines}
    if not filled:
        raise DataError(f"{label}: holds no prices, only descriptions of instruments or single changes; import the stream's file")
    if symbol is None and len(filled) == 1:
        return next(iter(filled.values()))
    if symbol not in filled:
        names = ", ".join(sorted(filled)[:_MOST_NAMED]) + (", ..." if len(filled) > _MOST_NAMED else "")
        raise DataError(f"{label}: holds {names}, not {symbol or 'one instrument only'}; check --instrument")
    return filled[symbol]


def _ticks(quotes: Sequence[Best], bad: list[BadRow]) -> Parsed:
    line, at = (np.array([getattr(quote, name) for quote in quotes], np.int64) for name in ("line", "at"))
    columns = {name: np.array([getattr(quote, name) for quote in quotes]) for name in ("bid", "ask")}
    return Parsed(line, at, columns, tuple(bad), 0, clock="UTC")


def _klines(events: Events, frame: Timeframe | None, label: str) -> tuple[list[Kline], Timeframe]:
    """The exchange's own finished bars of the timeframe, else bars of the trades."""
    spans = {kline.span for kline in events.klines}
    wanted = frame or next((each for each in TIMEFRAMES.values() if each.span in spans), TIMEFRAMES["M1"])
    if wanted.span in spans:
        return [kline for kline in events.klines if kline.span == wanted.span], wanted
    if not events.deals:
        raise DataError(f"{label}: holds no {wanted.name} bars and no trades to build them of; leave --timeframe away for quotes")
    grouped = groupby(sorted(events.deals, key=attrgetter("at")), key=lambda deal: wanted.floor(deal.at))
    return [_built(at, wanted.span, list(deals)) for at, deals in grouped], wanted


def _built(at: Nanos, span: Nanos, deals: list[Deal]) -> Kline:
    prices = [deal.price for deal in deals]
    volume = sum(deal.amount for deal in deals)
    return Kline(deals[0].line, at, span, prices[0], max(prices), min(prices), prices[-1], volume)


def _bars(made: tuple[list[Kline], Timeframe], bad: list[BadRow]) -> Parsed:
    klines, frame = made
    line, at = (np.array([getattr(kline, name) for kline in klines], np.int64) for name in ("line", "at"))
    columns: dict[str, Floats] = {name: np.array([getattr(kline, name) for kline in klines]) for name in NEEDED}
    return Parsed(line, at, columns, tuple(bad), 0, clock="UTC", timeframe=frame)


FORMAT = Format(
    "recording",
    "Recorded exchange messages (Binance, Coinbase, Kraken, OKX, Bybit)",
    detects,
    parse,
    '1626992741.06217: {"stream":"sushiusdt@bookTicker","data":{...}}',
)
