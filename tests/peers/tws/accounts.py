"""Cash, positions and what the broker computes from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tests.peers.tws.contracts import Contract
from tests.peers.tws.market import Market

ZERO = Decimal(0)
CENT = Decimal("0.01")


@dataclass(slots=True)
class Position:
    """What is held of one contract. `cost` is the average cost of one unit with its multiplier and commission, `entry` without
    the commission.
    """

    contract: Contract
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    entry: Decimal = ZERO
    realized: Decimal = ZERO

    def unrealized(self, mark: Decimal) -> Decimal:
        """Open profit at this price, less the commissions paid."""
        return self.quantity * (mark * self.contract.multiplier - self.cost)


@dataclass(frozen=True, slots=True)
class Margin:
    """Initial and maintenance margin and equity, in the account's currency."""

    initial: Decimal
    maintenance: Decimal
    equity: Decimal


@dataclass(frozen=True, slots=True)
class Fill:
    """What an account books: a signed quantity at a price. `commission` is 0 for what the account came with."""

    contract: Contract
    signed: Decimal
    price: Decimal
    commission: Decimal = ZERO


@dataclass(slots=True)
class Account:
    """One account in US dollars. A name that starts with DU is a paper account, one with U a real one."""

    name: str
    market: Market
    cash: Decimal = Decimal(1_000_000)
    positions: dict[int, Position] = field(default_factory=dict)
    realized: Decimal = ZERO
    _fills: dict[str, Fill] = field(default_factory=dict)
    _opening: Decimal | None = None

    def book(self, fill_id: str, fill: Fill) -> Decimal | None:
        """Books a fill and returns the profit of what it closed, None if it closed nothing.

        A fill with a known id replaces the former one, and everything since is counted again.
        """
        if self._opening is None:
            self._opening = self.cash
        known = fill_id in self._fills
        self._fills[fill_id] = fill
        if not known:
            return self._apply(fill)
        self.cash, self.realized = self._opening, ZERO
        for position in self.positions.values():
            position.quantity = position.cost = position.entry = position.realized = ZERO
        return {known_id: self._apply(each) for known_id, each in self._fills.items()}[fill_id]

    def _apply(self, fill: Fill) -> Decimal | None:
        contract, signed = fill.contract, fill.signed
        position = self.positions.setdefault(contract.con_id, Position(contract))
        held, unit = position.quantity, fill.price * contract.multiplier
        closing = min(abs(held), abs(signed)) * (1 if held > 0 else -1) if held * signed < 0 else ZERO
        self.cash -= fill.commission
        if not contract.trades:
            self.cash -= signed * unit
        realized, opening = None, signed + closing
        paid_to_open = fill.commission * opening / signed
        if closing:
            realized = closing * (unit - position.cost) - (fill.commission - paid_to_open)
            self.realized += realized
            position.realized += realized
            if contract.trades:
                self.cash += closing * (unit - position.entry)
        if opening:
            kept = held - closing
            position.entry = (kept * position.entry + opening * unit) / (kept + opening)
            position.cost = (kept * position.cost + opening * unit + paid_to_open) / (kept + opening)
        position.quantity = held + signed
        if not position.quantity:
            position.cost = position.entry = ZERO
        return realized

    def come_with(self, contract: Contract, signed: Decimal, price: Decimal) -> None:
        """The account has this from before; cash is as it was."""
        before = self.cash
        self.book(f"from before {len(self._fills)}", Fill(contract, signed, price))
        if self._opening is not None:
            self._opening += before - self.cash
        self.cash = before

    def mark(self, contract: Contract) -> Decimal:
        """The price at which positions are valued."""
        return self.market.quotes[contract.con_id].mid

    @property
    def unrealized(self) -> Decimal:
        return sum((it.unrealized(self.mark(it.contract)) for it in self.positions.values()), ZERO)

    @property
    def net_liquidation(self) -> Decimal:
        worth = self.cash
        for it in self.positions.values():
            mark = self.mark(it.contract)
            value = it.contract.worth(it.quantity, mark)
            worth += value - it.quantity * it.entry if it.contract.trades else value
        return worth

    def margin(self, contract: Contract | None = None, signed: Decimal = ZERO) -> Margin:
        """Margins as they are, or as they would be with `signed` more of the contract."""
        held = {con_id: it.quantity for con_id, it in self.positions.items()}
        if contract is not None:
            held[contract.con_id] = held.get(contract.con_id, ZERO) + signed
        initial = ZERO
        for con_id, quantity in held.items():
            terms = self.market.contract(con_id)
            initial += terms.worth(abs(quantity), self.mark(terms)) * terms.margin
        return Margin(initial.quantize(CENT), (initial * Decimal("0.8")).quantize(CENT), self.net_liquidation.quantize(CENT))

    def values(self) -> list[tuple[str, str, str]]:
        """Tag, value and currency of each account value."""
        margin = self.margin()
        gross = sum((it.contract.worth(abs(it.quantity), self.mark(it.contract)) for it in self.positions.values()), ZERO)
        free = margin.equity - margin.initial
        money = {
            "NetLiquidation": margin.equity,
            "TotalCashValue": self.cash,
            "SettledCash": self.cash,
            "TotalCashBalance": self.cash,
            "CashBalance": self.cash,
            "EquityWithLoanValue": margin.equity,
            "GrossPositionValue": gross,
            "InitMarginReq": margin.initial,
            "MaintMarginReq": margin.maintenance,
            "AvailableFunds": free,
            "ExcessLiquidity": margin.equity - margin.maintenance,
            "BuyingPower": free * 4,
            "UnrealizedPnL": self.unrealized,
            "RealizedPnL": self.realized,
        }
        words = [("AccountType", "INDIVIDUAL", ""), ("AccountReady", "true", ""), ("Currency", "USD", "USD")]
        return [*words, *((tag, str(value.quantize(CENT)), "USD") for tag, value in money.items())]
