"""Bars and ticks of the past, made from each contract's price path."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.peers.tws import messages
from tests.peers.tws.answers.resolving import resolve
from tests.peers.tws.bars import KeptUpToDate
from tests.peers.tws.checks import parse_time
from tests.peers.tws.codec import Fields, Message
from tests.peers.tws.contracts import Asked, Contract, read_contract
from tests.peers.tws.hours import NEW_YORK, ZONE_NAME, is_open, sessions_back
from tests.peers.tws.path import bar_starts
from tests.peers.tws.record import Received

if TYPE_CHECKING:
    from tests.peers.tws.session import Session

FIRST_DATA = datetime(2006, 12, 31, 23, tzinfo=UTC)
UNITS_S = {"sec": 1, "secs": 1, "min": 60, "mins": 60, "hour": 3600, "hours": 3600, "day": 86_400}
DAYS = {"W": 7, "M": 30, "Y": 365}
MOST_TICKS = 1000
PREFIX = "Historical Market Data Service error message:"
PACING = f"{PREFIX}Historical data request pacing violation"


def historical_data(session: Session, fields: Fields, received: Received) -> None:
    request, asked = fields.integer(), read_contract(fields)
    asked = replace(asked, expired=fields.flag())
    end, size, duration = fields.text(), fields.text(), fields.text()
    regular, what, format_date, keep = fields.flag(), fields.text(), fields.integer(), fields.flag()
    contract = _contract_with(session, request, asked, what)
    if contract is None:
        return
    venue = session.venue
    if venue.pacing.violated(contract.con_id, what, received.fields[1:]):
        session.error(request, 162, PACING)
        return
    try:
        size_s, until = _seconds(size), parse_time(end) or venue.market.now()
        since = _since(until, duration)
    except (KeyError, ValueError) as wrong:
        session.error(request, 321, f"Error validating request.-'bH' : cause - {wrong}")
        return
    until = min(until, venue.market.now())
    starts = bar_starts(since, until, size_s, regular and contract.trades)
    bars = venue.market.paths[contract.con_id].bars(starts, size_s, until.timestamp())
    daily = size_s >= UNITS_S["day"]
    session.send(
        messages.historical_data(request, bars, (_stamp(since), _stamp(until)), format_date, daily, _shift(contract, what))
    )
    if keep:
        last = bars[-1] if bars else None
        stream = KeptUpToDate(session.send, request, venue.market, contract, what, size_s, format_date, last)
        session.subscribe(stream)


def cancel_historical_data(session: Session, fields: Fields, _: Received) -> None:
    session.streams.pop(fields.skip().integer(), None)


def head_timestamp(session: Session, fields: Fields, _: Received) -> None:
    request, asked = fields.integer(), read_contract(fields)
    what, format_date = fields.skip(2).text(), fields.integer()
    if _contract_with(session, request, asked, what) is not None:
        first = str(int(FIRST_DATA.timestamp())) if format_date == 2 else f"{FIRST_DATA:%Y%m%d-%H:%M:%S}"
        session.send(Message("headTimestamp", (request, first)))


def historical_ticks(session: Session, fields: Fields, _: Received) -> None:
    request, asked = fields.integer(), read_contract(fields)
    start, end = parse_time(fields.skip().text()), parse_time(fields.text())
    count, what = min(fields.integer(), MOST_TICKS), fields.text()
    contract = _contract_with(session, request, asked, what)
    if contract is None:
        return
    times = _tick_times(start, end, count, session.venue.market.now())
    path, half = session.venue.market.paths[contract.con_id], contract.spread / 2
    kinds = {"MIDPOINT": "historicalTicks", "BID_ASK": "historicalTicksBidAsk", "TRADES": "historicalTicksLast"}
    rows: list[object] = []
    for at in times:
        mid = path.mid(at)
        if what == "BID_ASK":
            rows += [at, 0, mid - half, mid + half, 1, 1]
        elif what == "TRADES":
            rows += [at, 0, mid, 1, contract.listing, ""]
        else:
            rows += [at, 0, mid, 0]
    session.send(Message(kinds[what], (request, len(times), *rows, True)))


def _contract_with(session: Session, request: int, asked: Asked, what: str) -> Contract | None:
    """The contract, if there is data of this kind for it; else says what is wrong."""
    contract = resolve(session, request, asked)
    if contract is None:
        return None
    if what not in ("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK"):
        session.error(request, 321, f"Error validating request.-'bH' : cause - {what} is not a data type")
    elif what == "TRADES" and not contract.trades:
        session.error(
            request, 162, f"{PREFIX}No historical market data for {contract.symbol}/{contract.sec_type}@{contract.listing} {what}"
        )
    else:
        return contract
    return None


def _seconds(size: str) -> int:
    count, unit = size.split()
    return int(count) * UNITS_S[unit]


def _since(until: datetime, duration: str) -> datetime:
    count, unit = duration.split()
    if unit == "S":
        return until - timedelta(seconds=int(count))
    if unit == "D":
        return sessions_back(until, int(count))
    return until - timedelta(days=int(count) * DAYS[unit])


def _shift(contract: Contract, what: str) -> Decimal:
    """How far from the mid price bars of this kind lie."""
    return contract.spread / 2 * {"BID": -1, "ASK": 1}.get(what, 0)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%Y%m%d %H:%M:%S} {ZONE_NAME}"


def _tick_times(start: datetime | None, end: datetime | None, count: int, now: datetime) -> list[int]:
    """Seconds with a tick: forward from the start, or the last ones before the end."""
    step = 1 if start is not None else -1
    at = int((start or end or now).timestamp()) - (0 if start is not None else 1)
    last = int(min(end or now, now).timestamp())
    times: list[int] = []
    while len(times) < count and (step < 0 or at < last):
        if is_open(datetime.fromtimestamp(at, UTC)):
            times.append(at)
        at += step
    return sorted(times)


ANSWERS = {
    "reqHistoricalData": historical_data,
    "cancelHistoricalData": cancel_historical_data,
    "reqHeadTimeStamp": head_timestamp,
    "cancelHeadTimeStamp": lambda *_: None,
    "reqHistoricalTicks": historical_ticks,
}
