"""Which contract of a future an order goes to: the one that is dealt in, or the one that is held, to protect or close that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ib_async import Contract, Position

from engine.brokers.ib.amounts import told
from engine.brokers.ib.contracts import called, naming_of
from engine.brokers.ib.link import Link
from engine.brokers.ib.listing import Listed
from engine.brokers.ib.orders import quantity_at_ib
from engine.core.errors import BrokerError
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol
from engine.domain.order import Order, Role, Side

CLOSING = frozenset({Role.CLOSE, Role.STOP, Role.TARGET})
"""What these orders are for is held, and they go where it is held."""


def held(link: Link, accounts: Sequence[str], symbol: Symbol) -> tuple[Position, ...]:
    """What the accounts hold of the instrument's contracts, as TWS told it last."""
    naming = naming_of(symbol)
    last = {it.contract.conId: it for it in link.ib.positions() if it.account in accounts and naming.fits(it.contract)}
    return tuple(it for it in last.values() if it.position)


def elsewhere(symbol: Symbol, dealt: Listed | None, positions: Sequence[Position]) -> str:
    """The sentence for a position in another contract than the one that is dealt in; "" where there is none."""
    if all(_is(it, dealt) for it in positions):
        return ""
    names = " and ".join(sorted(called(it.contract) for it in positions))
    if len(positions) > 1:
        return f"{symbol} is held in {names}: no order for it is sent until one of them is closed in TWS"
    deals = "which contract is dealt in is not known" if dealt is None else f"dealt in as {dealt.name}"
    return f"{symbol} is held in {names} and {deals}: nothing is opened, and its stops and closing orders go to {names}; close it"


def place_of(order: Order, instrument: Instrument, dealt: Listed | None, positions: Sequence[Position]) -> Listed | None:
    """The contract that the order is for, None where it would be the one dealt in and that is not known. BrokerError where it
    would open a second position beside one that is held in another month, or nobody can say which one it is to close."""
    strange = elsewhere(order.symbol, dealt, positions)
    if not strange:
        return dealt
    if len(positions) > 1 or order.role not in CLOSING:
        raise BrokerError(strange)
    position = positions[0]
    there = told(position.position, f"position in {called(position.contract)}")
    closes = (there > 0) is (order.side is Side.SELL)
    if not closes or quantity_at_ib(instrument, order.quantity) > abs(there):
        raise BrokerError(f"{strange}; this order would do more than that, {there:f} are held")
    return alike(instrument, position.contract, dealt)


def stands_apart(contract: Contract, dealt: Listed | None, positions: Sequence[Position]) -> bool:
    """Whether an order in the contract guards nothing: it is neither held, nor dealt in while nothing is held."""
    if positions:
        return all(it.contract.conId != contract.conId for it in positions)
    return dealt is not None and dealt.contract.conId != contract.conId


def alike(instrument: Instrument, contract: Contract, dealt: Listed | None) -> Listed:
    """Another contract of a future, by its id at IB: the months of one future have their terms in common."""
    naming, expiry = naming_of(instrument.symbol), contract.lastTradeDateOrContractMonth
    there = Contract(
        secType=naming.kind,
        conId=contract.conId,
        symbol=naming.symbol,
        lastTradeDateOrContractMonth=expiry,
        exchange=naming.exchange,
        currency=naming.currency,
        localSymbol=contract.localSymbol,
    )
    if dealt is not None:
        return replace(dealt, contract=there, name=called(contract), expiry=expiry)
    return Listed(instrument, there, called(contract), instrument.tick_size, None, None, expiry, frozenset())


def _is(position: Position, dealt: Listed | None) -> bool:
    return dealt is not None and position.contract.conId == dealt.contract.conId
