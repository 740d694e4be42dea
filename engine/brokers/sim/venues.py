"""What the venues charge that paper trading can stand in for: one line each, chosen by `broker.venue`.

Exchanges: the spot rates of the lowest tier, without rebates in coins of their own; `broker.maker_ppm` and `broker.taker_ppm` of
the configuration replace them. Looked up on 2026-11-20 in stored copies of what the venues publish, which may be older:

- binance: 0.1 % for regular users, as in the fee table of ccxt 4.5.90.
- kraken: 0.25 % and 0.40 % at the entry tier of kraken.com/features/fee-schedule, as summarised on 2026-05-30.
- okx: 0.080 % and 0.100 % for regular users of level 1, okx.com/fees.
- bybit: 0.1 % for users without VIP level, its help centre on spot margin trading.
- coinbase: 0.6 % and 1.2 % at the tier "Advanced 1", as its interface answered for the fee table of ccxt 4.5.90.
- ib: metals at least USD 2.00 an order, interactivebrokers.ca/en/pricing/commissions-metals.php.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain.instrument import CASH_SCALE, Cash


@dataclass(frozen=True, slots=True)
class VenueTerms:
    """A venue's price list. `maker_ppm` and `taker_ppm` are millionths of the notional; None charges as the instrument says.

    `least` is the smallest commission of an order that is charged by its notional, in cash units. Without `shorts` no more is
    sold than is held; without `financing` a night costs nothing.
    """

    name: str
    maker_ppm: int | None = None
    taker_ppm: int | None = None
    least: Cash = 0
    shorts: bool = True
    financing: bool = True


LISTED = VenueTerms("")
"""As each instrument says."""


def _spot(name: str, maker_ppm: int, taker_ppm: int) -> VenueTerms:
    return VenueTerms(name, maker_ppm, taker_ppm, shorts=False, financing=False)


VENUES: Mapping[str, VenueTerms] = {
    terms.name: terms
    for terms in (
        LISTED,
        VenueTerms("ib", least=2 * CASH_SCALE),
        _spot("binance", 1_000, 1_000),
        _spot("kraken", 2_500, 4_000),
        _spot("okx", 800, 1_000),
        _spot("bybit", 1_000, 1_000),
        _spot("coinbase", 6_000, 12_000),
    )
}
