"""Orders and executions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.core.clock import SECOND
from tests.peers.tws import checks, order_messages
from tests.peers.tws.answers.resolving import resolve
from tests.peers.tws.checks import parse_time
from tests.peers.tws.codec import Fields, Message
from tests.peers.tws.hours import NEW_YORK
from tests.peers.tws.orders import Order, read_order
from tests.peers.tws.record import Received

if TYPE_CHECKING:
    from tests.peers.tws.session import Session


def place_order(session: Session, fields: Fields, _: Received) -> None:
    order, asked = read_order(fields, session.client_id, session.version)
    contract = resolve(session, order.order_id, asked)
    if contract is None:
        return
    if contract.sec_type == "CONTFUT":
        session.error(order.order_id, checks.NOT_FOUND.code, checks.NOT_FOUND.text)
        return
    order.contract = contract
    if order.what_if:
        _what_if(session, order)
    else:
        session.venue.broker.place(order)


def _what_if(session: Session, order: Order) -> None:
    venue = session.venue
    refusal = venue.broker.what_if(order)
    if refusal is not None:
        session.error(order.order_id, refusal.code, refusal.text, refusal.detail)
        return
    order.account = order.account or next(iter(venue.accounts))
    order.status = "PreSubmitted"
    account = venue.accounts[order.account]
    before, after = account.margin(), account.margin(order.contract, order.sign * order.quantity)
    order.commission = order.contract.fee(order.quantity, account.mark(order.contract))
    margins = order_messages.margin_fields(before, after)
    session.send(order_messages.open_order(session.version, order, margins))


def cancel_order(session: Session, fields: Fields, _: Received) -> None:
    order_id = fields.skip().integer()
    refusal = session.venue.broker.cancel(session.client_id, order_id)
    if refusal is not None:
        session.error(order_id, refusal.code, refusal.text)


def global_cancel(session: Session, _fields: Fields, _: Received) -> None:
    session.venue.broker.cancel_everything()


def open_orders(session: Session, _fields: Fields, _: Received) -> None:
    for order in session.venue.broker.working():
        if session.client_id == 0 and order.client_id == 0 and not order.order_id:
            session.venue.bind(order, session)
        if order.client_id == session.client_id and order.order_id:
            _tell(session, order)
    session.send(Message("openOrderEnd", (1,)))


def all_open_orders(session: Session, _fields: Fields, _: Received) -> None:
    for order in session.venue.broker.working():
        _tell(session, order)
    session.send(Message("openOrderEnd", (1,)))


def auto_open_orders(session: Session, fields: Fields, _: Received) -> None:
    if session.client_id == 0:
        session.binds_manual_orders = fields.skip().flag()
    else:
        session.error(-1, 327, "Only the default client (i.e 0) can auto bind orders.")


def completed_orders(session: Session, fields: Fields, _: Received) -> None:
    api_only = fields.flag()
    for order in session.venue.broker.orders:
        if order.is_done and _is_today(session, order.completed_at) and (order.order_id > 0 or not api_only):
            session.send(order_messages.completed_order(session.version, order))
    session.send(Message("completedOrdersEnd", ()))


def executions(session: Session, fields: Fields, _: Received) -> None:
    request, client_id, account = fields.skip().integer(), fields.integer(), fields.text()
    since, symbol, sec_type, exchange, side = (
        parse_time(fields.text()),
        fields.text(),
        fields.text(),
        fields.text(),
        fields.text(),
    )
    for it in session.venue.broker.booking.executions:
        order, contract = it.order, it.order.contract
        wanted = (
            (client_id, order.client_id),
            (account, order.account),
            (symbol, contract.symbol),
            (sec_type, contract.sec_type),
            (exchange, contract.listing),
            (side, order.action),
        )
        fits = all(not asked or asked == own for asked, own in wanted)
        if fits and _is_today(session, it.at) and (since is None or _time(it.at) >= since):
            session.send(order_messages.execution(session.version, request, it))
            session.send(order_messages.commission(it))
    session.send(Message("execDetailsEnd", (1, request)))


def _is_today(session: Session, at: int) -> bool:
    """Whether it was since midnight in New York: of what is older, TWS tells nothing."""
    return _time(at).astimezone(NEW_YORK).date() == session.venue.market.now().astimezone(NEW_YORK).date()


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at / SECOND, UTC)


def _tell(session: Session, order: Order) -> None:
    session.send(order_messages.open_order(session.version, order))
    session.send(order_messages.order_status(order))


ANSWERS = {
    "placeOrder": place_order,
    "cancelOrder": cancel_order,
    "reqGlobalCancel": global_cancel,
    "reqOpenOrders": open_orders,
    "reqAllOpenOrders": all_open_orders,
    "reqAutoOpenOrders": auto_open_orders,
    "reqCompletedOrders": completed_orders,
    "reqExecutions": executions,
}
