"""The orders of ours that TWS has been told of, and which of them a message of TWS is about."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from ib_async import Contract
from ib_async import Order as IbOrder

from engine.brokers.ib.listing import Listed
from engine.brokers.ib.orders import Terms
from engine.domain.instrument import Steps
from engine.domain.order import TERMINAL, ClientOrderId, Order, State

ZERO = Decimal(0)
UNCONFIRMED = frozenset({State.DRAFT, State.INTENT, State.SENT, State.UNKNOWN})


@dataclass(slots=True, eq=False)
class Entry:
    """An order of ours as TWS has told of it so far; `order` holds the terms in force.

    `number` is what it is called on the present connection, 0 where it cannot be named there; `owner` the client id it was
    placed under, -1 not told. `is_known`: TWS has acknowledged it. `is_unknown`: it was reported so. `is_over`: its end was
    reported, or it is filled. `wanted` are terms that were asked for, `complaint` what TWS said against it; `owes_change` while
    no refusal was reported since, which would have ended the wait for them. `told` is how much TWS says is filled, in IB's unit,
    `executions` what was reported: by the part of the id that corrections keep, the id and its lot steps, `before` what was
    filled when the order became known here. `shown` is the order as TWS told it last,
    `contract` what it is for.
    """

    order: Order
    listed: Listed | None = None
    sent: IbOrder | None = None
    shown: IbOrder | None = None
    contract: Contract | None = None
    number: int = 0
    owner: int = -1
    permanent_ids: list[int] = field(default_factory=list)
    is_known: bool = False
    is_unknown: bool = False
    is_over: bool = False
    is_inactive: bool = False
    is_cancelling: bool = False
    wanted: Terms | None = None
    owes_change: bool = False
    complaint: str = ""
    before: Steps = 0
    told: Decimal = ZERO
    executions: dict[str, tuple[str, Steps]] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None

    @property
    def place(self) -> Contract | None:
        """The contract that it works in, None while it was neither sent here nor told of."""
        return self.listed.contract if self.listed is not None else self.contract

    @property
    def filled(self) -> Steps:
        """Lot steps of the executions that were reported."""
        return sum(quantity for _, quantity in self.executions.values())

    @property
    def is_unanswered(self) -> bool:
        """Whether it is waited for what TWS says to its submit."""
        return not (self.is_known or self.is_unknown or self.is_over)

    def calm(self) -> None:
        """Nothing is waited for any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Book:
    """Finds an entry by our own name, then by the account's permanent id; by number only what was sent on this connection and has
    no permanent id yet: numbers come again after a reset of TWS."""

    def __init__(self) -> None:
        self.entries: dict[ClientOrderId, Entry] = {}
        self.highest = 0
        """The highest number used or seen on any connection; ours go on above it."""
        self.next_number = 0
        """The number that TWS would have given the next order as the present connection began."""
        self._given: set[int] = set()
        self._permanent: dict[int, Entry] = {}
        self._numbers: dict[int, Entry] = {}
        self._sent: set[int] = set()

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self.entries.values()))

    def know(self, order: Order) -> Entry:
        """The order as its owner has it, whether it was sent here or before; one that is known keeps what TWS told of it."""
        entry = self.entries.get(order.id)
        if entry is None:
            entry = self.entries[order.id] = Entry(order, before=order.filled)
            entry.is_known = order.state not in UNCONFIRMED
            entry.is_unknown = order.state is State.UNKNOWN
            entry.is_over = order.state in TERMINAL
        if order.broker_id.isdigit():
            self.name_permanently(entry, int(order.broker_id))
        return entry

    def give(self, entry: Entry, number: int) -> None:
        """The entry leaves for the first time, under this number."""
        self.send(entry, number)
        self._given.add(number)

    def would_be_another(self, entry: Entry) -> bool:
        """Whether TWS counts anew since it was given the entry: what is sent under its number might be taken for a new order."""
        return entry.number >= self.next_number and entry.number not in self._given

    def send(self, entry: Entry, number: int) -> None:
        """Something of the entry leaves under this number."""
        self._numbers.pop(number, None)
        self.number(entry, number)
        self._sent.add(number)

    def number(self, entry: Entry, number: int) -> None:
        """TWS calls the entry by this number on the present connection. One that was sent here keeps it; else one that two
        entries have names neither."""
        self.highest = max(self.highest, number)
        other = self._numbers.get(number)
        if other is not None and other is not entry:
            if number not in self._sent:
                other.number = entry.number = 0
                del self._numbers[number]
            return
        entry.number = number
        self._numbers[number] = entry

    def name_permanently(self, entry: Entry, permanent_id: int) -> None:
        """The account calls the entry by this id, too."""
        if permanent_id and permanent_id not in entry.permanent_ids:
            entry.permanent_ids.append(permanent_id)
            self._permanent[permanent_id] = entry

    def find(self, name: str, permanent_id: int) -> Entry | None:
        """The entry of this permanent id, or of this name: a second order of one name is its own entry once it was adopted."""
        return self._permanent.get(permanent_id) or self.entries.get(name)

    def numbered(self, number: int, permanent_id: int = 0) -> Entry | None:
        """The entry of this permanent id, or what was sent under the number and has none."""
        known = self._permanent.get(permanent_id)
        entry = self._numbers.get(number) if number in self._sent else None
        if known is not None or entry is None:
            return known
        return None if permanent_id and entry.permanent_ids else entry

    def forget_numbers(self) -> None:
        """The connection is over: what was called by number there is so no more."""
        self._numbers.clear()
        self._sent.clear()
        self._given.clear()
        for entry in self.entries.values():
            entry.number = 0
