"""What an exchange tells, as the engine counts it: under our ids, in whole lot steps, fees in the quote currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

from engine.brokers.exchange.tracking import execution_id
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol
from engine.ports.venue import VenueExecution, VenueOrder, VenuePosition, VenueState


class Counting:
    """`markets` are the library's; `our_id` is our id of an order by the one the exchange has of us."""

    def __init__(
        self, markets: Mapping[str, Any], instruments: Mapping[Symbol, Instrument], our_id: Callable[[str], str]
    ) -> None:
        self._markets = {str(market["id"]): market for market in markets.values() if market.get("spot")}
        self._by_name = markets
        self._instruments = instruments
        self._our_id = our_id

    def order(self, it: VenueOrder) -> VenueOrder:
        """The order; what is filled of it in whole lot steps."""
        return replace(it, client_order_id=self._our_id(it.client_order_id), filled=self._whole(it.symbol, it.filled))

    def executions(self, told: Iterable[VenueExecution]) -> tuple[VenueExecution, ...]:
        """The fills by time. Parts of a lot step are counted with the fill that makes one of them, at their common price."""
        parts: defaultdict[tuple[str, str], list[VenueExecution]] = defaultdict(list)
        found = []
        for it in sorted(told, key=lambda it: (it.at, it.execution_id)):
            waiting = parts[it.contract, it.broker_order_id]
            waiting.append(self._priced(it))
            quantity = sum((each.quantity for each in waiting), Decimal(0))
            whole = self._whole(it.symbol, quantity)
            if whole:
                found.append(self._joined(waiting, quantity, whole))
                rest = quantity - whole
                waiting[:] = [replace(it, quantity=rest, commission=Decimal(0), in_kind=Decimal(0))] if rest else []
        return tuple(found)

    def positions(
        self, state: VenueState, names: Mapping[str, Symbol]
    ) -> tuple[tuple[VenuePosition, ...], dict[Symbol, Decimal]]:
        """What is held of the coins that our instruments trade, each coin once: whole lot steps, and to the last digit."""
        coins, held = {it.currency: it.total for it in state.cash}, dict[Symbol, Decimal]()
        positions, counted = list[VenuePosition](), set[str]()
        for name, symbol in names.items():
            market = self._by_name[name]
            if symbol in self._instruments and market["base"] not in counted:
                counted.add(market["base"])
                held[symbol] = coins.get(market["base"], Decimal(0))
                if whole := self._whole(symbol, held[symbol]):
                    positions.append(VenuePosition(state.accounts[0], str(market["id"]), symbol, whole, None))
        return tuple(positions), held

    def _priced(self, it: VenueExecution) -> VenueExecution:
        """Under its own id, its fee in the quote currency where it was taken in the coin."""
        market = self._markets.get(it.contract) or {}
        identity = execution_id(str(market.get("symbol") or it.contract), it.execution_id)
        ours = replace(it, execution_id=identity, client_order_id=self._our_id(it.client_order_id))
        if it.commission is None or it.commission_currency != market.get("base"):
            return ours
        worth = it.commission * it.price
        return replace(ours, commission=worth, commission_currency=str(market["quote"]), in_kind=it.commission)

    def _joined(self, parts: list[VenueExecution], quantity: Decimal, whole: Decimal) -> VenueExecution:
        if len(parts) == 1:
            return replace(parts[0], quantity=whole)
        told = [each.commission for each in parts if each.commission is not None]
        return replace(
            parts[-1],
            quantity=whole,
            price=sum((each.quantity * each.price for each in parts), Decimal(0)) / quantity,
            commission=sum(told, Decimal(0)) if len(told) == len(parts) else None,
            in_kind=sum((each.in_kind for each in parts), Decimal(0)),
        )

    def _whole(self, symbol: Symbol | None, amount: Decimal) -> Decimal:
        """As much of the amount as is whole lot steps; all of it where it is none of our instruments."""
        if symbol is None or symbol not in self._instruments:
            return amount
        step = self._instruments[symbol].lot_step
        return (amount / step).to_integral_value(ROUND_DOWN) * step
