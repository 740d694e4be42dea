"""A venue outside this process, as it stands: what reconciliation, `broker check` and the first picture are made of.

Amounts are Decimals as the venue writes them; only what is matched to one of our instruments is turned into ticks and steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from engine.core.clock import Nanos
from engine.domain.market import Symbol


@dataclass(frozen=True, slots=True)
class VenueCash:
    """Cash of an account in one currency (or coin): all of it, and what is free to be used."""

    account: str
    currency: str
    total: Decimal
    free: Decimal


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """What an account holds of a contract: signed `quantity` in the venue's unit, `average` price paid (None where not told).

    `symbol` is ours, None where no listed instrument is this contract; `contract` is what the venue calls it.
    """

    account: str
    contract: str
    symbol: Symbol | None
    quantity: Decimal
    average: Decimal | None


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order that works at the venue. `client_order_id` is ours where we sent it, else what its sender gave or ""."""

    account: str
    contract: str
    symbol: Symbol | None
    client_order_id: str
    broker_order_id: str
    side: str
    type: str
    quantity: Decimal
    filled: Decimal
    limit: Decimal | None
    stop: Decimal | None
    status: str
    tif: str = ""


@dataclass(frozen=True, slots=True)
class VenueExecution:
    """A fill as the venue reports it; `commission` None where it is not told yet. `at` in ns UTC.

    `in_kind` is how much of what was bought the venue kept as that commission.
    """

    account: str
    contract: str
    symbol: Symbol | None
    execution_id: str
    client_order_id: str
    broker_order_id: str
    side: str
    quantity: Decimal
    price: Decimal
    at: Nanos
    commission: Decimal | None
    commission_currency: str
    in_kind: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class VenueState:
    """Everything at one moment. `server` names the other end and its version, `is_live` whether money is at stake.

    `notes` are sentences that its owner should read. `ended_orders` are those that were asked for by name and do not work any
    more, their `status` one of filled, cancelled, rejected, expired.
    """

    server: str
    is_live: bool
    accounts: tuple[str, ...]
    cash: tuple[VenueCash, ...]
    positions: tuple[VenuePosition, ...]
    open_orders: tuple[VenueOrder, ...]
    executions: tuple[VenueExecution, ...]
    notes: tuple[str, ...] = ()
    ended_orders: tuple[VenueOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class VenueAddress:
    """Where a venue is reached and as whom; "" and 0 mean the venue's usual. `timeout` in seconds, for each answer.

    `is_live` is what the profile expects: an account of the other kind is refused. With `is_read_only` no order is ever sent.
    `sandbox` asks for an exchange's test exchange; `consent` accepts that a library signs requests of its own with the key. With
    `ticks` quotes are asked for one by one where the venue has both ways.
    """

    broker: str
    host: str = ""
    port: int = 0
    client_id: int = 0
    account: str = ""
    is_live: bool = False
    url: str = ""
    ws_url: str = ""
    timeout: float = 10.0
    sandbox: bool = False
    consent: bool = False
    is_read_only: bool = False
    ticks: bool = False


class Venue(Protocol):
    """A connection that is opened, asked and closed on one asyncio loop.

    Every method raises engine.core.errors.BrokerError with one sentence (what, where, what to do): refused, timed out, another
    client's id, a key that is not accepted. No method repeats anything that could change something at the venue.
    """

    async def connect(self) -> None:
        """Connects within the venue's time limit; nothing is subscribed to and nothing is changed."""
        ...

    async def state(self) -> VenueState:
        """Asks for everything; an answer that does not come in time is an error, never an empty list."""
        ...

    async def close(self) -> None:
        """Ends the connection; safe at any time, and twice."""
        ...


@runtime_checkable
class PublicVenue(Protocol):
    """A venue that tells something even without an account; `is_anonymous` while it has none."""

    is_anonymous: bool

    async def public(self) -> VenueState:
        """What anybody may see: accounts and all that belongs to them are empty. Never a substitute for `state`."""
        ...
