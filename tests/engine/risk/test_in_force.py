"""Limits as facts: what tightens acts at once, what loosens waits, and nothing loosens by itself."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import DAY, HOUR, MINUTE
from engine.core.errors import StoreError, UserError
from engine.domain import facts as f
from engine.domain.intents import ChangeLimits
from engine.domain.limit_rules import RULES, read, spelled
from engine.domain.limits import Limits, Verdict
from engine.domain.order import OrderType, Side
from engine.risk.draft import Draft
from engine.risk.gate import Gate
from engine.risk.guard import REDUCING
from engine.risk.in_force import LimitsInForce
from tests.engine.rig import FREE_GOLD, MONDAY, WIDE, Rig
from tests.engine.risk.test_gate import BID, draft, snapshot

GOLD = {"XAUUSD": FREE_GOLD}


def opened(limits: Limits = WIDE) -> LimitsInForce:
    return LimitsInForce(limits, GOLD)


def change(limit: str, value: str, symbol: str = "", reason: str = "") -> ChangeLimits:
    return ChangeLimits(limit, value, symbol, reason)


def test_a_tighter_limit_is_in_force_at_once() -> None:
    rig = Rig()
    rig.warm()
    facts = rig.do(change("leverage", "1"))
    assert facts == [f.LimitsChanged("leverage", "", "1", "500", "tightened by the owner")]
    rig.buy(60, stop_loss=BID - 100)
    assert rig.facts(f.OrderDenied)[-1].limits == ("leverage",)


def test_a_tighter_daily_loss_trips_at_once_where_the_loss_is_beyond_it() -> None:
    rig = Rig()
    rig.warm()
    rig.buy(100, stop_loss=BID - 20_000)
    rig.quote(BID)
    rig.quote(BID - 1_500)
    rig.do(change("daily_loss", "0.01"))
    assert (rig.line.guard.state, rig.line.guard.cause) == (REDUCING, "daily_loss")


def test_a_looser_limit_needs_a_reason_and_waits_its_delay() -> None:
    rig = Rig(limits=replace(WIDE, leverage=Decimal(1)))
    rig.warm()
    assert "say why" in rig.refusal(change("leverage", "3"))
    asked_at = rig.line.now
    assert rig.do(change("leverage", "3", reason="more room")) == [
        f.LimitsRequested("leverage", "", "3", "1", "more room", asked_at + DAY)
    ]
    rig.pass_time(asked_at + DAY - 1)
    assert rig.line.gate.limits.leverage == 1
    rig.pass_time(asked_at + DAY)
    assert rig.line.gate.limits.leverage == 3
    assert rig.facts(f.LimitsChanged) == [f.LimitsChanged("leverage", "", "3", "1", "more room")]
    assert [record.at for record in rig.journal.kept if isinstance(record.fact, f.LimitsChanged)] == [asked_at + DAY]


def test_a_later_word_on_the_same_limit_makes_the_earlier_void() -> None:
    rig = Rig(limits=replace(WIDE, leverage=Decimal(3)))
    rig.warm()
    rig.do(change("leverage", "10", reason="greed"))
    rig.do(change("leverage", "2"))
    rig.pass_time(rig.at + 2 * DAY)
    assert rig.line.gate.limits.leverage == 2


def test_naming_the_value_in_force_withdraws_a_request() -> None:
    rig = Rig(limits=replace(WIDE, leverage=Decimal(3)))
    rig.warm()
    assert "is 3 already" in rig.refusal(change("leverage", "3.0"))
    rig.do(change("leverage", "10", reason="greed"))
    assert rig.do(change("leverage", "3")) == [f.LimitsWithdrawn("leverage", "", "withdrawn by the owner")]
    rig.pass_time(rig.at + 2 * DAY)
    assert rig.line.gate.limits.leverage == 3
    assert rig.facts(f.LimitsChanged) == []


def test_the_delay_cannot_be_shortened_without_waiting_for_it() -> None:
    rig = Rig(limits=replace(WIDE, loosen_after_min=60))
    rig.warm()
    rig.do(change("loosen_after_min", "0", reason="impatient"))
    assert rig.line.in_force.due == rig.line.now + HOUR
    assert rig.line.gate.limits.loosen_after_min == 60


def test_an_instrument_has_caps_of_its_own() -> None:
    rig = Rig()
    rig.warm()
    rig.do(change("order_lots", "0.05", "XAUUSD"))
    rig.buy(6, stop_loss=BID - 100)
    denied = rig.facts(f.OrderDenied)[-1]
    assert (denied.limits, denied.largest) == (("order_lots",), 5)
    assert "order size: 0.06 lots, the cap is 0.05" in denied.reason
    assert "of the account" in rig.refusal(change("leverage", "1", "XAUUSD"))
    assert "is not traded" in rig.refusal(change("order_lots", "1", "EURUSD"))


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("levrage", "1", "is no limit that can be changed"),
        ("day_zone", "UTC", "is no limit that can be changed"),
        ("leverage", "much", "'much' is not a number"),
        ("leverage", "nan", "is not a finite number"),
        ("leverage", "-1", "out of range; give above 0 to 500"),
        ("leverage", "1e-999999", "is next to nothing; give at least 0.000000000001"),
        ("leverage", "none", "cannot be taken away"),
        ("orders_per_minute", "1.5", "is not a whole number"),
        ("position", "5", "share of equity"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(limit: str, value: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        opened(Limits()).answer(change(limit, value, reason="why not"), MONDAY)


def test_taking_a_cap_away_loosens_and_giving_one_tightens() -> None:
    known = opened()
    assert isinstance(known.answer(change("order_lots", "5"), MONDAY), f.LimitsChanged)
    known.apply(f.LimitsChanged("order_lots", "", "5", "none", ""), MONDAY)
    assert isinstance(known.answer(change("order_lots", "none", reason="why not"), MONDAY), f.LimitsRequested)
    assert isinstance(known.answer(change("soft.leverage", "2"), MONDAY), f.LimitsChanged)


def test_a_first_margin_rate_tightens_and_one_beside_another_loosens() -> None:
    known = LimitsInForce(WIDE, {**GOLD, "XAGUSD": FREE_GOLD})
    first = known.answer(change("margin_rate", "0.05", "XAUUSD"), MONDAY)
    assert isinstance(first, f.LimitsChanged)
    known.apply(first, MONDAY)
    assert isinstance(known.answer(change("margin_rate", "0.05", "XAGUSD", "cheaper"), MONDAY), f.LimitsRequested)


def test_a_loosening_that_nobody_asked_for_or_that_is_not_due_is_no_fact_of_this_program() -> None:
    known = opened(Limits())
    loose = f.LimitsChanged("leverage", "", "10", "3", "")
    with pytest.raises(StoreError, match="without a request that is due"):
        known.apply(loose, MONDAY)
    known.apply(f.LimitsRequested("leverage", "", "10", "3", "greed", MONDAY + DAY), MONDAY)
    with pytest.raises(StoreError, match="without a request that is due"):
        known.apply(loose, MONDAY + DAY - 1)


def test_changed_limits_and_requests_survive_a_restart() -> None:
    rig = Rig(limits=replace(WIDE, leverage=Decimal(3)))
    rig.warm()
    rig.do(change("daily_loss", "0.05"))
    rig.do(change("leverage", "10", reason="greed"))
    again = Rig(limits=replace(WIDE, leverage=Decimal(3)), journal=rig.journal)
    for record in list(rig.journal.records()):
        again.line.recall_live(record)
    assert again.line.in_force.limits == rig.line.in_force.limits
    assert again.line.gate.limits.daily_loss == Decimal("0.05")
    assert again.line.in_force.due == rig.line.in_force.due


# --- invariants -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(sorted(RULES))


@given(NAMES, st.data())
def test_a_value_comes_back_from_its_text(name: str, data: st.DataObject) -> None:
    value = data.draw(st.decimals(RULES[name].low, RULES[name].high, allow_nan=False, places=6))
    text = str(int(value)) if RULES[name].kind == "whole" else str(value)
    try:
        known = read(name, text)
    except UserError:
        return
    assert read(name, spelled(known)) == known


VALUES = st.sampled_from(["0.001", "0.01", "0.05", "0.2", "1", "2", "5", "10", "60", "none"])


@settings(max_examples=100)
@given(st.lists(st.tuples(NAMES, VALUES, st.booleans(), st.integers(0, 3_000)), max_size=25))
def test_no_limit_is_ever_looser_than_what_was_asked_for_a_delay_ago(asked: list[tuple[str, str, bool, int]]) -> None:
    known, at = opened(Limits()), MONDAY
    loosened: dict[str, int] = {}
    for name, value, has_reason, minutes in asked:
        at += minutes * MINUTE
        before = known.limits
        for fact in known.take(at):
            assert loosened.pop(fact.limit) <= at
            known.apply(fact, at)
        before = known.limits
        try:
            answer = known.answer(change(name, value, reason="why" if has_reason else ""), at)
        except UserError:
            continue
        known.apply(answer, at)
        if isinstance(answer, f.LimitsRequested):
            loosened[name] = answer.due
            assert has_reason
            assert answer.due - at == before.loosen_after_min * MINUTE
            assert known.limits == before
        elif isinstance(answer, f.LimitsChanged):
            assert not RULES[name].loosens(before.value(name), known.limits.value(name))


def answered(order: Draft, limits: Limits) -> Verdict:
    return Gate(GOLD, limits, 0).check(order, snapshot())


@settings(max_examples=150)
@given(
    name=st.sampled_from(
        [
            "position",
            "worst_day_hard",
            "open_risk",
            "leverage",
            "drawdown",
            "daily_loss",
            "order_lots",
            "order_notional",
            "collar",
        ]
    ),
    values=st.tuples(st.decimals("0.0001", "0.9", places=4), st.decimals("0.0001", "0.9", places=4)),
    quantity=st.integers(1, 3_000),
    distance=st.integers(1, 3_000),
    side=st.sampled_from(list(Side)),
    at_price=st.booleans(),
)
def test_tightening_never_lets_more_through(
    name: str, values: tuple[Decimal, Decimal], quantity: int, distance: int, side: Side, at_price: bool
) -> None:
    tight, loose = sorted(values)
    price = BID - side.sign * distance if at_price else None
    stop = (price or BID + 10) - side.sign * (distance + 10)
    order = draft(quantity, side, OrderType.LIMIT if at_price else OrderType.MARKET, price=price, stop_loss=max(1, stop))
    base = replace(WIDE, position_basis="notional" if quantity % 2 else "risk")
    one, other = (answered(order, base.with_value(name, value)) for value in (tight, loose))
    assert one.largest <= other.largest
    assert other.approved or not one.approved


@settings(max_examples=150)
@given(
    quantities=st.tuples(st.integers(1, 5_000), st.integers(1, 5_000)),
    distance=st.integers(1, 3_000),
    leverage=st.sampled_from(["0.5", "3", "30"]),
    position=st.sampled_from(["0.001", "0.01", "0.05"]),
    lots=st.sampled_from(["0.1", "1", "none"]),
    account=st.sampled_from(["margin", "cash"]),
)
def test_what_passes_in_a_size_passes_in_every_smaller_one(
    quantities: tuple[int, int], distance: int, leverage: str, position: str, lots: str, account: str
) -> None:
    small, big = sorted(quantities)
    limits = replace(
        WIDE,
        leverage=Decimal(leverage),
        position=Decimal(position),
        order_lots=None if lots == "none" else Decimal(lots),
        account=account,
        margin_rate=Decimal("0.1"),
    )
    one, other = (answered(draft(quantity, stop_loss=BID - distance), limits) for quantity in (small, big))
    assert one.approved or not other.approved
    assert one.largest <= other.largest


# --- a session that goes on over restarts -----------------------------------------------------------------------------


def restarted(rig: Rig, limits: Limits) -> Rig:
    """The same book gone on with under another configuration."""
    again = Rig(limits=limits, journal=rig.journal)
    for record in list(rig.journal.records()):
        again.line.recall_live(record)
    again.line.go_on(tuple(rig.line.book.last.values()))
    again.line.read_limits()
    again.at = rig.at
    return again


def living(limits: Limits) -> Rig:
    rig = Rig(limits=limits)
    rig.line.read_limits()
    rig.warm()
    return rig


def test_a_configuration_that_is_looser_after_a_restart_waits_like_any_loosening() -> None:
    rig = living(replace(WIDE, leverage=Decimal(3)))
    again = restarted(rig, replace(WIDE, leverage=Decimal(5)))
    assert again.line.gate.limits.leverage == 3
    [request] = again.facts(f.LimitsRequested)
    assert (request.value, request.reason, request.due) == ("5", "the configuration was changed", again.line.now + DAY)
    third = restarted(again, replace(WIDE, leverage=Decimal(5)))
    assert len(third.facts(f.LimitsRequested)) == 1
    third.pass_time(request.due)
    assert third.line.gate.limits.leverage == 5


def test_a_configuration_that_is_tighter_after_a_restart_acts_at_once() -> None:
    again = restarted(living(replace(WIDE, leverage=Decimal(3))), replace(WIDE, leverage=Decimal(2)))
    assert again.line.gate.limits.leverage == 2
    assert again.facts(f.LimitsChanged)[0].reason == "the configuration was changed"


def test_what_the_owner_tightened_stays_tight_where_the_configuration_is_as_it_was() -> None:
    rig = living(replace(WIDE, leverage=Decimal(3)))
    rig.do(change("leverage", "1"))
    again = restarted(rig, replace(WIDE, leverage=Decimal(3)))
    assert again.line.gate.limits.leverage == 1
    assert again.facts(f.LimitsRequested) == []


def test_an_instrument_s_cap_that_is_gone_from_the_configuration_waits_too() -> None:
    own = {"XAUUSD": {"order_lots": Decimal("0.05")}}
    again = restarted(living(replace(WIDE, instruments=own)), WIDE)
    assert again.line.gate.limits.of("XAUUSD").order_lots == Decimal("0.05")
    assert [(fact.limit, fact.symbol, fact.value) for fact in again.facts(f.LimitsRequested)] == [
        ("order_lots", "XAUUSD", "none")
    ]
