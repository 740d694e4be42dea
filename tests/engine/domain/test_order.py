"""The state table: every row happens, every missing row raises, and no walk through it loses a fill."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain import facts as f
from engine.domain.order import (
    LIVE,
    TERMINAL,
    TRANSITIONS,
    WORKING,
    IllegalTransition,
    Order,
    OrderType,
    Role,
    Side,
    State,
    apply,
    from_terms,
    terms,
)
from engine.domain.order_chart import BEGIN, END, chart

PARTIAL, FULL = "partial fill", "full fill"
EVENTS = sorted({event for _, event in TRANSITIONS})
ROWS = sorted(TRANSITIONS, key=str)
OVERFILL = (State.FILLED, PARTIAL)
"""No fill leaves a filled order open, so this pair cannot be."""
MISSING = [(s, event) for s in State for event in EVENTS if (s, event) not in TRANSITIONS and (s, event) != OVERFILL]


def an_order(state: State = State.DRAFT, filled: int = 0) -> Order:
    order = Order("NG1", "XAUUSD", Side.BUY, OrderType.LIMIT, 10, Role.ENTRY, limit=200_000)
    return order._replace(state=state, filled=filled, filled_value=filled * 200_000)


def fill(quantity: int, price: int = 200_000) -> f.OrderFilled:
    return f.OrderFilled("NG1", f"e{quantity}/{price}", "XAUUSD", "buy", price, quantity, 0)


def event_fact(event: str, order: Order) -> f.OrderFact:
    """A fact of this kind that suits the order."""
    if event == FULL:
        return fill(max(1, order.quantity - order.filled))
    if event == PARTIAL:
        return fill(1)
    kind = f.KINDS[event]
    given: dict[str, Any] = {"broker_id": "b", "reason": "why", "quantity": order.quantity, "limit": 200_001, "stop": None}
    given |= terms(order) | {"limits": (), "largest": 0, "filled": 0} if issubclass(kind, f.OrderTerms) else {"order": order.id}
    fact = kind(**{field.name: given[field.name] for field in fields(kind)})
    assert isinstance(fact, f.OrderFact)
    return fact


@pytest.mark.parametrize(("state", "event"), ROWS, ids=str)
def test_a_row_of_the_table_leads_to_its_state(state: State, event: str) -> None:
    order = an_order(state, 10 if state is State.FILLED else 0)
    assert apply(order, event_fact(event, order)).state is TRANSITIONS[state, event]


@pytest.mark.parametrize(("state", "event"), MISSING, ids=str)
def test_what_is_no_row_of_the_table_is_illegal(state: State, event: str) -> None:
    order = an_order(state, 10 if state is State.FILLED else 0)
    with pytest.raises(IllegalTransition, match=rf"NG1 is {state.value}"):
        apply(order, event_fact(event, order))


def test_every_state_can_be_reached_and_every_state_is_live_or_terminal_or_a_draft() -> None:
    assert set(TRANSITIONS.values()) == set(State) - {State.DRAFT}
    assert LIVE | TERMINAL | {State.DRAFT} == set(State)
    assert not LIVE & TERMINAL
    assert WORKING < LIVE


def test_only_a_fill_wakes_an_order_that_is_over() -> None:
    after = {event for state, event in TRANSITIONS if state in TERMINAL}
    assert after == {PARTIAL, FULL}
    assert not [event for state, event in TRANSITIONS if state is State.DENIED]


@pytest.mark.parametrize("state", [State.CANCELLED, State.EXPIRED, State.REJECTED])
def test_a_late_fill_beats_an_order_that_was_thought_to_be_over(state: State) -> None:
    order = apply(an_order(state), fill(10))
    assert (order.state, order.filled, order.leaves) == (State.FILLED, 10, 0)


def test_an_overfill_is_booked_in_full() -> None:
    order = apply(an_order(State.FILLED, 10), fill(3))
    assert (order.state, order.filled, order.leaves) == (State.FILLED, 13, 0)


def test_a_refused_change_or_cancel_leaves_a_partly_filled_order_partly_filled() -> None:
    for state, fact in [
        (State.PENDING_CANCEL, f.CancelRejected("NG1", "too late")),
        (State.PENDING_MODIFY, f.ModifyRejected("NG1", "too late")),
        (State.PENDING_MODIFY, f.OrderModified("NG1", 12, 200_001, None)),
    ]:
        assert apply(an_order(state, 4), fact).state is State.PARTIALLY_FILLED
        assert apply(an_order(state), fact).state is State.ACCEPTED


def test_an_order_is_rebuilt_from_its_first_fact() -> None:
    order = an_order()._replace(stop=5, expires=9, reduce_only=True, parent="p", oco="o", signal="s", placed=77)
    assert from_terms(f.OrderIntended(**terms(order)), 77) == order


@given(st.data())
def test_a_legal_walk_never_loses_a_fill(data: st.DataObject) -> None:
    order = apply(an_order(), f.OrderIntended(**terms(an_order())))
    booked = value = 0
    for _ in range(data.draw(st.integers(0, 25))):
        open_to = [event for state, event in ROWS if state is order.state]
        if order.leaves <= 1:
            open_to = [event for event in open_to if event != PARTIAL]
        if not open_to:
            break
        event = data.draw(st.sampled_from(open_to))
        fact = event_fact(event, order)
        if event == PARTIAL:
            price = data.draw(st.integers(1, 400_000))
            fact = fill(data.draw(st.integers(1, order.leaves - 1)), price)
        if isinstance(fact, f.OrderModified):
            fact = f.OrderModified("NG1", order.filled + data.draw(st.integers(1, 20)), fact.limit, fact.stop)
        if isinstance(fact, f.OrderFilled):
            booked, value = booked + fact.quantity, value + fact.quantity * fact.price
        order = apply(order, fact)
        assert (order.filled, order.filled_value) == (booked, value)
        assert order.leaves == max(0, order.quantity - booked)
        assert (order.state is State.FILLED) == (booked >= order.quantity)
        assert order.is_live == (order.state not in TERMINAL)


def test_the_chart_in_the_architecture_is_that_of_the_table() -> None:
    page = Path(__file__).parents[3].joinpath("ARCHITECTURE.md").read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == chart()


@pytest.mark.parametrize("state", [State.UNKNOWN, State.PENDING_CANCEL])
def test_an_order_that_filled_in_part_is_found_partly_filled(state: State) -> None:
    fact = f.CancelRejected("NG1", "no") if state is State.PENDING_CANCEL else f.OrderAccepted("NG1", "b")
    assert apply(an_order(state, 3), fact).state is State.PARTIALLY_FILLED


def test_what_was_asked_for_is_forgotten_once_it_is_answered() -> None:
    asked = apply(an_order(State.ACCEPTED), f.ModifyRequested("NG1", 12, 200_001, None))
    assert asked.asked == (12, 200_001, None)
    assert apply(asked, f.OrderModified("NG1", 12, 200_001, None)).asked is None
    assert apply(asked, f.ModifyRejected("NG1", "no")).asked is None


def test_a_held_order_leaves_by_way_of_the_record() -> None:
    released = apply(an_order(State.HELD), f.OrderReleased("NG1", 4))
    assert (released.state, released.quantity, released.released) == (State.INTENT, 4, True)
    assert not an_order(State.HELD).may("OrderSent")
