"""One comparison of a venue with the books: the books as they will be, and what is said of the differences."""

from __future__ import annotations

from collections.abc import Container, Mapping

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.market import Quote, Symbol, Ticks
from engine.domain.order import ClientOrderId, IllegalTransition, Order, State, from_terms
from engine.domain.order import apply as after
from engine.execution.attribution import Attribution
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister, corrected
from engine.ports.broker import Report
from engine.risk.guard import HALTED

ABSENCES = 3
"""Looks in a row at which an order, or the executions of a fill, must be missing before it is believed."""
LOOKS = 2
"""Looks in a row that must agree on what contradicts the record: the parts of an answer are not all of one moment."""
BOOKS = "reconciliation"
"""The cause of a halt where the books cannot be trusted; see engine.execution.manager.DISTRUST."""
TWIN = "twin"
"""That of a halt for an order which is at the venue twice."""


class Look:
    """`found` against the books. `order` and `held` tell of the books as they will be when the reports so far are applied;
    `before` is what the last look counted, `counts` what the next is to be given."""

    def __init__(
        self,
        found: Attribution,
        register: OrderRegister,
        ledger: Ledger,
        instruments: Mapping[Symbol, Instrument],
        quotes: Mapping[Symbol, Quote],
        at: Nanos,
        before: Mapping[str, int],
        is_new_book: bool,
        margined: Container[Symbol],
    ) -> None:
        self.found = found
        self.register = register
        self.ledger = ledger
        self.instruments = instruments
        self.at = at
        self.before = before
        self.is_new_book = is_new_book
        self.margined = margined
        self.held = {symbol: ledger.position(symbol) for symbol in instruments}
        self.basis: dict[Symbol, Cash] = {symbol: holding.basis for symbol, holding in ledger.open.items()}
        self.reports: list[Report] = []
        self.halts: list[Report] = []
        self.mismatches: list[str] = []
        self.lines: list[str] = []
        self.counts: dict[str, int] = {}
        self.fills = self.settled = self.adopted = 0
        self.moved = False
        """Whether something moves that the account's cash follows."""
        self._quotes = quotes
        self._orders: dict[ClientOrderId, Order] = {}

    # --- the books as they will be ------------------------------------------------------------------------------------

    def order(self, name: ClientOrderId) -> Order:
        return self._orders.get(name) or self.register[name]

    def knows(self, name: ClientOrderId) -> bool:
        """Whether the order is on record, or will be."""
        return name in self._orders or name in self.register.orders

    def mark(self, symbol: Symbol, sign: int) -> Ticks | None:
        """The price at which a position of this sign could be closed; None before the first quote."""
        quote = self._quotes.get(symbol)
        return None if quote is None else quote.bid if sign > 0 else quote.ask

    def there(self, symbol: Symbol) -> Steps:
        """The venue's position."""
        return self.found.positions.get(symbol, (0, None))[0]

    # --- what is said -------------------------------------------------------------------------------------------------

    def wake(self, order: Order) -> None:
        """An order that is found was sent, whatever the record has of it."""
        if order.state is State.INTENT:
            self.say(f.OrderUnknown(order.id, "it was found at the venue, and not recorded as sent"))
        elif order.state is State.HELD:
            self.say(f.OrderSent(order.id))

    def say(self, fact: f.OrderFact | f.VenueFact, line: str = "") -> bool:
        """Adds a report; False, with a sentence, for what cannot happen to its order."""
        if isinstance(fact, f.OrderFact):
            try:
                self._orders[fact.order] = self._then(fact)
            except IllegalTransition as error:
                self.mismatches.append(f"the venue contradicts the record: {error}")
                return False
        self.moved = self.moved or isinstance(fact, f.OrderFilled | f.FillCorrected | f.PositionAdopted)
        self.reports.append(Report(fact))
        if line:
            self.lines.append(line)
        return True

    def halt(self, reason: str, cause: str = BOOKS) -> None:
        """Stops trading once all else was said: what a halt takes back is taken back from the books as they are then."""
        self.halts.append(Report(f.TradingStateChanged(HALTED, cause, reason)))

    def seen(self, key: str, enough: int) -> bool:
        """Whether that has been so for enough looks in a row."""
        count = self.before.get(key, 0) + 1
        if count < enough:
            self.counts[key] = count
        return count >= enough

    def doubt(self, key: str, sentence: str, enough: int) -> bool:
        """The same, and nothing may be opened meanwhile."""
        if self.seen(key, enough):
            return True
        self.mismatches.append(sentence)
        self.lines.append(f"{sentence[0].upper()}{sentence[1:]}: looked at again before it is believed.")
        return False

    def _then(self, fact: f.OrderFact) -> Order:
        if isinstance(fact, f.OrderTerms):
            return after(from_terms(fact, self.at), fact)
        order = self.order(fact.order)
        if isinstance(fact, f.FillCorrected):
            return corrected(order, self.register.booked[fact.replaces], fact)
        return after(order, fact)
