"""An order as the broker keeps it, and its executions."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tests.peers.tws.codec import Fields
from tests.peers.tws.contracts import Asked, Contract, read_contract

STOPS = ("STP", "STP LMT", "TRAIL")
FINAL = ("Filled", "Cancelled", "Inactive")
TYPES = ("MKT", "LMT", "STP", "STP LMT", "TRAIL")
TIMES_IN_FORCE = ("DAY", "GTC", "GTD", "IOC", "FOK")
ZERO = Decimal(0)


@dataclass(eq=False, slots=True)
class Order:
    """What was asked for, and what has become of it. Prices and quantities as on the wire; `stop` is auxPrice.

    `perm_id` is the account's own number; (`client_id`, `order_id`) is what the client calls it: an order typed into TWS
    has client 0 and order 0, and a negative order id once client 0 has bound it.
    """

    client_id: int
    order_id: int
    account: str
    action: str
    quantity: Decimal
    type: str
    limit: Decimal | None = None
    stop: Decimal | None = None
    trail_stop: Decimal | None = None
    trail_percent: Decimal | None = None
    tif: str = "DAY"
    good_till: str = ""
    oca_group: str = ""
    oca_type: int = 0
    ref: str = ""
    parent_id: int = 0
    transmit: bool = True
    outside_rth: bool = False
    what_if: bool = False
    all_or_none: bool = False
    perm_id: int = 0
    status: str = "PendingSubmit"
    why_held: str = ""
    filled: Decimal = ZERO
    average: Decimal = ZERO
    last_price: Decimal = ZERO
    commission: Decimal | None = None
    reason: str = ""
    triggered: bool = False
    placed_at: int = 0
    completed_at: int = 0
    _contract: Contract | None = None

    @property
    def contract(self) -> Contract:
        assert self._contract is not None
        return self._contract

    @contract.setter
    def contract(self, contract: Contract) -> None:
        self._contract = contract

    @property
    def is_buy(self) -> bool:
        return self.action == "BUY"

    @property
    def sign(self) -> int:
        return 1 if self.is_buy else -1

    @property
    def remaining(self) -> Decimal:
        return max(ZERO, self.quantity - self.filled)

    @property
    def is_done(self) -> bool:
        return self.status in FINAL

    def take_terms_of(self, wanted: Order) -> None:
        """Changes to what a modification asks for."""
        self.quantity, self.type, self.limit, self.stop = wanted.quantity, wanted.type, wanted.limit, wanted.stop
        self.tif, self.good_till, self.outside_rth = wanted.tif or self.tif, wanted.good_till, wanted.outside_rth
        self.trail_percent = wanted.trail_percent
        self.trail_stop = wanted.trail_stop if wanted.trail_stop is not None else self.trail_stop

    @property
    def is_working(self) -> bool:
        """Whether it can fill: transmitted, not final, not waiting for its parent."""
        return self.status in ("PreSubmitted", "Submitted", "PendingCancel") and "child" not in self.why_held


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. `realized` is the profit of what it closed, None where it opened."""

    order: Order = field(repr=False)
    exec_id: str
    at: int
    quantity: Decimal
    price: Decimal
    cumulative: Decimal
    average: Decimal
    commission: Decimal
    realized: Decimal | None

    @property
    def base(self) -> str:
        """The part of the id that a correction keeps."""
        return self.exec_id.rpartition(".")[0]


def read_order(fields: Fields, client_id: int, version: int) -> tuple[Order, Asked]:
    """An order as placeOrder has it, behind the message's number."""
    order_id, asked = fields.integer(), read_contract(fields)
    fields.skip(2)
    action, quantity, kind = fields.text(), fields.number() or ZERO, fields.text()
    order = Order(client_id, order_id, "", action, quantity, kind)
    order.limit, order.stop, order.tif = fields.number(), fields.number(), fields.text()
    order.oca_group, order.account = fields.text(), fields.text()
    fields.skip(2)
    order.ref, order.transmit, order.parent_id = fields.text(), fields.flag(), fields.integer()
    fields.skip(4)
    order.outside_rth = fields.flag()
    fields.skip(4)
    order.good_till = fields.text()
    fields.skip(3 if version >= 177 else 4)
    fields.skip(4)
    order.oca_type = fields.integer()
    fields.skip(2)
    order.all_or_none = fields.flag()
    fields.skip(18)
    order.trail_stop, order.trail_percent = fields.number(), fields.number()
    fields.skip(14)
    order.what_if = fields.flag()
    return order, asked
