"""Contracts, market rules and the time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.core.clock import SECOND
from tests.peers.tws import checks, messages
from tests.peers.tws.codec import Fields, Message
from tests.peers.tws.contracts import RULES, read_contract
from tests.peers.tws.record import Received

if TYPE_CHECKING:
    from tests.peers.tws.session import Session


def contract_details(session: Session, fields: Fields, _: Received) -> None:
    request = fields.skip().integer()
    asked = read_contract(fields)
    found = session.venue.market.catalogue.find(replace(asked, expired=fields.flag()))
    if not found:
        session.error(request, checks.NOT_FOUND.code, checks.NOT_FOUND.text)
        return
    for contract in found:
        session.send(messages.contract_details(session.version, request, contract, session.venue.market.now()))
    session.send(Message("contractDetailsEnd", (1, request)))


def matching_symbols(session: Session, fields: Fields, _: Received) -> None:
    request, pattern = fields.integer(), fields.text()
    session.send(messages.symbol_samples(session.version, request, session.venue.market.catalogue.like(pattern)))


def market_rule(session: Session, fields: Fields, _: Received) -> None:
    rule = fields.integer()
    if rule in RULES:
        session.send(messages.market_rule(rule))
    else:
        session.error(-1, 321, f"Error validating request.-'bH' : cause - Invalid market rule id {rule}")


def current_time(session: Session, _fields: Fields, _: Received) -> None:
    session.send(Message("currentTime", (1, session.venue.market.clock.now() // SECOND)))


def depth_exchanges(session: Session, _fields: Fields, _: Received) -> None:
    session.send(Message("mktDepthExchanges", (2, "COMEX", "FUT", "", "Deep", 1, "IDEALPRO", "CASH", "", "Deep", 4)))


def next_ids(session: Session, _fields: Fields, _: Received) -> None:
    session.send(Message("nextValidId", (1, session.venue.broker.next_id(session.client_id))))


def managed_accounts(session: Session, _fields: Fields, _: Received) -> None:
    session.send(Message("managedAccounts", (1, ",".join(session.venue.accounts))))


ANSWERS = {
    "reqContractDetails": contract_details,
    "reqMatchingSymbols": matching_symbols,
    "reqMarketRule": market_rule,
    "reqCurrentTime": current_time,
    "reqMktDepthExchanges": depth_exchanges,
    "reqIds": next_ids,
    "reqManagedAccts": managed_accounts,
}
