"""Settings of the limits that have no tighter way: a book keeps what it was opened with until a change of them is due."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.core.clock import DAY, HOUR
from engine.domain import facts as f
from engine.domain.limit_settings import SETTINGS, told, with_settings
from engine.domain.limits import Limits
from engine.domain.news import Blackout, NewsCalendar
from engine.risk.in_force import LimitsInForce
from engine.rules.var import METHODS
from tests.engine.rig import MONDAY, WIDE, Rig
from tests.engine.risk.test_in_force import GOLD, living, restarted

ALARM = NewsCalendar((Blackout(MONDAY + HOUR, MONDAY, MONDAY + 2 * HOUR, "USD", "high", "NFP"),), "a" * 64)
LATER = NewsCalendar((Blackout(MONDAY + DAY, MONDAY + DAY, MONDAY + DAY + HOUR, "EUR", "high", "ECB"),), "b" * 64)
OTHERS: dict[str, Any] = {
    "position_basis": "notional",
    "correlation_half_life": 20,
    "day_zone": "Asia/Tokyo",
    "day_minute": 5,
    "confidence": Decimal("0.95"),
    "var_method": METHODS[0],
    "var_bars": 100,
    "account": "cash",
    "sessions": "ignore",
    "self_match": False,
    "allowed": ("XAUUSD",),
    "news": ALARM,
    "only_warn": ("collar", "news"),
    "actions": {"daily_loss": (), "drawdown": ()},
}
STRICT = replace(WIDE, position=Decimal("0.5"))


def test_every_part_of_the_limits_is_a_value_or_a_setting() -> None:
    assert set(OTHERS) == set(SETTINGS)
    values = {name for name, symbol, _ in living(WIDE).facts(f.LimitsRead)[0].values if not symbol and "." not in name}
    assert {*SETTINGS, *values, "soft", "instruments"} == set(Limits.__slots__)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_changed_over_a_restart_waits_and_is_said(name: str) -> None:
    changed = replace(STRICT, **{name: OTHERS[name]})
    again = restarted(living(STRICT), changed)
    [request] = again.facts(f.LimitsRequested)
    assert (request.limit, request.reason, request.due) == (name, "the configuration was changed", again.line.now + DAY)
    if name != "news":
        assert getattr(again.line.gate.limits, name) == getattr(STRICT, name)
    third = restarted(again, changed)
    assert third.facts(f.LimitsRequested) == [request]
    third.pass_time(request.due)
    assert getattr(third.line.gate.limits, name) == OTHERS[name]
    fourth = restarted(third, changed)
    assert fourth.line.gate.limits == third.line.gate.limits
    assert [fact.limit for fact in fourth.facts(f.LimitsChanged)] == [name]


def test_settings_are_told_and_read_alike() -> None:
    limits = replace(WIDE, **OTHERS)
    assert with_settings(WIDE, dict(told(limits))) == limits


def test_a_daily_loss_without_actions_still_trips_until_its_change_is_due() -> None:
    tight = replace(WIDE, daily_loss=Decimal("0.01"))
    again = restarted(living(tight), replace(tight, actions={"daily_loss": (), "drawdown": ()}))
    guard = again.line.guard
    assert guard.floor == guard.day_start - guard.day_start // 100


def test_a_setting_that_is_put_back_does_not_wait_any_more() -> None:
    again = restarted(living(WIDE), replace(WIDE, allowed=("XAUUSD",), leverage=WIDE.leverage))
    third = restarted(again, WIDE)
    assert [fact.limit for fact in third.facts(f.LimitsWithdrawn)] == ["allowed"]
    assert third.line.in_force.waiting == {}


def test_a_value_that_is_put_back_does_not_wait_any_more() -> None:
    calm = replace(WIDE, leverage=Decimal(3))
    third = restarted(restarted(living(calm), replace(calm, leverage=Decimal(5))), calm)
    assert third.line.in_force.waiting == {}


def test_news_that_wait_are_heeded_beside_those_in_force() -> None:
    again = restarted(living(replace(WIDE, news=ALARM)), replace(WIDE, news=LATER))
    assert again.line.gate.limits.news.blackouts == (*ALARM.blackouts, *LATER.blackouts)
    again.pass_time(again.line.in_force.due)
    assert again.line.gate.limits.news == LATER


def test_the_measures_are_those_that_the_book_was_opened_with() -> None:
    again = restarted(living(WIDE), replace(WIDE, var_bars=100))
    again.line.measure_anew({})
    assert again.line.returns._kept.shape[1] == WIDE.var_bars


def test_a_basis_and_a_cap_that_only_it_allows_wait_together() -> None:
    again = restarted(living(STRICT), replace(STRICT, position_basis="notional", position=Decimal(5), leverage=Decimal(2)))
    assert again.line.gate.limits.leverage == 2
    assert {fact.limit for fact in again.facts(f.LimitsRequested)} == {"position_basis", "position"}
    again.pass_time(again.line.in_force.due)
    assert (again.line.gate.limits.position_basis, again.line.gate.limits.position) == ("notional", 5)


def test_margin_rates_of_several_instruments_are_worked_out_one_after_the_other() -> None:
    rates = replace(WIDE, margin_rate=Decimal("0.1"), instruments={"XAUUSD": {"margin_rate": Decimal("0.05")}})
    again = restarted(living(WIDE), rates)
    assert again.line.gate.limits.of("XAUUSD").margin_rate == Decimal("0.1")
    assert [(fact.symbol, fact.value) for fact in again.facts(f.LimitsRequested)] == [("XAUUSD", "0.05")]


def test_nothing_is_told_where_one_of_the_changes_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = living(WIDE)
    configured = replace(WIDE, leverage=Decimal(2), orders_per_minute=-1)
    with pytest.raises(Exception, match="orders_per_minute"):
        restarted(rig, configured)
    again = restarted(rig, replace(configured, orders_per_minute=WIDE.orders_per_minute))
    assert again.line.gate.limits.leverage == 2


def test_what_a_command_chose_for_one_session_ends_with_it_and_is_on_record() -> None:
    first = LimitsInForce(WIDE, GOLD)
    [opening] = first.compare(MONDAY)
    chosen = LimitsInForce(WIDE, GOLD, (("sessions", '"ignore"'),))
    chosen.apply(opening, MONDAY)
    [read] = chosen.compare(MONDAY)
    chosen.apply(read, MONDAY)
    assert isinstance(read, f.LimitsRead)
    assert (chosen.limits.sessions, read.chosen) == ("ignore", (("sessions", '"ignore"'),))
    later = LimitsInForce(WIDE, GOLD)
    for fact in (opening, read):
        later.apply(fact, MONDAY)
    [ended] = later.compare(MONDAY)
    later.apply(ended, MONDAY)
    assert later.limits.sessions == "listed"


def test_a_book_from_before_settings_were_on_record_takes_them_once() -> None:
    known = LimitsInForce(WIDE, GOLD)
    known.apply(f.LimitsRead("", ()), MONDAY)
    [read] = known.compare(MONDAY)
    known.apply(read, MONDAY)
    later = LimitsInForce(replace(WIDE, sessions="ignore"), GOLD)
    for fact in (f.LimitsRead("", ()), read):
        later.apply(fact, MONDAY)
    assert later.limits.sessions == "listed"
    assert Rig().facts(f.LimitsRead) == []
