"""Which contract of each future a live session deals in: when it is left, what is said before, and what is done on the day."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Protocol

from engine.core.clock import DAY, MINUTE, Clock, Nanos
from engine.core.errors import BrokerError
from engine.core.log import logger
from engine.domain import facts as f
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol
from engine.domain.views import RollDue
from engine.market.continuous import session_start
from engine.market.contracts import Contract
from engine.market.rolling import Rolling, rolling_of
from engine.pipeline import Pipeline
from engine.ports.outside import DealsInContracts, HoldsContracts, LiveFeed, OutsideBroker
from engine.profile import Profile

LOOK_S = 0.5
AGAIN: Nanos = MINUTE
ROLL_AGAIN: Nanos = 10 * MINUTE
"""How long nothing is tried after a change, or a roll, that did not come about."""

_log = logger("contracts")


@dataclass(frozen=True, slots=True)
class RollTerms:
    """How the contracts of one future are dealt with; see engine.profile.InstrumentSection. `is_named`: its owner has chosen the
    month, and another one is not gone over to while it is flat."""

    rolling: Rolling
    mode: Literal["ask", "auto", "off"] = "ask"
    warn_days: int = 5
    is_named: bool = False


class Desk(Protocol):
    """What is needed of the session."""

    pipeline: Pipeline
    broker: OutsideBroker
    feed: LiveFeed

    @property
    def clock(self) -> Clock:
        """The session's time."""
        ...

    def record(self, fact: f.Fact) -> None:
        """Records a fact as a step of its own."""
        ...

    def forget_prices(self, symbol: Symbol, why: str) -> None:
        """What is known of its prices is another contract's: nothing is dealt before new ones, and bars, have come."""
        ...


class RollsPositions(Protocol):
    """Rolls what is held; see engine.live.rolling."""

    @property
    def busy(self) -> Symbol:
        """What is being rolled, "" while nothing is."""
        ...

    @property
    def is_opening(self) -> bool:
        """Whether the new contract is being opened."""
        ...

    @property
    def unfinished(self) -> Mapping[Symbol, str]:
        """What became of rolls that did not go through, while nothing was dealt in their futures since."""
        ...

    def begin(self, symbol: Symbol, by: str) -> str:
        """Begins; what stands against it, "" where nothing does."""
        ...


