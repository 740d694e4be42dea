"""What tells one simulated instrument from another."""

from __future__ import annotations

from math import sqrt

from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.market.synthetic.kernel import Terms

_TRADING_MINUTES = 252 * 23 * 60


def terms_of(instrument: Instrument) -> Terms:
    """The numbers the kernel needs for `instrument`; UserError when nothing is known of how it moves."""
    character = instrument.character
    if character is None:
        raise UserError(f"{instrument.symbol} has no simulated market; replay a file, or give its definition a [simulated] part")
    return Terms(
        level=character.level,
        sigma=character.volatility / sqrt(_TRADING_MINUTES),
        volume=character.volume,
        spread=float(instrument.spread),
        tick=float(instrument.tick_size),
    )
