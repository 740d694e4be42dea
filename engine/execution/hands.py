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
from engine.risk.exposure import Snapshot
from engine.risk.gate import Gate
from engine.risk.guard import Guard
from engine.risk.in_force import LimitsInForce
from engine.risk.stakes import Stakes
from engine.signals.desk import Desk


class Refused(UserError):
    """The intent cannot be carried out; the message is a sentence for the owner."""


class Arming:
    """Whether orders may go to a venue with money, and be it connected to. A session that has one says what stands against it.

    Nothing of it is remembered beyond the program: every start begins disarmed.
    """

    def __init__(self) -> None:
        self.account = ""
        """The account that is armed, "" while none is."""
        self.objection: Callable[[str], str] = lambda _account: "this session trades on paper; there is nothing to arm"
        """What stands against arming this account, "" where nothing does."""
        self.reconnect: Callable[[int], str] = lambda _port: "this session has no link that waits for a word"
        """Lets the links try again, at this port unless it is 0; what stands against it, "" where nothing does."""
        self.roll: Callable[[str], str] = lambda symbol: f"{symbol} is no future of a live session; there is nothing to roll"
        """Begins to roll the position in this future; what stands against it, "" where nothing does."""


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
    in_force: LimitsInForce
    desk: Desk
    quotes: Mapping[Symbol, Quote]
    stakes: Stakes
    snapshot: Callable[[], Snapshot]
    equity: Callable[[], Cash]
    arming: Arming
