"""What a fill cost, in the currency its instrument is counted in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.domain.instrument import CASH_SCALE, Cash, cash


@dataclass(frozen=True, slots=True)
class Fee:
    """A fee as it was taken: so much of `coin`."""

    amount: Decimal
    coin: str


def fees_of(trade: Mapping[str, Any]) -> tuple[Fee, ...]:
    """The fees of a trade; those of nothing are left out."""
    told = trade.get("fees") or ([trade["fee"]] if trade.get("fee") else [])
    found = (Fee(_amount(each.get("cost")), str(each.get("currency") or "")) for each in told)
    return tuple(each for each in found if each.amount)


def in_cash(fee: Fee, base: str, quote: str, price: Decimal) -> Cash | None:
    """The fee in cash units of the quote currency: a fee in the coin traded at the price of its fill, rounded to the nearest
    unit; None for a third coin, whose price is to be asked."""
    if fee.coin == quote:
        return cash(fee.amount)
    if fee.coin == base:
        return cash(fee.amount * price)
    return None


def at_price(fee: Fee, price: Decimal) -> Cash:
    """The fee in cash units where one of its coin costs `price`."""
    return int((fee.amount * price * CASH_SCALE).to_integral_value())


def _amount(told: Any) -> Decimal:
    try:
        number = Decimal(str(told))
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)
