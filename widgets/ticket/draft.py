"""From what stands in the ticket's fields to an order, or to the sentence that says why not. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from engine.core.clock import Nanos
from engine.core.errors import UserError
from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.intents import SubmitOrder, SubmitPair
from engine.domain.market import Quote, Ticks
from engine.domain.order import OrderType, Side
from widgets import format as fmt

_AT_MARKET = (OrderType.MARKET, OrderType.TRAILING)
"""Types that need no price of their own."""
PPM_OF_A_PERCENT = 10_000
PAIR, THEN = "pair", "then"
"""How a second order is tied to the first: each ends the other, or it follows once the first has filled."""


class FieldError(Exception):
    """What was typed cannot be used: the field's name and one sentence."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class TargetDraft:
    """One of several targets: a price (or a distance) and its share of the order in percent."""

    price: Decimal | None
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class Draft:
    """The ticket's fields. `amount` is lots, or percent of equity at risk with `by_risk`; exits are prices, or distances
    from the entry with `by_distance`. `limit` is that of a stop-limit, whose `price` is its stop; `trail` how far a trailing stop
    stays behind, `stop_trail` the same of the stop loss: a distance, or percent of the price with `trail_by_percent` and
    `stop_trail_by_percent`. `default_stop` is the stop the gate named for an order without one. `second` is another order, by
    `tie` the other one of a pair or what follows; its `amount` None is as much as the first."""

    side: Side
    type: OrderType
    amount: Decimal | None
    by_risk: bool = False
    price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    by_distance: bool = False
    tif: str = "GTC"
    expires: Nanos | None = None
    reduce_only: bool = False
    default_stop: Ticks | None = None
    limit: Decimal | None = None
    trail: Decimal | None = None
    trail_by_percent: bool = False
    stop_trail: Decimal | None = None
    stop_trail_by_percent: bool = False
    targets: tuple[TargetDraft, ...] = ()
    post_only: bool = False
    second: Draft | None = None
    tie: str = ""


def compose_ticket(draft: Draft, instrument: Instrument, quote: Quote | None, equity: Cash) -> SubmitOrder | SubmitPair:
    """All that the draft means: an order, one with another that follows, or a pair. Raises FieldError."""
    first = compose(draft, instrument, quote, equity)
    if draft.second is None:
        return first
    amount = draft.second.amount if draft.second.amount is not None else instrument.lots(first.quantity)
    try:
        second = compose(replace(draft.second, amount=amount), instrument, quote, equity)
    except FieldError as error:
        raise FieldError(f"second.{error.field}", str(error)) from None
    return SubmitPair(first, second) if draft.tie == PAIR else replace(first, then=second)


def compose(draft: Draft, instrument: Instrument, quote: Quote | None, equity: Cash) -> SubmitOrder:
    """The draft's own order. Raises FieldError."""
    entry = _entry(draft, instrument, quote)
    stop = _exit(draft, instrument, entry, draft.stop_loss, "stop_loss", -draft.side.sign)
    target = _exit(draft, instrument, entry, draft.take_profit, "take_profit", draft.side.sign)
    quantity = _by_risk(draft, instrument, entry, stop, equity) if draft.by_risk else _by_lots(draft, instrument)
    price = None if draft.type in _AT_MARKET else entry
    trail, trail_ppm = _trail(draft, instrument)
    stop_trail, stop_trail_ppm = _stop_trail(draft, instrument)
    return SubmitOrder(
        instrument.symbol,
        draft.side.value,
        draft.type.value,
        quantity,
        price,
        stop,
        target,
        draft.tif,
        draft.expires,
        draft.reduce_only,
        _limit(draft, instrument),
        trail,
        trail_ppm,
        stop_trail,
        stop_trail_ppm,
        _targets(draft, instrument, entry, quantity),
        draft.post_only,
    )


def reference(side: Side, quote: Quote | None) -> Ticks | None:
    """The price a market order of this side would meet now."""
    return None if quote is None else quote.ask if side is Side.BUY else quote.bid


def _entry(draft: Draft, instrument: Instrument, quote: Quote | None) -> Ticks:
    market = reference(draft.side, quote)
    if draft.type in _AT_MARKET:
        if market is None:
            raise FieldError("price", f"{instrument.symbol} has no quote yet; wait for one or use a limit order.")
        return market
    if draft.price is None:
        raise FieldError("price", f"A {draft.type.value.replace('_', '-')} order needs a price.")
    price = _ticks(instrument, draft.price, "price")
    if draft.type in (OrderType.STOP, OrderType.STOP_LIMIT) and market is not None and (price - market) * draft.side.sign <= 0:
        where = "above the ask" if draft.side is Side.BUY else "below the bid"
        raise FieldError("price", f"A {draft.side.value} stop must be {where}, {fmt.price(market, instrument)} now.")
    return price


def _limit(draft: Draft, instrument: Instrument) -> Ticks | None:
    if draft.type is not OrderType.STOP_LIMIT:
        return None
    if draft.limit is None:
        raise FieldError("limit", "A stop-limit order needs the limit it becomes at its stop.")
    return _ticks(instrument, draft.limit, "limit")


