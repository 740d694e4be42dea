"""A line that trades at a venue which lacks something, and the venue's other end by hand."""

from __future__ import annotations

from typing import Any

from engine.core.clock import MINUTE, SECOND, Nanos
from engine.domain import facts as f
from engine.domain.instrument import Steps, cash
from engine.domain.intents import Intent, SubmitOrder
from engine.domain.market import Quote, Ticks
from engine.domain.order import ClientOrderId, Order, OrderType, Role, State, TimeInForce
from engine.lane import Lane
from engine.pipeline import Pipeline, Setup
from engine.ports.broker import Report
from engine.ports.outside import Abilities
from engine.signals.desk import Mode
from tests.engine.execution.counter import BID, Wire
from tests.engine.rig import FREE_GOLD, M1, MONDAY, WIDE, MemoryJournal, Scripted

STOPS = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})
AT_ONCE = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})
SPOT = Abilities(STOPS, AT_ONCE, post_only=True, shorts=False)
"""An exchange that holds stops and changes nothing."""
PLAIN = Abilities(frozenset({OrderType.MARKET, OrderType.LIMIT}), AT_ONCE, modifies=True, shorts=False)
"""An exchange that holds no stops."""
MARGIN = Abilities(STOPS, AT_ONCE, modifies=True)
"""A broker with neither brackets nor groups, where orders lock nothing."""


class Away:
    """`line` with `venue` behind it; quotes come a second apart."""

    def __init__(self, abilities: Abilities | None = SPOT, journal: MemoryJournal | None = None) -> None:
        self.abilities = abilities
        self.journal = journal or MemoryJournal()
        self.venue = Wire()
        self.at = MONDAY
        setup = Setup("DU1", "USD", cash("100000"), Mode.AUTO, WIDE, slippage=0)
        self.line = Pipeline(setup, [Lane(FREE_GOLD, M1, Scripted())], self.journal, lambda sink: self.venue, abilities)
        if not self.journal.kept:
            self.line.begin(MONDAY)
            for number in range(30):
                self.quote(BID + (100 if number % 2 else -100), after=MINUTE)
            self.quote(BID, after=MINUTE)

    def restarted(self) -> Away:
        """The same book in another process, at the same venue."""
        again = Away(self.abilities, self.journal)
        for record in self.journal.records():
            again.line.recall_live(record)
        again.at, again.venue = self.at, self.venue
        again.line.manager._broker = self.venue
        again.line.go_on([self.line.book.last["XAUUSD"]])
        return again

    # --- feeding ------------------------------------------------------------------------------------------------------

    def quote(self, bid: Ticks, ask: Ticks | None = None, *, after: Nanos = SECOND, size: Steps = 0) -> None:
        self.at += after
        while self.line.due <= self.at:
            self.line.on_time(self.line.due)
        self.line.on_quote(Quote("XAUUSD", self.at, bid, bid + 20 if ask is None else ask, False, size, size))

    def do(self, intent: Intent) -> list[f.Fact]:
        """The facts an intent led to, the intent itself aside."""
        return [record.fact for record in self.line.on_intent(intent)][1:]

    def buy(self, quantity: int = 10, kind: str = "market", **terms: Any) -> Order:
        """Places a buy; the entry."""
        facts = self.do(SubmitOrder("XAUUSD", "buy", kind, quantity, **terms))
        first = next(fact for fact in facts if isinstance(fact, f.OrderIntended))
        return self.line.register[first.order]

    def say(self, fact: f.OrderFact) -> None:
        self.line.on_report(Report(fact))

    def accept(self, *orders: ClientOrderId) -> None:
        for order in orders:
            self.say(f.OrderAccepted(order, f"v-{order}"))

    def fill(self, order: ClientOrderId, quantity: Steps, price: Ticks = BID) -> None:
        known = self.line.register[order]
        execution = f"{order}/{self.line.register.executions(order) + 1}"
        self.say(f.OrderFilled(order, execution, "XAUUSD", known.side.value, price, quantity, 0))

    def cancelled(self, order: ClientOrderId) -> None:
        self.say(f.OrderCancelled(order, "as asked"))

    def opened(self, quantity: int = 10, **terms: Any) -> Order:
        """A long position whose stop stands at the venue where that holds it; the entry."""
        terms = {"stop_loss": BID - 1_000, "take_profit": BID + 2_000} | terms
        entry = self.buy(quantity, **terms)
        self.accept(entry.id)
        self.fill(entry.id, quantity, BID + 20)
        for stop in self.there(Role.STOP):
            self.accept(stop.id)
        return self.line.register[entry.id]

    # --- looking ------------------------------------------------------------------------------------------------------

    @property
    def held(self) -> Steps:
        return self.line.ledger.position("XAUUSD")

    def orders(self, role: Role) -> list[Order]:
        return [order for order in self.line.register.all_live() if order.role is role]

    def there(self, role: Role) -> list[Order]:
        """Live orders that have left for the venue."""
        return [order for order in self.orders(role) if order.state not in (State.HELD, State.INTENT)]

    def the(self, role: Role) -> Order:
        (order,) = self.orders(role)
        return order

    def sent(self, role: Role) -> list[tuple[str, Steps, Ticks | None]]:
        """(type, quantity, price) of all that was ever submitted in this role, as the venue was given it."""
        return [(o.type.value, o.quantity, o.limit or o.stop) for o in self.venue.submitted if o.role is role]

    def facts(self, kind: type[f.Fact]) -> list[f.Fact]:
        return [record.fact for record in self.journal.kept if isinstance(record.fact, kind)]
