"""How orders are given at each exchange: what it holds by itself, and which ids it takes for them. One row an exchange."""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from engine.domain.order import ClientOrderId, OrderType, TimeInForce
from engine.ports.outside import Abilities

_PLAIN = frozenset({OrderType.MARKET, OrderType.LIMIT})
_STOPS = _PLAIN | {OrderType.STOP, OrderType.STOP_LIMIT}
_AT_ONCE = frozenset({TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK})
_HASHED = "ng"
_HASHED_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Dealing:
    """What an exchange's spot market takes.

    `own_id` is the pattern of the ids it takes for our orders. With `edits` an order can be given new terms; with `replaces`
    that ends it there and places another under the same id of ours. Without `buys_by_quantity` a market order to buy names
    what it may cost, so it leaves as a limit order that fills at once or not at all. `trails` are its own trailing stops, by
    the percentage or by the amount. Without `finds_own_ids` an order is looked for among all of them.
    """

    own_id: str = r"[A-Za-z0-9]{1,18}"
    types: frozenset[OrderType] = _PLAIN
    tifs: frozenset[TimeInForce] = frozenset({TimeInForce.GTC})
    post_only: bool = False
    edits: bool = False
    replaces: bool = False
    buys_by_quantity: bool = True
    trails: tuple[str, ...] = ()
    finds_own_ids: bool = True

    def abilities(self) -> Abilities:
        """As the engine asks for them; a spot market sells what is held and nothing else."""
        changes = self.edits and not self.replaces
        return Abilities(self.types, self.tifs, modifies=changes, post_only=self.post_only, shorts=False)

    def their_id(self, order: ClientOrderId) -> str:
        """Our id as the exchange takes it: as it is where it fits, else a hash of it, the same in every process."""
        if re.fullmatch(self.own_id, order):
            return order
        return _HASHED + b32encode(sha256(order.encode()).digest()).decode().lower()[:_HASHED_LENGTH]


DEALINGS: Mapping[str, Dealing] = {
    "binance": Dealing(
        r"[A-Za-z0-9._:/-]{1,36}", _STOPS, _AT_ONCE, post_only=True, edits=True, replaces=True, trails=("percent",)
    ),
    "kraken": Dealing(
        r"[A-Za-z0-9-]{1,18}",
        _STOPS | {OrderType.TRAILING},
        frozenset({TimeInForce.GTC, TimeInForce.IOC}),
        post_only=True,
        trails=("percent", "amount"),
        finds_own_ids=False,
    ),
    "okx": Dealing(r"[A-Za-z0-9]{1,32}", tifs=_AT_ONCE, post_only=True, edits=True),
    "bybit": Dealing(r"[A-Za-z0-9_-]{1,36}", tifs=_AT_ONCE, post_only=True, edits=True, buys_by_quantity=False),
    "coinbase": Dealing(r"[A-Za-z0-9_-]{1,36}", tifs=_AT_ONCE, post_only=True, buys_by_quantity=False, finds_own_ids=False),
}
"""By ccxt's id. Stops of OKX, Bybit and Coinbase lie in lists of their own there, so the engine holds them instead."""


def dealing_of(exchange: str) -> Dealing:
    """How orders are given there; the least that any exchange takes where it is untested."""
    return DEALINGS.get(exchange) or Dealing(finds_own_ids=False)
