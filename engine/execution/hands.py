"""What an intent may move, and how it is told that it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.core.errors import UserError
from engine.domain.instrument import Cash, Instrument
from engine.domain.market import Quote, Symbol
from engine.execution.manager import Emit, OrderManager
from engine.execution.protection import Protection
from engine.execution.trader import Trader
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.risk.exposure import Snapshot, Stakes
from engine.risk.gate import Gate
from engine.risk.guard import Guard
from engine.signals.desk import Desk


class Refused(UserError):
    """The intent cannot be carried out; the message is a sentence for the owner."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What an intent may move."""

    emit: Emit
    instruments: Mapping[Symbol, Instrument]
    manager: OrderManager
    protection: Protection
    trader: Trader
    register: OrderRegister
    ledger: Ledger
    gate: Gate
    guard: Guard
    desk: Desk
    quotes: Mapping[Symbol, Quote]
    stakes: Stakes
    snapshot: Callable[[], Snapshot]
    equity: Callable[[], Cash]
