"""Any order of what a venue may say, over manager, register and held orders together: nothing is lost, doubled or oversold."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.instrument import Steps
from engine.domain.order import TERMINAL, IllegalTransition, Order, OrderType, Role, State
from engine.ports.broker import Report
from engine.ports.outside import Abilities
from tests.engine.execution.away import BID, MARGIN, PLAIN, SPOT, Away

WHOLE = Abilities(frozenset(OrderType), MARGIN.tifs, brackets=True, groups=True, modifies=True)


@dataclass
class There:
    """An order as the venue has it: what it was for, what of it filled, and whether it still works."""

    order: Order
    quantity: Steps
    filled: Steps = 0
    works: bool = True
    said: list[f.OrderFact] = field(default_factory=list)


class Interleavings(RuleBasedStateMachine):
    """The venue below is true to itself; what it says comes late, twice, or not at all."""

    abilities: Abilities = SPOT

    def __init__(self) -> None:
        super().__init__()
        self.away = Away(self.abilities)
        self.there: dict[str, There] = {}
        self.executions: dict[str, int] = {}
        self.position = 0
        self.bid = BID
        self.ambiguous: set[str] = set()

    # --- the owner and the market -------------------------------------------------------------------------------------

    @initialize(quantity=st.integers(2, 20), several=st.booleans())
    def enters(self, quantity: int, several: bool) -> None:
        some = {"targets": ((BID + 800, 1),)} if several else {"take_profit": BID + 800}
        # terms of the intent
        self.away.do(i.SubmitOrder("XAUUSD", "buy", "limit", quantity, BID - 10, stop_loss=BID - 500, **some))  # type: ignore[arg-type]

    @rule(bid=st.sampled_from([BID - 600, BID - 100, BID, BID + 400, BID + 900]))
    def quote(self, bid: int) -> None:
        self.bid = bid
        self.away.quote(bid)

    @rule(quantity=st.integers(0, 5))
    def close(self, quantity: int) -> None:
        self.away.do(i.ClosePosition("XAUUSD", quantity))

    @rule(price=st.sampled_from([BID - 300, BID - 550]))
    def move_the_stop(self, price: int) -> None:
        self.away.do(i.EditProtection("XAUUSD", stop_loss=price))

    @rule(quantity=st.integers(1, 9))
    def enters_again(self, quantity: int) -> None:
        self.away.do(i.SubmitOrder("XAUUSD", "buy", "market", quantity, stop_loss=self.bid - 400, take_profit=self.bid + 500))

    @rule()
    def cancels_everything(self) -> None:
        self.away.do(i.CancelAll(everything=True))

    @rule()
    def restarts(self) -> None:
        self.away = self.away.restarted()

    # --- the venue ----------------------------------------------------------------------------------------------------

    def _known(self) -> list[There]:
        for order in self.away.venue.submitted:
            if order.id not in self.there:
                self.there[order.id] = There(order, order.quantity)
        return list(self.there.values())

    def _pick(self, data: st.DataObject, works: bool = True) -> There | None:
        fitting = [each for each in self._known() if each.works or not works]
        return data.draw(st.sampled_from(fitting)) if fitting else None

    def _say(self, there: There, fact: f.OrderFact) -> None:
        there.said.append(fact)
        self._hear(fact)

    def _hear(self, fact: f.OrderFact) -> None:
        """As a live session takes it: what contradicts the record is not believed."""
        try:
            self.away.line.on_report(Report(fact))
        except IllegalTransition:
            self.away.line._reports.clear()

    @rule(data=st.data())
    def accepts(self, data: st.DataObject) -> None:
        if (there := self._pick(data)) is not None:
            self._say(there, f.OrderAccepted(there.order.id, f"v-{there.order.id}"))

    @rule(data=st.data())
    def does_not_answer(self, data: st.DataObject) -> None:
        if (there := self._pick(data)) is not None:
            self._say(there, f.OrderUnknown(there.order.id, "no answer in time"))

    @rule(data=st.data())
    def rejects(self, data: st.DataObject) -> None:
        there = self._pick(data)
        if there is not None and not there.filled:
            there.works = False
            self._say(there, f.OrderRejected(there.order.id, "no"))

    @rule(data=st.data(), whole=st.booleans())
    def fills(self, data: st.DataObject, whole: bool) -> None:
        there = self._pick(data)
        if there is None:
            return
        left = there.quantity - there.filled
        if there.order.side.sign < 0:
            left = min(left, self.position)  # a spot market sells what there is, a broker reduces what there is
        if self._waits(there.order):
            left = min(left, self._armed_there(there))
        if left <= 0:
            return
        steps = left if whole else data.draw(st.integers(1, left))
        there.filled += steps
        there.works = there.filled < there.quantity
        self.position += there.order.side.sign * steps
        number = self.executions[there.order.id] = self.executions.get(there.order.id, 0) + 1
        side, name = there.order.side.value, there.order.id
        self._say(there, f.OrderFilled(name, f"{name}/{number}", "XAUUSD", side, self.bid, steps, 0))

    def _waits(self, order: Order) -> bool:
        return bool(order.oco) and self.abilities.groups

    def _armed_there(self, there: There) -> Steps:
        """What a venue that holds brackets and groups lets a leg fill."""
        group = [it for it in self.there.values() if it.order.oco == there.order.oco]
        parent = self.there.get(there.order.parent)
        cover = parent.filled if parent is not None else there.quantity
        return cover - sum(it.filled for it in group)

    @precondition(lambda self: self.away.venue.cancelled)
    @rule(data=st.data(), works=st.booleans())
    def answers_a_cancel(self, data: st.DataObject, works: bool) -> None:
        self._known()
        there = self.there[data.draw(st.sampled_from(self.away.venue.cancelled))]
        if there.works and works:
            there.works = False
            self._say(there, f.OrderCancelled(there.order.id, "as asked"))
        else:
            self._say(there, f.CancelRejected(there.order.id, "too late"))

    @precondition(lambda self: self.away.venue.modified)
    @rule(data=st.data(), grants=st.booleans())
    def answers_a_change(self, data: st.DataObject, grants: bool) -> None:
        self._known()
        name, quantity, limit, stop = data.draw(st.sampled_from(self.away.venue.modified))
        there = self.there[name]
        if there.works and grants and quantity > there.filled:
            there.quantity = quantity
            self._say(there, f.OrderModified(name, quantity, limit, stop))
        else:
            self._say(there, f.ModifyRejected(name, "no"))

    @rule(data=st.data())
    def says_something_again(self, data: st.DataObject) -> None:
        said = [fact for there in self._known() for fact in there.said if isinstance(fact, f.OrderFilled)]
        if said:
            self._hear(data.draw(st.sampled_from(said)))

    # --- what holds whatever happens ----------------------------------------------------------------------------------

    @invariant()
    def the_position_is_the_sum_of_the_fills(self) -> None:
        assert self.away.held == self.position
        assert self.position == sum(it.order.side.sign * it.filled for it in self.there.values())

    @invariant()
    def every_fill_is_booked_once(self) -> None:
        register = self.away.line.register
        assert all(register[name].filled == there.filled for name, there in self.there.items())

    @invariant()
    def nothing_is_submitted_twice(self) -> None:
        names = [order.id for order in self.away.venue.submitted]
        assert len(names) == len(set(names))
        assert all(self.away.line.register[name].state is not State.HELD for name in names)

    @invariant()
    def no_leg_is_submitted_for_more_than_its_entry_filled(self) -> None:
        if self.abilities.brackets:
            return
        for entry in [it for it in self._known() if it.order.role is Role.ENTRY]:
            children = self.away.line.register.children.get(entry.order.id, ())
            legs = [it for name, it in self.there.items() if name in children and it.order.role is Role.STOP]
            assert all(leg.order.quantity <= entry.filled for leg in legs)

    @invariant()
    def no_more_is_offered_than_is_held_where_that_is_locked(self) -> None:
        offered = sum(it.quantity - it.filled for it in self._known() if it.works and it.order.side.sign < 0)
        assert self.abilities.shorts or offered <= self.position

    @invariant()
    def a_target_never_works_beside_its_stop_where_nothing_ties_them(self) -> None:
        working = [it.order for it in self._known() if it.works]
        oco = {order.id: self.away.line.register[order.id].oco for order in working}
        targets = {oco[order.id] for order in working if order.role is Role.TARGET}
        stops = [order for order in working if order.role is Role.STOP and order.type is OrderType.STOP]
        assert self.abilities.groups or not [stop for stop in stops if oco[stop.id] and oco[stop.id] in targets]

    @invariant()
    def what_is_over_here_rests_nowhere_unless_it_was_refused(self) -> None:
        register = self.away.line.register
        for name, there in self.there.items():
            assert not there.works or register[name].state not in TERMINAL


@pytest.mark.parametrize("abilities", [SPOT, PLAIN, MARGIN, WHOLE], ids=["spot", "plain", "margin", "whole"])
def test_whatever_a_venue_says_in_whatever_order(abilities: Abilities) -> None:
    machine = type("Machine", (Interleavings,), {"abilities": abilities})
    case = machine.TestCase  # type: ignore[attr-defined]  # hypothesis makes it
    case.settings = settings(
        max_examples=30,
        stateful_step_count=30,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    case("runTest").runTest()
