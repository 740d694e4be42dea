from __future__ import annotations

from decimal import ROUND_UP, Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import DAY, HOUR, MINUTE, SECOND, from_iso
from engine.domain.instrument import CASH_SCALE, cash, instrument_of
from widgets import format as fmt

GOLD, EURO = instrument_of("XAUUSD"), instrument_of("EURUSD")
AT = from_iso("2026-11-20T07:03:12")


def test_a_price_has_the_decimals_of_its_instrument():
    assert fmt.price(241_208, GOLD) == "2,412.08"
    assert fmt.price(108_540, EURO) == "1.08540"
    assert fmt.price(241_012.5, GOLD) == "2,410.12"


def test_what_is_shown_does_not_hang_on_how_another_library_rounds():
    with localcontext(Context(prec=28, rounding=ROUND_UP)):
        assert fmt.price(241_012.5, GOLD) == "2,410.12"
        assert fmt.number(Decimal("1234567890.125"), 2) == "1,234,567,890.12"
        assert fmt.lots(123_456_789, GOLD) == "1,234,567.89"


def test_a_missing_price_is_a_dash():
    assert fmt.price(None, GOLD) == fmt.DASH


def test_a_quantity_is_shown_in_lots_and_in_the_instruments_own_unit():
    assert fmt.lots(40, GOLD) == "0.40"
    assert fmt.units(40, GOLD) == "40 oz"
    assert fmt.signed_lots(-40, GOLD) == "−0.40"


def test_money_has_thousands_separators_and_the_true_minus_sign():
    assert fmt.money(cash("100412.30")) == "100,412.30"
    assert fmt.money(cash("-1234.5")) == "−1,234.50"


def test_a_result_always_has_its_sign_and_zero_has_none():
    assert fmt.signed_money(cash("212.8")) == "+212.80"
    assert fmt.signed_money(cash("-7")) == "−7.00"
    assert fmt.signed_money(0) == "0.00"


def test_a_loss_that_rounds_to_nothing_has_no_sign():
    assert fmt.signed_money(-CASH_SCALE // 1000) == "0.00"
    assert fmt.signed_percent(-0.000001) == "0.00\u00a0%"


def test_percent_multiple_and_r_carry_their_units():
    assert fmt.percent(0.0213) == "2.13\u00a0%"
    assert fmt.signed_percent(-0.0021) == "−0.21\u00a0%"
    assert fmt.multiple(1.239) == "1.24×"
    assert fmt.r_multiple(-1) == "−1.00\u00a0R"


def test_leverage_is_a_multiple_and_every_other_limit_a_percentage():
    assert fmt.share("leverage", 1.5) == "1.50×"
    assert fmt.share("daily_loss", 0.015) == "1.5\u00a0%"


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "2026-11-20 07:03:12 UTC"),
        ("Asia/Bangkok", "2026-11-20 14:03:12 Bangkok"),
        ("America/New_York", "2026-11-20 02:03:12 EST"),
    ],
)
def test_a_time_is_shown_with_its_zone(zone, text):
    assert fmt.moment_with_zone(AT, zone) == text


def test_a_time_in_a_file_has_its_offset():
    assert fmt.iso(AT, "Asia/Bangkok") == "2026-11-20T14:03:12+07:00"


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (12 * SECOND, "12 s"),
        (3 * MINUTE + 5 * SECOND, "3 min 05 s"),
        (3 * HOUR + 12 * MINUTE, "3 h 12 min"),
        (2 * DAY + 3 * HOUR, "2 d 03 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(span, text):
    assert fmt.duration(span) == text


@pytest.mark.parametrize(
    ("span", "text"), [(0, "now"), (12 * SECOND, "12 s ago"), (90 * SECOND, "1 min ago"), (3 * HOUR, "3 h ago"), (DAY, "1 d ago")]
)
def test_an_age_is_told_in_its_largest_unit(span, text):
    assert fmt.age(span) == text


def test_a_countdown_never_shows_less_than_is_left():
    assert fmt.countdown(187 * SECOND) == "3:07"
    assert fmt.countdown(187 * SECOND + 1) == "3:08"
    assert fmt.countdown(HOUR + 61 * SECOND) == "1:01:01"
    assert fmt.countdown(-5) == "0:00"


@given(st.integers(-(10**18), 10**18))
def test_what_is_shown_reads_back_as_the_amount_to_the_cent(amount):
    shown = Decimal(fmt.plain(fmt.signed_money(amount)))
    assert abs(shown - Decimal(amount) / CASH_SCALE) <= Decimal("0.005")


@given(st.integers(1, 10_000_000))
def test_a_price_shown_is_the_price_in_ticks(ticks):
    assert GOLD.exact_ticks(fmt.plain(fmt.price(ticks, GOLD))) == ticks
