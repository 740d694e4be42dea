"""Tickets: what the owner wants placed, alone, as a pair or one after another; all of it on record before any of it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TypeVar

from engine.core.clock import Nanos
from engine.domain import intents as i
from engine.domain.instrument import Instrument
from engine.domain.market import Ticks
from engine.domain.order import ClientOrderId, OrderType, Role, Side, TimeInForce
from engine.execution.hands import Hands, Refused
from engine.risk.draft import Draft
from engine.rules import fills

Word = TypeVar("Word", bound=Enum)

MOST_TARGETS = 10
LONGEST_CHAIN = 5
"""Orders that may follow one another."""
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
_WAITING = (OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING)
_MILLION = 1_000_000


class Tickets:
    """Places what the owner asks for. Raises Refused; what was on record by then is withdrawn."""

    def __init__(self, hands: Hands) -> None:
        self._h = hands

    def submit(self, intent: i.SubmitOrder | i.SubmitPair) -> None:
        """An order, or two entries that end each other, with those that follow."""
        chains = chains_of(intent)
        self.check(intent, chains)
        self._place(chains)

    def check(self, intent: i.SubmitOrder | i.SubmitPair, chains: list[list[i.SubmitOrder]]) -> None:
        """Raises Refused for what no order can be."""
        for chain in chains:
            for each in chain:
                self._check(each)
            if isinstance(intent, i.SubmitPair):
                _check_of_pair(chain[0])
        if len({chain[0].symbol for chain in chains}) > 1:
            raise Refused("both orders of a pair must be for one instrument")

    def _place(self, chains: list[list[i.SubmitOrder]]) -> None:
        oco = self._h.manager.pair_id() if len(chains) > 1 else ""
        placed: list[ClientOrderId] = []
        for chain in chains:
            after = ""
            for intent in chain:
                after = self._intend(intent, placed, "" if after else oco, after)
        self._h.manager.let_go(placed)

    def _intend(self, intent: i.SubmitOrder, placed: list[ClientOrderId], oco: str, after: ClientOrderId) -> ClientOrderId:
        role = Role.CLOSE if intent.reduce_only else Role.ENTRY
        tif, expires = self.lasting(intent)
        verdict, orders = self._h.manager.intend(self.draft(intent), role, "", tif, expires, oco=oco, after=after)
        if not orders:
            for name in placed:
                self._h.manager.cancel(self._h.register[name], "an order it was placed with was denied")
            raise Refused("; ".join(verdict.reasons))
        placed += orders
        return orders[0]

    def lasting(self, intent: i.SubmitOrder) -> tuple[TimeInForce, Nanos | None]:
        """How long the order is good for. Raises Refused for a word nobody knows, and for a date that is over."""
        tif = word(TimeInForce, intent.tif)
        if tif is not TimeInForce.GTD:
            return tif, None
        if intent.expires is None or intent.expires <= self._h.snapshot().at:
            raise Refused("a good-till-date order needs a date that lies ahead")
        return tif, intent.expires

    # --- the ticket as the gate sees it -------------------------------------------------------------------------------

    def draft(self, intent: i.SubmitOrder) -> Draft:
        """The ticket as the gate sees it. Raises Refused for an unknown instrument or word."""
        if intent.symbol not in self._h.instruments:
            raise Refused(f"{intent.symbol} is not traded in this session")
        side, kind = word(Side, intent.side), word(OrderType, intent.type)
        price = None if kind is OrderType.MARKET else intent.price
        if kind is OrderType.STOP_LIMIT:
            price = intent.limit
        elif kind is OrderType.TRAILING and price is None:
            price = self._behind(intent.symbol, side, intent.trail, intent.trail_ppm, None)
        stop = intent.stop_loss
        if stop is None and (intent.stop_trail or intent.stop_trail_ppm):
            stop = self._behind(intent.symbol, side.opposite, intent.stop_trail, intent.stop_trail_ppm, price)
        return Draft(
            intent.symbol,
            side,
            kind,
            intent.quantity,
            price,
            stop,
            intent.take_profit,
            intent.reduce_only,
            by_hand=True,
            trigger=intent.price if kind is OrderType.STOP_LIMIT else None,
            trail=intent.trail,
            trail_ppm=intent.trail_ppm,
            stop_trail=intent.stop_trail,
            stop_trail_ppm=intent.stop_trail_ppm,
            targets=intent.targets,
            post_only=intent.post_only,
        )

    def _behind(self, symbol: str, side: Side, trail: Ticks, ppm: int, price: Ticks | None) -> Ticks | None:
        """Where a trailing stop of `side` begins: behind `price`, or behind the market; None before the first quote."""
        quote = self._h.quotes.get(symbol)
        if quote is None:
            return price
        touch = price if price is not None else quote.bid if side is Side.SELL else quote.ask
        return int(fills.trail_stop(side.sign, 0, False, touch, trail, ppm))

    # --- what no order can be -----------------------------------------------------------------------------------------

    def _check(self, intent: i.SubmitOrder) -> None:
        draft = self.draft(intent)
        tif, _ = self.lasting(intent)
        _check_trail(draft)
        if draft.type is OrderType.STOP_LIMIT and (not _is_price(intent.price) or not _is_price(intent.limit)):
            raise Refused("a stop-limit order needs its stop price and its limit, both above zero")
        if draft.type is not OrderType.STOP_LIMIT and intent.limit is not None:
            raise Refused("only a stop-limit order has a limit beside its price")
        if tif is TimeInForce.FOK and draft.type not in (OrderType.MARKET, OrderType.LIMIT):
            raise Refused("fill or kill is for market and limit orders")
        if draft.post_only and (draft.type is not OrderType.LIMIT or tif in _AT_ONCE):
            raise Refused("post-only is for limit orders that may wait")
        if draft.post_only and not self._has_post_only:
            raise Refused("the venue has no post-only orders")
        if intent.reduce_only and (draft.targets or intent.then is not None):
            raise Refused("an order that only reduces has no targets and nothing follows it")
        if draft.targets:
            self._check_targets(draft)

    @property
    def _has_post_only(self) -> bool:
        abilities = self._h.manager.abilities
        return abilities is None or abilities.post_only

    def _check_targets(self, draft: Draft) -> None:
        if draft.take_profit is not None:
            raise Refused("give either a take profit or several targets")
        if len(draft.targets) > MOST_TARGETS:
            raise Refused(f"an order has {MOST_TARGETS} targets at the most")
        instrument: Instrument = self._h.instruments[draft.symbol]
        if any(quantity < instrument.min_order for _, quantity in draft.shares):
            raise Refused(f"each target, and what is left, must be for {instrument.lots(instrument.min_order)} lots at least")
        if sum(quantity for _, quantity in draft.targets) > draft.quantity:
            raise Refused("the targets are for more than the order")
        quote = self._h.quotes.get(draft.symbol)
        entry = draft.price if draft.price is not None or quote is None else quote.ask if draft.side is Side.BUY else quote.bid
        for price, _ in draft.targets:
            if price <= 0 or (entry is not None and (price - entry) * draft.side.sign <= 0):
                raise Refused(
                    f"every target of a {draft.side.value} must lie {'above' if draft.side is Side.BUY else 'below'} its price"
                )


def _check_trail(draft: Draft) -> None:
    for ticks, ppm in ((draft.trail, draft.trail_ppm), (draft.stop_trail, draft.stop_trail_ppm)):
        if ticks < 0 or not 0 <= ppm < _MILLION or (ticks and ppm):
            raise Refused("a stop trails by a distance or by a share of the price, above zero and not by both")
    trails = bool(draft.trail or draft.trail_ppm)
    if draft.type is OrderType.TRAILING and not trails:
        raise Refused("a trailing stop needs the distance it trails at")
    if draft.type is not OrderType.TRAILING and trails:
        raise Refused("only a trailing stop trails; to let the protective stop trail, say so of that")


def _check_of_pair(intent: i.SubmitOrder) -> None:
    if intent.reduce_only or OrderType(intent.type) not in _WAITING or TimeInForce(intent.tif) in _AT_ONCE:
        raise Refused("the orders of a pair are entries that wait for their price")


def _is_price(value: Ticks | None) -> bool:
    return value is not None and value > 0


def chains_of(intent: i.SubmitOrder | i.SubmitPair) -> list[list[i.SubmitOrder]]:
    """The ticket's orders: one chain, or the two of a pair. Raises Refused where too many follow one another."""
    heads = (intent.first, intent.second) if isinstance(intent, i.SubmitPair) else (intent,)
    return [list(_chain(head)) for head in heads]


def _chain(intent: i.SubmitOrder) -> Iterator[i.SubmitOrder]:
    """The order and those that follow it. Raises Refused where there are too many."""
    following: i.SubmitOrder | None = intent
    for _ in range(LONGEST_CHAIN):
        if following is None:
            return
        yield following
        following = following.then
    if following is not None:
        raise Refused(f"at most {LONGEST_CHAIN} orders follow one another")


def word(kind: type[Word], text: str) -> Word:
    """The word of this kind that `text` spells. Raises Refused naming those there are."""
    try:
        return kind(text)
    except ValueError:
        words = ", ".join(str(each.value) for each in kind)
        raise Refused(f"{text!r} is not known here; use one of {words}") from None
