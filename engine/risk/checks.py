"""What can be wrong with an order by itself: size, price, rate, quote, hours, state."""

from __future__ import annotations

from engine.core.clock import MINUTE, SECOND
from engine.domain.instrument import Cash, Instrument
from engine.domain.limits import Limits
from engine.domain.market import Quote, Ticks
from engine.domain.order import OrderType
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake

HIGHEST: Ticks = 1 << 40
"""No price is above this."""
MOST: Cash = 1 << 60
"""No order is worth more; the arithmetic of the limits stays within 64 bits below it."""
WITHOUT_FIGURES = {"absurd"}
"""Faults of drafts that no figures can be worked out for."""


def order_faults(draft: Draft, instrument: Instrument, snapshot: Snapshot, limits: Limits) -> dict[str, str]:
    """Limit name -> sentence for everything that stands against the draft, in the order it is checked."""
    faults = dict(_size(draft, instrument, snapshot.quotes.get(draft.symbol)))
    if draft.reduce_only:
        return faults | dict(_reduces(draft, snapshot))
    if snapshot.state != "ACTIVE":
        faults["trading_state"] = f"trading is {snapshot.state}: only orders that reduce a position may go"
    if snapshot.venue_trouble:
        faults["venue"] = snapshot.venue_trouble
    if reason := snapshot.blocked.get(draft.symbol):
        faults["blocked"] = reason
    faults |= _market(draft, instrument, snapshot)
    faults |= _pace(draft, snapshot, limits)
    return faults


def _size(draft: Draft, instrument: Instrument, quote: Quote | None) -> dict[str, str]:
    prices = [abs(price) for price in (draft.price, draft.stop_loss, draft.take_profit) if price is not None]
    highest = max([*prices, quote.ask if quote is not None else 1])
    if highest > HIGHEST or highest * draft.quantity * instrument.tick_value > MOST:
        return {"absurd": "the order's quantity or one of its prices is beyond anything that can be dealt"}
    if draft.quantity < instrument.min_order:
        least = instrument.lots(instrument.min_order)
        return {"quantity": f"{instrument.lots(draft.quantity)} lots are less than the smallest order of {least}"}
    if draft.quantity > instrument.max_order:
        most = instrument.lots(instrument.max_order)
        return {"quantity": f"{instrument.lots(draft.quantity)} lots are more than the largest order of {most}"}
    if draft.type is not OrderType.MARKET and (draft.price is None or draft.price <= 0):
        return {"price": f"a {draft.type.value} order needs a price above zero"}
    return {}


def _reduces(draft: Draft, snapshot: Snapshot) -> dict[str, str]:
    held = snapshot.stakes.get(draft.symbol, Stake()).quantity * draft.side.sign
    if held >= 0:
        return {"reduce_only": f"there is no {draft.symbol} position that this order would reduce"}
    if draft.quantity > -held:
        return {"reduce_only": "the order is larger than the position it may only reduce"}
    return {}


def _market(draft: Draft, instrument: Instrument, snapshot: Snapshot) -> dict[str, str]:
    quote = snapshot.quotes.get(draft.symbol)
    if quote is None:
        return {"quote": f"there is no quote of {draft.symbol} yet"}
    faults = {}
    if snapshot.stakes.get(draft.symbol, Stake()).is_unknown:
        faults["unknown_order"] = f"the fate of an order in {draft.symbol} is not known yet; nothing is opened there until it is"
    age = snapshot.at - quote.at
    sessions = instrument.sessions
    if not (sessions.is_open(snapshot.at) or sessions.is_open(snapshot.at - 1)):
        closure = sessions.closure(snapshot.at)
        faults["session"] = f"{draft.symbol} is outside its trading hours" + (f" ({closure.name})" if closure else "")
    elif age > instrument.stale_after_s * SECOND:
        faults["stale"] = f"the last quote of {draft.symbol} is {age // SECOND} s old, more than {instrument.stale_after_s} s"
    middle = (quote.bid + quote.ask) // 2
    price = draft.price if draft.price is not None else middle
    if abs(price - middle) > middle * instrument.collar:
        faults["collar"] = f"the price is more than {100 * instrument.collar:g} % away from the market"
    faults |= _exits(draft, draft.price or (quote.ask if draft.side.sign > 0 else quote.bid))
    return faults


def _exits(draft: Draft, reference: Ticks) -> dict[str, str]:
    faults = {}
    if draft.stop_loss is not None and draft.stop_loss <= 0:
        faults["stop"] = "a stop needs a price above zero"
    elif draft.stop_loss is not None and (reference - draft.stop_loss) * draft.side.sign <= 0:
        word = "below" if draft.side.sign > 0 else "above"
        faults["stop"] = f"the stop of a {draft.side.value} must lie {word} its price"
    if draft.take_profit is not None and draft.take_profit <= 0:
        faults["target"] = "a target needs a price above zero"
    elif draft.take_profit is not None and (draft.take_profit - reference) * draft.side.sign <= 0:
        word = "above" if draft.side.sign > 0 else "below"
        faults["target"] = f"the target of a {draft.side.value} must lie {word} its price"
    return faults


def _pace(draft: Draft, snapshot: Snapshot, limits: Limits) -> dict[str, str]:
    faults = {}
    since = snapshot.at - MINUTE
    count = 0
    for at, order in reversed(snapshot.recent):
        if at <= since:
            break
        count += 1
        same = (order.symbol, order.side, order.type, order.quantity) == (draft.symbol, draft.side, draft.type, draft.quantity)
        if same and snapshot.at - at < limits.duplicate_window_s * SECOND and draft.price in (order.limit, order.stop):
            faults["duplicate"] = f"the same order was placed less than {limits.duplicate_window_s} s ago"
    if count >= limits.orders_per_minute:
        faults["rate"] = f"{count} orders in the last minute, the cap is {limits.orders_per_minute}"
    return faults