@dataclass(slots=True)
class Contracts:
    """`run` follows the calendar; `objection` is for the gate, `notes` for the owner."""

    desk: Desk
    terms: Mapping[Symbol, RollTerms]
    rolls: RollsPositions | None = None
    _recorded: dict[Symbol, str] = field(default_factory=dict)
    _not_before: dict[Symbol, Nanos] = field(default_factory=dict)
    _failed: dict[Symbol, str] = field(default_factory=dict)

    def recall(self, fact: f.Fact) -> None:
        """A fact of the book that is gone on with."""
        if isinstance(fact, f.ContractChosen):
            self._recorded[fact.symbol] = fact.contract

    def objection(self, symbol: Symbol) -> str:
        """Why nothing may be opened in its contract, and which one to trade instead; "" where nothing stands against it."""
        terms, dealt = self.terms.get(symbol), self.dealt(symbol)
        if terms is None:
            return ""
        is_rolled = self.rolls is not None and self.rolls.busy == symbol
        if self.rolls is not None and is_rolled and not self.rolls.is_opening:
            return f"{symbol} is being rolled into the next contract"
        if where := self.elsewhere(symbol):
            return where
        if dealt is None:
            return ""
        ordered = self._ordered(symbol)
        if ordered not in ("", dealt.code):
            return f"orders for {symbol} are for {ordered} and its prices are of {dealt.code}; they are brought together first"
        if is_rolled or self.desk.clock.now() < _left_at(terms.rolling, dealt):
            return ""
        rolling, instead = terms.rolling, self.next_of(symbol)
        return (
            f"{symbol}{dealt.code} was left on {rolling.left_on(dealt)}, before its first notice on {rolling.notice(dealt)}: "
            f"nothing new is opened in it; trade {symbol}{instead.code} instead"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What the owner should know of contracts that are left soon, or were."""
        broken = self.rolls.unfinished if self.rolls is not None else {}
        return (*broken.values(), *(note for symbol in self.terms if (note := self._note(symbol))))

    @property
    def alarm(self) -> str:
        """What is held in another contract than the one dealt in, or what became of a roll that did not go through."""
        if self.rolls is None or self.rolls.busy:  # on the way from one to the other both are told of for a moment
            return ""
        strange = (where for symbol in self.terms if (where := self.elsewhere(symbol)))
        return next(strange, next(iter(self.rolls.unfinished.values()), ""))

    @property
    def due(self) -> tuple[RollDue, ...]:
        """The positions whose contract the notes warn of."""
        held = (symbol for symbol in self.terms if self.desk.pipeline.ledger.position(symbol) and self._note(symbol))
        return tuple(RollDue(it, f"{it}{dealt.code}", self.name_of_next(it)) for it in held if (dealt := self.dealt(it)))

    def name_of_next(self, symbol: Symbol) -> str:
        """What takes its contract's place, as in GCG26."""
        return f"{symbol}{self.next_of(symbol).code}"

    def dealt(self, symbol: Symbol) -> Contract | None:
        """The contract that is dealt in; None where there is none or it is not known yet."""
        feed = self.desk.feed
        code = feed.contract_of(symbol) if isinstance(feed, DealsInContracts) else ""
        return Contract.of(code) if code else None

    def elsewhere(self, symbol: Symbol) -> str:
        """The broker's sentence for what is held, or works, in another contract; "" where there is none."""
        broker = self.desk.broker
        return broker.elsewhere(symbol) if isinstance(broker, HoldsContracts) else ""

    def _ordered(self, symbol: Symbol) -> str:
        broker = self.desk.broker
        return broker.contract_of(symbol) if isinstance(broker, DealsInContracts) else ""

    def next_of(self, symbol: Symbol) -> Contract:
        """The contract that takes its place: the first after it that is not left itself."""
        terms, dealt = self.terms[symbol], self.dealt(symbol)
        front = terms.rolling.in_front(self.desk.clock.now())
        return front if dealt is None or front > dealt else terms.rolling.follower(dealt)

    async def run(self) -> None:
        """Until it is cancelled: says which contracts are dealt in, and goes over to the next where it may by itself."""
        if not self.terms or not isinstance(self.desk.feed, DealsInContracts):
            await asyncio.Event().wait()
        while True:
            for symbol in self.terms:
                await self._look_after(symbol)
            await asyncio.sleep(LOOK_S)

    async def switch(self, symbol: Symbol, into: Contract, reason: str) -> None:
        """From here on the contract is `into`, at the broker and in the feed. Nothing may be held or ordered in the old one.
        BrokerError where either does not have it; then all is as before."""
        feed, broker, was = self.desk.feed, self.desk.broker, self.dealt(symbol)
        if not isinstance(feed, DealsInContracts):
            raise BrokerError(f"{feed.kind} has no contracts of several months")
        if isinstance(broker, DealsInContracts):
            await broker.deal_in(symbol, into.code)
        try:
            await feed.deal_in(symbol, into.code)
        except BrokerError:
            if isinstance(broker, DealsInContracts) and was is not None:
                await broker.deal_in(symbol, was.code)
            raise
        self.desk.forget_prices(symbol, f"{symbol}{into.code} is another contract than the one before")
        self._choose(symbol, into, reason)

    def is_free(self, symbol: Symbol) -> bool:
        """Whether nothing of it is held, and no order for it may be at the venue."""
        pipeline = self.desk.pipeline
        return not pipeline.ledger.position(symbol) and not any(it.symbol == symbol for it in pipeline.register.all_live())

    async def _look_after(self, symbol: Symbol) -> None:
        terms, dealt = self.terms[symbol], self.dealt(symbol)
        if dealt is None:
            return
        if self._recorded.get(symbol) != dealt.code:
            self._choose(symbol, dealt, "it is named in the profile" if terms.is_named else "it is held, or in front")
        if self.rolls is not None and self.rolls.busy == symbol:  # broker and feed go over one after the other
            return
        now = self.desk.clock.now()
        if self._ordered(symbol) not in ("", dealt.code) and now >= self._not_before.get(symbol, 0):
            self._not_before[symbol] = now + AGAIN
            await self._bring_together(symbol, dealt)
            return
        if now < max(_left_at(terms.rolling, dealt), self._not_before.get(symbol, 0)) or terms.mode == "off":
            return
        if self.rolls is None or self.rolls.busy:
            return
        if self.is_free(symbol):
            if not terms.is_named:
                self._not_before[symbol] = now + AGAIN
                await self._go_over(symbol)
        elif terms.mode == "auto" and self.desk.pipeline.ledger.position(symbol):
            against = self._failed[symbol] = self.rolls.begin(symbol, "profile")
            if not against:
                self._not_before[symbol] = now + ROLL_AGAIN

    async def _bring_together(self, symbol: Symbol, dealt: Contract) -> None:
        """The broker came later than the feed, and chose for itself: by what is held, which the feed then follows."""
        broker = self.desk.broker
        try:
            if self.desk.pipeline.ledger.position(symbol) and not self.terms[symbol].is_named:
                await self.switch(symbol, Contract.of(self._ordered(symbol)), "it is held")
            elif isinstance(broker, DealsInContracts):
                await broker.deal_in(symbol, dealt.code)
                self._not_before.pop(symbol, None)
        except BrokerError as error:
            self._failed[symbol] = str(error)

    async def _go_over(self, symbol: Symbol) -> None:
        try:
            await self.switch(symbol, self.next_of(symbol), "the contract before it was left, and nothing was held in it")
            self._failed.pop(symbol, None)
        except BrokerError as error:
            self._failed[symbol] = str(error)
            _log.warning("the next contract is not had", symbol=symbol, why=str(error))

    def _choose(self, symbol: Symbol, contract: Contract, reason: str) -> None:
        self._recorded[symbol] = contract.code
        self.desk.record(f.ContractChosen(symbol, contract.code, reason))

    def _note(self, symbol: Symbol) -> str:
        terms, dealt = self.terms[symbol], self.dealt(symbol)
        if dealt is None:
            return ""
        rolling, now = terms.rolling, self.desk.clock.now()
        if _left_at(rolling, dealt) - now > (2 * terms.warn_days + 14) * DAY:  # business days are counted near the day only
            return ""
        days = rolling.days_left(dealt, now)
        if days > terms.warn_days:
            return ""
        name, instead = f"{symbol}{dealt.code}", self.name_of_next(symbol)
        when = f"{name} is left on {rolling.left_on(dealt)}, before its first notice on {rolling.notice(dealt)}"
        if days > 0:
            when += f", in {days} business day{'s' if days > 1 else ''}"
        failed = self._failed.get(symbol, "")
        return f"{when}: {self._what_becomes(symbol, terms, instead)}{f' ({failed})' if failed else ''}"

    def _what_becomes(self, symbol: Symbol, terms: RollTerms, instead: str) -> str:
        if not self.desk.pipeline.ledger.position(symbol):
            return f"{instead} is dealt in then" if terms.mode != "off" and not terms.is_named else f"trade {instead} then"
        said = {
            "auto": f"what is held is rolled into {instead} then",
            "ask": f"what is held is rolled into {instead} at your word: main.py session roll {symbol}, or Roll in the menu",
            "off": f"close what is held, or roll it into {instead} by hand",
        }
        return said[terms.mode]


def roll_terms(profile: Profile, instruments: Iterable[Instrument]) -> dict[Symbol, RollTerms]:
    """How the futures among the instruments are dealt with."""
    found = {}
    for instrument in instruments:
        section = profile.instrument(instrument.symbol)
        rolling = rolling_of(instrument, section.days)
        if rolling is not None:
            found[instrument.symbol] = RollTerms(rolling, section.roll, section.warn_days, bool(section.month))
    return found


@lru_cache(maxsize=64)
def _left_at(rolling: Rolling, contract: Contract) -> Nanos:
    """When the trading day begins from which on nothing new is opened in the contract: at the close before it, for a weekend and
    a holiday belong to the day that follows, as in `Rolling.trading_day`."""
    left = rolling.left_on(contract)
    sessions = rolling.instrument.sessions
    at = sessions.next_close(rolling.session_before(session_start(sessions, left)))
    while rolling.trading_day(at) < left:  # a holiday on which the market opens for a while
        at = sessions.next_close(at)
    return at
