"""A session that lives: the pipeline on real time, at a broker that may be outside this process.

Everything happens on one asyncio loop. Whatever happens (a quote, a moment, a report, an intent, the journal's word) is one step
of the pipeline; between two steps nothing is half done.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from engine.core.clock import SECOND, Nanos, to_iso
from engine.core.errors import BrokerError, EngineStopped, FeedError
from engine.core.log import logger
from engine.core.steady import SteadyClock
from engine.core.undisturbed import UNDISTURBED_S
from engine.domain import facts as f
from engine.domain.instrument import Instrument
from engine.domain.intents import Halt, Intent
from engine.domain.limits import Verdict
from engine.domain.market import Bars, Quote, Symbol
from engine.domain.order import ClientOrderId, IllegalTransition, Order, State
from engine.domain.views import EngineView, VenueView
from engine.execution.reconciliation import Reconciliation, reconcile
from engine.live.breaks import Breaks
from engine.live.contracts import Contracts, RollTerms
from engine.live.depths import Depths
from engine.live.ear import Ear
from engine.live.keeper import Books as Account
from engine.live.keeper import Keeper
from engine.live.peak import Peak
from engine.live.recorder import Recorder
from engine.live.repeats import Repeats
from engine.live.rolling import Rolls
from engine.pipeline import Pipeline
from engine.ports.broker import Report
from engine.ports.outside import KeepsTrying, LiveFeed, LiveQuote, OutsideBroker
from engine.ports.venue import VenueState
from engine.profile import SessionSection
from engine.risk.guard import ACTIVE, HALTED
from engine.storage.live_journal import LiveJournal

SLICE_NS = 2_000_000
"""How long quotes are taken in before others get their turn."""
REST_S = 0.25
"""The longest the clock is not looked at."""
DRAIN_LOOK_S = 0.01
ON_THE_WAY = frozenset({State.INTENT, State.SENT, State.PENDING_CANCEL, State.PENDING_MODIFY})

T = TypeVar("T")
_log = logger("live")
_ANSWERLESS = "the program ended before the venue's answer was on record"


class LiveSession:
    """`begin` or `recall`, then `run` until it is told to stop. `do` and `preview` are the owner's, from the same loop."""

    is_over = is_finished = False
    played_share: float | None = None

    def __init__(
        self,
        pipeline: Pipeline,
        journal: LiveJournal,
        broker: OutsideBroker,
        feed: LiveFeed,
        ear: Ear,
        clock: SteadyClock,
        section: SessionSection,
        before: dict[Symbol, Bars],
        fault: Callable[[Exception], None],
        recorder: Recorder,
        rolls: Mapping[Symbol, RollTerms] | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.broker = broker
        self.feed = feed
        self.clock = clock
        self.before = before
        self.kind = feed.kind
        self.quotes = 0
        self.is_broken = self._could_not_halt = False
        self.is_leaving = self.has_ended = False
        self.journal = journal
        self._ear = ear
        self._fault = fault
        self._recorder = recorder
        self._is_hearing = False
        self._watches_for: Nanos = 0
        self._leaving: list[tuple[list[ClientOrderId], bool]] = []
        self._wake = asyncio.Event()
        self._tradeable: dict[Symbol, bool] = {}
        self.repeats = Repeats()
        pipeline.subscribers.append(self.repeats.take)
        pipeline.arming.objection = self._objection
        pipeline.arming.reconnect = self._reconnect
        pipeline.manager.release = self.release
        pipeline.manager.objection = self._against_opening
        books = Account(self._at_venue, self._version, self._compare, self.take)
        self.keeper = Keeper(broker, books, clock, section.look_every, section.reconcile_every)
        self._patience_s = section.patience
        self._breaks = Breaks(pipeline, feed, clock, before, section.history_bars)
        self.contracts = Contracts(self, rolls or {})
        self.rolls = self.contracts.rolls = Rolls(self, self.contracts, section.patience)
        pipeline.arming.roll = partial(self.rolls.begin, by="owner")
        pipeline.subscribers.append(lambda record: self.rolls.follow(record.fact))
        self.depths = Depths(feed, broker, clock, self._short_step, self._is_traded_on)
        ear.listener = self.hear

    @property
    def account(self) -> str:
        """The account's name at the venue, which has to be typed to arm it."""
        return self.pipeline.ledger.account

    # --- beginning and end --------------------------------------------------------------------------------------------

    def begin(self, reports: Sequence[Report]) -> None:
        """Opens a new book with what the venue holds already."""
        self.pipeline.begin(self.clock.now())
        Peak(self.pipeline)
        self.pipeline.read_limits()
        self._after()
        for report in reports:
            self.take(report)

    def recall(self, records: Sequence[f.Record], quotes: Sequence[Quote]) -> None:
        """Goes on with a book: its facts, then what came due meanwhile at the last known quotes.

        Orders of which the record does not say whether they left, or what was answered, are unknown until the venue was asked.
        """
        for record in records:
            self.pipeline.recall_live(record)
            self.repeats.take(record)
            self.contracts.recall(record.fact)
            self.rolls.recall(record.fact)
        Peak(self.pipeline)
        self.pipeline.measure_anew(self.before)
        self.pipeline.go_on(quotes)
        self._step(self.pipeline.read_limits)
        for order in self._orders():
            if order.state in (State.INTENT, State.SENT):
                self.take(Report(f.OrderUnknown(order.id, _ANSWERLESS)))

    def begin_without_bars(self, why: str) -> None:
        """The feed could not be reached: no signal is made before it was asked for the bars up to now."""
        self._breaks.leapt(why)

    def change_models(self) -> None:
        """Records the models that decide from now on."""
        self._step(self.pipeline.change_models)

    def release(self, orders: list[ClientOrderId], safety: bool) -> None:
        """`OrderManager`'s way out: the orders leave when the journal says that they are durable."""
        self._leaving.append((orders, safety))

    async def run(self, stop: asyncio.Event) -> None:
        """Lives until `stop` is set. A link that is lost is mended by its own adapter; the session goes on meanwhile."""
        depths = self.depths.run(list(self.pipeline.lanes))
        watches = self._watch(), self.keeper.run(), self._breaks.run(), self.contracts.run(), self.rolls.run()
        parts = (self._follow(), depths, *watches, self._recorder.run())
        tasks = [asyncio.ensure_future(part) for part in parts]
        stopping = asyncio.ensure_future(stop.wait())
        try:
            done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()
                raise EngineStopped("a part of the session ended by itself")
            await self._drain()
        finally:
            self.has_ended = True
            await self.rolls.close()
            await cancelled(stopping, *tasks)
            await self._recorder.flush()

    async def _drain(self) -> None:
        """What is on its way gets its answer, for as long as answers are waited for; nothing new is opened meanwhile."""
        self.is_leaving = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                while self.broker.is_ready and any(order.state in ON_THE_WAY for order in self._orders()):
                    await asyncio.sleep(DRAIN_LOOK_S)

    # --- the steps ----------------------------------------------------------------------------------------------------

    def do(self, intent: Intent, by: str = "owner", key: str = "") -> Sequence[f.Record]:
        """Carries out an intent; the facts it led to at once. A halt is on a disk when this returns: it outlives the program.

        `repeats` finds the intent again by its `key`, after a restart too.
        """
        records = self._step(lambda: self.pipeline.on_intent(intent, by, key)) or ()
        if isinstance(intent, Halt):
            self.journal.when_durable(lambda _refusal: None, safety=True)
        return records

    def record(self, fact: f.Fact) -> None:
        """Records a fact as a step of its own."""
        self._step(lambda: self.pipeline.note(fact))

    def forget_prices(self, symbol: Symbol, why: str) -> None:
        """Its prices are another contract's from here on: nothing is dealt before they came, nor signalled without its bars."""
        self._tradeable.pop(symbol, None)
        self.depths.forget(symbol)
        self._breaks.tear(symbol, why)

    def preview(self, intent: Any) -> Verdict:
        """What the gate would answer to a ticket."""
        self._look_around()
        return self.pipeline.preview(intent)

    def hear(self) -> None:
        """The broker has said something: it is taken in, in its order."""
        if self._is_hearing:
            return
        self._is_hearing = True
        try:
            while self._ear.heard:
                self.take(self._ear.heard.popleft())
        finally:
            self._is_hearing = False

    def take(self, report: Report) -> None:
        """Takes in one thing that was said of orders, positions or the venue."""
        fact = report.fact
        if isinstance(fact, f.VenueChanged) and fact.state == "LOST":
            self.keeper.doubt(fact.reason)
        elif isinstance(fact, f.VenueChanged) and fact.state == "CONNECTED":
            self.keeper.doubt("the venue is back, and is asked how things stand")
        elif isinstance(fact, f.OrderUnknown):
            self.keeper.look()
        self._step(lambda: self._believe(report))

    def _believe(self, report: Report) -> None:
        """What cannot have happened is not recorded: the venue is asked instead."""
        try:
            self.pipeline.on_report(report)
        except (IllegalTransition, KeyError) as error:
            if not _says_nothing_new(report, self.pipeline):
                _log.warning("a report that contradicts the record", report=repr(report.fact), why=str(error))
                self.keeper.look()

    def _take_quote(self, live: LiveQuote) -> None:
        """A quote is a step of its own; where nothing is due and nobody waits, it is a short one."""
        quote, is_tradeable = live
        self.quotes += 1
        self._tradeable[quote.symbol] = is_tradeable
        if is_tradeable is (quote.symbol in self.pipeline.only_shown):
            (self.pipeline.only_shown.discard if is_tradeable else self.pipeline.only_shown.add)(quote.symbol)
        at = max(min(quote.at, self.clock.now()), self.pipeline.now)
        if at != quote.at or quote.path:
            quote = quote._replace(at=at, path=False)
        self._recorder.take(quote)
        if self.pipeline.due <= at or self.clock.has_leapt:
            self._step(lambda: self.pipeline.on_quote(quote), at)
            return
        try:
            self.pipeline.on_quote(quote)
        except Exception as error:  # as in a step
            self._broke(error)
        if self._leaving or self._ear.heard or self.pipeline.due < self._watches_for:
            self._after()

    def _short_step(self, act: Callable[[], None]) -> None:
        """What a market tells beside quotes: a short step too, where nothing is due and nobody waits."""
        if self.pipeline.due <= self.clock.now() or self.clock.has_leapt:
            self._step(act)
            return
        try:
            act()
        except Exception as error:  # as in a step
            self._broke(error)
        if self._ear.heard:
            self.hear()

    def _is_traded_on(self, symbol: Symbol) -> bool:
        return self._tradeable.get(symbol, False)

    def _written(self, orders: list[ClientOrderId], refusal: str) -> None:
        self._step(lambda: self.pipeline.on_written(orders, refusal))

    def _step(self, act: Callable[[], T], at: Nanos | None = None) -> T | None:
        """One step, at the time it is; a bug in it stops trading, not the session.

        No other thread comes between its beginning and its end, so that a busy window cannot hold up what leaves in it.
        """
        before = sys.getswitchinterval()
        sys.setswitchinterval(UNDISTURBED_S)
        try:
            self._catch_up(self.clock.now() if at is None else at)
            return act()
        except Exception as error:  # whatever it is, positions keep their stops and nothing new may be opened
            self._broke(error)
            return None
        finally:
            self._after()
            sys.setswitchinterval(before)

    def _catch_up(self, at: Nanos) -> None:
        """What came due comes first. A bug in that must not keep out what a broker says or the owner asks."""
        try:
            self._look_around()  # a bar that comes due now is decided on by what is known now
            self.pipeline.reach(at)
            self._look_around()
        except Exception as error:  # as in a step
            self._broke(error)
            self.pipeline.now = max(self.pipeline.now, at)

    def _broke(self, error: Exception) -> None:
        self._fault(error)
        self.is_broken = True
        if self.pipeline.guard.state == HALTED:
            return
        try:
            self.pipeline.halt("fault", f"a fault in the program ({type(error).__name__}: {error}); its report is in the log")
        except Exception as second:  # the halt itself met the fault: `trouble` keeps everything from being opened all the same
            self._could_not_halt = True
            self._fault(second)

    def _after(self) -> None:
        """The step is over: what waits for the journal's word asks for it, and what was said meanwhile comes next."""
        leaving, self._leaving = self._leaving, []
        if leaving and self.journal.is_waiting:  # the step broke off, and what leaves is on record all the same
            self.journal.commit(self.pipeline.step, self.pipeline.now)
        for orders, safety in leaving:
            self.journal.when_durable(partial(self._written, orders), safety)
        if self.pipeline.due < self._watches_for:
            self._wake.set()
        self.hear()

    # --- what stands in the way ---------------------------------------------------------------------------------------

    def _look_around(self) -> None:
        """Why nothing may be opened now, for the gate and for signals."""
        self._notice_leap()
        self.pipeline.venue_trouble = self.trouble
        self.pipeline.is_cut_off = not self.broker.is_ready
        for symbol in self.pipeline.lanes:
            self.pipeline.blocked[symbol] = self.prices_trouble(symbol) or self.contracts.objection(symbol)

    def _notice_leap(self) -> None:
        """After a sleep of the machine the venue is asked before anything is opened, and bars before anything is proposed."""
        self.clock.now()
        leap = self.clock.take_leap()
        if leap:
            why = f"the machine slept or its clock was set {leap // SECOND} s ahead"
            self.keeper.doubt(f"{why}: the venue is asked first")
            self._breaks.leapt(why)

    @property
    def trouble(self) -> str:
        """Why nothing may be opened at the venue, "" where nothing stands against it."""
        if self.is_leaving:
            return "the session is being closed"
        if self._could_not_halt:
            return "a fault in the program could not be recorded as a halt; see the log, and start it again"
        if self.journal.trouble:
            return f"orders cannot be recorded: {self.journal.trouble}"
        if not self.broker.is_ready:
            return f"{self.broker.name} is out of reach{': ' if self.keeper.found.trouble else ''}{self.keeper.found.trouble}"
        if not self.keeper.found.is_clean:
            return self.keeper.found.trouble
        if self.broker.is_live and not self.pipeline.arming.account:
            return f"live trading is not armed; type the account's name {self.account} to arm it"
        return ""

    def _against_opening(self, entry: Order) -> str:
        """What stands against an entry that is about to leave: it may have been held, or on its way to the disk, since the gate
        let it through, in another session even."""
        state = self.pipeline.guard.state
        if state != ACTIVE:
            return f"trading is {state}"
        return self.trouble or self.pipeline.blocked.get(entry.symbol, "")

    def obstacles(self, symbol: Symbol) -> tuple[str, str]:
        """Why `symbol` may not be traded now, and why nothing may be opened at the venue; "" where nothing stands against it."""
        self._look_around()
        return self.pipeline.blocked[symbol], self.pipeline.venue_trouble

    @property
    def is_reconciled(self) -> bool:
        """Whether the books are as the venue says, and nothing it said is waited for to be said again."""
        return self.keeper.found.is_clean and not self.keeper.found.absences

    @property
    def may_be_armed(self) -> bool:
        """Whether typing the account's name is all that is missing."""
        return not self._objection(self.account)

    def prices_trouble(self, symbol: Symbol) -> str:
        """Why its prices may not be traded on now, "" where they may."""
        quote = self.pipeline.book.last.get(symbol)
        if quote is None or symbol not in self._tradeable:
            return f"no price of {symbol} has come yet"
        if not self._tradeable[symbol]:
            return f"prices of {symbol} are delayed or their source is out of reach: they are shown and not traded on"
        if self.feed.trouble:
            return f"no prices come: {self.feed.trouble}"
        age = self.clock.now() - quote.at
        if age > self.pipeline.lanes[symbol].instrument.stale_after_s * SECOND:
            return f"the last price of {symbol} is {age // SECOND} s old"
        return ""

    def _objection(self, account: str) -> str:
        """What stands against arming `account`."""
        if not self.broker.is_live:
            return f"{self.broker.name} is a paper account; there is nothing to arm"
        if account != self.account:
            return f"{account!r} is not the account's name; type {self.account} exactly"
        if not self.journal.is_keyed:
            return "this book is chained without a key, and money wants one; add --new to begin a book with one"
        if not self.broker.is_ready:
            return f"{self.broker.name} is out of reach; arm it when it is back"
        if not self.keeper.found.is_clean:
            return f"the books and the venue are not reconciled: {self.keeper.found.trouble}"
        return ""

    def _reconnect(self, port: int) -> str:
        """Gives the owner's word to the links that wait for one."""
        links = [link for link in (self.broker, self.feed) if isinstance(link, KeepsTrying)]
        for link in links:
            link.resume(port)
        return "" if links else f"{self.broker.name} comes back by itself; there is nothing to be said"

    # --- what runs ----------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Takes quotes in, and lets others have their turn after every slice."""
        while True:
            try:
                begun = self.clock.monotonic()
                async for live in self.feed.quotes(list(self.pipeline.lanes)):
                    self._take_quote(live)
                    if self.clock.monotonic() - begun >= SLICE_NS:
                        await asyncio.sleep(0)
                        begun = self.clock.monotonic()
            except (BrokerError, FeedError) as error:
                _log.warning("the feed stopped", why=str(error))
            await asyncio.sleep(REST_S)

    async def _watch(self) -> None:
        """Moments come due by the clock, whether or not the market says anything."""
        while True:
            self._wake.clear()
            self._watches_for = self.pipeline.due
            wait = max(0.0, min(REST_S, (self._watches_for - self.clock.now()) / SECOND))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)
            if self.clock.has_leapt or self.pipeline.due <= self.clock.now():
                self._step(lambda: None)
                if self.is_broken and self.pipeline.due <= self.clock.now():
                    await asyncio.sleep(REST_S)  # what came due fails, and would at once again

    # --- the books against the venue ----------------------------------------------------------------------------------

    def _orders(self) -> list[Order]:
        return list(self.pipeline.register.all_live())

    def _at_venue(self) -> list[Order]:
        """The orders that may be at the venue: what waits here is nothing it could be asked about."""
        return [order for order in self._orders() if order.state not in (State.INTENT, State.HELD)]

    def _version(self) -> int:
        """Moves with every fact. What the venue said while it answered comes first, or the answer would say it once more."""
        self.hear()
        return self.journal.last_seq()

    def _compare(self, state: VenueState, absences: Mapping[str, int]) -> Reconciliation:
        pipeline = self.pipeline
        return reconcile(
            state,
            register=pipeline.register,
            ledger=pipeline.ledger,
            instruments=pipeline.instruments,
            steps=self.broker.steps,
            quotes=pipeline.book.last,
            currency=pipeline.setup.currency,
            account=self.account,
            absences=absences,
            at=self.clock.now(),
            margined=margined(pipeline.instruments),
        )

    def picture(self) -> EngineView:
        """Everything as it stands now, for the window."""
        from engine.picture import paint

        self._look_around()
        return replace(paint(self.pipeline), venue=self._venue_view(), books=self.depths.shown())

    def _venue_view(self) -> VenueView:
        found, pipeline = self.keeper.found, self.pipeline
        return VenueView(
            broker=self.broker.name,
            account=self.account,
            feed=self.feed.kind,
            is_live=self.broker.is_live,
            is_ready=self.broker.is_ready,
            is_armed=bool(pipeline.arming.account),
            trouble=pipeline.venue_trouble,
            feed_trouble=self.feed.trouble,
            blocked=tuple((symbol, sentence) for symbol, sentence in pipeline.blocked.items() if sentence),
            reconciled=found.at,
            is_reconciled=found.is_clean,
            report=(*self.contracts.notes, *found.lines),
            rolls=self.contracts.due,
            alarm=self.contracts.alarm,
        )

    def summary(self, database: Any, book: int) -> dict[str, Any]:
        """The session in figures; see engine.report."""
        from engine.report import summarise

        figures = summarise(self.pipeline, self.quotes, database, book, self.pipeline.bars_closed, 0)
        return {
            **figures,
            "venue": self.broker.name,
            "reconciled": to_iso(self.keeper.found.at) if self.keeper.found.at else None,
        }


async def cancelled(*tasks: asyncio.Future[Any]) -> None:
    """Cancels them until they are over: one whose event is set at that very moment may miss the first time."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=REST_S)


def margined(instruments: Mapping[Symbol, Instrument]) -> frozenset[Symbol]:
    """What is not paid for in cash when it is bought."""
    return frozenset(symbol for symbol, instrument in instruments.items() if instrument.is_margined)


def _says_nothing_new(report: Report, pipeline: Pipeline) -> bool:
    """An acknowledgement or an end that is on record already: venues say things twice."""
    fact = report.fact
    if not isinstance(fact, f.OrderFact) or fact.order not in pipeline.register.orders:
        return False
    state = pipeline.register[fact.order].state
    said = {
        f.OrderAccepted: (State.ACCEPTED, State.PARTIALLY_FILLED, State.FILLED, State.CANCELLED, State.EXPIRED),
        f.OrderCancelled: (State.CANCELLED, State.FILLED),
        f.OrderRejected: (State.REJECTED,),
        f.OrderExpired: (State.EXPIRED,),
        f.OrderUnknown: (State.ACCEPTED, State.PARTIALLY_FILLED, State.FILLED, State.CANCELLED),
    }
    return state in said.get(type(fact), ())
