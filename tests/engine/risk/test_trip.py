"""The prices at which equity reaches a floor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from engine.domain import facts as f
from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import Quote
from engine.portfolio.ledger import Ledger
from engine.risk.exposure import equity
from engine.risk.trip import FAR, trip_prices

PRICES = some.integers(1, 400_000)
OPENING = 100_000_000_000


def _ledger(*held: tuple[str, int, int]) -> Ledger:
    """An account that holds each (symbol, signed quantity, entry price)."""
    ledger = Ledger(INSTRUMENTS)
    ledger.apply(f.AccountOpened("paper", "USD", OPENING))
    for symbol, quantity, price in held:
        basis = quantity * price * INSTRUMENTS[symbol].tick_value
        ledger.apply(f.PositionChanged(symbol, "e1", quantity, basis, 0, 1))
    return ledger


@given(some.integers(-5_000, 5_000).filter(bool), PRICES, PRICES, some.integers(0, 100), some.integers(-OPENING, 2 * OPENING))
def test_the_trip_prices_agree_with_equity_at_every_quote(quantity: int, entry: int, bid: int, spread: int, floor: int) -> None:
    ledger = _ledger(("XAUUSD", quantity, entry))
    quote = Quote("XAUUSD", 1, bid, bid + spread)
    below, above = trip_prices(ledger, "XAUUSD", floor)
    assert (quote.bid <= below or quote.ask >= above) == (equity(ledger, {"XAUUSD": quote}) <= floor)


@given(some.integers(1, 5_000), PRICES, some.integers(-1, 1))
def test_the_very_tick_at_which_equity_meets_the_floor_trips(quantity: int, entry: int, beside: int) -> None:
    ledger = _ledger(("XAUUSD", quantity, entry))
    floor = OPENING - 100 * quantity * INSTRUMENTS["XAUUSD"].tick_value
    below, above = trip_prices(ledger, "XAUUSD", floor)
    assert (below, above) == (entry - 100, FAR)
    quote = Quote("XAUUSD", 1, entry - 100 + beside, entry)
    assert (quote.bid <= below) == (equity(ledger, {"XAUUSD": quote}) <= floor)


def test_nothing_trips_an_account_that_holds_nothing() -> None:
    assert trip_prices(_ledger(), "XAUUSD", OPENING - 1) == (0, FAR)


def test_every_price_is_looked_at_while_another_instrument_is_held() -> None:
    below, above = trip_prices(_ledger(("XAUUSD", 1, 200_000), ("XAGUSD", 1, 30_000)), "XAUUSD", 0)
    assert below == FAR
    assert above == 0
