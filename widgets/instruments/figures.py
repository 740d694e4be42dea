"""What follows from an instrument's terms: the figures a trader would work out before trusting them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from engine.domain.definition import Definition
from engine.domain.instrument import CASH_SCALE, Instrument
from engine.domain.shipped import instrument_from
from widgets.format import number, signed

Figure = tuple[str, str]


def figures(definition: Definition, price: Decimal | None, account: str, leverage: Decimal) -> list[Figure]:
    """Names and values; `price` is the last one known, `account` the account's currency, `leverage` the cap on it."""
    return list(_figures(definition, instrument_from(definition), price, account, leverage))


def _figures(
    definition: Definition, terms: Instrument, price: Decimal | None, account: str, leverage: Decimal
) -> Iterator[Figure]:
    money, lot = terms.currency, Decimal(1) / terms.lot_step
    tick = Decimal(terms.tick_value) / CASH_SCALE * lot
    yield "One tick on one lot", f"{_plain(tick)} {money}"
    yield "One lot step", f"{_plain(terms.units(1))} {terms.unit}, {_plain(tick / lot)} {money} a tick"
    yield "Spread on one lot", f"{_plain(tick * terms.spread)} {money}"
    commission = 2 * definition.costs.commission
    if price is not None:
        worth = price * terms.contract_size
        commission += 2 * worth * terms.commission_ppm / 1_000_000
        yield f"One lot at {number(price, terms.price_decimals)}", _in_account(worth, money, account)
        yield f"Margin for it at {leverage.normalize():f}:1", _in_account(worth / leverage, money, account)
    yield "In and out of one lot", f"{_plain(commission + tick * terms.spread)} {money} with the spread"
    for name, swap in (("long", definition.financing.long), ("short", definition.financing.short)):
        if swap and price:
            yearly = 100 * 365 * swap / (price * terms.contract_size)
            yield f"Holding {name} a year", f"{signed(yearly, 2)} % of the value"
    yield "Largest order", f"{number(terms.lots(terms.max_order) * terms.contract_size)} {terms.unit}"


def _in_account(amount: Decimal, money: str, account: str) -> str:
    text = f"{number(amount, 2)} {money}"
    return text if money == account else f"{text} (the account is in {account})"


def _plain(value: Decimal) -> str:
    """As few decimals as show the whole amount, two at least for money."""
    exact = value.normalize()
    places = max(0, -int(exact.as_tuple().exponent))
    return number(value, min(6, max(2, places)) if places else 0)
