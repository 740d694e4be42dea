"""Random histories of a venue, of which the line heard only parts: reconciling makes the books the venue's."""

from __future__ import annotations

import random
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import IllegalTransition, Role, apply
from engine.execution.attribution import ANEW
from engine.execution.reconciliation import Reconciliation
from tests.engine.execution.counter import BID, OUNCES, Line, placed, price_of, steps, unanswered

TOLERATED = Decimal("0.01")


class History:
    """A venue at which things happen, and a line that hears of them or does not."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.line = Line()
        self.counter = self.line.counter
        self.names: dict[str, str] = {}

    def happen(self) -> None:
        act = self.rng.choice(
            [self.trade, self.trade, self.fill, self.fill, self.fill, self.end, self.manual, self.correct, self.cancel]
        )
        act()
        self.pump(self.rng.random() < 0.7)

    def heard(self, fact: f.OrderFact) -> None:
        """The line is told, unless the answer is lost, or what it says cannot be any more."""
        if self.rng.random() < 0.5:
            return
        order = self.line.line.register.orders.get(fact.order)
        if order is None:
            return
        try:
            apply(order, fact)
        except IllegalTransition:
            return
        self.line.say(fact)

    def pump(self, arrives: bool = True) -> None:
        """What left reaches the venue or is lost on its way."""
        wire = self.line.wire
        while wire.submitted or wire.cancelled or wire.modified:
            submitted, wire.submitted = wire.submitted, []
            cancelled, wire.cancelled = wire.cancelled, []
            modified, wire.modified = wire.modified, []
            for order in submitted if arrives else ():
                at_venue = self.counter.rest(order.id, order.side.value, order.quantity, order.limit, order.stop)
                self.heard(f.OrderAccepted(order.id, at_venue))
            for name, quantity, limit, stop in modified:
                for at_venue, told in list(self.counter.open.items()):
                    if arrives and told.client_order_id == name and quantity * OUNCES > told.filled:
                        self.counter.change(at_venue, quantity=quantity * OUNCES, limit=price_of(limit), stop=price_of(stop))
                        self.heard(f.OrderModified(name, quantity, limit, stop))
            for name in cancelled:
                for at_venue, told in list(self.counter.open.items()):
                    if arrives and told.client_order_id == name:
                        self.counter.end(at_venue, "cancelled")
                        self.heard(f.OrderCancelled(name, "asked"))

    def trade(self) -> None:
        side = self.rng.choice(["buy", "sell"])
        away = -100 if side == "buy" else 120
        placed(self.line, side, self.rng.randrange(1, 9), BID + away)

    def cancel(self) -> None:
        if ours := [order.id for order in self.line.line.register.all_live() if order.role is Role.ENTRY]:
            self.line.line.on_intent(i.CancelOrder(self.rng.choice(ours)))

    def fill(self) -> None:
        if not self.counter.open:
            return
        at_venue = self.rng.choice(sorted(self.counter.open))
        told = self.counter.open[at_venue]
        quantity = self.rng.randrange(1, steps("XAUUSD", told.quantity - told.filled) + 1)
        price = BID + self.rng.randrange(-300, 300)
        done = self.counter.fill(at_venue, quantity, price)
        self.heard(f.OrderFilled(told.client_order_id, done.execution_id, "XAUUSD", told.side, price, quantity, 0))

    def end(self) -> None:
        if self.counter.open:
            at_venue = self.rng.choice(sorted(self.counter.open))
            name = self.counter.open[at_venue].client_order_id
            self.counter.end(at_venue, "cancelled")
            self.heard(f.OrderCancelled(name, "by the venue"))

    def manual(self) -> None:
        side = self.rng.choice(["buy", "sell"])
        self.counter.rest("", side, self.rng.randrange(1, 6), limit=BID - 700)

    def correct(self) -> None:
        if not self.counter.executions:
            return
        place = self.rng.randrange(len(self.counter.executions))
        old = self.counter.executions[place]
        price = BID + self.rng.randrange(-300, 300)
        quantity = steps("XAUUSD", old.quantity)
        new = self.counter.correct(place, quantity, price)
        if self.line.line.register.knows(old.execution_id):
            name = self.line.line.register.booked[old.execution_id].order
            self.heard(f.FillCorrected(name, new.execution_id, old.execution_id, "XAUUSD", old.side, price, quantity, 0))

    def settle(self) -> Reconciliation:
        """Looks until there is nothing left to tell."""
        for _ in range(40):
            unanswered(self.line)
            found = self.line.look()
            self.pump()
            if not found.reports and not found.absences and found.is_clean:
                return found
        raise AssertionError(f"never settled: {found.lines}")


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 1_000_000))
@example(704)
@example(80_290)
def test_after_reconciling_the_books_are_the_venues_and_reconciling_again_reports_nothing(seed: int) -> None:
    history = History(seed)
    for _ in range(history.rng.randrange(1, 40)):
        history.happen()
        if history.rng.random() < 0.15:
            history.line.look()
    history.settle()
    line, counter = history.line, history.counter
    assert line.held == counter.held
    assert abs(line.worth - counter.cash) <= TOLERATED
    register = line.line.register
    named = {
        it.broker_order_id: it.client_order_id or f"EXT-{it.broker_order_id}"
        for it in (*counter.open.values(), *counter.ended.values())
    }
    assert {order.id.rstrip(ANEW) for order in register.all_live()} == {named[at_venue] for at_venue in counter.open}
    for it in (*counter.open.values(), *counter.ended.values()):
        if it.client_order_id:
            assert register[it.client_order_id].filled == steps("XAUUSD", it.filled)
    for it in counter.executions:
        if it.client_order_id:
            assert register.knows(it.execution_id)
    assert line.look().reports == ()
