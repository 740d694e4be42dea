"""Live prices: top of book, tick by tick, depth, five-second bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.peers.tws.answers.resolving import resolve
from tests.peers.tws.bars import RealTimeBars
from tests.peers.tws.codec import Fields, Message
from tests.peers.tws.contracts import read_contract
from tests.peers.tws.record import Received
from tests.peers.tws.streams import Depth, Stream, TickByTick, TopOfBook

if TYPE_CHECKING:
    from tests.peers.tws.session import Session

NOT_SUBSCRIBED = "Requested market data is not subscribed."


def market_data(session: Session, fields: Fields, _: Received) -> None:
    request = fields.skip().integer()
    contract = resolve(session, request, read_contract(fields))
    snapshot = fields.skip(2).flag()
    data_type = contract and _entitled(session, request)
    if contract is None or not data_type:
        return
    stream = TopOfBook(session.send, request, session.venue.market, contract, data_type)
    if snapshot:
        stream.start()
        session.send(Message("tickSnapshotEnd", (1, request)))
    else:
        session.subscribe(stream)


def market_data_type(session: Session, fields: Fields, _: Received) -> None:
    session.market_data_type = fields.skip().integer()


def tick_by_tick(session: Session, fields: Fields, _: Received) -> None:
    request = fields.integer()
    contract = resolve(session, request, read_contract(fields))
    kind = fields.text()
    if contract is None:
        return
    if session.venue.market_data != "live":
        session.error(request, 10189, "Failed to request tick-by-tick data:No market data permissions")
    elif kind in ("Last", "AllLast") and not contract.trades:
        session.error(request, 10189, f"Failed to request tick-by-tick data:{kind} is not available for {contract.local_symbol}")
    elif _followed(session, TickByTick) >= session.venue.most_ticks:
        session.error(request, 10190, "Max number of tick-by-tick requests has been reached.")
    else:
        session.subscribe(TickByTick(session.send, request, session.venue.market, contract, kind))


def depth(session: Session, fields: Fields, _: Received) -> None:
    request = fields.skip().integer()
    contract = resolve(session, request, read_contract(fields))
    rows, smart = fields.integer(), fields.flag()
    if contract is None:
        return
    if session.venue.market_data != "live":
        session.error(request, 354, f"{NOT_SUBSCRIBED} Deep data needs a subscription of its own.")
    elif _followed(session, Depth) >= session.venue.most_depths:
        session.error(request, 309, f"Max number ({session.venue.most_depths}) of market depth requests has been reached")
    else:
        session.subscribe(Depth(session.send, request, session.venue.market, contract, rows, smart))


def real_time_bars(session: Session, fields: Fields, _: Received) -> None:
    request = fields.skip().integer()
    contract = resolve(session, request, read_contract(fields))
    what = fields.skip().text()
    if contract is None:
        return
    if what == "TRADES" and not contract.trades:
        session.error(request, 162, f"Historical Market Data Service error message:No data of type {what}")
    else:
        session.subscribe(RealTimeBars(session.send, request, session.venue.market, contract, what, 5))


def cancel_first(session: Session, fields: Fields, _: Received) -> None:
    session.streams.pop(fields.integer(), None)


def cancel_second(session: Session, fields: Fields, _: Received) -> None:
    session.streams.pop(fields.skip().integer(), None)


def _followed(session: Session, kind: type[Stream]) -> int:
    """How many subscriptions of a kind the client has."""
    return sum(isinstance(stream, kind) for stream in session.streams.values())


def _entitled(session: Session, request: int) -> int:
    """The type of the data that is sent; 0 when there is none, which is said."""
    wanted, allowed = session.market_data_type, session.venue.market_data
    if allowed == "live":
        return 2 if wanted == 2 else 1
    if allowed == "delayed" and wanted in (3, 4):
        session.error(request, 10167, f"{NOT_SUBSCRIBED} Displaying delayed market data.")
        return wanted
    if allowed == "delayed":
        session.error(request, 10168, f"{NOT_SUBSCRIBED} Delayed market data is not enabled.")
    else:
        session.error(request, 354, NOT_SUBSCRIBED)
    return 0


ANSWERS = {
    "reqMktData": market_data,
    "cancelMktData": cancel_second,
    "reqMarketDataType": market_data_type,
    "reqTickByTickData": tick_by_tick,
    "cancelTickByTickData": cancel_first,
    "reqMktDepth": depth,
    "cancelMktDepth": cancel_second,
    "reqRealTimeBars": real_time_bars,
    "cancelRealTimeBars": cancel_second,
}
