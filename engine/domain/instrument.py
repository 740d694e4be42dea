"""What is traded: the one place where Decimal prices and quantities become integers and come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal, localcontext

from engine.core.errors import UserError
from engine.domain.market import BarSide, Symbol, Ticks
from engine.domain.sessions import Sessions

Steps = int
Cash = int

CASH_SCALE = 1_000_000
"""Cash is counted in millionths of the account's currency."""


@dataclass(frozen=True, slots=True)
class Character:
    """How a simulated market moves: `level` is the price it is weakly pulled to and starts at, `volatility` its annual volatility
    as a fraction, `volume` the usual volume of a minute."""

    level: float
    volatility: float
    volume: float


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument and its rules. Prices count in ticks, quantities in lot steps, cash in 1 / CASH_SCALE units.

    `tick_value`, the cash units gained by one lot step when the price rises one tick, must be a whole number;
    construction raises UserError if it is not.
    `commission` is cash units per lot step and side; `financing_long` / `financing_short` cash units charged per lot step
    and night (negative = credited). `commission_ppm` is a further commission in millionths of the notional.
    `spread` (ticks) is used where the data has none. Nights begin at minute `night_minute` of the day in `night_zone`; that
    of the weekday `triple_night` (Monday = 0) is financed three times. Prices outside `plausible` are taken for another
    instrument or another scale; `kin` is what moves with it; `profile` tells apart what several brokers call by one symbol,
    `definition` is the hash of the data it was made of. `kind` is spot, cfd, future or crypto.
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
    triple_night: int | None = 2
    night_zone: str = "America/New_York"
    night_minute: int = 17 * 60
    plausible: tuple[float, float] | None = None
    kin: Symbol = ""
    character: Character | None = None
    profile: str = ""
    definition: str = ""
    kind: str = "spot"
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
    def key(self) -> str:
        """What it is listed under: the symbol, and its profile after an @."""
        return f"{self.symbol}@{self.profile}" if self.profile else self.symbol

    @property
    def is_margined(self) -> bool:
        """Whether a position is held against margin, and not paid for in cash."""
        return self.kind in ("future", "cfd")

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


class Listing(Mapping[Symbol, Instrument]):
    """The instruments that are known, by symbol: as shipped, until `adopt` puts another definition in force in this program.

    Each is read when it is first asked for. Profiles of a symbol ("XAUUSD@ib") are found by name but not gone through.
    """

    def __init__(self) -> None:
        self._shipped: dict[str, Instrument] = {}
        self._adopted: dict[Symbol, Instrument] = {}

    def __getitem__(self, symbol: str) -> Instrument:
        adopted = self._adopted.get(symbol)
        return self.shipped(symbol) if adopted is None else adopted

    def __iter__(self) -> Iterator[str]:
        from engine.domain.shipped import shipped_symbols

        names = shipped_symbols()
        yield from names
        yield from (symbol for symbol in tuple(self._adopted) if symbol not in names)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def shipped(self, key: str) -> Instrument:
        """The instrument as shipped; KeyError when there is none of that name."""
        known = self._shipped.get(key)
        if known is None:
            from engine.domain.shipped import shipped_instrument

            known = self._shipped[key] = shipped_instrument(key)
        return known

    def adopt(self, instrument: Instrument) -> None:
        """From here on the instrument's symbol means this one: what the books tell of it is shown in its ticks and lots."""
        self._adopted[instrument.symbol] = instrument

    @property
    def adopted(self) -> Mapping[Symbol, Instrument]:
        """What stands in the place of what was shipped."""
        return self._adopted

    def release(self, symbol: Symbol) -> None:
        """The symbol means what it was shipped as again."""
        self._adopted.pop(symbol, None)


INSTRUMENTS = Listing()


def instrument_of(symbol: str) -> Instrument:
    """The listed instrument called `symbol` (any case; a profile after an @); UserError names those that exist."""
    try:
        return INSTRUMENTS[key_of(symbol)]
    except KeyError:
        raise UserError(f"instrument {symbol!r} is not listed; use one of {', '.join(INSTRUMENTS)}") from None


def key_of(name: str) -> str:
    """The name as instruments are listed by: the symbol in capitals, a profile after an @ in small letters."""
    symbol, at, profile = name.partition("@")
    return f"{symbol.upper()}{at}{profile.lower()}"
