"""An order of the account, as the exchange keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tests.peers.exchange.accounts import NOTHING, Hold
from tests.peers.exchange.filters import Listing

BUY, SELL = "BUY", "SELL"
OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})
STOPS = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
TARGETS = frozenset({"TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
CONDITIONAL = STOPS | TARGETS
PRICED = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})


@dataclass(frozen=True, slots=True)
class Ticket:
    """What was asked for; `quantity` is None where a market order names what it may cost instead.

    `trailing` is the distance in basis points at which a stop follows the best price since it was placed.
    """

    listing: Listing
    side: str
    kind: str
    quantity: Decimal | None
    client_id: str
    price: Decimal | None = None
    stop_price: Decimal | None = None
    cost: Decimal | None = None
    tif: str = "GTC"
    trailing: int | None = None

    @property
    def is_rising(self) -> bool:
        """Whether it waits for a higher price: stops against the market, targets with it."""
        return (self.kind in STOPS) == (self.side == BUY)

    @property
    def is_open_ended(self) -> bool:
        """Whether no price says what it may cost."""
        return self.side == BUY and self.price is None and self.stop_price is None

    def needs(self, quantity: Decimal) -> Decimal:
        """What has to be locked for so much of it: base asset when selling, quote asset when buying at a price."""
        return quantity if self.side == SELL else quantity * (self.price or self.stop_price or NOTHING)


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution; the commission in the asset received."""

    trade_id: int
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    maker: bool
    at_ms: int


@dataclass(slots=True, eq=False)
class OrderList:
    """Two orders of which the first to execute ends the other."""

    list_id: int
    client_id: str
    legs: list[Order] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return not any(leg.is_open for leg in self.legs)


@dataclass(slots=True, eq=False)
class Order:
    """An accepted order and what became of it."""

    order_id: int
    ticket: Ticket
    quantity: Decimal
    hold: Hold
    created_ms: int
    updated_ms: int
    status: str = "NEW"
    is_working: bool = True
    executed: Decimal = NOTHING
    turnover: Decimal = NOTHING
    fills: list[Fill] = field(default_factory=list)
    oco: OrderList | None = None
    cancel_id: str | None = None
    extreme: Decimal | None = None

    @property
    def listing(self) -> Listing:
        return self.ticket.listing

    @property
    def side(self) -> str:
        return self.ticket.side

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def trigger_price(self) -> Decimal | None:
        """The last price at which it starts to work."""
        if self.ticket.trailing is None or self.extreme is None:
            return self.ticket.stop_price
        away = self.ticket.trailing if self.ticket.is_rising else -self.ticket.trailing
        return self.extreme * (10_000 + away) / 10_000

    def trail(self, last: Decimal) -> None:
        """Follows the market as long as it runs away from the trigger."""
        if self.ticket.trailing is not None:
            best = min if self.ticket.is_rising else max
            self.extreme = last if self.extreme is None else best(self.extreme, last)

    @property
    def others(self) -> list[Order]:
        """The open orders that end when this one executes."""
        return [] if self.oco is None else [leg for leg in self.oco.legs if leg is not self and leg.is_open]

    def book(self, fill: Fill) -> None:
        """Adds an execution."""
        self.fills.append(fill)
        self.executed += fill.quantity
        self.turnover += fill.quantity * fill.price
        self.updated_ms = fill.at_ms
        self.status = "FILLED" if not self.remaining else "PARTIALLY_FILLED"
