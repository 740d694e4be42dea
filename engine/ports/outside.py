"""A broker outside this process, and a market that lives: what a session trades at when it is not a replay.

Everything here runs on the engine's one asyncio loop. What happens is said through the sink a broker was made with, never from
inside a call of `submit`, `cancel` or `modify`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol, runtime_checkable

from engine.core.clock import Nanos
from engine.domain.instrument import Steps
from engine.domain.margin import Margin
from engine.domain.market import Bars, Depth, Quote, Symbol, Timeframe, Trade
from engine.domain.order import Order, OrderType, TimeInForce
from engine.ports.broker import Broker
from engine.ports.venue import VenueState


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a venue holds by itself; the engine holds the rest and says so.

    `brackets`: legs rest there with their entry and arm as it fills. `groups`: orders that cancel each other. `modifies`: an
    order can be changed without being cancelled first. `shorts`: more may be sold than is held.
    """

    types: frozenset[OrderType]
    tifs: frozenset[TimeInForce]
    brackets: bool = False
    groups: bool = False
    modifies: bool = False
    reduce_only: bool = False
    post_only: bool = False
    shorts: bool = True


class OutsideBroker(Broker, Protocol):
    """A connection that lasts as long as the session: lost, it comes back by itself, and says both (VenueChanged).

    `submit`, `cancel` and `modify` return at once and are carried out in the order they came. A submit that is not answered in
    time, or answered in a way that tells nothing, is reported as OrderUnknown and never sent again; a refusal that is certain is
    OrderRejected. While the link is down a submit is reported as OrderRejected (nothing was sent), a modify as ModifyRejected, a
    cancel as CancelRejected. An acknowledgement, a fill or an end of an order that is heard of twice may be reported twice:
    executions carry their id. Orders that are not ours (no client order id we know) are reported by `standing` only.
    """

    name: str
    """As --broker names it."""
    abilities: Abilities

    @property
    def is_ready(self) -> bool:
        """Whether the venue itself can be reached: the link is up, and what is behind it too."""
        ...

    @property
    def is_live(self) -> bool:
        """Whether money is at stake."""
        ...

    async def connect(self) -> None:
        """Connects, and from then on keeps itself connected. BrokerError (one sentence) where the first attempt fails; with an
        account of another kind than expected, or a client id that is in use, it is not tried again."""
        ...

    async def standing(self, asked: Sequence[Order] = ()) -> VenueState:
        """Everything as it is now. Each of `asked` is looked for by its own id wherever it may be, open or ended: found, it is in
        `open_orders` or `ended_orders`; in neither, the venue does not know it. BrokerError where any part is not answered."""
        ...

    def steps(self, symbol: Symbol, quantity: Decimal) -> Steps:
        """A quantity in the venue's unit as lot steps, signed; BrokerError where it is not a whole number of them."""
        ...

    async def close(self) -> None:
        """Ends the connection, leaving every order at the venue as it is; safe at any time, and twice."""
        ...


@runtime_checkable
class KeepsTrying(Protocol):
    """A broker or feed that goes on trying after a `connect` that failed, and waits for its owner's word where a port moved, a
    client id is in use or the account is another."""

    def resume(self, port: int = 0) -> None:
        """The owner's word: try again, at another port where one is given."""
        ...


class LiveQuote(NamedTuple):
    """A quote, and whether it may be traded on: real-time data, while the venue is within reach."""

    quote: Quote
    is_tradeable: bool = True


class LiveFeed(Protocol):
    """A market's prices as they come. `kind` is a word for the badge and the book: "ib", "binance"."""

    kind: str

    async def connect(self) -> None:
        """BrokerError where it cannot be reached."""
        ...

    async def history(self, symbol: Symbol, timeframe: Timeframe, since: Nanos, until: Nanos) -> Bars:
        """Bars that are over, ascending; what the venue does not have is not there."""
        ...

    def quotes(self, symbols: Sequence[Symbol]) -> AsyncIterator[LiveQuote]:
        """Quotes until it is closed; a lost link is mended inside. Newer quotes take the place of those nobody has read yet."""
        ...

    @property
    def trouble(self) -> str:
        """The sentence for what keeps it from streaming; "" while it does."""
        ...

    async def close(self) -> None:
        """Ends the subscription and the connection; safe twice."""
        ...


@runtime_checkable
class ShowsDepth(Protocol):
    """A feed that also tells the order book and what others trade, as far as its venue does."""

    def depth(self, symbols: Sequence[Symbol]) -> AsyncIterator[Depth | Trade]:
        """Books and trades until it is closed; a lost link is mended inside.

        A newer book of an instrument takes the place of one that nobody has read yet; of trades those that nobody reads in time
        are dropped, the oldest first. A book without levels says that it is not known any more: the link is lost, or it cannot be
        true. Of what the venue does not tell nothing comes.
        """
        ...


@runtime_checkable
class DealsInContracts(Protocol):
    """A feed or a broker whose futures are contracts of several months, of which it deals in one at a time."""

    def contract_of(self, symbol: Symbol) -> str:
        """The contract's month as exchanges write it, Z25; "" for what is no future, or where it is not known yet."""
        ...

    async def deal_in(self, symbol: Symbol, contract: str) -> None:
        """From here on it is this contract; BrokerError where the venue does not know it, and all is as before."""
        ...


@runtime_checkable
class HoldsContracts(DealsInContracts, Protocol):
    """A broker that tells when something is held, or works, in another contract than the one it deals in."""

    def elsewhere(self, symbol: Symbol) -> str:
        """Why nothing may be opened in the contract dealt in; "" where all is of one contract. What protects or closes a position
        goes to the contract that is held."""
        ...


@runtime_checkable
class TellsMargin(Protocol):
    """A broker whose venue tells what an order would do to margin."""

    async def margin(self, order: Order) -> Margin:
        """The answer; nothing is placed. BrokerError with the venue's reason where it would refuse the order, or cannot be
        asked. It may be cancelled at any time."""
        ...


@runtime_checkable
class ShowsContracts(DealsInContracts, Protocol):
    """A feed that can look at a contract beside the one it deals in."""

    async def quote_of(self, symbol: Symbol, contract: str) -> LiveQuote:
        """A quote of that contract; BrokerError where there is none within a few seconds."""
        ...


@runtime_checkable
class TakesDepth(Protocol):
    """A broker that fills by the book and by what others trade."""

    def on_depth(self, book: Depth) -> None:
        """The book as it is now; one without levels is not known any more."""
        ...

    def on_trade(self, trade: Trade) -> None:
        """A trade of others."""
        ...
