"""What is traded, and when: the one place where Decimals become integers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import DAY, HOUR, from_iso, to_iso
from engine.core.errors import UserError
from engine.domain.instrument import INSTRUMENTS, cash, instrument_of, money
from engine.domain.market import Timeframe
from engine.domain.sessions import AROUND_THE_CLOCK, Sessions, daily_after

GOLD = INSTRUMENTS["XAUUSD"]
METALS_NEW_YORK = GOLD.sessions.weekly


def test_a_tick_of_a_lot_step_of_gold_is_a_cent_an_ounce() -> None:
    assert GOLD.tick_value == cash("0.01")
    assert (GOLD.price_decimals, GOLD.quantity_decimals) == (2, 2)
    assert (GOLD.units(5), GOLD.lots(5)) == (Decimal(5), Decimal("0.05"))


@pytest.mark.parametrize("symbol", sorted(INSTRUMENTS))
@given(count=st.integers(1, 10**7))
def test_prices_and_quantities_come_back_as_they_were(symbol: str, count: int) -> None:
    instrument = INSTRUMENTS[symbol]
    assert instrument.exact_ticks(instrument.price(count)) == count
    assert instrument.ticks(float(instrument.price(count))) == count
    assert instrument.steps(instrument.lots(count)) == count


@given(st.integers(-(10**18), 10**18))
def test_money_is_exact_both_ways(amount: int) -> None:
    assert cash(money(amount)) == amount


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: GOLD.exact_ticks("1700.123"), "not a multiple of the tick 0.01; the nearest below is 1700.12"),
        (lambda: GOLD.steps("0.015"), "not a multiple of the lot step 0.01"),
        (lambda: GOLD.steps("0"), "not a number above zero"),
        (lambda: GOLD.steps("NaN"), "quantity NaN is not a number above zero"),
        (lambda: instrument_of("XAUEUR"), "'XAUEUR' is not listed; use one of XAUUSD"),
        (lambda: replace(GOLD, lot_step=Decimal("0.0000001")), "choose a coarser lot step"),
        (lambda: Timeframe.of("M7"), "'M7' is not known; use one of M1"),
    ],
)
# any of the instrument's calls
def test_what_does_not_fit_the_grid_is_refused_with_the_remedy(call, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UserError, match=words.replace(".", r"\.")):
        call()


def test_names_are_found_in_any_case() -> None:
    assert instrument_of("xauusd") is GOLD
    assert Timeframe.of("h4").floor(9 * HOUR + 5) == 8 * HOUR


def test_gold_trades_from_sunday_evening_to_friday_evening_with_an_hour_s_break() -> None:
    opens = {
        "2024-06-09T21:59": False,  # Sunday, a minute before six in New York
        "2024-06-09T22:00": True,
        "2024-06-10T20:59": True,
        "2024-06-10T21:00": False,  # the daily break
        "2024-06-10T22:00": True,
        "2024-06-14T21:00": False,  # Friday evening
        "2024-06-15T12:00": False,
        "2024-01-14T22:59": False,  # in winter an hour later in UTC
        "2024-01-14T23:00": True,
    }
    assert {at: METALS_NEW_YORK.is_open(from_iso(at)) for at in opens} == opens


def test_the_next_open_and_close_are_found_across_a_weekend() -> None:
    saturday = from_iso("2024-06-15T12:00")
    assert to_iso(METALS_NEW_YORK.next_open(saturday)) == "2024-06-16T22:00:00Z"
    assert to_iso(METALS_NEW_YORK.next_close(saturday)) == "2024-06-17T21:00:00Z"
    now = from_iso("2024-06-12T12:00")
    assert METALS_NEW_YORK.next_open(now) == now
    assert to_iso(METALS_NEW_YORK.next_close(now)) == "2024-06-12T21:00:00Z"


def test_a_market_around_the_clock_never_closes() -> None:
    assert AROUND_THE_CLOCK.is_open(123)
    assert AROUND_THE_CLOCK.next_open(123) == 123
    assert AROUND_THE_CLOCK.next_close(0) == 365 * DAY


@given(st.integers(from_iso("2020-01-01"), from_iso("2030-01-01")))
def test_a_market_is_open_exactly_between_an_open_and_its_close(at: int) -> None:
    sessions: Sessions = METALS_NEW_YORK
    opens, closes = sessions.next_open(at), sessions.next_close(at)
    if sessions.is_open(at):
        assert opens == at < closes <= at + 23 * HOUR
    else:
        assert at < opens < closes
        assert not sessions.is_open(opens - 1)
    assert sessions.is_open(opens)
    assert sessions.is_open(closes - 1)
    assert not sessions.is_open(closes)


@pytest.mark.parametrize(
    ("at", "roll"),
    [
        ("2024-06-03T20:59:59", "2024-06-03T21:00:00Z"),
        ("2024-06-03T21:00:00", "2024-06-04T21:00:00Z"),
        ("2024-03-09T22:00:00", "2024-03-10T21:00:00Z"),  # New York springs forward
        ("2024-11-02T21:00:00", "2024-11-03T22:00:00Z"),  # and falls back
    ],
)
def test_the_day_rolls_at_the_wall_clock_of_new_york(at: str, roll: str) -> None:
    assert to_iso(daily_after(from_iso(at), "America/New_York", 17 * 60)) == roll
