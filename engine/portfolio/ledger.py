"""The ledger: positions, realised profit, costs and equity, in whole cash units. Its state is the sum of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.market import Symbol, Ticks
from engine.rules.costs import notional
from engine.rules.positions import book


@dataclass(slots=True)
class Holding:
    """What is held of one instrument: signed `quantity`, `basis` (its signed cost), and what it brought so far.

    `trade_realised` and `trade_costs` are those of the trade at hand.
    """

    tick_value: Cash
    quantity: Steps = 0
    basis: Cash = 0
    realised: Cash = 0
    costs: Cash = 0
    trade: int = 0
    trade_realised: Cash = 0
    trade_costs: Cash = 0


@dataclass(slots=True)
class _Booked:
    """What an execution did: signed quantity and value, what it cost in all, and the gross profit it booked."""

    signed: Steps
    value: Cash
    commission: Cash
    realised: Cash


class Ledger:
    """One account's holdings. `apply` takes facts; everything else only reads.

    equity = opening + realised - costs + unrealised, to the unit.
    """

    def __init__(self, instruments: Mapping[Symbol, Instrument]) -> None:
        self._instruments = instruments
        self.account = ""
        self.currency = ""
        self.opening: Cash = 0
        self.realised: Cash = 0
        self.costs: Cash = 0
        self.trades = 0
        self.holdings: dict[Symbol, Holding] = {}
        self.open: dict[Symbol, Holding] = {}
        self.touched: set[Symbol] = set()
        """Instruments whose position changed; emptied by who keeps stakes of them."""
        self._booked: dict[str, _Booked] = {}

    @property
    def cash(self) -> Cash:
        """What the account would hold if every position were worth its cost."""
        return self.opening + self.realised - self.costs

    def position(self, symbol: Symbol) -> Steps:
        """Signed quantity held; 0 when flat."""
        holding = self.open.get(symbol)
        return holding.quantity if holding else 0

    def commission(self, execution: str) -> Cash:
        """All that a booked execution cost so far."""
        return self._booked[execution].commission

    def unrealised(self, symbol: Symbol, mark: Ticks) -> Cash:
        """Open profit of `symbol` at `mark` (bid for a long, ask for a short)."""
        holding = self.open.get(symbol)
        if holding is None:
            return 0
        return holding.quantity * mark * holding.tick_value - holding.basis

    def change(self, fill: f.OrderFilled) -> f.PositionChanged:
        """What `fill` makes of the position; nothing is changed yet."""
        before = self._holding(fill.symbol)
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        value = notional(fill.price, signed, before.tick_value)
        quantity, basis, realised = book(before.quantity, before.basis, signed, value)
        opens = before.quantity == 0 or before.quantity * quantity < 0
        trade = self.trades + 1 if opens else before.trade
        return f.PositionChanged(fill.symbol, fill.execution, quantity, basis, realised, trade)

    def correction(self, fact: f.FillCorrected) -> f.PositionChanged:
        """What the corrected fill makes of the position; nothing is changed yet.

        What the fill did is undone and done anew as corrected, at the end of all that happened since: cash agrees to the unit,
        and what a position bought in several fills brought may be told a little apart. Raises KeyError for an unknown fill.
        """
        holding, booked = self._holding(fact.symbol), self._booked[fact.replaces]
        quantity, basis = holding.quantity - booked.signed, holding.basis - booked.value - booked.realised
        signed = fact.quantity if fact.side == "buy" else -fact.quantity
        quantity, basis, realised = book(quantity, basis, signed, notional(fact.price, signed, holding.tick_value))
        if not quantity:
            realised, basis = realised - basis, 0
        opens = quantity and (holding.quantity == 0 or holding.quantity * quantity < 0)
        trade = self.trades + 1 if opens else holding.trade
        return f.PositionChanged(fact.symbol, fact.execution, quantity, basis, realised - booked.realised, trade)

    def apply(self, fact: f.Fact) -> None:
        """Takes a fact into the books; facts that are not about money are passed over."""
        match fact:
            case f.PositionChanged():
                self._position(fact)
            case f.OrderFilled():
                self._note(fact, 0)
                self._cost(fact.symbol, fact.commission)
            case f.FinancingCharged():
                self._cost(fact.symbol, fact.amount)
            case f.FillCorrected():
                before = self._booked[fact.replaces]
                self._note(fact, before.realised)
                self._cost(fact.symbol, fact.commission - before.commission)
            case f.CommissionCharged():
                self._booked[fact.execution].commission += fact.amount
                self._cost(fact.symbol, fact.amount)
            case f.PositionAdopted():
                self._adopt(fact)
            case f.CashAdopted():
                self.opening += fact.amount
            case f.AccountOpened():
                self.account, self.currency, self.opening = fact.account, fact.currency, fact.balance
            case _:
                pass

    def _note(self, fact: f.OrderFilled | f.FillCorrected, realised: Cash) -> None:
        """Remembers what the fill does, for the day it is told anew."""
        signed = fact.quantity if fact.side == "buy" else -fact.quantity
        value = fact.price * signed * self._holding(fact.symbol).tick_value
        self._booked[fact.execution] = _Booked(signed, value, fact.commission, realised)

    def _adopt(self, fact: f.PositionAdopted) -> None:
        holding = self._holding(fact.symbol)
        if fact.quantity and (not holding.quantity or holding.quantity * fact.quantity < 0):
            self.trades += 1
            holding.trade, holding.trade_realised, holding.trade_costs = self.trades, 0, 0
        holding.quantity, holding.basis = fact.quantity, fact.basis
        self._keep(fact.symbol, holding)

    def _position(self, fact: f.PositionChanged) -> None:
        holding = self._holding(fact.symbol)
        if (booked := self._booked.get(fact.execution)) is not None:
            booked.realised += fact.realised
        holding.quantity, holding.basis, holding.trade = fact.quantity, fact.basis, fact.trade
        holding.realised += fact.realised
        holding.trade_realised += fact.realised
        self.realised += fact.realised
        self.trades = max(self.trades, fact.trade)
        self._keep(fact.symbol, holding)

    def _keep(self, symbol: Symbol, holding: Holding) -> None:
        self.touched.add(symbol)
        if holding.quantity:
            self.open[symbol] = holding
        else:
            self.open.pop(symbol, None)

    def _cost(self, symbol: Symbol, amount: Cash) -> None:
        holding = self._holding(symbol)
        if not holding.quantity:  # the first fill of a trade pays before the position is there
            holding.trade_realised = holding.trade_costs = 0
        self.costs += amount
        holding.costs += amount
        holding.trade_costs += amount

    def _holding(self, symbol: Symbol) -> Holding:
        holding = self.holdings.get(symbol)
        if holding is None:
            holding = self.holdings[symbol] = Holding(self._instruments[symbol].tick_value)
        return holding
