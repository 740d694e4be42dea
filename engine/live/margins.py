"""The margin an order would take: as the venue tells it, or as it is estimated here where no venue does."""

from __future__ import annotations

from decimal import Decimal

from engine.domain.instrument import Cash, money
from engine.domain.intents import SubmitOrder, SubmitPair
from engine.domain.margin import Margin
from engine.domain.market import Symbol
from engine.domain.order import TimeInForce
from engine.execution.drafted import order_of
from engine.execution.tickets import word
from engine.pipeline import Pipeline
from engine.ports.outside import OutsideBroker, TellsMargin
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake, entry_price

QUESTION = "what-if"
"""The name of an order that is asked about and never placed."""


async def margin(pipeline: Pipeline, broker: OutsideBroker | None, intent: SubmitOrder | SubmitPair) -> Margin:
    """Margin once the ticket's first order has filled. A venue that tells it is asked, and nothing is placed.

    BrokerError with the venue's reason where it would refuse the order, or cannot be asked; UserError for what is no order.
    """
    first = intent.first if isinstance(intent, SubmitPair) else intent
    draft = pipeline.owner.draft(first)
    if isinstance(broker, TellsMargin):
        return await broker.margin(order_of(draft, QUESTION, tif=word(TimeInForce, first.tif), expires=first.expires))
    return estimate(pipeline, draft)


def estimate(pipeline: Pipeline, draft: Draft) -> Margin:
    """Margin by the limits in force: the margin rate where one is set, else the notional over the leverage that is allowed."""
    snapshot = pipeline.snapshot()
    before = sum(_taken(pipeline, symbol, stake.total_notional) for symbol, stake in snapshot.stakes.items())
    stake = snapshot.stakes.get(draft.symbol, Stake())
    added = _taken(pipeline, draft.symbol, _notional(pipeline, draft, snapshot, stake) - stake.total_notional)
    after, more = money(round(before + added)), money(round(added))
    return Margin(after, more, after, more, money(snapshot.equity), None, estimated=_how(pipeline, draft.symbol))


def _notional(pipeline: Pipeline, draft: Draft, snapshot: Snapshot, stake: Stake) -> Cash:
    """What is open and what waits once the draft has filled, in cash units."""
    quote = snapshot.quotes.get(draft.symbol)
    if quote is None:
        return stake.total_notional
    price = entry_price(order_of(draft, QUESTION), quote)
    held = abs(stake.quantity + draft.side.sign * draft.quantity)
    return held * price * pipeline.instruments[draft.symbol].tick_value + stake.pending_notional


def _rate(pipeline: Pipeline, symbol: Symbol) -> Decimal:
    limits = pipeline.in_force.limits.of(symbol)
    return limits.margin_rate if limits.margin_rate is not None else 1 / limits.leverage


def _taken(pipeline: Pipeline, symbol: Symbol, notional: Cash) -> Decimal:
    return notional * _rate(pipeline, symbol)


def _how(pipeline: Pipeline, symbol: Symbol) -> str:
    limits = pipeline.in_force.limits.of(symbol)
    if limits.margin_rate is not None:
        return f"estimated here at {100 * limits.margin_rate:.3g} % of the notional"
    return f"estimated here from the leverage limit of {limits.leverage:.3g}:1"
