"""An order, its states, and the one table of how facts move it from state to state."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Symbol, Ticks

ClientOrderId = str


class Side(str, Enum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @classmethod
    def of(cls, signed: int) -> Side:
        """The side that adds to a position of this sign."""
        return cls.BUY if signed > 0 else cls.SELL


class OrderType(str, Enum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING = "trailing"


STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING})


class TimeInForce(str, Enum):
    GTC = "GTC"
    DAY = "DAY"
    GTD = "GTD"
    IOC = "IOC"
    FOK = "FOK"


class Role(str, Enum):
    """What an order is for: opening, closing, or standing guard over a position; EXTERNAL ones were not placed here."""

    ENTRY = "entry"
    CLOSE = "close"
    STOP = "stop"
    TARGET = "target"
    EXTERNAL = "external"


class State(str, Enum):
    DRAFT = "DRAFT"
    DENIED = "DENIED"
    INTENT = "INTENT"
    HELD = "HELD"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    REJECTED = "REJECTED"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    PENDING_MODIFY = "PENDING_MODIFY"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


S = State
TERMINAL = frozenset({S.DENIED, S.REJECTED, S.FILLED, S.CANCELLED, S.EXPIRED})
WORKING = frozenset({S.SENT, S.UNKNOWN, S.ACCEPTED, S.PARTIALLY_FILLED, S.PENDING_MODIFY, S.PENDING_CANCEL})
LIVE = WORKING | {S.INTENT, S.HELD}
"""States in which the order may still fill, so its exposure is reserved."""

_PARTIAL, _FULL = "partial fill", "full fill"

TRANSITIONS: dict[tuple[State, str], State] = {
    (S.DRAFT, "OrderIntended"): S.INTENT,
    (S.DRAFT, "OrderDenied"): S.DENIED,
    (S.DRAFT, "OrderAdopted"): S.ACCEPTED,  # found at the venue, placed by hand or by another program
    (S.INTENT, "OrderSent"): S.SENT,
    (S.INTENT, "OrderCancelled"): S.CANCELLED,  # a bracket leg whose entry never opened
    (S.INTENT, "OrderRejected"): S.REJECTED,  # it could not be recorded, so nothing was sent
    (S.INTENT, "OrderUnknown"): S.UNKNOWN,  # the process died between the commit and the record of the send
    (S.INTENT, "OrderHeld"): S.HELD,
    (S.HELD, "OrderReleased"): S.INTENT,  # on record before it leaves, so that a crash finds it and does not send it again
    (S.HELD, "OrderModified"): S.HELD,
    (S.HELD, "OrderCancelled"): S.CANCELLED,
    (S.HELD, "OrderExpired"): S.EXPIRED,
    (S.SENT, "OrderAccepted"): S.ACCEPTED,
    (S.SENT, "OrderRejected"): S.REJECTED,
    (S.SENT, "OrderUnknown"): S.UNKNOWN,
    (S.SENT, "OrderCancelled"): S.CANCELLED,  # an IOC the venue never acknowledged apart
    (S.SENT, "OrderExpired"): S.EXPIRED,  # a FOK that was not filled
    (S.SENT, "CancelRequested"): S.PENDING_CANCEL,
    (S.SENT, _PARTIAL): S.PARTIALLY_FILLED,  # the fill overtook the acknowledgement
    (S.SENT, _FULL): S.FILLED,
    (S.UNKNOWN, "OrderAccepted"): S.ACCEPTED,  # found at the broker
    (S.UNKNOWN, "OrderRejected"): S.REJECTED,  # absence proved
    (S.UNKNOWN, "OrderUnknown"): S.UNKNOWN,
    (S.UNKNOWN, "OrderCancelled"): S.CANCELLED,
    (S.UNKNOWN, "OrderExpired"): S.EXPIRED,
    (S.UNKNOWN, "OrderModified"): S.ACCEPTED,  # found, with other terms than we know
    (S.UNKNOWN, "CancelRequested"): S.UNKNOWN,  # asked, but its fate is still to be found
    (S.UNKNOWN, "CancelRejected"): S.UNKNOWN,  # "no such order" is no proof
    (S.UNKNOWN, _PARTIAL): S.PARTIALLY_FILLED,
    (S.UNKNOWN, _FULL): S.FILLED,
    (S.ACCEPTED, "ModifyRequested"): S.PENDING_MODIFY,
    (S.ACCEPTED, "OrderModified"): S.ACCEPTED,  # resized by the venue with its bracket
    (S.ACCEPTED, "CancelRequested"): S.PENDING_CANCEL,
    (S.ACCEPTED, "OrderCancelled"): S.CANCELLED,
    (S.ACCEPTED, "OrderExpired"): S.EXPIRED,
    (S.ACCEPTED, "OrderRejected"): S.REJECTED,  # venues that acknowledge before they check
    (S.ACCEPTED, "OrderUnknown"): S.UNKNOWN,  # gone from the venue's list, and no end was heard of
    (S.ACCEPTED, _PARTIAL): S.PARTIALLY_FILLED,
    (S.ACCEPTED, _FULL): S.FILLED,
    (S.PARTIALLY_FILLED, "OrderAccepted"): S.PARTIALLY_FILLED,  # late acknowledgement
    (S.PARTIALLY_FILLED, "ModifyRequested"): S.PENDING_MODIFY,
    (S.PARTIALLY_FILLED, "OrderModified"): S.PARTIALLY_FILLED,
    (S.PARTIALLY_FILLED, "CancelRequested"): S.PENDING_CANCEL,
    (S.PARTIALLY_FILLED, "OrderCancelled"): S.CANCELLED,
    (S.PARTIALLY_FILLED, "OrderExpired"): S.EXPIRED,
    (S.PARTIALLY_FILLED, "OrderUnknown"): S.UNKNOWN,
    (S.PARTIALLY_FILLED, _PARTIAL): S.PARTIALLY_FILLED,
    (S.PARTIALLY_FILLED, _FULL): S.FILLED,
    (S.PENDING_MODIFY, "OrderModified"): S.ACCEPTED,
    (S.PENDING_MODIFY, "ModifyRejected"): S.ACCEPTED,  # the original is still live
    (S.PENDING_MODIFY, "CancelRequested"): S.PENDING_CANCEL,
    (S.PENDING_MODIFY, "OrderCancelled"): S.CANCELLED,
    (S.PENDING_MODIFY, "OrderExpired"): S.EXPIRED,
    (S.PENDING_MODIFY, "OrderAccepted"): S.PENDING_MODIFY,
    (S.PENDING_MODIFY, "OrderUnknown"): S.UNKNOWN,  # the old terms are gone and the new ones not there: seen at exchanges
    (S.PENDING_MODIFY, _PARTIAL): S.PENDING_MODIFY,
    (S.PENDING_MODIFY, _FULL): S.FILLED,
    (S.PENDING_CANCEL, "OrderAccepted"): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, "OrderModified"): S.PENDING_CANCEL,  # the modify was answered after we asked to cancel
    (S.PENDING_CANCEL, "ModifyRejected"): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, "OrderRejected"): S.REJECTED,  # we asked to cancel before the venue had answered at all
    (S.PENDING_CANCEL, "OrderUnknown"): S.UNKNOWN,
    (S.PENDING_CANCEL, "CancelRejected"): S.ACCEPTED,
    (S.PENDING_CANCEL, "OrderCancelled"): S.CANCELLED,
    (S.PENDING_CANCEL, "OrderExpired"): S.EXPIRED,
    (S.PENDING_CANCEL, _PARTIAL): S.PENDING_CANCEL,
    (S.PENDING_CANCEL, _FULL): S.FILLED,  # the cancel lost the race; the fill is real
    (S.CANCELLED, _PARTIAL): S.CANCELLED,  # seen at brokers after a dropped link
    (S.CANCELLED, _FULL): S.FILLED,
    (S.EXPIRED, _PARTIAL): S.EXPIRED,
    (S.EXPIRED, _FULL): S.FILLED,
    (S.REJECTED, _PARTIAL): S.PARTIALLY_FILLED,  # the rejection was not the venue's last word
    (S.REJECTED, _FULL): S.FILLED,
    (S.FILLED, _FULL): S.FILLED,  # an overfill: booked, and halted by whoever applies it
}


class IllegalTransition(Exception):
    """A fact arrived that the state table has no row for: a bug, or a broker that contradicts itself."""


class Order(NamedTuple):
    """An order as of the last fact applied to it.

    Prices in ticks, quantities in lot steps, `filled_value` = sum of price x quantity of its fills (ticks x steps).
    `trail` (ticks) or `trail_ppm` (millionths of the price) is how far a trailing stop stays behind the best price; its `stop`
    is where it stands, as far as its venue tells. `triggered`: the market reached the stop of an order that is still open.
    `parent` is the entry a bracket leg belongs to: the leg rests until the entry fills and covers what it filled.
    Orders with the same `oco` cancel each other: what one fills, the others lose.
    `after` names the order that must fill whole before this one leaves. `released` says that what it was held for has happened.
    `asked` is the quantity, limit and stop of a change that was asked for and not granted yet.
    `signal` names the signal behind it, "" for an order by hand.
    """

    id: ClientOrderId
    symbol: Symbol
    side: Side
    type: OrderType
    quantity: Steps
    role: Role
    limit: Ticks | None = None
    stop: Ticks | None = None
    tif: TimeInForce = TimeInForce.GTC
    expires: Nanos | None = None
    reduce_only: bool = False
    parent: ClientOrderId = ""
    oco: str = ""
    signal: str = ""
    placed: Nanos = 0
    state: State = State.DRAFT
    filled: Steps = 0
    filled_value: int = 0
    broker_id: str = ""
    reason: str = ""
    trail: Ticks = 0
    trail_ppm: int = 0
    post_only: bool = False
    triggered: bool = False
    after: ClientOrderId = ""
    released: bool = False
    asked: tuple[Steps, Ticks | None, Ticks | None] | None = None

    @property
    def leaves(self) -> Steps:
        """What is still to be filled."""
        return max(0, self.quantity - self.filled)

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def is_stop(self) -> bool:
        """Whether it may stand guard over a position: one of our stops, or an order of others that is a stop."""
        return self.role is Role.STOP or (self.role is Role.EXTERNAL and self.type in STOPS)

    def guards(self, position: Steps) -> bool:
        """Whether it is a stop on the side that closes this position."""
        return self.side.sign * position < 0 and self.is_stop

    def may(self, event: str) -> bool:
        """True when the state table has a row for `event` (the name of a fact)."""
        return (self.state, event) in TRANSITIONS

    @property
    def average_price(self) -> float | None:
        """Mean fill price in ticks, None before the first fill."""
        return self.filled_value / self.filled if self.filled else None


def from_terms(terms: f.OrderTerms, placed: Nanos) -> Order:
    """The order an OrderIntended or OrderDenied began, in state DRAFT."""
    return Order(
        id=terms.order,
        symbol=terms.symbol,
        side=Side(terms.side),
        type=OrderType(terms.type),
        quantity=terms.quantity,
        role=Role(terms.role),
        limit=terms.limit,
        stop=terms.stop,
        tif=TimeInForce(terms.tif),
        expires=terms.expires,
        reduce_only=terms.reduce_only,
        parent=terms.parent,
        oco=terms.oco,
        signal=terms.signal,
        placed=placed,
        trail=terms.trail,
        trail_ppm=terms.trail_ppm,
        post_only=terms.post_only,
        after=terms.after,
    )


def terms(order: Order) -> dict[str, Any]:
    """The fields of `OrderTerms` for this order."""
    return {
        "order": order.id,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "quantity": order.quantity,
        "role": order.role.value,
        "limit": order.limit,
        "stop": order.stop,
        "tif": order.tif.value,
        "expires": order.expires,
        "reduce_only": order.reduce_only,
        "parent": order.parent,
        "oco": order.oco,
        "signal": order.signal,
        "trail": order.trail,
        "trail_ppm": order.trail_ppm,
        "post_only": order.post_only,
        "after": order.after,
    }


def apply(order: Order, fact: f.OrderFact) -> Order:
    """The order after `fact`. Raises IllegalTransition when the table has no such row."""
    if isinstance(fact, f.OrderFilled):
        return _filled(order, fact)
    if isinstance(fact, f.CommissionCharged | f.FillCorrected):  # about money; what a correction changes, the register knows
        return order
    if isinstance(fact, f.OrderTriggered):  # in whatever state it is, for it leaves it there
        return order._replace(triggered=True)
    if isinstance(fact, f.OrderTrailed):
        return order._replace(stop=fact.stop)
    state = _next(order, type(fact).__name__)
    if state is S.ACCEPTED and order.filled:
        state = S.PARTIALLY_FILLED
    match fact:
        case f.OrderAdopted():
            state = S.PARTIALLY_FILLED if fact.filled else state
            return order._replace(state=state, broker_id=fact.broker_id, filled=fact.filled)
        case f.OrderAccepted():
            return order._replace(state=state, broker_id=fact.broker_id)
        case f.OrderReleased():
            return order._replace(state=state, quantity=fact.quantity, released=True)
        case f.ModifyRequested():
            return order._replace(state=state, asked=(fact.quantity, fact.limit, fact.stop))
        case f.OrderModified():
            return order._replace(state=state, quantity=fact.quantity, limit=fact.limit, stop=fact.stop, asked=None)
        case f.OrderRejected() | f.OrderCancelled() | f.OrderUnknown() | f.OrderDenied() | f.OrderHeld():
            return order._replace(state=state, reason=fact.reason)
        case f.ModifyRejected() | f.CancelRejected():
            return order._replace(state=state, reason=fact.reason, asked=None)
    return order._replace(state=state)


def _filled(order: Order, fill: f.OrderFilled) -> Order:
    filled = order.filled + fill.quantity
    state = _next(order, _FULL if filled >= order.quantity else _PARTIAL)
    value = order.filled_value + fill.price * fill.quantity
    return order._replace(state=state, filled=filled, filled_value=value)


def _next(order: Order, event: str) -> State:
    try:
        return TRANSITIONS[order.state, event]
    except KeyError:
        raise IllegalTransition(f"order {order.id} is {order.state.value}; {event} cannot happen to it") from None
