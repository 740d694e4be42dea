"""A stop that is lost stands again where its owner had it, and where it cannot, that is on record."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import SECOND
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import Order, OrderType, Role, State
from engine.domain.protection import ProtectionTerms
from tests.engine.execution.away import MARGIN, SPOT, Away
from tests.engine.execution.counter import BID, Line, placed

LEVEL = BID - 600
"""Where `placed` puts the stop of an entry."""


def opened(**setup: object) -> Line:
    """A line that is long ten lot steps under a stop that is acknowledged."""
    line = Line(**setup)
    fill(line, placed(line), 10)
    return line


def fill(line: Line, entry: str, quantity: int) -> None:
    """So much of the entry fills; what left before is acknowledged."""
    accept(line)
    side = line.line.register[entry].side.value
    execution = f"{entry}/{line.line.register.executions(entry)}"
    line.say(f.OrderFilled(entry, execution, "XAUUSD", side, BID - 100, quantity, 0))


def accept(line: Line) -> None:
    """Whatever left and still may be is acknowledged."""
    for order in list(line.line.register.all_live()):
        if order.state is State.SENT:
            line.say(f.OrderAccepted(order.id, f"V{order.id}"))


def stops(line: Line) -> list[Order]:
    return [order for order in line.line.register.all_live() if order.role is Role.STOP and line.line.register.armed(order)]


def levels(line: Line) -> list[tuple[int, int | None]]:
    """Lot steps and level of every stop over the position."""
    return [(line.line.register.armed(stop), stop.stop) for stop in stops(line)]


def lose(line: Line, stop: Order, how: str = "cancelled") -> None:
    line.say(
        {
            "cancelled": f.OrderCancelled(stop.id, "by somebody at the venue"),
            "expired": f.OrderExpired(stop.id),
            "rejected": f.OrderRejected(stop.id, "no"),
        }[how]
    )


def wait(line: Line, span: int) -> None:
    line.counter.at += span
    line.line.reach(line.counter.at)


def missing(line: Line) -> list[f.ProtectionMissing]:
    return [fact for fact in line.facts(f.ProtectionMissing) if isinstance(fact, f.ProtectionMissing)]


def restarted(line: Line) -> Line:
    """The same book in another process."""
    again = Line(is_new=False)
    again.journal, again.counter = line.journal, line.counter
    again.line.journal = line.journal
    for record in line.journal.records():
        again.line.recall_live(record)
    again.line.go_on([line.line.book.last["XAUUSD"]])
    return again


@pytest.mark.parametrize("how", ["cancelled", "expired", "rejected"])
def test_a_stop_that_is_lost_stands_again_where_it_was_at_the_first_attempt(how: str) -> None:
    line = opened()
    lose(line, stops(line)[0], how)
    assert levels(line) == [(10, LEVEL)]
    (said,) = missing(line)
    assert said.action.startswith(f"a stop was placed at {LEVEL} ticks, where its owner had it; if none holds within 30 s")
    assert said.instead_of == 0


def test_it_stands_where_its_owner_moved_it_last() -> None:
    line = opened()
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=BID - 250))
    line.say(f.OrderModified(stops(line)[0].id, 10, None, BID - 250))
    lose(line, stops(line)[0])
    assert levels(line) == [(10, BID - 250)]


def test_a_move_that_was_under_way_when_the_stop_was_lost_is_its_owners_word_and_a_refused_one_is_not() -> None:
    line = opened()
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=BID - 250))
    lose(line, stops(line)[0])
    assert levels(line) == [(10, BID - 250)]
    line = opened()
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=BID - 250))
    line.say(f.ModifyRejected(stops(line)[0].id, "busy"))
    lose(line, stops(line)[0])
    assert levels(line) == [(10, LEVEL)]


def test_a_move_that_cannot_be_asked_for_now_is_refused_and_not_passed_over() -> None:
    line = opened()
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=BID - 250))
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=BID - 200))
    (refused,) = line.facts(f.IntentRefused)
    assert "is PENDING_MODIFY; change it when that is settled" in refused.reason  # type: ignore[attr-defined]


def test_a_stop_that_was_moved_at_the_venue_stands_again_where_it_was_moved_to() -> None:
    line = opened()
    line.say(f.OrderModified(stops(line)[0].id, 10, None, BID - 333))
    lose(line, stops(line)[0])
    assert levels(line) == [(10, BID - 333)]


def test_a_trailing_stop_trails_on_from_where_it_had_come() -> None:
    line = Line()
    line.line.on_intent(i.SubmitOrder("XAUUSD", "buy", "limit", 10, BID - 100, stop_trail=400))
    entry = next(iter(line.line.register.orders))
    fill(line, entry, 10)
    line.say(f.OrderTrailed(stops(line)[0].id, BID - 120))
    lose(line, stops(line)[0])
    (stop,) = stops(line)
    assert (stop.type, stop.stop, stop.trail, stop.quantity) == (OrderType.TRAILING, BID - 120, 400, 10)


def test_each_of_several_stops_stands_again_where_it_was() -> None:
    line = opened()
    fill(line, placed(line, quantity=4, price=BID - 50), 4)
    first, second = stops(line)
    assert levels(line) == [(10, LEVEL), (4, BID - 550)]
    lose(line, first)
    assert sorted(levels(line)) == [(4, BID - 550), (10, LEVEL)]
    lose(line, second)
    assert sorted(levels(line)) == [(4, BID - 550), (10, LEVEL)]


def test_after_a_part_was_closed_what_is_left_stands_where_it_was() -> None:
    line = opened()
    line.line.on_intent(i.ClosePosition("XAUUSD", 4))
    close = line.wire.submitted[-1]
    line.say(f.OrderFilled(close.id, "c1", "XAUUSD", "sell", BID, 4, 0))
    line.say(f.OrderModified(stops(line)[0].id, 6, None, LEVEL))
    lose(line, stops(line)[0])
    assert levels(line) == [(6, LEVEL)]


def test_a_position_that_turned_round_knows_nothing_of_the_stops_before() -> None:
    line = opened()
    old = stops(line)[0]
    fill(line, placed(line, "sell", 25, BID + 100), 25)
    assert line.held == -15
    line.say(f.OrderCancelled(old.id, "as asked"))
    assert [level for _, level in levels(line)] == [BID + 600]
    lose(line, stops(line)[0])
    assert levels(line) == [(15, BID + 600)]


def test_a_new_position_knows_nothing_of_the_stops_of_the_last() -> None:
    line = opened()
    lose(line, stops(line)[0])
    line.line.on_intent(i.ClosePosition("XAUUSD"))
    line.say(f.OrderFilled(line.wire.submitted[-1].id, "c1", "XAUUSD", "sell", BID, 10, 0))
    fill(line, placed(line, price=BID - 20), 10)
    lose(line, stops(line)[0])
    assert levels(line) == [(10, BID - 520)]


def test_what_an_entry_fills_after_its_stop_was_lost_has_its_stop_there_too_even_where_it_was_moved_since() -> None:
    line = Line()
    entry = placed(line)
    fill(line, entry, 4)
    lose(line, stops(line)[0])
    accept(line)
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=BID - 300))
    line.say(f.OrderModified(stops(line)[0].id, 4, None, BID - 300))
    fill(line, entry, 6)
    assert levels(line) == [(4, BID - 300), (6, BID - 300)]


def test_an_entry_that_fills_although_its_stop_was_refused_is_covered_where_that_was_to_stand() -> None:
    line = Line()
    entry = placed(line)
    leg = next(order for order in line.line.register.all_live() if order.role is Role.STOP)
    accept(line)
    line.say(f.OrderRejected(leg.id, "no"))
    assert line.line.register[entry].state is State.PENDING_CANCEL
    fill(line, entry, 3)
    assert levels(line) == [(3, LEVEL)]


def test_more_than_was_ordered_is_covered_at_the_closest_level_that_stands() -> None:
    line = opened()
    fill(line, placed(line, quantity=4, price=BID - 50), 4)
    entry = next(iter(line.line.register.orders))
    fill(line, entry, 3)
    assert levels(line)[-1] == (3, BID - 550)


def test_where_the_market_is_through_its_level_it_stands_at_the_default_distance_and_that_is_said() -> None:
    line = opened()
    line.quote(LEVEL - 50)
    lose(line, stops(line)[0])
    ((units, level),) = levels(line)
    assert (units, level is not None and level < LEVEL - 50) == (10, True)
    (said,) = missing(line)
    assert (said.instead_of, f"{LEVEL}, but the market is through that" in said.action) == (LEVEL, True)


def test_where_the_venue_refuses_its_level_it_stands_at_the_default_distance_and_its_owners_is_not_forgotten() -> None:
    line = opened()
    lose(line, stops(line)[0])
    lose(line, stops(line)[0], "rejected")
    assert levels(line) == []
    wait(line, 2 * SECOND)
    ((units, level),) = levels(line)
    assert (units, level) != (10, LEVEL)
    said = missing(line)[-1]
    assert (said.instead_of, f"{LEVEL}, but the venue refused that" in said.action) == (LEVEL, True)
    accept(line)
    wait(line, 60 * SECOND)
    line = restarted(line)
    lose(line, stops(line)[0])
    assert levels(line) == [(10, LEVEL)]


def test_a_stop_that_its_owner_moved_from_the_default_distance_is_where_its_owner_wants_it() -> None:
    line = opened()
    line.quote(LEVEL - 50)
    lose(line, stops(line)[0])
    accept(line)
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=LEVEL - 90))
    line.say(f.OrderModified(stops(line)[0].id, 10, None, LEVEL - 90))
    wait(line, 60 * SECOND)
    line.quote(BID)
    lose(line, stops(line)[0])
    assert levels(line) == [(10, LEVEL - 90)]


def test_a_stop_that_never_left_is_placed_where_it_was_again() -> None:
    line = opened()
    lose(line, stops(line)[0])
    line.say(f.OrderRejected(stops(line)[0].id, "the link was lost; nothing was sent"))
    wait(line, 2 * SECOND)
    assert levels(line) == [(10, LEVEL)]


def test_after_a_kill_a_stop_of_which_nobody_knows_stands_again_where_it_was() -> None:
    line = opened()
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=BID - 250))
    line.say(f.OrderModified(stops(line)[0].id, 10, None, BID - 250))
    lose(line, stops(line)[0])
    line = restarted(line)  # the new one was on its way when the program died
    (lost,) = stops(line)
    line.say(f.OrderUnknown(lost.id, "the program ended"))
    line.say(f.OrderRejected(lost.id, "nobody knows of it"))
    assert levels(line) == [(10, BID - 250)]


def test_an_adopted_position_that_was_given_a_stop_has_it_again() -> None:
    line = Line()
    line.say(f.PositionAdopted("XAUUSD", 8, 8 * BID * 10_000, "an opening balance"))
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=BID - 700))
    # facts of that kind
    assert [fact.choice for fact in line.facts(f.ProtectionChosen)] == ["attach"]  # type: ignore[attr-defined]
    lose(line, stops(line)[0])
    assert levels(line) == [(8, BID - 700)]


def test_what_was_adopted_beside_a_position_of_ones_own_is_given_its_first_stop_at_the_default_distance() -> None:
    line = opened()
    line.say(f.PositionAdopted("XAUUSD", 18, 18 * BID * 10_000, "bought elsewhere"))
    line.line.on_intent(i.ChooseProtection("XAUUSD", "attach"))
    own, first = levels(line)
    assert (own, first[0], first[1] != LEVEL) == ((10, LEVEL), 8, True)
    again = restarted(line)
    accept(again)
    lose(again, stops(again)[1])
    assert levels(again) == [own, first]


def test_without_a_price_it_stands_where_it_was_and_one_that_needs_a_price_waits_and_says_so_once() -> None:
    line = opened()
    quote = line.line.book.last.pop("XAUUSD")
    lose(line, stops(line)[0])
    assert levels(line) == [(10, LEVEL)]
    lose(line, stops(line)[0], "rejected")
    for _ in range(15):
        wait(line, 2 * SECOND)
    assert [fact.action.partition(";")[0] for fact in missing(line)[1:]] == ["no price is known to place a stop at"]
    line.line.book.last["XAUUSD"] = quote
    wait(line, 2 * SECOND)
    ((units, _),) = levels(line)
    assert units == 10


@pytest.mark.parametrize("abilities", [SPOT, MARGIN], ids=["spot", "margin"])
def test_a_venue_without_brackets_has_the_stop_of_a_later_fill_where_its_owner_moved_it(abilities: object) -> None:
    away = Away(abilities)  # type: ignore[arg-type]  # the cases are Abilities
    entry = away.buy(10, "limit", price=BID - 10, stop_loss=BID - 1_000, take_profit=BID + 2_000)
    away.accept(entry.id)
    away.fill(entry.id, 4)
    (leg,) = away.there(Role.STOP)
    away.accept(leg.id)
    away.cancelled(leg.id)
    (again,) = away.there(Role.STOP)
    away.accept(again.id)
    away.do(i.EditProtection("XAUUSD", stop_loss=BID - 400))
    if abilities is MARGIN:
        away.say(f.OrderModified(again.id, 4, None, BID - 400))
    else:
        away.cancelled(again.id)
        away.accept(away.there(Role.STOP)[0].id)
    away.fill(entry.id, 6)
    assert sum(away.line.register.armed(stop) for stop in away.orders(Role.STOP)) == 10
    assert {stop.stop for stop in away.orders(Role.STOP)} == {BID - 400}


def test_a_position_that_waits_for_a_part_of_its_stops_is_moved_whole_by_its_owner() -> None:
    line = opened()
    fill(line, placed(line, quantity=4, price=BID - 50), 4)
    lose(line, stops(line)[0])
    lose(line, stops(line)[-1])
    assert [units for units, _ in levels(line)] == [4]
    line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=BID - 200))
    line.say(f.OrderModified(stops(line)[0].id, 4, None, BID - 200))
    wait(line, 2 * SECOND)
    assert sorted(levels(line)) == [(4, BID - 200), (10, BID - 200)]


# --- how often --------------------------------------------------------------------------------------------------------


def test_a_stop_that_is_acknowledged_and_cancelled_each_time_is_not_placed_without_end() -> None:
    line = opened()
    tried = 0
    while stops(line) and tried < 50:
        accept(line)
        lose(line, stops(line)[0])
        tried += 1
        wait(line, 2 * SECOND)
    assert tried <= 1 + ProtectionTerms().attempts
    assert missing(line)[-1].action.startswith("it is closed at the market")


def test_a_close_that_is_refused_for_a_long_time_is_asked_for_ever_more_rarely() -> None:
    line = opened(protection=ProtectionTerms(policy="close"))
    lose(line, stops(line)[0])
    for _ in range(600):
        for order in list(line.line.register.all_live()):
            line.say(f.OrderRejected(order.id, "busy"))
        wait(line, SECOND)
    closes = [order for order in line.line.register.orders.values() if order.role is Role.CLOSE]
    assert 20 <= len(closes) <= 26


def test_the_stated_time_is_kept_where_the_pause_is_longer() -> None:
    line = opened(protection=ProtectionTerms(attempts=20, pause=60 * SECOND, within=30 * SECOND))
    lose(line, stops(line)[0])
    lose(line, stops(line)[0], "rejected")
    wait(line, 30 * SECOND)
    assert missing(line)[-1].action.startswith("it is closed at the market")


# --- whatever happens -------------------------------------------------------------------------------------------------

EVENTS = ["cancelled", "expired", "rejected", "accept", "edit", "refuse", "shrink", "close", "fill", "quote", "wait", "restart"]


class Owner:
    """A position of `side` whose owner wants its stop at `wanted`, at a venue that says anything."""

    def __init__(self, side: str) -> None:
        self.line = Line()
        self.sign = 1 if side == "buy" else -1
        self.entry = placed(self.line, side, 20, BID - self.sign * 100)
        self.wanted = BID - self.sign * 600
        fill(self.line, self.entry, 8)

    def happens(self, event: str, number: int) -> None:
        line, standing = self.line, stops(self.line)
        stop = standing[number % len(standing)] if standing else None
        if event in ("cancelled", "expired", "rejected") and stop is not None:
            if stop.may({"cancelled": "OrderCancelled", "expired": "OrderExpired", "rejected": "OrderRejected"}[event]):
                lose(line, stop, event)
        elif event in ("accept", "refuse"):
            self.answers(event == "refuse")
        elif event == "edit":
            self.edits(BID - self.sign * (50 + number))
        elif event == "shrink" and stop is not None and stop.state is State.ACCEPTED and line.line.register.armed(stop) > 1:
            line.say(f.OrderModified(stop.id, stop.quantity - 1, None, stop.stop))
        elif event == "close":
            line.line.on_intent(i.ClosePosition("XAUUSD", 1 + number % 3))
            self.closes()
        elif event == "fill" and (left := line.line.register[self.entry].leaves):
            fill(line, self.entry, min(left, 1 + number % 4))
        elif event == "quote":
            line.quote(BID + self.sign * (number - 800))
        elif event == "wait":
            wait(line, (1 + number % 5) * SECOND)
        elif event == "restart":
            self.line = restarted(line)

    def answers(self, refuses: bool) -> None:
        """The venue answers to all that it was asked."""
        accept(self.line)
        for order in list(self.line.line.register.all_live()):
            if order.state is State.PENDING_MODIFY and order.asked is not None:
                said = f.ModifyRejected(order.id, "no") if refuses else f.OrderModified(order.id, *order.asked)
                self.line.say(said)
            elif order.state is State.PENDING_CANCEL:
                self.line.say(f.OrderCancelled(order.id, "as asked"))

    def edits(self, price: int) -> None:
        """Its owner moves the stop, and the venue grants it."""
        self.answers(False)
        records = self.line.line.on_intent(i.EditProtection("XAUUSD", stop_loss=price))
        if not any(isinstance(record.fact, f.IntentRefused) for record in records):
            self.wanted = price
        self.answers(False)

    def closes(self) -> None:
        for order in list(self.line.line.register.all_live()):
            if order.role is Role.CLOSE and order.state is not State.PENDING_CANCEL:
                side = order.side.value
                self.line.say(f.OrderFilled(order.id, f"{order.id}/x", "XAUUSD", side, BID, order.leaves, 0))


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 1_000)), min_size=1, max_size=30), st.sampled_from(["buy", "sell"])
)
def test_whatever_is_reported_no_stop_is_wider_than_its_owner_set_it_unless_facts_say_why(
    events: list[tuple[str, int]], side: str
) -> None:
    owner = Owner(side)
    for event, number in events:
        owner.happens(event, number)
        if owner.line.held * owner.sign <= 0:
            return
        explained = {int(fact.action.split()[5]) for fact in missing(owner.line) if fact.instead_of and ", but " in fact.action}
        for stop in stops(owner.line):
            level = stop.asked[2] if stop.asked is not None else stop.stop
            assert level is not None
            assert (owner.wanted - level) * owner.sign <= 0 or level in explained, (event, level, owner.wanted)
