from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import UserError
from engine.domain.instrument import cash, instrument_of
from widgets import format as fmt
from widgets.typed import decimal_of, lots_of, money_of, price_of

GOLD, SILVER, EURO = (instrument_of(symbol) for symbol in ("XAUUSD", "XAGUSD", "EURUSD"))


@pytest.mark.parametrize("decimals", [None, 0, 2, 3, 5])
@pytest.mark.parametrize(
    "text", ["0,01", "0,5", "0,05", "1,5", "12,34", "1,2345", "0,500", ",5", "3.461,90", "1,23,456", "1,000,00", "1234,567"]
)
def test_a_decimal_comma_is_refused_in_every_field(text, decimals):
    with pytest.raises(UserError, match="comma"):
        decimal_of(text, decimals)


def test_a_refused_comma_says_what_to_write():
    with pytest.raises(UserError, match=r"^'0,01' has a comma; write 0\.01 with a point$"):
        lots_of("0,01", GOLD)


@pytest.mark.parametrize("text", ["1,500", "1,500.00", "25,000"])
def test_a_quantity_takes_no_comma_at_all(text):
    with pytest.raises(UserError, match=r"without a comma|, or "):
        lots_of(text, GOLD)


def test_grouped_thousands_are_taken_in_prices_and_money():
    assert price_of("3,461.90", GOLD) == price_of("3,461", GOLD) + 90 == 346_190
    assert money_of("25,000.00") == money_of("25,000") == 25_000
    assert money_of("1,250,000.5") == Decimal("1250000.5")


@pytest.mark.parametrize(("text", "instrument"), [("24,126", SILVER), ("1,085", EURO)])
def test_a_group_of_three_that_may_be_decimals_of_a_price_is_refused(text, instrument):
    with pytest.raises(UserError, match="with a point, or"):
        price_of(text, instrument)


@pytest.mark.parametrize("text", ["", "abc", "nan", "inf", "1e5", "1_0", "1 0", "٣", "1.2.3", "."])
def test_what_is_no_plain_number_is_refused(text):
    with pytest.raises(UserError, match="is not a number"):
        decimal_of(text, 2)


@given(st.integers(1, 10**12), st.sampled_from([GOLD, SILVER, EURO]))
def test_every_price_is_read_as_the_program_writes_it(ticks, instrument):
    assert price_of(fmt.price(ticks, instrument), instrument) == ticks


@given(st.integers(-(10**15), 10**15))
def test_every_amount_is_read_as_the_program_writes_it(cents):
    amount = cash(Decimal(cents) / 100)
    assert money_of(fmt.money(amount)) == Decimal(cents) / 100
