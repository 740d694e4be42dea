"""Numbers as a trader types them. One reader for every field, so that a comma never changes a size.

A decimal comma is refused, not guessed at: read as a separator it would make an order a hundred times too large.
"""

from __future__ import annotations

import re
from decimal import Decimal

from engine.core.errors import UserError
from engine.domain.instrument import Instrument, Steps
from engine.domain.market import Ticks
from widgets.format import MINUS

MONEY_DECIMALS = 2
_GROUP = 3
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(\.[0-9]*)?")


def decimal_of(text: str, decimals: int | None = None) -> Decimal:
    """The number typed. UserError, without a full stop, when it is none or when its comma may mean a decimal point.

    `decimals` is how many the field takes where thousands may be grouped as the program writes them ("3,461.90"); None
    takes no comma. With three or more "24,126" could be 24.126 and is refused.
    """
    bare = text.strip().replace(MINUS, "-")
    if "," in bare:
        bare = _ungrouped(bare, decimals)
    if not _NUMBER.fullmatch(bare):
        raise UserError(f"{text.strip()!r} is not a number")
    return Decimal(bare)


def price_of(text: str, instrument: Instrument) -> Ticks:
    """The price typed, in ticks. Raises UserError."""
    return instrument.exact_ticks(decimal_of(text, instrument.price_decimals))


def lots_of(text: str, instrument: Instrument) -> Steps:
    """The quantity typed, in lot steps. Raises UserError."""
    return instrument.steps(decimal_of(text))


def money_of(text: str) -> Decimal:
    """The amount typed. Raises UserError."""
    return decimal_of(text, MONEY_DECIMALS)


def _ungrouped(text: str, decimals: int | None) -> str:
    grouped = _GROUPED.fullmatch(text)
    if grouped and decimals is not None and (grouped[1] is not None or text.count(",") > 1 or decimals < _GROUP):
        return text.replace(",", "")
    pointed = text.replace(",", ".")
    if text.count(",") > 1 or "." in text:
        raise UserError(f"{text!r} cannot be read for certain; write it without a comma")
    if not _NUMBER.fullmatch(pointed):
        raise UserError(f"{text!r} is not a number")
    raise UserError(f"{text!r} has a comma; write {pointed} with a point" + (f", or {text.replace(',', '')}" if grouped else ""))
