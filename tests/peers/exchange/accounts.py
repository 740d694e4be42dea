"""What the account owns, free and locked, right to the last digit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from tests.peers.exchange.refusals import refused

NOTHING = Decimal(0)
DIGIT = Decimal("0.00000001")


def floored(amount: Decimal) -> Decimal:
    """Cut to the eight decimals an asset is counted in."""
    return amount.quantize(DIGIT, rounding=ROUND_DOWN)


@dataclass(slots=True, eq=False)
class Hold:
    """What is locked for an order; the two legs of an OCO share one."""

    asset: str
    amount: Decimal


class Wallet:
    """Balances by asset; free plus locked changes by trades only."""

    def __init__(self, balances: Mapping[str, Decimal]) -> None:
        self.free: dict[str, Decimal] = defaultdict(Decimal, {asset: Decimal(amount) for asset, amount in balances.items()})
        self.locked: dict[str, Decimal] = defaultdict(Decimal)
        self.changed: set[str] = set()

    @property
    def assets(self) -> list[str]:
        return sorted(self.free.keys() | self.locked.keys())

    def total(self, asset: str) -> Decimal:
        return self.free[asset] + self.locked[asset]

    def hold(self, asset: str, amount: Decimal) -> Hold:
        """Moves free to locked; refused with -2010 when there is too little."""
        if amount > self.free[asset]:
            raise refused("balance")
        self._move(asset, -amount, amount)
        return Hold(asset, amount)

    def release(self, hold: Hold, down_to: Decimal = NOTHING) -> None:
        """Gives back what of a hold is more than still needed."""
        excess = max(hold.amount - down_to, NOTHING)
        hold.amount -= excess
        self._move(hold.asset, excess, -excess)

    def spend(self, hold: Hold, amount: Decimal) -> None:
        hold.amount -= amount
        self._move(hold.asset, NOTHING, -amount)

    def receive(self, asset: str, amount: Decimal) -> None:
        self._move(asset, amount, NOTHING)

    def take_changed(self) -> list[str]:
        """The assets that changed since this was asked last."""
        changed, self.changed = sorted(self.changed), set()
        return changed

    def _move(self, asset: str, free: Decimal, locked: Decimal) -> None:
        if not free and not locked:
            return
        self.free[asset] += free
        self.locked[asset] += locked
        self.changed.add(asset)
