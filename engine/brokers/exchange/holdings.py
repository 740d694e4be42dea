"""Coins as positions: what is held there, to the last digit, beside what the engine was told in whole lot steps.

Exchanges take the fee of a buy out of what was bought. The fill is told as it was, its fee is booked in quote value, and the lot
steps that are missing since are told as taken in kind, so that the engine's position stays what can be sold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from engine.domain.instrument import Instrument, Steps
from engine.domain.market import Symbol, Ticks
from engine.domain.order import Order, Side
from engine.ports.broker import Report, ReportSink, TakenInKind
from engine.ports.venue import VenueExecution


@dataclass(slots=True)
class _Holding:
    """`amount` of the coin, of which the engine counts `steps`; `fees` were taken out of it, as far as trades tell, of which
    those in `known` were in the account already when it was looked at."""

    amount: Decimal
    steps: Steps
    fees: Decimal
    known: frozenset[str]


class Holdings:
    """Of our instruments' coins, from the first time that the account was looked at."""

    def __init__(self, instruments: Mapping[Symbol, Instrument], sink: ReportSink) -> None:
        self._instruments = instruments
        self._sink = sink
        self._held: dict[Symbol, _Holding] = {}

    def look(self, symbol: Symbol, amount: Decimal, executions: Iterable[VenueExecution]) -> None:
        """The account was looked at and holds so much, after all these executions."""
        mine = [it for it in executions if it.symbol == symbol]
        fees = sum((it.in_kind for it in mine), Decimal(0))
        self._held[symbol] = _Holding(amount, self._whole(symbol, amount), fees, frozenset(it.execution_id for it in mine))

    def trade(self, symbol: Symbol, execution: str, signed: Decimal, fee: Decimal, steps: Steps, price: Ticks) -> None:
        """A fill of ours: so much of the coin, `fee` of it kept by the exchange, `steps` of it told to the engine."""
        held = self._held.get(symbol)
        if held is None or execution in held.known:
            return
        held.amount, held.fees, held.steps = held.amount + signed - fee, held.fees + fee, held.steps + steps
        lost = held.steps - self._whole(symbol, held.amount)
        if fee and lost > 0:
            held.steps -= lost
            value = lost * price * self._instruments[symbol].tick_value
            self._sink(Report(TakenInKind(symbol, lost, value, "the exchange took its fee out of what was bought")))

    def within(self, order: Order) -> Steps:
        """How much of a sale can be sold: all of it, or what fees left of it."""
        held = self._held.get(order.symbol)
        if order.side is Side.BUY or held is None:
            return order.quantity
        short = order.quantity - held.steps
        by_fees = int((held.fees / self._instruments[order.symbol].lot_step).to_integral_value(ROUND_CEILING))
        return held.steps if 0 < short <= by_fees and held.steps > 0 else order.quantity

    def _whole(self, symbol: Symbol, amount: Decimal) -> Steps:
        return int((amount / self._instruments[symbol].lot_step).to_integral_value(ROUND_FLOOR))
