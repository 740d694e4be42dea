"""An owner who does whatever comes to mind: orders of every kind, changes, cancels, closes, halts, the kill switch."""

from __future__ import annotations

from random import Random
from typing import Any

from engine.domain import intents as i
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role
from engine.live.kill import kill
from engine.live.session import LiveSession
from engine.risk.guard import ACTIVE
from tests.soak.tally import Tally

FAR = 3_000
"""Ticks within which prices are named around the market."""


class Owner:
    """One mind, decided by its chance. `lots` is how much an order is for, in lot steps."""

    def __init__(self, chance: Random, symbol: str, lots: tuple[int, int], tally: Tally) -> None:
        self._chance = chance
        self._symbol = symbol
        self._lots = lots
        self._tally = tally

    async def act(self, session: LiveSession) -> None:
        """Does one thing, if there is a price to do it at."""
        quote = session.pipeline.book.last.get(self._symbol)
        if quote is None:
            return
        if self._chance.random() < 0.01:
            flatten, drill = self._chance.random() < 0.5, self._chance.random() < 0.5
            self._tally.actions["Kill"] += 1
            await kill(session, flatten, drill, patience_s=2.0)
            return
        intent = self._intent(session, quote)
        if intent is not None:
            self._tally.actions[type(intent).__name__] += 1
            session.do(intent)

    def _intent(self, session: LiveSession, quote: Quote) -> i.Intent | None:
        if session.pipeline.guard.state != ACTIVE and self._chance.random() < 0.3:
            return i.Resume("the soak goes on")
        doings = [self._ticket] * 24 + [self._cancel] * 8 + [self._modify] * 8 + [self._close] * 4 + [self._edit] * 4
        doings += [self._pair] * 3 + [self._reverse, self._flatten, self._cancel_all, self._halt]
        return self._chance.choice(doings)(session, quote)

    def _ticket(self, session: LiveSession, quote: Quote) -> i.SubmitOrder:
        side = self._chance.choice(("buy", "buy", "sell"))
        sign = 1 if side == "buy" else -1
        kind = self._chance.choice(("market", "market", "limit", "limit", "stop", "stop_limit"))
        terms: dict[str, Any] = {}
        at = quote.ask if sign > 0 else quote.bid
        if kind == "limit":
            terms["price"] = at = at - sign * self._chance.randint(-60, 200)
            terms["post_only"] = self._chance.random() < 0.1
        elif kind != "market":
            terms["price"] = at = at + sign * self._chance.randint(10, 200)
            terms["limit"] = at + sign * self._chance.randint(0, 60) if kind == "stop_limit" else None
        terms["stop_loss"] = at - sign * self._chance.randint(100, FAR)
        if self._chance.random() < 0.5:
            terms["take_profit"] = at + sign * self._chance.randint(100, FAR)
        if self._chance.random() < 0.1:
            terms["stop_trail"] = self._chance.randint(50, 400)
        if self._chance.random() < 0.15:
            terms["tif"] = self._chance.choice(("IOC", "FOK", "DAY"))
        return i.SubmitOrder(self._symbol, side, kind, self._chance.randint(*self._lots), **terms)

    def _pair(self, session: LiveSession, quote: Quote) -> i.SubmitPair:
        away, lots = self._chance.randint(20, 200), self._chance.randint(*self._lots)
        low, high = quote.bid - away, quote.ask + away
        return i.SubmitPair(
            i.SubmitOrder(self._symbol, "buy", "limit", lots, price=low, stop_loss=low - FAR),
            i.SubmitOrder(self._symbol, "buy", "stop", lots, price=high, stop_loss=high - FAR),
        )

    def _some(self, session: LiveSession) -> Order | None:
        orders = list(session.pipeline.register.all_live())
        return self._chance.choice(orders) if orders else None

    def _cancel(self, session: LiveSession, quote: Quote) -> i.CancelOrder | None:
        order = self._some(session)
        return i.CancelOrder(order.id) if order else None

    def _modify(self, session: LiveSession, quote: Quote) -> i.ModifyOrder | None:
        order = self._some(session)
        if order is None or order.type is OrderType.MARKET:
            return None
        at = order.limit if order.type is OrderType.LIMIT else order.stop
        quantity = self._chance.randint(*self._lots) if order.role is Role.ENTRY and self._chance.random() < 0.4 else None
        return i.ModifyOrder(order.id, quantity, (at or quote.bid) + self._chance.randint(-80, 80))

    def _close(self, session: LiveSession, quote: Quote) -> i.ClosePosition:
        return i.ClosePosition(self._symbol, self._chance.choice((0, self._chance.randint(*self._lots))))

    def _edit(self, session: LiveSession, quote: Quote) -> i.EditProtection:
        sign = 1 if session.pipeline.ledger.position(self._symbol) >= 0 else -1
        stop = quote.bid - sign * self._chance.randint(50, FAR)
        target = self._chance.choice((None, 0, quote.ask + sign * self._chance.randint(50, FAR)))
        return i.EditProtection(self._symbol, stop, target)

    def _reverse(self, session: LiveSession, quote: Quote) -> i.ReversePosition:
        return i.ReversePosition(self._symbol)

    def _flatten(self, session: LiveSession, quote: Quote) -> i.Flatten:
        return i.Flatten()

    def _cancel_all(self, session: LiveSession, quote: Quote) -> i.CancelAll:
        return i.CancelAll(everything=self._chance.random() < 0.3)

    def _halt(self, session: LiveSession, quote: Quote) -> i.Halt:
        return i.Halt(flatten=self._chance.random() < 0.3)
