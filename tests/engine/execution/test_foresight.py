"""What a ticket's preview says is what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.order import OrderType, State, TimeInForce
from engine.ports.outside import Abilities
from tests.engine.rig import WIDE, Rig

BID, ASK = 200_000, 200_020
FULL = Abilities(
    frozenset(OrderType), frozenset(TimeInForce), brackets=True, groups=True, modifies=True, reduce_only=True, post_only=True
)


def at_a_venue(abilities: Abilities = FULL, **rig: Any) -> Rig:
    made = Rig(**rig)
    made.warm()
    made.line.manager.abilities = abilities
    return made


def buy(quantity: int = 10, **terms: Any) -> i.SubmitOrder:
    return i.SubmitOrder("XAUUSD", "buy", terms.pop("type", "limit"), quantity, **{"price": BID - 100, **terms})


def sell(quantity: int = 10, **terms: Any) -> i.SubmitOrder:
    return i.SubmitOrder("XAUUSD", "sell", terms.pop("type", "limit"), quantity, **{"price": ASK + 100, **terms})


def test_both_orders_of_a_pair_meet_the_gate_as_they_do_when_they_are_placed() -> None:
    rig = at_a_venue(limits=replace(WIDE, leverage=Decimal(1)))
    pair = i.SubmitPair(buy(30, stop_loss=BID - 500), sell(30, stop_loss=ASK + 500))
    verdict = rig.line.preview(pair)
    assert verdict.limits == ("leverage",)
    assert verdict.reasons[0].startswith("the other order of the pair: ")
    denied = [fact for fact in rig.do(pair) if isinstance(fact, f.OrderDenied)]
    assert [f"the other order of the pair: {fact.reason}" for fact in denied] == list(verdict.reasons)


def test_an_order_that_follows_is_part_of_the_answer() -> None:
    rig = at_a_venue()
    verdict = rig.line.preview(buy(then=sell(10, stop_loss=ASK + 500)))
    assert verdict.approved
    assert verdict.held == ("the order that follows waits here until the one before it has filled whole",)
    refused = rig.line.preview(buy(then=sell(0)))
    assert not refused.approved
    assert refused.reasons[0].startswith("the order that follows: ")


@pytest.mark.parametrize(
    ("lacking", "order", "words"),
    [
        ({"types": frozenset({OrderType.MARKET, OrderType.LIMIT})}, buy(type="stop", price=ASK + 100), "holds no stop orders"),
        ({"brackets": False}, buy(), "stands guard once the entry fills"),
        ({"brackets": False}, buy(take_profit=BID + 500), "targets are watched here"),
        ({"tifs": frozenset({TimeInForce.GTC})}, buy(tif="DAY"), "the venue knows no DAY"),
        ({"tifs": frozenset({TimeInForce.GTC})}, buy(tif="FOK"), "no fill-or-kill"),
        ({"types": FULL.types - {OrderType.TRAILING}}, buy(stop_trail=300), "moved from here"),
        ({"groups": False}, i.SubmitPair(buy(), sell()), "the pair is tied here"),
    ],
)
def test_what_the_venue_lacks_is_said_before_the_click(lacking: dict[str, Any], order: Any, words: str) -> None:
    assert at_a_venue().line.preview(order).held == ()
    told = at_a_venue(replace(FULL, **lacking)).line.preview(order).held
    assert any(words in sentence for sentence in told), told


def test_what_stands_against_both_orders_is_said_once() -> None:
    rig = at_a_venue()
    rig.line.venue_trouble = "the venue is out of reach"
    verdict = rig.line.preview(i.SubmitPair(buy(), sell()))
    assert verdict.reasons == ("the venue is out of reach",)


@pytest.mark.parametrize("kind", ["stop", "stop_limit", "trailing"])
def test_an_order_is_said_to_be_watched_here_exactly_when_it_is_held(kind: str) -> None:
    terms: dict[str, Any] = {"type": kind, "price": ASK + 100, "stop_loss": BID}
    terms |= {"limit": ASK + 200} if kind == "stop_limit" else {"trail": 100} if kind == "trailing" else {}
    for types in (FULL.types, FULL.types - {OrderType(kind)}):
        rig = at_a_venue(replace(FULL, types=types, modifies=False))
        told = rig.line.preview(buy(**terms)).held
        facts = rig.do(buy(**terms))
        entry = next(fact.order for fact in facts if isinstance(fact, f.OrderIntended))
        is_held = rig.line.register[entry].state is State.HELD
        assert is_held == any(sentence.startswith("the price is watched here") for sentence in told)
        assert is_held == (OrderType(kind) not in types)


def test_what_no_order_can_be_is_refused_in_the_preview_as_it_is_at_the_click() -> None:
    rig = at_a_venue(replace(FULL, post_only=False))
    order = buy(post_only=True)
    assert rig.line.preview(order).reasons == ("the venue has no post-only orders",)
    (refused,) = rig.do(order)
    assert isinstance(refused, f.IntentRefused)
    assert refused.reason == "the venue has no post-only orders"


def test_a_preview_changes_nothing() -> None:
    rig = at_a_venue()
    before = rig.line.snapshot()
    rig.line.preview(i.SubmitPair(buy(), sell()))
    assert rig.line.snapshot() == before
    assert rig.working() == []
