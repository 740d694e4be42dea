"""One symbol: what it is, its book, its tape, and the orders that wait for a price."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from tests.peers.exchange.accounts import NOTHING
from tests.peers.exchange.book import Book
from tests.peers.exchange.filters import Listing
from tests.peers.exchange.orders import BUY, Order, Ticket
from tests.peers.exchange.tape import Tape


@dataclass(slots=True)
class Market:
    """A symbol's state; `waiting` are orders whose stop price was not reached yet."""

    listing: Listing
    book: Book = field(default_factory=Book)
    tape: Tape = field(default_factory=Tape)
    waiting: list[Order] = field(default_factory=list)

    def triggers(self, ticket: Ticket, price: Decimal | None) -> bool:
        """Whether the last trade reached the price that a conditional order waits for."""
        last = self.tape.last
        if last is None or price is None:
            return False
        return last >= price if ticket.is_rising else last <= price

    def due(self) -> Order | None:
        """The oldest order whose price was reached."""
        return next((it for it in self.waiting if self.triggers(it.ticket, it.trigger_price)), None)

    def cost(self, quantity: Decimal) -> Decimal:
        """What buying so much at the market takes, as far as the book goes."""
        cost = NOTHING
        for price, offered in self.book.available(BUY):
            size = min(quantity, offered)
            cost += size * price
            quantity -= size
        return cost

    def affordable(self, ticket: Ticket) -> Decimal:
        """How much a market order gets for the sum it names, in whole steps."""
        left, quantity, step = ticket.cost or NOTHING, NOTHING, self.listing.step
        for price, offered in self.book.available(ticket.side):
            size = min(offered, (left / price).quantize(step, rounding=ROUND_DOWN))
            quantity += size
            left -= size * price
            if size < offered:
                break
        return quantity
