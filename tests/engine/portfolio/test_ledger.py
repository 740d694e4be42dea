"""The ledger: what was paid, what is open and what was earned agree to the unit."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from engine.domain import facts as f
from engine.domain.instrument import INSTRUMENTS, cash
from engine.domain.market import Quote
from engine.portfolio.ledger import Ledger
from engine.risk.exposure import equity

GOLD, SILVER = INSTRUMENTS["XAUUSD"], INSTRUMENTS["XAGUSD"]
INSTRUMENTS_HELD = {"XAUUSD": GOLD, "XAGUSD": SILVER}
PRICES = st.integers(1_000, 400_000)
FILL = st.tuples(
    st.sampled_from(["XAUUSD", "XAGUSD"]), st.sampled_from(["buy", "sell"]), st.integers(1, 300), PRICES, st.integers(0, 10**7)
)


def opened() -> Ledger:
    ledger = Ledger(INSTRUMENTS_HELD)
    ledger.apply(f.AccountOpened("paper", "USD", cash("100000")))
    return ledger


def deal(ledger: Ledger, side: str, quantity: int, price: int, symbol: str = "XAUUSD", commission: int = 0) -> f.PositionChanged:
    fill = f.OrderFilled("NG1", "e", symbol, side, price, quantity, commission)
    change = ledger.change(fill)
    ledger.apply(fill)
    ledger.apply(change)
    return change


@given(st.lists(FILL, max_size=25), PRICES, PRICES, st.integers(0, 500))
def test_cash_and_the_worth_of_positions_are_conserved_to_the_unit(
    fills: list[tuple[str, str, int, int, int]], gold: int, silver: int, spread: int
) -> None:
    ledger, wallet = opened(), cash("100000")
    quantities = dict.fromkeys(INSTRUMENTS_HELD, 0)
    for symbol, side, quantity, price, commission in fills:
        deal(ledger, side, quantity, price, symbol, commission)
        signed = quantity if side == "buy" else -quantity
        quantities[symbol] += signed
        wallet -= signed * price * INSTRUMENTS_HELD[symbol].tick_value + commission
    quotes = {"XAUUSD": Quote("XAUUSD", 0, gold, gold + spread), "XAGUSD": Quote("XAGUSD", 0, silver, silver + spread)}
    worth = 0
    for symbol, quantity in quantities.items():
        mark = quotes[symbol].bid if quantity > 0 else quotes[symbol].ask
        worth += quantity * mark * INSTRUMENTS_HELD[symbol].tick_value
        assert ledger.position(symbol) == quantity
    whole = equity(ledger, quotes)
    unrealised = sum(
        ledger.unrealised(symbol, quotes[symbol].bid if quantities[symbol] > 0 else quotes[symbol].ask) for symbol in quantities
    )
    assert whole == wallet + worth
    assert whole == ledger.opening + ledger.realised + unrealised - ledger.costs


@given(st.lists(FILL, max_size=15), st.randoms(use_true_random=False))
def test_partial_fills_in_any_order_leave_the_same_position_when_they_only_add(
    fills: list[tuple[str, str, int, int, int]], random: object
) -> None:
    ledger, other = opened(), opened()
    shuffled = list(fills)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a Random
    for symbol, _, quantity, price, commission in fills:
        deal(ledger, "buy", quantity, price, symbol, commission)
    for symbol, _, quantity, price, commission in shuffled:
        deal(other, "buy", quantity, price, symbol, commission)
    for symbol in INSTRUMENTS_HELD:
        one, two = ledger.holdings.get(symbol), other.holdings.get(symbol)
        assert (one is None) == (two is None)
        if one and two:
            assert (one.quantity, one.basis, one.costs) == (two.quantity, two.basis, two.costs)


@given(st.lists(FILL, min_size=1, max_size=25))
def test_the_average_price_moves_only_when_a_position_grows(fills: list[tuple[str, str, int, int, int]]) -> None:
    ledger, quantity, basis = opened(), 0, Fraction(0)
    for _, side, amount, price, _ in fills:
        signed = amount if side == "buy" else -amount
        if quantity * signed >= 0:
            basis += signed * price
        elif abs(signed) < abs(quantity):
            basis -= basis * abs(signed) / abs(quantity)
        else:
            basis = Fraction((quantity + signed) * price)
        quantity += signed
        change = deal(ledger, side, amount, price)
        assert change.quantity == quantity
        assert abs(change.basis - basis * GOLD.tick_value) <= len(fills)


def test_a_reversal_through_zero_forgets_the_old_average_and_counts_a_new_trade() -> None:
    ledger = opened()
    assert deal(ledger, "buy", 10, 1_000).trade == 1
    assert deal(ledger, "sell", 4, 1_100).trade == 1
    change = deal(ledger, "sell", 10, 1_200)
    assert (change.quantity, change.trade) == (-4, 2)
    assert change.basis == -4 * 1_200 * GOLD.tick_value
    assert change.realised == 6 * 200 * GOLD.tick_value


def test_a_position_that_is_closed_is_open_no_more_but_remembered() -> None:
    ledger = opened()
    deal(ledger, "buy", 10, 1_000, commission=7)
    deal(ledger, "sell", 10, 900, commission=7)
    assert ledger.open == {}
    holding = ledger.holdings["XAUUSD"]
    assert (holding.realised, holding.costs) == (-10 * 100 * GOLD.tick_value, 14)
    assert deal(ledger, "buy", 1, 1_000).trade == 2


def test_financing_is_a_cost_of_its_instrument_and_a_credit_lowers_it() -> None:
    ledger = opened()
    ledger.apply(f.FinancingCharged("XAUUSD", 10, 1, 500))
    ledger.apply(f.FinancingCharged("XAUUSD", -10, 1, -200))
    assert (ledger.costs, ledger.holdings["XAUUSD"].costs) == (300, 300)
    assert ledger.cash == cash("100000") - 300


def test_the_open_profit_of_what_is_not_held_is_nothing() -> None:
    assert opened().unrealised("XAUUSD", 5) == 0


def test_a_coarser_instrument_changes_only_the_tick_value() -> None:
    coarse = replace(GOLD, lot_step=GOLD.lot_step * 10)
    ledger = Ledger({"XAUUSD": coarse})
    change = ledger.change(f.OrderFilled("NG1", "e", "XAUUSD", "buy", 100, 1, 0))
    assert change.basis == 100 * coarse.tick_value == 100 * GOLD.tick_value * 10
