"""The judging of quotes by itself."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.brokers.exchange.sieve import Best, Sieve
from engine.core.clock import SECOND
from engine.domain.instrument import INSTRUMENTS

GOLD = INSTRUMENTS["PAXGUSDT"]
ANYTHING = st.one_of(
    st.none(),
    st.text(max_size=5),
    st.floats(),
    st.decimals(allow_nan=True),
    st.integers(-10, 10**6),
    st.sampled_from(["3900", "3901.005"]),
)


@given(st.lists(st.tuples(ANYTHING, ANYTHING, ANYTHING, ANYTHING), max_size=20))
def test_whatever_is_told_what_passes_can_be_traded_on_and_the_rest_is_counted(told: list[tuple[object, ...]]) -> None:
    sieve = Sieve(GOLD)
    passed = [quote for number, values in enumerate(told) if (quote := sieve.judge(Best(*values), number * SECOND))]
    assert len(passed) + sieve.kept_back.total() == len(told)
    assert all(0 < it.bid < it.ask and it.bid_size >= 0 <= it.ask_size for it in passed)


def test_prices_between_ticks_are_rounded_away_from_each_other() -> None:
    quote = Sieve(GOLD).judge(Best("3900.019", "3900.021", "1.00009", "2"), 0)
    assert quote is not None
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (390_001, 390_003, 10_000, 20_000)


def test_a_jump_is_no_spike_when_the_last_quote_is_stale() -> None:
    sieve = Sieve(GOLD)
    assert sieve.judge(Best(3900, 3901), 0)
    assert sieve.judge(Best(4500, 4501), 119 * SECOND) is None
    assert sieve.judge(Best(4500, 4501), 121 * SECOND)


def test_spikes_in_different_directions_do_not_confirm_each_other() -> None:
    sieve = Sieve(GOLD)
    assert sieve.judge(Best(3900, 3901), 0)
    wild = [Decimal(price) for price in (4500, 3000, 4500, 3000, 4500)]
    assert [sieve.judge(Best(bid, bid + 1), number) for number, bid in enumerate(wild)] == [None] * 5
    assert sieve.judge(Best(3899, 3900), 6)


def test_what_an_exchange_told_long_ago_is_old() -> None:
    sieve = Sieve(GOLD)
    assert sieve.judge(Best(3900, 3901, told_at=0), 121 * SECOND) is None
    assert sieve.kept_back == {"old": 1}
