"""What is done by itself when a limit trips: once, on record, and ended only by the limit's own rule."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.core.clock import DAY, from_iso
from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.limits import Limits
from engine.domain.order import Role
from engine.risk.guard import ACTIVE, HALTED, REDUCING
from tests.engine.rig import WIDE, Rig

BID = 200_000


def limits(name: str, cap: str, *actions: str, **rest: Any) -> Limits:
    """Limits that never stand in the way but for one, which does `actions` when it trips."""
    field = {"worst_day": "worst_day_hard"}.get(name, name)
    return replace(WIDE, **{field: Decimal(cap), "actions": {**Limits().actions, name: actions}}, **rest)


def long(given: Limits, quantity: int = 100, **rest: Any) -> Rig:
    """Long at 2000.20 with the stop far away, and an entry that waits."""
    rig = Rig(limits=given, **rest)
    rig.warm()
    rig.buy(quantity, stop_loss=BID - 20_000)
    rig.quote(BID)
    rig.buy(1, type="limit", price=BID - 9_000, stop_loss=BID - 9_500)
    return rig


def trips(rig: Rig) -> list[tuple[str, tuple[str, ...]]]:
    return [(fact.limit, fact.actions) for fact in rig.facts(f.LimitTripped)]


def states(rig: Rig) -> list[tuple[str, str]]:
    return [(fact.state, fact.cause) for fact in rig.facts(f.TradingStateChanged)]


@pytest.mark.parametrize(
    ("actions", "state", "entries", "held"),
    [
        (("warn",), ACTIVE, 1, 100),
        (("cancel_entries",), ACTIVE, 0, 100),
        (("reduce_only",), REDUCING, 1, 100),
        (("halt",), HALTED, 1, 100),
        (("close_worst",), ACTIVE, 1, 0),
        (("flatten",), ACTIVE, 0, 0),
        (("halt", "flatten"), HALTED, 0, 0),
    ],
)
def test_a_daily_loss_does_what_is_configured_and_does_it_once(
    actions: tuple[str, ...], state: str, entries: int, held: int
) -> None:
    rig = long(limits("daily_loss", "0.02", *actions))
    for fall in (1_900, 1_990, 2_000, 2_100, 2_050):
        rig.quote(BID - fall)
    assert trips(rig) == [("daily_loss", actions)]
    assert (rig.line.guard.state, len(rig.working(Role.ENTRY)), rig.held) == (state, entries, held)
    assert len([fact for fact in rig.facts(f.OrderIntended) if fact.role == "close"]) == (not held)


def test_the_usual_actions_are_told_by_the_change_of_state_alone() -> None:
    rig = long(replace(WIDE, daily_loss=Decimal("0.02")))
    rig.quote(BID - 2_000)
    assert (states(rig), trips(rig)) == ([(REDUCING, "daily_loss")], [])


def test_a_daily_loss_that_only_warned_warns_again_the_next_day() -> None:
    rig = long(limits("daily_loss", "0.01", "warn"), start=from_iso("2024-06-03T12:00"))
    rig.quote(BID - 1_200)
    rig.pass_time(from_iso("2024-06-03T22:00"))
    rig.quote(BID - 1_300)
    assert len(trips(rig)) == 1
    rig.quote(BID - 2_400)
    assert len(trips(rig)) == 2


def test_a_limit_on_the_book_trips_by_what_is_held() -> None:
    rig = long(limits("leverage", "2.5", "warn", "close_worst"))
    assert trips(rig) == []
    rig.buy(30, stop_loss=BID - 20_000)
    rig.quote(BID)
    assert trips(rig) == []  # the gate lets no order through that goes over it
    rig.do(i.ChangeLimits("leverage", "1.5"))
    assert trips(rig) == [("leverage", ("warn", "close_worst"))]
    assert rig.facts(f.LimitTripped)[0].reason == "leverage: gross notional to equity is 2.02:1, the cap is 1.5:1"
    rig.quote(BID)
    assert rig.held == 0
    rig.close_bar()
    assert rig.facts(f.LimitCleared)[0].limit == "leverage"


def test_reduce_only_after_a_limit_on_the_book_ends_by_the_owner_once_the_book_is_under_it() -> None:
    rig = long(limits("leverage", "2.5", "reduce_only"))
    rig.do(i.ChangeLimits("leverage", "1.5"))
    assert states(rig) == [(REDUCING, "leverage")]
    assert "the leverage limit still holds" in rig.refusal(i.Resume())
    rig.pass_time(rig.at + 2 * DAY)
    assert rig.line.guard.state == REDUCING
    rig.quote(BID)
    rig.do(i.ClosePosition("XAUUSD"))
    rig.quote(BID)
    rig.close_bar()
    assert rig.line.guard.state == REDUCING
    rig.do(i.Resume("smaller now"))
    assert rig.line.guard.state == ACTIVE


def test_a_new_day_ends_no_trip_but_the_day_s() -> None:
    rig = long(limits("leverage", "2.5", "reduce_only", daily_loss=Decimal("0.02")))
    rig.quote(BID - 2_000)
    rig.do(i.ChangeLimits("leverage", "1.5"))
    assert states(rig) == [(REDUCING, "daily_loss")]
    rig.pass_time(rig.at + DAY)
    assert rig.line.guard.state == REDUCING


def test_the_worst_day_trips_and_ends_with_its_day() -> None:
    rig = long(limits("worst_day", "0.5", "reduce_only"))
    rig.do(i.ChangeLimits("worst_day_hard", "0.15"))
    assert states(rig) == [(REDUCING, "worst_day")]
    rig.do(i.EditProtection("XAUUSD", stop_loss=BID - 500))
    rig.quote(BID)
    rig.pass_time(rig.at + DAY)
    assert states(rig) == [(REDUCING, "worst_day"), (ACTIVE, "worst_day")]


def test_a_drawdown_that_flattens_does_so_though_the_owner_has_halted() -> None:
    rig = long(limits("drawdown", "0.05", "halt", "flatten"))
    rig.do(i.Halt())
    rig.quote(BID - 5_500)
    rig.quote(BID - 5_500)
    assert (trips(rig), rig.held) == ([("drawdown", ("halt", "flatten"))], 0)
    assert states(rig) == [(HALTED, "owner")]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin"])
def test_fault_37_a_daily_loss_trip_survives_a_restart_and_midnight_of_another_zone(zone: str) -> None:
    given = replace(WIDE, daily_loss=Decimal("0.02"), day_zone=zone, day_minute=0)
    rig = long(given, start=from_iso("2024-06-03T12:00"))
    rig.quote(BID - 2_500)
    rig.quote(BID)  # a rally does not loosen it
    again = Rig(limits=given, journal=rig.journal)
    for record in list(rig.journal.records()):
        again.line.recall_live(record)
    again.line.go_on(tuple(rig.line.book.last.values()))
    again.at = rig.at
    assert (again.line.guard.state, again.line.guard.cause) == (REDUCING, "daily_loss")
    assert "trading day rolls" in again.refusal(i.Resume())
    midnights = {"Europe/Berlin": "2024-06-03T22:00", "UTC": "2024-06-04T00:00", "America/New_York": "2024-06-04T04:00"}
    for place, moment in sorted(midnights.items(), key=lambda each: each[1]):
        again.pass_time(from_iso(moment) - 1)
        before = again.line.guard.state
        again.pass_time(from_iso(moment))
        if place == zone:
            assert (before, again.line.guard.state) == (REDUCING, ACTIVE)
            return
        assert (before, again.line.guard.state) == (REDUCING, REDUCING)
    pytest.fail("the trading day never rolled")


def test_trips_and_what_was_done_about_them_survive_a_restart() -> None:
    given = limits("daily_loss", "0.02", "flatten")
    rig = long(given)
    rig.quote(BID - 2_500)
    again = Rig(limits=given, journal=rig.journal)
    for record in list(rig.journal.records()):
        again.line.recall_live(record)
    assert again.line.guard.tripped_limits == {"daily_loss": ("flatten",)}
    assert again.line.guard.tripped(again.line.equity()) is None
