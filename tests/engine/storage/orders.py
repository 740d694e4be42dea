"""Random lives of an order: every sequence of facts the state table allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st

from engine.domain import facts as f
from engine.domain.order import TRANSITIONS, Order, apply, from_terms

REASONS = st.sampled_from(["", "asked by the owner", 'it\'s "over"; 100 %', "Würde überschritten"])
PRICES = st.integers(1, 400_000)
MAYBE = st.none() | PRICES
ASIDE = ("OrderTrailed", "OrderTriggered")
"""Facts that leave an order's state as it is."""


@dataclass
class Life:
    """An order's facts so far and what they made of it."""

    order: Order
    facts: list[f.OrderFact] = field(default_factory=list)

    def take(self, fact: f.OrderFact) -> None:
        self.order = apply(self.order, fact)
        self.facts.append(fact)


@st.composite
def lives(draw: st.DrawFn, name: str, most: int = 14) -> Life:
    """An order called `name` and at most `most` facts that happen to it."""
    terms = draw(_terms(name))
    life = Life(from_terms(terms, 0))
    life.take(terms)
    for _ in range(draw(st.integers(0, most))):
        events = _events(life.order)
        if not events:
            break
        life.take(draw(_fact(life, draw(st.sampled_from([*events, *ASIDE])))))
    return life


def _events(order: Order) -> list[str]:
    """What the table lets happen now; a partial fill needs two lot steps to be left."""
    allowed = [event for state, event in TRANSITIONS if state is order.state]
    return [event for event in allowed if event != "partial fill" or order.quantity - order.filled > 1]


def every_life(most: int) -> Iterator[Life]:
    """Every sequence of at most `most` kinds of facts that the table allows, each with an order of its own."""
    ends: list[list[str]] = [[]]
    for _ in range(most):
        ends = [[*events, event] for events in ends for event in _events(_lived("", events).order)]
        yield from (_lived(f"order-{most}-{'-'.join(events)}", events) for events in ends)


def _lived(name: str, events: list[str]) -> Life:
    """An order of nine lot steps to which `events` happened; every other modification leaves nothing to be filled."""
    terms = (name, "XAUUSD", "buy", "limit", 9, "entry", 190_000, None, "GTC", None, False, "", "", "")
    denied = f.OrderDenied(*terms, "too big", ("position",), 0)
    life = Life(from_terms(denied, 0))
    for number, event in enumerate(events):
        left = life.order.quantity - life.order.filled
        quantity = 9 if number % 2 else max(1, life.order.filled)
        made: dict[str, f.OrderFact] = {
            "OrderIntended": f.OrderIntended(*terms),
            "OrderDenied": denied,
            "OrderAdopted": f.OrderAdopted(*terms, "broker-1", number % 3),
            "OrderReleased": f.OrderReleased(name, 7),
            "OrderSent": f.OrderSent(name),
            "OrderAccepted": f.OrderAccepted(name, "broker-1"),
            "OrderExpired": f.OrderExpired(name),
            "ModifyRequested": f.ModifyRequested(name, quantity, 190_000 + number, number),
            "OrderModified": f.OrderModified(name, quantity, 190_000 + number, number),
            "partial fill": f.OrderFilled(name, f"{name}/{number}", "XAUUSD", "buy", 190_000 + number, 1, 5),
            "full fill": f.OrderFilled(name, f"{name}/{number}", "XAUUSD", "buy", 190_000 + number, max(1, left), 5),
        }
        life.take(made[event] if event in made else _refused(event, name, f"because {number}"))
    return life


def _refused(kind: str, name: str, reason: str) -> f.OrderFact:
    """A fact that consists of a reason."""
    made = f.KINDS[kind](name, reason)
    assert isinstance(made, f.OrderFact)
    return made


@st.composite
def _terms(draw: st.DrawFn, name: str) -> f.OrderTerms:
    terms = (
        name,
        draw(st.sampled_from(["XAUUSD", "XAGUSD"])),
        draw(st.sampled_from(["buy", "sell"])),
        draw(st.sampled_from(["market", "limit", "stop"])),
        draw(st.integers(1, 20)),
        draw(st.sampled_from(["entry", "close", "stop", "target"])),
        draw(MAYBE),
        draw(MAYBE),
        draw(st.sampled_from(["GTC", "DAY", "IOC"])),
        None,
        draw(st.booleans()),
        draw(st.sampled_from(["", "parent-1"])),
        draw(st.sampled_from(["", "oco-1"])),
        draw(st.sampled_from(["", "signal-1"])),
    )
    if draw(st.integers(0, 9)) == 0:
        return f.OrderDenied(*terms, draw(REASONS), ("position",), 0)
    if draw(st.integers(0, 9)) == 0:
        return f.OrderAdopted(*terms, "broker-1", draw(st.integers(0, terms[4] - 1)))
    return f.OrderIntended(*terms)


@st.composite
def _fact(draw: st.DrawFn, life: Life, event: str) -> f.OrderFact:
    order, left = life.order, life.order.quantity - life.order.filled
    if event in ("partial fill", "full fill"):
        quantity = draw(st.integers(1, left - 1) if event == "partial fill" else st.integers(max(1, left), max(1, left) + 3))
        execution = f"{order.id}/{len(life.facts)}"
        return f.OrderFilled(
            order.id, execution, order.symbol, order.side.value, draw(PRICES), quantity, draw(st.integers(0, 10**9))
        )
    if event in ("ModifyRequested", "OrderModified"):
        kind = f.ModifyRequested if event == "ModifyRequested" else f.OrderModified
        return kind(order.id, draw(st.integers(1, 25)), draw(MAYBE), draw(MAYBE))
    if event == "OrderTrailed":
        return f.OrderTrailed(order.id, draw(PRICES))
    if event == "OrderTriggered":
        return f.OrderTriggered(order.id)
    if event in ("OrderSent", "OrderExpired"):
        return f.OrderSent(order.id) if event == "OrderSent" else f.OrderExpired(order.id)
    if event == "OrderReleased":
        return f.OrderReleased(order.id, draw(st.integers(1, 25)))
    if event == "OrderAccepted":
        return f.OrderAccepted(order.id, "broker-1")
    return _refused(event, order.id, draw(REASONS))
