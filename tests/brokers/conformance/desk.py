"""The engine in front of a broker, and what the owner does at it."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from engine.core.clock import SECOND
from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.intents import Intent, ModifyOrder, SubmitOrder
from engine.domain.market import Quote, Ticks
from engine.domain.order import Order, Role, State
from engine.domain.sessions import daily_after
from engine.execution.reconciliation import Reconciliation, reconcile
from engine.execution.trader import Sizing
from engine.lane import Lane
from engine.pipeline import Pipeline, Setup
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.signals.desk import Mode
from tests.brokers.conformance.stage import Stage
from tests.engine.rig import M1, WIDE, MemoryJournal, Scripted

PLENTY = 10_000
"""A size, in lot steps, that bounds nothing here."""
SPREAD = 20

Kind = TypeVar("Kind", bound=f.Fact)


class Desk:
    """A pipeline with limits that never stand in the way. Prices are said as distances from the stage's `base`, in ticks."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.symbol = stage.instrument.symbol
        self.lot = stage.lot
        self.journal = MemoryJournal()
        self.orders: list[str] = []

    async def open(self) -> Desk:
        """Begins a book with what the venue has, at a market that stands at `base`."""
        stage = self.stage
        opening = reconcile(
            await stage.broker.standing(),
            register=OrderRegister(),
            ledger=Ledger({self.symbol: stage.instrument}),
            instruments={self.symbol: stage.instrument},
            steps=stage.broker.steps,
            quotes={},
            currency=stage.instrument.currency,
            at=stage.now,
            is_new_book=True,
        )
        setup = Setup("conformance", stage.instrument.currency, opening.opening, Mode.MANUAL, WIDE, Sizing(), 0)
        lane = Lane(stage.instrument, M1, Scripted())
        self.line = Pipeline(setup, [lane], self.journal, lambda _sink: stage.broker, abilities=stage.broker.abilities)
        self.line.begin(stage.now)
        await self.quote(0)
        return self

    # --- the market ---------------------------------------------------------------------------------------------------

    async def quote(self, bid: Ticks, *, size: Steps = PLENTY) -> None:
        """A second later the bid stands `bid` ticks from the base, the ask a spread above it, `size` on both sides."""
        at = self.stage.now + SECOND
        price = self.stage.base + bid
        quote = Quote(self.symbol, at, price, price + SPREAD, False, size, size)
        await self.stage.move(quote)
        self.line.reach(at)
        self.line.on_quote(quote)
        await self.settle()

    async def pass_seconds(self, seconds: int) -> None:
        """Time goes by at an unchanged market."""
        to = self.stage.now + seconds * SECOND
        await self.stage.pass_time(to)
        self.line.reach(to)
        await self.settle()

    async def end_day(self) -> None:
        """The day is over, at the venue and here."""
        limits = self.line.setup.limits
        roll = daily_after(self.stage.now, limits.day_zone, limits.day_minute)
        await self.stage.end_day(roll)
        self.line.reach(roll)
        await self.settle()

    async def settle(self) -> None:
        """Takes in what the broker says until it has no more to say."""
        await self.stage.settle()
        while self.stage.said:
            while self.stage.said:
                self.line.on_report(self.stage.said.popleft())
            await self.stage.settle()

    # --- the owner ----------------------------------------------------------------------------------------------------

    async def do(self, intent: Intent) -> list[f.Fact]:
        """Carries the intent out; the facts that it led to at once."""
        facts = [record.fact for record in self.line.on_intent(intent)][1:]
        refusals = [fact.reason for fact in facts if isinstance(fact, f.IntentRefused | f.OrderDenied)]
        assert not refusals, refusals
        await self.settle()
        return facts

    async def order(self, side: str, type_: str = "market", quantity: Steps = 0, **terms: Any) -> str:
        """Places an order; prices are distances from the base, an entry's stop is far off unless told. Its name."""
        base = self.stage.base
        if not terms.get("reduce_only"):
            terms = {"stop_loss": -900 if side == "buy" else 900, **terms}
        for name in ("price", "limit", "stop_loss", "take_profit"):
            if name in terms:
                terms[name] += base
        if "targets" in terms:
            terms["targets"] = tuple((base + price, share) for price, share in terms["targets"])
        facts = await self.do(SubmitOrder(self.symbol, side, type_, quantity or self.lot, **terms))
        return next(fact.order for fact in facts if isinstance(fact, f.OrderIntended))

    async def denied(self, side: str, type_: str, **terms: Any) -> None:
        """The same, for what is to be refused before it leaves."""
        with pytest.raises(AssertionError):
            await self.order(side, type_, **terms)

    async def said(self) -> list[f.Fact]:
        """What the broker says now, not taken in."""
        await self.stage.settle()
        facts: list[f.Fact] = [report.fact for report in self.stage.said]
        self.stage.said.clear()
        return facts

    async def modify(self, order: str, *, quantity: Steps | None = None, price: Ticks | None = None) -> None:
        await self.do(ModifyOrder(order, quantity, None if price is None else self.stage.base + price))

    # --- looking ------------------------------------------------------------------------------------------------------

    def __getitem__(self, order: str) -> Order:
        return self.line.register[order]

    def state(self, order: str) -> State:
        return self[order].state

    @property
    def position(self) -> Steps:
        return self.line.ledger.position(self.symbol)

    def prices(self, order: str) -> list[Ticks]:
        """At which distances from the base the order was filled, in their order."""
        return [fill.price - self.stage.base for fill in self.facts(f.OrderFilled) if fill.order == order]

    def working(self, *roles: Role) -> list[Order]:
        """Live orders for these purposes."""
        return [order for order in self.line.register.all_live() if order.role in roles]

    def facts(self, kind: type[Kind]) -> list[Kind]:
        return [record.fact for record in self.journal.kept if isinstance(record.fact, kind)]

    async def reconciled(self) -> Reconciliation:
        """The books against what the venue says of itself."""
        return reconcile(
            await self.stage.broker.standing(list(self.line.register.all_live())),
            register=self.line.register,
            ledger=self.line.ledger,
            instruments={self.symbol: self.stage.instrument},
            steps=self.stage.broker.steps,
            quotes=self.line.book.last,
            currency=self.stage.instrument.currency,
            at=self.stage.now,
        )

    async def check(self) -> None:
        """What holds after every case: fills count once and sum to the position, and the venue says what the books say."""
        fills = self.facts(f.OrderFilled)
        assert len({fill.execution for fill in fills}) == len(fills)
        assert sum(fill.quantity if fill.side == "buy" else -fill.quantity for fill in fills) == self.position
        assert len({fact.order for fact in self.facts(f.OrderSent)}) == len(self.facts(f.OrderSent))
        found = await self.reconciled()
        assert found.is_clean, found.lines
        assert [report.fact for report in found.reports if not isinstance(report.fact, f.Reconciled)] == [], found.lines
