"""Rolls a position: out of one contract of a future and into the next, with its stop moved by what they differ in.

First the old contract is closed, then the new one is opened with its stop as a bracket: what is held is always protected, and
what goes wrong on the way leaves the old position with its stop, or nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

from engine.core.clock import Nanos
from engine.core.errors import BrokerError, NiceGoldError, UserError
from engine.domain import facts as f
from engine.domain.instrument import Instrument, Steps
from engine.domain.intents import CancelOrder, ClosePosition, Intent, SubmitOrder
from engine.domain.market import Symbol, Ticks
from engine.domain.order import Order, Role
from engine.domain.views import RollView
from engine.live.contracts import Contracts, Desk
from engine.market.contracts import Contract
from engine.ports.outside import ShowsContracts

LOOK_S = 0.02
BY = "roll"
_EXITS = (Role.STOP, Role.TARGET)


def is_market_open(instrument: Instrument, at: Nanos) -> bool:
    """Whether it can be dealt in."""
    return instrument.sessions.is_open(at)


class Rolled(Desk, Protocol):
    """What is needed of the session beside."""

    def do(self, intent: Intent, by: str = "owner") -> Sequence[f.Record]:
        """Carries out an intent."""
        ...

    @property
    def is_reconciled(self) -> bool:
        """Whether the books are as the venue says."""
        ...

    def obstacles(self, symbol: Symbol) -> tuple[str, str]:
        """Why it may not be traded now, and why nothing may be opened at the venue."""
        ...

    def prices_trouble(self, symbol: Symbol) -> str:
        """Why its prices may not be traded on."""
        ...


class Plan(NamedTuple):
    """A position on its way from `out` to `into`; `stop` and `target` are those of what is to be."""

    symbol: Symbol
    out: Contract
    into: Contract
    quantity: Steps
    spread: Ticks
    stop: Ticks | None
    target: Ticks | None


class Broken(NiceGoldError):
    """The roll does not go on; `str` is the sentence for why."""


class Rolls:
    """Rolls one position at a time. `patience_s` is how long each of its steps may take."""

    def __init__(self, desk: Rolled, contracts: Contracts, patience_s: float) -> None:
        self._desk = desk
        self._contracts = contracts
        self._patience_s = patience_s
        self._task: asyncio.Task[None] | None = None
        self._begun: f.RollBegun | None = None
        self._is_over = False
        """Whether the roll at hand has gone over to the new contract."""
        self.unfinished: dict[Symbol, str] = {}
        self.busy: Symbol = ""
        self.is_opening = False

    def recall(self, fact: f.Fact) -> None:
        """A fact of the book that is gone on with."""
        if isinstance(fact, f.RollBegun):
            self._begun, self._is_over = fact, False
            self.unfinished.pop(fact.symbol, None)
        elif isinstance(fact, f.ContractChosen) and self._begun is not None and fact.symbol == self._begun.symbol:
            self._is_over = fact.contract == self._begun.into
        elif isinstance(fact, f.RollEnded):
            self._begun = None
            if not fact.is_whole:
                self.unfinished[fact.symbol] = f"Not rolled: {fact.reason}"
        elif isinstance(fact, f.OrderFilled):
            self.unfinished.pop(fact.symbol, None)

    def follow(self, fact: f.Fact) -> None:
        """A fact as it happens; the contract that is chosen after a restart tells nothing of a roll before."""
        if not isinstance(fact, f.ContractChosen):
            self.recall(fact)

    async def run(self) -> None:
        """Until it is cancelled: says once the venue was asked what a roll that the program's end broke off has come to."""
        while self._begun is not None and not self._desk.is_reconciled:
            await asyncio.sleep(LOOK_S)
        self._settle()
        await asyncio.Event().wait()

    def _settle(self) -> None:
        begun, is_over = self._begun, self._is_over
        if begun is not None:
            held, code = self._position(begun.symbol), begun.into if is_over else begun.out
            said = self._left_by(begun, held, code)
            is_whole = is_over and held == begun.quantity
            self._desk.record(f.RollEnded(begun.symbol, code, held, is_whole, f"the program ended on the way: {said}"))

    def _left_by(self, begun: f.RollBegun, held: Steps, code: str) -> str:
        symbol, instrument = begun.symbol, self._desk.pipeline.instruments[begun.symbol]
        out, into = f"{symbol}{begun.out}", f"{symbol}{begun.into}"

        def lots(steps: Steps) -> str:
            return f"{instrument.lots(abs(steps)):f}"

        if code == begun.out and held:
            again = f"main.py session roll {symbol}, or Roll in the menu"
            return f"{lots(held)} of {lots(begun.quantity)} {out} are still held; look at their stop, then roll them: {again}"
        missing = begun.quantity - held
        if not missing:
            return f"{into} was opened whole; look at its stop"
        exits = ((name, price) for name, price in (("stop", begun.stop), ("target", begun.target)) if price is not None)
        terms = "".join(f", {name} {instrument.price(price):f}" for name, price in exits)
        side = "buy" if missing > 0 else "sell"
        done = "nothing is held" if not held else f"{lots(held)} of {into} are held"
        return (
            f"{out} was closed, and {done}; to have the position in {into}, {side} {lots(missing)} of it by the ticket{terms}; "
            f"see in TWS that no order for {out} works any more"
        )

    async def foresee(self, symbol: Symbol) -> RollView:
        """What rolling it now would come to. UserError with what stands against it."""
        if objection := self._objection(symbol):
            raise UserError(objection)
        try:
            plan = await self._planned(symbol)
        except (Broken, BrokerError) as error:
            raise UserError(str(error)) from error
        own = self._desk.pipeline.book.last[symbol]
        price = own.bid if plan.quantity > 0 else own.ask
        names = f"{symbol}{plan.out.code}", f"{symbol}{plan.into.code}"
        return RollView(symbol, *names, plan.quantity, price, price + plan.spread, plan.spread, plan.stop, plan.target)

    def begin(self, symbol: Symbol, by: str) -> str:
        """Begins; what stands against it, "" where nothing does."""
        objection = self._objection(symbol)
        if not objection:
            self.busy = symbol
            self._task = asyncio.get_running_loop().create_task(self._roll(symbol, by), name=f"roll of {symbol}")
        return objection

    async def close(self) -> None:
        """A roll under way is left where it is, and is told so."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def _objection(self, symbol: Symbol) -> str:
        contracts, instrument = self._contracts, self._desk.pipeline.instruments.get(symbol)
        if self._begun is not None and not self.busy:
            return f"a roll of {self._begun.symbol} was broken off; the venue is asked first what became of it"
        if self.busy:
            return f"{self.busy} is being rolled; wait until that is over"
        if symbol not in contracts.terms or instrument is None or contracts.dealt(symbol) is None:
            return f"{symbol} is no future of this session whose contract is known; there is nothing to roll"
        held = self._position(symbol)
        if not held:
            return f"nothing of {symbol} is held; there is nothing to roll"
        if abs(held) > instrument.max_order:
            return f"{symbol}: more is held than one order may open; close a part of it first"
        if not is_market_open(instrument, self._desk.clock.now()):
            return f"the market of {symbol} is closed; roll it when it is open"
        if not isinstance(self._desk.feed, ShowsContracts):
            return f"{self._desk.feed.kind} cannot show two contracts of {symbol}; close the one and open the other yourself"
        return self._against_reopening(symbol)

    def _against_reopening(self, symbol: Symbol) -> str:
        """Why what is closed could not be opened again."""
        state = self._desk.pipeline.guard.state
        if state != "ACTIVE":
            return f"trading is {state}: what is closed could not be opened again"
        return self._desk.prices_trouble(symbol) or self._desk.obstacles(symbol)[1]

    async def _roll(self, symbol: Symbol, by: str) -> None:
        plan: Plan | None = None
        reason, is_whole = "the session was closed on the way", False
        try:
            plan = await self._planned(symbol)
            stop, target = plan.stop, plan.target
            self._desk.record(f.RollBegun(symbol, plan.out.code, plan.into.code, plan.quantity, plan.spread, stop, target, by))
            await self._close(plan)
            await self._contracts.switch(symbol, plan.into, f"what was held in {symbol}{plan.out.code} is rolled")
            await self._open(plan)
            reason, is_whole = f"{symbol}{plan.out.code} was closed and {symbol}{plan.into.code} opened", True
        except (Broken, BrokerError) as error:
            reason = str(error)
        finally:
            self.busy, self.is_opening = "", False
            dealt = self._contracts.dealt(symbol)
            code = dealt.code if dealt is not None else ""
            self._desk.record(f.RollEnded(symbol, code, self._position(symbol), is_whole, reason))

    async def _planned(self, symbol: Symbol) -> Plan:
        """The position as it is to be, by prices of both contracts of the same moment."""
        pipeline, feed, out = self._desk.pipeline, self._desk.feed, self._contracts.dealt(symbol)
        if out is None or not isinstance(feed, ShowsContracts):
            raise Broken(f"the contract of {symbol} is not known")
        into = self._contracts.next_of(symbol)
        other = await feed.quote_of(symbol, into.code)
        if not other.is_tradeable:
            raise Broken(f"prices of {symbol}{into.code} are delayed or out of reach; nothing was done")
        if against := self._against_reopening(symbol):  # the other contract took its time to answer
            raise Broken(f"{against}; nothing was done")
        own = pipeline.book.last[symbol]
        spread = (other.quote.bid + other.quote.ask - own.bid - own.ask) // 2
        exits = self._exits(symbol)
        held = self._position(symbol)
        stops = [it.stop for it in exits if it.role is Role.STOP and it.stop is not None]
        stop = max(stops, key=lambda it: it * held, default=None)  # the closest: none is to be wider than its owner set it
        target = next((it.limit for it in exits if it.role is Role.TARGET and it.limit is not None), None)
        moved = [None if price is None else price + spread for price in (stop, target)]
        return Plan(symbol, out, into, held, spread, moved[0], moved[1])

    async def _close(self, plan: Plan) -> None:
        for order in self._entries(plan.symbol):
            self._desk.do(CancelOrder(order.id), BY)
        self._insist(self._desk.do(ClosePosition(plan.symbol), BY))
        if not await self._until(lambda: self._contracts.is_free(plan.symbol)):
            held = self._position(plan.symbol)
            left = f"{abs(held)} lot steps of it are still held, with their stop" if held else "an order for it may still work"
            raise Broken(f"{plan.symbol}{plan.out.code} was not closed in time: {left}")

    async def _open(self, plan: Plan) -> None:
        symbol, flat = plan.symbol, f"{plan.symbol}{plan.out.code} was closed and nothing is held"
        if not await self._until(lambda: not any(self._against(symbol))):
            raise Broken(f"{flat}: {' '.join(filter(None, self._against(symbol)))}")
        side = "buy" if plan.quantity > 0 else "sell"
        ticket = SubmitOrder(symbol, side, "market", abs(plan.quantity), stop_loss=plan.stop, take_profit=plan.target)
        self.is_opening = True  # and stays so: the order is looked at once more as it leaves
        self._insist(self._desk.do(ticket, BY), f"{flat}: ")
        await self._until(lambda: self._position(symbol) == plan.quantity or not self._entries(symbol))
        if self._position(symbol) != plan.quantity:
            raise Broken(f"{symbol}{plan.into.code} was not opened whole; its order is as the books say")

    def _against(self, symbol: Symbol) -> tuple[str, str, str]:
        """What stands against opening: the venue tells positions later than fills, and until then the old contract is held."""
        return self._desk.prices_trouble(symbol), self._desk.obstacles(symbol)[1], self._contracts.elsewhere(symbol)

    def _insist(self, records: Sequence[f.Record], before: str = "") -> None:
        for record in records:
            if isinstance(record.fact, f.IntentRefused | f.OrderDenied):
                raise Broken(f"{before}{record.fact.reason}")

    def _exits(self, symbol: Symbol) -> list[Order]:
        """The orders that protect it, the largest first."""
        found = [it for it in self._desk.pipeline.register.all_live() if it.symbol == symbol and it.role in _EXITS]
        return sorted(found, key=lambda it: -it.quantity)

    def _entries(self, symbol: Symbol) -> list[Order]:
        return [it for it in self._desk.pipeline.register.all_live() if it.symbol == symbol and it.role is Role.ENTRY]

    def _position(self, symbol: Symbol) -> Steps:
        return self._desk.pipeline.ledger.position(symbol)

    async def _until(self, holds: Callable[[], bool]) -> bool:
        """Whether it holds within patience."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                while not holds():
                    await asyncio.sleep(LOOK_S)
                return True
        return holds()
