"""Accounts, positions and profit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.peers.tws import messages
from tests.peers.tws.codec import Fields, Message
from tests.peers.tws.record import Received
from tests.peers.tws.streams import ProfitAndLoss

if TYPE_CHECKING:
    from tests.peers.tws.session import Session


def positions(session: Session, _fields: Fields, _: Received) -> None:
    session.wants_positions = True
    for account in session.venue.accounts.values():
        for held in account.positions.values():
            if held.quantity:
                session.send(messages.position(account, held))
    session.send(Message("positionEnd", (1,)))


def cancel_positions(session: Session, _fields: Fields, _: Received) -> None:
    session.wants_positions = False


def account_updates(session: Session, fields: Fields, _: Received) -> None:
    subscribe, name = fields.skip().flag(), fields.text() or next(iter(session.venue.accounts))
    account = session.venue.accounts.get(name)
    if not subscribe:
        session.account_updates.discard(name)
    elif account is None:
        session.error(-1, 321, "Error validating request.-'bB' : cause - Invalid account code")
    else:
        session.account_updates.add(name)
        for tag, value, currency in account.values():
            session.send(Message("updateAccountValue", (2, tag, value, currency, name)))
        for held in account.positions.values():
            if held.quantity:
                session.send(messages.portfolio(account, held))
        session.send(Message("updateAccountTime", (1, f"{session.venue.market.now():%H:%M}")))
        session.send(Message("accountDownloadEnd", (1, name)))


def account_updates_multi(session: Session, fields: Fields, _: Received) -> None:
    request, name = fields.skip().integer(), fields.text()
    account = session.venue.accounts.get(name)
    if account is None:
        session.error(request, 321, "Error validating request.-'bB' : cause - Invalid account code")
        return
    for tag, value, currency in account.values():
        session.send(Message("accountUpdateMulti", (1, request, name, "", tag, value, currency)))
    session.send(Message("accountUpdateMultiEnd", (1, request)))


def account_summary(session: Session, fields: Fields, _: Received) -> None:
    request, _group, tags = fields.skip().integer(), fields.text(), fields.text().split(",")
    for account in session.venue.accounts.values():
        for tag, value, currency in account.values():
            if tag in tags:
                session.send(Message("accountSummary", (1, request, account.name, tag, value, currency)))
    session.send(Message("accountSummaryEnd", (1, request)))


def pnl(session: Session, fields: Fields, _: Received) -> None:
    _follow_profit(session, fields, single=False)


def pnl_single(session: Session, fields: Fields, _: Received) -> None:
    _follow_profit(session, fields, single=True)


def cancel_pnl(session: Session, fields: Fields, _: Received) -> None:
    session.streams.pop(fields.integer(), None)


def nothing(_session: Session, _fields: Fields, _: Received) -> None:
    """Nothing is kept that would have to end."""


def _follow_profit(session: Session, fields: Fields, single: bool) -> None:
    request, name = fields.integer(), fields.text()
    con_id = fields.skip().integer()
    account, market = session.venue.accounts.get(name), session.venue.market
    known = [it for it in market.catalogue.all if it.con_id == con_id] if single else market.catalogue.all[:1]
    if account is None or not known:
        session.error(request, 321, "Error validating request.-'b0' : cause - Invalid account code or contract")
        return
    session.subscribe(ProfitAndLoss(session.send, request, market, known[0], account, single))


ANSWERS = {
    "reqPositions": positions,
    "cancelPositions": cancel_positions,
    "reqAccountUpdates": account_updates,
    "reqAccountUpdatesMulti": account_updates_multi,
    "cancelAccountUpdatesMulti": nothing,
    "reqAccountSummary": account_summary,
    "cancelAccountSummary": nothing,
    "reqPnL": pnl,
    "cancelPnL": cancel_pnl,
    "reqPnLSingle": pnl_single,
    "cancelPnLSingle": cancel_pnl,
}
