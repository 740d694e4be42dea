"""What tells one simulated instrument from another."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.market.synthetic.kernel import Terms


@dataclass(frozen=True, slots=True)
class Character:
    """`level` is the price the market is weakly pulled to and starts at, `volatility` its annual volatility as a fraction,
    `volume` the usual volume of a minute."""

    level: float
    volatility: float
    volume: float


CHARACTERS = {
    "XAUUSD": Character(3_200.0, 0.17, 60.0),
    "XAGUSD": Character(38.0, 0.28, 45.0),
    "EURUSD": Character(1.12, 0.075, 50.0),
    "US500": Character(6_200.0, 0.15, 55.0),
    "PAXGUSDT": Character(3_200.0, 0.17, 30.0),
    "BTCUSDT": Character(98_000.0, 0.5, 90.0),
}

_TRADING_MINUTES = 252 * 23 * 60


def terms_of(instrument: Instrument) -> Terms:
    """The numbers the kernel needs for `instrument`; UserError when nothing is known of how it moves."""
    try:
        character = CHARACTERS[instrument.symbol]
    except KeyError:
        known = ", ".join(CHARACTERS)
        raise UserError(f"{instrument.symbol} has no simulated market; use one of {known}, or replay a file") from None
    return Terms(
        level=character.level,
        sigma=character.volatility / sqrt(_TRADING_MINUTES),
        volume=character.volume,
        spread=float(instrument.spread),
        tick=float(instrument.tick_size),
    )
