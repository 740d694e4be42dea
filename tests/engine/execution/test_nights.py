"""Nights begin at each instrument's own time, and only what costs something to hold has any."""

from __future__ import annotations

from dataclasses import replace

from engine.core.clock import HOUR, from_iso, to_iso
from engine.domain.facts import DayStarted, FinancingCharged
from engine.domain.instrument import INSTRUMENTS
from engine.execution.nights import NEVER, Nights
from tests.engine.rig import Rig

GOLD = INSTRUMENTS["XAUUSD"]
ATHENS = replace(INSTRUMENTS["EURUSD"], night_zone="Europe/Athens", night_minute=0)
TUESDAY = from_iso("2024-06-11T12:00")


def test_each_instrument_s_night_begins_in_its_own_zone() -> None:
    nights = Nights({"XAUUSD": GOLD, "EURUSD": ATHENS, "BTCUSDT": INSTRUMENTS["BTCUSDT"]})
    assert nights.due == NEVER
    nights.start(TUESDAY)
    first, second = from_iso("2024-06-11T21:00"), from_iso("2024-06-12T21:00")
    assert to_iso(nights.due) == "2024-06-11T21:00:00Z"  # five in New York and midnight in Athens are one moment in summer
    assert nights.take(first - 1) == []
    assert nights.take(first) == [(1, ("XAUUSD",)), (2, ("EURUSD",))]
    assert nights.take(first) == []
    assert nights.due == second


def test_in_the_weeks_of_one_daylight_saving_the_nights_lie_apart() -> None:
    nights = Nights({"XAUUSD": GOLD, "EURUSD": ATHENS})
    nights.start(from_iso("2024-03-12T12:00"))
    assert to_iso(nights.due) == "2024-03-12T21:00:00Z"
    assert nights.take(nights.due) == [(1, ("XAUUSD",))]
    assert nights.take(nights.due) == [(2, ("EURUSD",))]


def test_what_costs_nothing_to_hold_has_no_nights() -> None:
    nights = Nights({"GC": INSTRUMENTS["GC"]})
    nights.start(TUESDAY)
    assert (nights.due, nights.take(TUESDAY + 100 * HOUR)) == (NEVER, [])


def test_holding_is_charged_when_the_instrument_s_own_night_begins_whatever_the_account_s_day() -> None:
    rig = Rig(instrument=replace(GOLD, commission=0, night_zone="UTC", night_minute=14 * 60, triple_night=1))
    rig.quote(200_000)
    rig.buy(10, stop_loss=199_000)
    rig.quote(200_000)
    assert rig.held == 10
    rig.pass_time(from_iso("2024-06-04T15:00"))
    charged = [
        (to_iso(record.at), record.fact.nights) for record in rig.journal.kept if isinstance(record.fact, FinancingCharged)
    ]
    assert charged == [("2024-06-03T14:00:00Z", 1), ("2024-06-04T14:00:00Z", 3)]
    assert [to_iso(record.at) for record in rig.journal.kept if isinstance(record.fact, DayStarted)] == ["2024-06-03T21:00:00Z"]


def test_what_is_dealt_around_the_clock_is_charged_for_every_night_of_the_week() -> None:
    coin = replace(GOLD, commission=0, night_zone="UTC", night_minute=14 * 60, triple_night=None)
    rig = Rig(instrument=coin)
    rig.quote(200_000)
    rig.buy(10, stop_loss=199_000)
    rig.quote(200_000)
    for night in range(3, 10):
        rig.pass_time(from_iso(f"2024-06-{night:02}T15:00"))
    charged = [record.fact for record in rig.journal.kept if isinstance(record.fact, FinancingCharged)]
    assert [fact.nights for fact in charged] == [1] * 7
    assert sum(fact.amount for fact in charged) == 7 * 10 * GOLD.financing_long