def _trail(draft: Draft, instrument: Instrument) -> tuple[Ticks, int]:
    """How far a trailing stop stays behind: ticks, or millionths of the price."""
    if draft.type is not OrderType.TRAILING:
        return 0, 0
    if draft.trail is None:
        raise FieldError("trail", "A trailing stop needs the distance it stays behind the price.")
    return _away(draft.trail, draft.trail_by_percent, instrument, "trail")


def _stop_trail(draft: Draft, instrument: Instrument) -> tuple[Ticks, int]:
    if draft.stop_trail is None:
        return 0, 0
    return _away(draft.stop_trail, draft.stop_trail_by_percent, instrument, "stop_trail")


def _away(value: Decimal, by_percent: bool, instrument: Instrument, field: str) -> tuple[Ticks, int]:
    if not by_percent:
        ticks = _ticks(instrument, value, field)
        if ticks <= 0:
            raise FieldError(field, "The distance a stop trails at must be above zero.")
        return ticks, 0
    ppm = value * PPM_OF_A_PERCENT
    if ppm != int(ppm) or not 0 < ppm < 100 * PPM_OF_A_PERCENT:
        raise FieldError(field, "A stop trails by more than 0 and less than 100 percent, in steps of 0.0001.")
    return 0, int(ppm)


def _targets(draft: Draft, instrument: Instrument, entry: Ticks, quantity: Steps) -> tuple[tuple[Ticks, Steps], ...]:
    """(price, lot steps) of each target; the shares are cut so that 100 percent are the whole order."""
    made: list[tuple[Ticks, Steps]] = []
    so_far, dealt = Decimal(0), 0
    for number, each in enumerate(draft.targets, start=1):
        if each.price is None:
            raise FieldError(f"target{number}", "Type this target's price, or take it away.")
        price = _exit(draft, instrument, entry, each.price, f"target{number}", draft.side.sign)
        if each.share is None or each.share <= 0:
            raise FieldError(f"share{number}", "Type this target's share of the order, above 0 percent.")
        so_far += each.share
        if so_far > 100:
            raise FieldError(f"share{number}", f"The shares come to {so_far.normalize():f} %; 100 % is the whole order.")
        upto = int((quantity * so_far / 100).to_integral_value(ROUND_DOWN))
        if upto - dealt < instrument.min_order:
            raise FieldError(f"share{number}", _too_small(instrument, "This target's share of the order"))
        made.append((price or 0, upto - dealt))
        dealt = upto
    if made and 0 < quantity - dealt < instrument.min_order:
        raise FieldError(f"share{len(made)}", _too_small(instrument, "What the targets leave of the order"))
    return tuple(made)


def _too_small(instrument: Instrument, what: str) -> str:
    return f"{what} is less than the smallest order, {fmt.lots(instrument.min_order, instrument)} lot."


def _ticks(instrument: Instrument, value: Decimal, field: str) -> Ticks:
    try:
        return instrument.exact_ticks(value)
    except UserError as error:
        raise FieldError(field, f"{error}.") from None


def _exit(draft: Draft, instrument: Instrument, entry: Ticks, value: Decimal | None, field: str, sign: int) -> Ticks | None:
    """The exit in ticks; `sign` says on which side of the entry it must lie."""
    if value is None:
        return None
    typed = _ticks(instrument, value, field)
    exit_ = entry + sign * typed if draft.by_distance else typed
    word = {"stop_loss": "stop loss", "take_profit": "take profit"}.get(field, "target")
    if exit_ <= 0:
        raise FieldError(field, f"The {word} distance is larger than the price itself.")
    if (exit_ - entry) * sign <= 0:
        side = "above" if sign > 0 else "below"
        raise FieldError(field, f"The {word} of a {draft.side.value} must be {side} the entry, {fmt.price(entry, instrument)}.")
    return exit_


def _by_lots(draft: Draft, instrument: Instrument) -> Steps:
    if draft.amount is None:
        raise FieldError("amount", "Type a quantity in lots.")
    try:
        steps = instrument.steps(draft.amount)
    except UserError as error:
        raise FieldError("amount", f"{error}.") from None
    if not instrument.min_order <= steps <= instrument.max_order:
        low, high = fmt.lots(instrument.min_order, instrument), fmt.lots(instrument.max_order, instrument)
        raise FieldError("amount", f"{instrument.symbol} takes {low} to {high} lot an order.")
    return steps


def _by_risk(draft: Draft, instrument: Instrument, entry: Ticks, stop: Ticks | None, equity: Cash) -> Steps:
    """The largest quantity whose loss from entry to stop is within the percentage of equity."""
    if draft.amount is None or not 0 < draft.amount <= 100:
        raise FieldError("amount", "Type the share of equity to risk, above 0 and up to 100 percent.")
    stop = stop if stop is not None else draft.default_stop
    if stop is None:
        return instrument.min_order
    risk = int((Decimal(equity) * draft.amount / 100).to_integral_value(ROUND_DOWN))
    steps = risk // (max(1, abs(entry - stop)) * instrument.tick_value)
    if steps < instrument.min_order:
        least = instrument.min_order * abs(entry - stop) * instrument.tick_value
        raise FieldError("amount", f"{fmt.lots(instrument.min_order, instrument)} lot already risks {fmt.money(least)}; "
                                   "risk more or move the stop closer.")  # fmt: skip
    return min(steps, instrument.max_order)
