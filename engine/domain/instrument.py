"""What is traded: the one place where Decimal prices and quantities become integers and come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, localcontext

from engine.core.errors import UserError
from engine.domain.market import BarSide, Symbol, Ticks
from engine.domain.sessions import AROUND_THE_CLOCK, FOREX_NEW_YORK, METALS_NEW_YORK, Sessions

Steps = int
Cash = int

CASH_SCALE = 1_000_000
"""Cash is counted in millionths of the account's currency."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument and its rules. Prices count in ticks, quantities in lot steps, cash in 1 / CASH_SCALE units.

    `tick_value`, the cash units gained by one lot step when the price rises one tick, must be a whole number;
    construction raises UserError if it is not.
    `commission` is cash units per lot step and side; `financing_long` / `financing_short` cash units charged per lot step
    and night (negative = credited). `commission_ppm` is a further commission in millionths of the notional.
    `spread` (ticks) is used where the data has none.
    """

    symbol: Symbol
    name: str
    tick_size: Decimal
    lot_step: Decimal
    contract_size: Decimal
    unit: str
    currency: str
    sessions: Sessions
    spread: Ticks
    commission: Cash
    financing_long: Cash
    financing_short: Cash
    max_order: Steps
    min_order: Steps = 1
    commission_ppm: int = 0
    collar: Decimal = Decimal("0.05")
    stale_after_s: int = 120
    bar_side: BarSide = BarSide.BID
    tick_value: Cash = field(init=False)

    def __post_init__(self) -> None:
        value = self.tick_size * self.lot_step * self.contract_size * CASH_SCALE
        if value != value.to_integral_value() or value <= 0:
            raise UserError(
                f"{self.symbol}: tick size {self.tick_size} x lot step {self.lot_step} x contract size "
                f"{self.contract_size} is not a whole number of 1/{CASH_SCALE} {self.currency}; choose a coarser lot step"
            )
        object.__setattr__(self, "tick_value", int(value))

    @property
    def price_decimals(self) -> int:
        return decimals(self.tick_size)

    @property
    def quantity_decimals(self) -> int:
        return decimals(self.lot_step)

    def ticks(self, price: Decimal | str | float) -> Ticks:
        """The price as ticks, rounded half to even to the grid."""
        return int((Decimal(str(price)) / self.tick_size).to_integral_value(ROUND_HALF_EVEN))

    def exact_ticks(self, price: Decimal | str) -> Ticks:
        """The price as ticks; UserError when it does not lie on the grid or is not above zero."""
        return _exact(Decimal(price), self.tick_size, f"{self.symbol} price", "tick")

    def price(self, ticks: Ticks) -> Decimal:
        """The ticks as a price."""
        return self.tick_size * ticks

    def steps(self, lots: Decimal | str) -> Steps:
        """A quantity in lots as steps; UserError when it does not lie on the grid or is not above zero."""
        return _exact(Decimal(lots), self.lot_step, f"{self.symbol} quantity", "lot step")

    def lots(self, steps: Steps) -> Decimal:
        """The steps as a quantity in lots."""
        return self.lot_step * steps

    def units(self, steps: Steps) -> Decimal:
        """The steps in the instrument's own unit (ounces for gold)."""
        return self.lot_step * self.contract_size * steps


def _exact(value: Decimal, grid: Decimal, what: str, grid_name: str) -> int:
    if not value.is_finite() or value <= 0:
        raise UserError(f"{what} {value} is not a number above zero")
    count = value / grid
    if count != count.to_integral_value():
        down = (count.to_integral_value(ROUND_DOWN)) * grid
        raise UserError(f"{what} {value} is not a multiple of the {grid_name} {grid}; the nearest below is {down}")
    return int(count)


def decimals(grid: Decimal) -> int:
    """How many decimals a value on `grid` needs."""
    exponent = grid.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def cash(amount: Decimal | str) -> Cash:
    """An amount in currency as cash units, rounded half to even."""
    return int((Decimal(amount) * CASH_SCALE).to_integral_value(ROUND_HALF_EVEN))


def money(amount: Cash) -> Decimal:
    """Cash units as an exact Decimal amount of currency."""
    with localcontext() as context:
        context.prec = 40
        return Decimal(amount) / CASH_SCALE


def _listed() -> tuple[Instrument, ...]:
    d = Decimal
    metals, forex = METALS_NEW_YORK, FOREX_NEW_YORK
    gold = Instrument(
        "XAUUSD",
        "Gold spot / US dollar",
        d("0.01"),
        d("0.01"),
        d(100),
        "oz",
        "USD",
        metals,
        20,
        35_000,
        120_000,
        -40_000,
        5_000,
    )
    return (
        gold,
        Instrument("XAGUSD", "Silver spot / US dollar", d("0.001"), d("0.01"), d(5_000), "oz", "USD", metals, 20, 35_000,
                   60_000, -20_000, 5_000),
        Instrument("EURUSD", "Euro / US dollar", d("0.00001"), d("0.01"), d(100_000), "EUR", "USD", forex, 10, 35_000,
                   60_000, -10_000, 5_000),
        Instrument("US500", "S&P 500 index CFD", d("0.01"), d("0.1"), d(1), "index", "USD", metals, 50, 0, 150_000, 30_000,
                   10_000),
        Instrument("PAXGUSDT", "PAX Gold / Tether", d("0.01"), d("0.0001"), d(1), "oz", "USDT", AROUND_THE_CLOCK, 50, 0, 0,
                   0, 10_000_000, commission_ppm=1_000),
        Instrument("BTCUSDT", "Bitcoin / Tether", d("0.01"), d("0.0001"), d(1), "BTC", "USDT", AROUND_THE_CLOCK, 100, 0, 0,
                   0, 10_000_000, commission_ppm=1_000),
    )  # fmt: skip


INSTRUMENTS: dict[Symbol, Instrument] = {instrument.symbol: instrument for instrument in _listed()}


def instrument_of(symbol: str) -> Instrument:
    """The listed instrument called `symbol` (any case); UserError names those that exist."""
    try:
        return INSTRUMENTS[symbol.upper()]
    except KeyError:
        raise UserError(f"instrument {symbol!r} is not listed; use one of {', '.join(INSTRUMENTS)}") from None
