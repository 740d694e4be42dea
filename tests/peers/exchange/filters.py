"""The symbols of the exchange and the filters an order has to pass, as exchangeInfo lists them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.peers.exchange.refusals import filtered

ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
MAX_ORDERS, MAX_CONDITIONAL = 200, 5
"""Open orders of a symbol; those of them that wait for a price."""
MIN_TRAILING, MAX_TRAILING = 10, 2000
"""Basis points."""


def plain(value: Decimal) -> str:
    """A number as the exchange writes it: eight decimals, never an exponent."""
    return f"{value:.8f}"


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol; prices and the least notional in the quote asset, quantities in the base asset."""

    base: str
    quote: str
    tick: Decimal
    step: Decimal
    max_quantity: Decimal
    max_market_quantity: Decimal
    max_price: Decimal = Decimal(1_000_000)
    min_notional: Decimal = Decimal(5)
    max_notional: Decimal = Decimal(9_000_000)
    multiplier_up: Decimal = Decimal(5)
    multiplier_down: Decimal = Decimal("0.2")

    @property
    def symbol(self) -> str:
        return self.base + self.quote

    def check_price(self, price: Decimal, last: Decimal | None) -> None:
        """Refuses a price off the tick, out of range, or far from the last trade."""
        if not self.tick <= price <= self.max_price or price % self.tick:
            raise filtered("PRICE_FILTER")
        if last is not None and not last * self.multiplier_down <= price <= last * self.multiplier_up:
            raise filtered("PERCENT_PRICE_BY_SIDE")

    def check_quantity(self, quantity: Decimal, *, market: bool) -> None:
        if not self.step <= quantity <= self.max_quantity or quantity % self.step:
            raise filtered("LOT_SIZE")
        if market and quantity > self.max_market_quantity:
            raise filtered("MARKET_LOT_SIZE")

    def check_notional(self, notional: Decimal) -> None:
        if not self.min_notional <= notional <= self.max_notional:
            raise filtered("NOTIONAL")

    def check_trailing(self, trailing: int) -> None:
        if not MIN_TRAILING <= trailing <= MAX_TRAILING:
            raise filtered("TRAILING_DELTA")

    def as_json(self) -> dict[str, Any]:
        """The symbol as exchangeInfo describes it."""
        return {
            "symbol": self.symbol,
            "status": "TRADING",
            "baseAsset": self.base,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": list(ORDER_TYPES),
            "icebergAllowed": False,
            "ocoAllowed": True,
            "otoAllowed": False,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": True,
            "cancelReplaceAllowed": True,
            "amendAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": self._filters(),
            "permissions": ["SPOT"],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
            "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
        }

    def _filters(self) -> list[dict[str, Any]]:
        up, down = f"{self.multiplier_up.normalize():f}", f"{self.multiplier_down.normalize():f}"
        return [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": plain(self.tick),
                "maxPrice": plain(self.max_price),
                "tickSize": plain(self.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": plain(self.step),
                "maxQty": plain(self.max_quantity),
                "stepSize": plain(self.step),
            },
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": plain(Decimal(0)),
                "maxQty": plain(self.max_market_quantity),
                "stepSize": plain(Decimal(0)),
            },
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": up,
                "bidMultiplierDown": down,
                "askMultiplierUp": up,
                "askMultiplierDown": down,
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": plain(self.min_notional),
                "applyMinToMarket": True,
                "maxNotional": plain(self.max_notional),
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": MIN_TRAILING,
                "maxTrailingAboveDelta": MAX_TRAILING,
                "minTrailingBelowDelta": MIN_TRAILING,
                "maxTrailingBelowDelta": MAX_TRAILING,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MAX_ORDERS},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": MAX_CONDITIONAL},
        ]


PAXGUSDT = Listing(
    "PAXG", "USDT", Decimal("0.01"), Decimal("0.0001"), max_quantity=Decimal(9000), max_market_quantity=Decimal("725.61093958")
)
BTCUSDT = Listing(
    "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), max_quantity=Decimal(9000), max_market_quantity=Decimal("100.05381873")
)
LISTINGS = (PAXGUSDT, BTCUSDT)
