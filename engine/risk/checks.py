"""What can be wrong with an order by itself: size, price, rate, quote, hours, state."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

from engine.core.clock import MINUTE, SECOND
from engine.domain.instrument import Cash, Instrument, Steps, money
from engine.domain.market import Quote, Ticks
from engine.domain.order import ClientOrderId, Order, OrderType, Side, State
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake
from engine.risk.terms import UNLIMITED, Terms

HIGHEST: Ticks = 1 << 40
"""No price is above this."""
MOST: Cash = 1 << 60
"""No order is worth more; the arithmetic of the limits stays within 64 bits below it."""
WITHOUT_FIGURES = {"absurd"}
"""Faults of drafts that no figures can be worked out for."""
ABOUT_SIZE = {"quantity", "reduce_only", "order_lots", "order_notional", "short", "buying_power"}
"""Faults that a smaller order may not have."""
_RESTS = {State.ACCEPTED, State.PARTIALLY_FILLED, State.PENDING_MODIFY, State.PENDING_CANCEL, State.SENT, State.UNKNOWN}
_NOBODY = Stake()


def order_faults(draft: Draft, instrument: Instrument, snapshot: Snapshot, terms: Terms) -> dict[str, str]:
    """Limit name -> sentence for everything that stands against the draft, in the order it is checked."""
    symbol = draft.symbol
    quote = snapshot.quotes.get(symbol)
    faults = _size(draft, instrument, quote)
    if draft.reduce_only:
        return faults | _reduces(draft, snapshot)
    if snapshot.state != "ACTIVE":
        faults["trading_state"] = f"trading is {snapshot.state}: only orders that reduce a position may go"
    if snapshot.venue_trouble:
        faults["venue"] = snapshot.venue_trouble
    if reason := snapshot.blocked.get(symbol):
        faults["blocked"] = reason
    if snapshot.tilt and draft.by_hand:
        faults["tilt"] = snapshot.tilt
    if terms.allowed and symbol not in terms.allowed:
        faults["allowed"] = f"{symbol} is not among the instruments that may be opened: {', '.join(terms.limits.allowed)}"
    if terms.quiet.holds(snapshot.at):
        _news(draft, snapshot, terms, faults)
    if quote is None or quote.bid <= 0 or quote.ask < quote.bid:
        faults["quote"] = f"there is no quote of {symbol}" + (" yet" if quote is None else " that makes sense")
        return faults
    stake = snapshot.stakes.get(symbol, _NOBODY)
    _market(draft, instrument, snapshot, terms, stake, quote, faults)
    if terms.has_funds and "absurd" not in faults:
        _funds(draft, instrument, snapshot, terms, stake, quote, faults)
    if snapshot.resting:
        _self_match(draft, snapshot, terms, quote, faults)
    if snapshot.recent:
        _pace(draft, snapshot, terms, faults)
    return faults


def _size(draft: Draft, instrument: Instrument, quote: Quote | None) -> dict[str, str]:
    highest = quote.ask if quote is not None else 1
    for price in (draft.price, draft.stop_loss, draft.take_profit):
        if price is not None and not -highest <= price <= highest:
            highest = abs(price)
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
    held = snapshot.stakes.get(draft.symbol, _NOBODY).quantity * draft.side.sign
    if held >= 0:
        return {"reduce_only": f"there is no {draft.symbol} position that this order would reduce"}
    if draft.quantity > -held:
        return {"reduce_only": "the order is larger than the position it may only reduce"}
    return {}


def _news(draft: Draft, snapshot: Snapshot, terms: Terms, faults: dict[str, str]) -> None:
    blackout = terms.news.at(snapshot.at)
    if blackout is not None:
        what = blackout.title or f"{blackout.importance} news"
        wait = -((snapshot.at - blackout.ends) // MINUTE)
        faults["news"] = f"{what} ({blackout.currency}): nothing is opened in {draft.symbol} for another {wait} min"


_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
_WAIT_AT_STOPS = (*_STOPS, OrderType.TRAILING)
"""Tuples, because a set asks an enum for its hash, and that is a call."""


def _market(
    draft: Draft, instrument: Instrument, snapshot: Snapshot, terms: Terms, stake: Stake, quote: Quote, faults: dict[str, str]
) -> None:
    if stake.is_unknown:
        faults["unknown_order"] = f"the fate of an order in {draft.symbol} is not known yet; nothing is opened there until it is"
    age, hours = snapshot.at - quote.at, terms.hours
    is_shut = not (hours.is_open(snapshot.at) or hours.is_open(snapshot.at - 1))
    if is_shut and terms.limits.sessions == "listed":
        closure = instrument.sessions.closure(snapshot.at)
        faults["session"] = f"{draft.symbol} is outside its trading hours" + (f" ({closure.name})" if closure else "")
    elif age > instrument.stale_after_s * SECOND:
        faults["stale"] = f"the last quote of {draft.symbol} is {age // SECOND} s old, more than {instrument.stale_after_s} s"
    middle = (quote.bid + quote.ask) // 2
    price = draft.price if draft.price is not None else middle
    touch = quote.ask if draft.side is Side.BUY else quote.bid
    if draft.type in _STOPS and draft.price is not None and (draft.price - touch) * draft.side.sign <= 0:
        where = "above the ask" if draft.side is Side.BUY else "below the bid"
        faults["price"] = f"a {draft.side.value} stop must lie {where} of {instrument.price(touch)}"
    if abs(price - middle) > middle * terms.collar:
        faults["collar"] = f"the price is more than {100 * terms.collar:g} % away from the market"
    if draft.stop_loss is not None or draft.take_profit is not None:
        _exits(draft, _price(draft, quote), faults)


def _exits(draft: Draft, reference: Ticks, faults: dict[str, str]) -> None:
    stop, target = draft.stop_loss, draft.take_profit
    sign = draft.side.sign
    if stop is not None and stop <= 0:
        faults["stop"] = "a stop needs a price above zero"
    elif stop is not None and (reference - stop) * sign <= 0:
        faults["stop"] = f"the stop of a {draft.side.value} must lie {'below' if sign > 0 else 'above'} its price"
    if target is not None and target <= 0:
        faults["target"] = "a target needs a price above zero"
    elif target is not None and (target - reference) * sign <= 0:
        faults["target"] = f"the target of a {draft.side.value} must lie {'above' if sign > 0 else 'below'} its price"


# --- how much may be ordered ------------------------------------------------------------------------------------------


def _funds(
    draft: Draft,
    instrument: Instrument,
    snapshot: Snapshot,
    terms: Terms,
    stake: Stake,
    quote: Quote,
    faults: dict[str, str],
) -> None:
    if draft.quantity > terms.most_steps:
        cap = instrument.lots(terms.most_steps)
        faults["order_lots"] = f"order size: {instrument.lots(draft.quantity)} lots, the cap is {cap}"
    price = _price(draft, quote)
    if terms.most_notional != UNLIMITED and price * draft.quantity * instrument.tick_value > terms.most_notional:
        worth, cap = money(price * draft.quantity * instrument.tick_value), money(terms.most_notional)
        faults["order_notional"] = f"order size: worth {worth:,.2f} {instrument.currency}, the cap is {cap:,.2f}"
    if terms.limits.account != "cash":
        return
    if draft.side is Side.SELL and draft.quantity > stake.closes(Side.SELL):
        held = instrument.lots(stake.closes(Side.SELL))
        faults["short"] = f"a cash account sells what it holds only, and of {draft.symbol} {held} lots are free to be sold"
    elif draft.side is Side.BUY and draft.quantity > (fits := _affordable(draft, instrument, snapshot, quote)):
        faults["buying_power"] = (
            f"there is cash for {instrument.lots(fits)} lots of {draft.symbol}, beside what waits to be filled"
        )


def _price(draft: Draft, quote: Quote) -> Ticks:
    return draft.price or (quote.ask if draft.side is Side.BUY else quote.bid)


def _affordable(draft: Draft, instrument: Instrument, snapshot: Snapshot, quote: Quote) -> Steps:
    """What free cash buys in a cash account: equity less what is held and what may still be bought."""
    value = _price(draft, quote) * instrument.tick_value
    each = value + instrument.commission + value * instrument.commission_ppm // 1_000_000
    return max(0, (snapshot.equity - snapshot.gross) // max(1, each))


def ceiling(draft: Draft, instrument: Instrument, snapshot: Snapshot, terms: Terms, stake: Stake) -> Steps:
    """The biggest quantity that none of the size checks stands against, whatever the limits on the book say."""
    most, warned = min(draft.quantity, instrument.max_order), terms.limits.only_warn
    quote = snapshot.quotes[draft.symbol]
    if "order_lots" not in warned:
        most = min(most, terms.most_steps)
    if terms.most_notional != UNLIMITED and "order_notional" not in warned:
        most = min(most, terms.most_notional // max(1, _price(draft, quote) * instrument.tick_value))
    if terms.limits.account != "cash":
        return most
    return min(most, stake.closes(draft.side) if draft.side is Side.SELL else _affordable(draft, instrument, snapshot, quote))


# --- what else is on its way ------------------------------------------------------------------------------------------


def _self_match(draft: Draft, snapshot: Snapshot, terms: Terms, quote: Quote, faults: dict[str, str]) -> None:
    """An order that would be filled by one of our own: it costs fees, and exchanges forbid it."""
    orders = snapshot.resting.get(draft.symbol)
    if not orders or not terms.limits.self_match or draft.type in _WAIT_AT_STOPS:
        return
    price, sign = _price(draft, quote), draft.side.sign
    for order in orders.values():
        if order.limit is None or order.side is draft.side or (price - order.limit) * sign < 0:
            continue
        if order.state in _RESTS and not _waits(order, orders):
            faults["self_match"] = f"it would trade with your own order {order.id}; cancel or change that first"
            return


def _waits(order: Order, live: Mapping[ClientOrderId, Order]) -> bool:
    """A leg that rests nowhere yet, because its entry has filled nothing."""
    entry = live.get(order.parent) if order.parent else None
    return entry is not None and not entry.filled


def _pace(draft: Draft, snapshot: Snapshot, terms: Terms, faults: dict[str, str]) -> None:
    limits, at, recent = terms.limits, snapshot.at, snapshot.recent
    since, window = at - MINUTE, limits.duplicate_window_s * SECOND
    from_then_on = max(since, at - window)
    for placed, order in reversed(recent):
        if placed <= from_then_on:
            break
        if order.symbol != draft.symbol or order.quantity != draft.quantity:
            continue
        if order.side is draft.side and order.type is draft.type and draft.price in (order.limit, order.stop):
            faults["duplicate"] = f"the same order was placed less than {limits.duplicate_window_s} s ago"
            break
    most = limits.orders_per_minute
    if len(recent) < most or (most > 0 and recent[-most][0] <= since):
        return  # whether so many came within the minute is told by one of them, and only a sentence needs them counted
    count = sum(1 for _ in takewhile(lambda each: each[0] > since, reversed(recent)))
    if count >= limits.orders_per_minute:
        faults["rate"] = f"{count} orders in the last minute, the cap is {limits.orders_per_minute}"
