"""Opens a live session: feed, history, models, broker, book; and closes them all again."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from engine.brokers.registry import Surroundings, broker_at, feed_at
from engine.brokers.secrets import AuditKey, chain_key
from engine.core.clock import DAY, Nanos
from engine.core.errors import BrokerError, NotAdmitted, UserError
from engine.core.log import logger
from engine.core.steady import SteadyClock
from engine.core.undisturbed import SWITCH_S
from engine.domain.facts import ContractChosen, InstrumentListed, ModelChanged, Record
from engine.domain.instrument import Cash, Instrument
from engine.domain.market import Bars, Quote, Symbol
from engine.execution.reconciliation import Reconciliation, reconcile
from engine.feeds import Feed
from engine.lane import Lane
from engine.live.contracts import RollTerms, roll_terms
from engine.live.door import Door
from engine.live.ear import Ear
from engine.live.readiness import make_ready
from engine.live.recorder import Recorder
from engine.live.session import LiveSession, margined
from engine.market.living import LivingTape
from engine.parts import Part, part_of, setup_of, terms_of
from engine.pipeline import BarListener, Pipeline
from engine.portfolio.ledger import Ledger
from engine.portfolio.register import OrderRegister
from engine.ports.outside import DealsInContracts, KeepsTrying, LiveFeed, OutsideBroker
from engine.ports.venue import VenueState
from engine.profile import Profile, load_profile
from engine.request import Request
from engine.storage.books import BookRow, Books
from engine.storage.chain import is_keyed
from engine.storage.database import Database, open_books
from engine.storage.live_journal import LiveJournal
from engine.storage.lock import hold
from engine.storage.retention import folder_of, refuse_damaged
from engine.storage.schedule import keep_backups

PAPER = "paper"
CLOSED = 4 * DAY
"""As long as a market is closed: a weekend with a holiday beside it, and a day more."""


@dataclass(slots=True)
class Opened:
    """A live session with what it stands on."""

    session: LiveSession
    database: Database
    book: BookRow
    resumed: bool
    doubts: tuple[str, ...]
    unkeyed: str
    """Why the book's chain is made without a key, "" where it is made with one."""

    def records(self) -> list[Record]:
        """All facts of the book up to now."""
        return list(self.session.journal.records())

    async def finish(self) -> dict[str, Any]:
        """Waits until everything is on record and returns the session in figures; nothing may be done in it afterwards."""
        unwritten = await asyncio.to_thread(self.session.journal.close)
        return {**self.session.summary(self.database, self.book.id), **({"unwritten": unwritten} if unwritten else {})}


@asynccontextmanager
async def live_session(
    request: Request, fault: Callable[[Exception], None], on_bar: tuple[BarListener, ...] = ()
) -> AsyncIterator[Opened]:
    """A session of the request, open until the block ends. UserError and BrokerError for what must be mended first."""
    sys.setswitchinterval(SWITCH_S)
    profile = load_profile(request.profile)
    clock = SteadyClock()
    instruments = {it.symbol: request.config.apply_to(it) for it in (request.instrument, *request.beside)}
    rolls = roll_terms(profile, instruments.values())
    make_ready(instruments.values(), clock.now())
    around = Surroundings(
        instruments,
        clock,
        Random(),
        profile.session.patience,
        profile.session.heartbeat,
        {symbol: profile.instrument(symbol).month for symbol in rolls if profile.instrument(symbol).month},
        {symbol: terms.rolling for symbol, terms in rolls.items()},
    )
    async with AsyncExitStack() as stack:
        feed = feed_at(profile.venue(request.feed).address(request.feed), around)
        stack.push_async_callback(feed.close)
        request.progress(0.0, f"connecting to {feed.kind}")
        away = await _away(feed)
        parts = [await _part(request, instrument, feed, clock, profile, away) for instrument in instruments.values()]
        shelf = folder_of(request.db, request.models.parent)
        await asyncio.to_thread(refuse_damaged, request.db, shelf)
        database = open_books(request.db, durability="full")
        stack.callback(database.close)
        books = Books(database)
        book = _book(books, request, profile, sorted(instruments), clock.now())
        if away is not None and not book.facts:
            raise away
        lock = hold(database, book.id)
        stack.callback(lock.release)
        found = await asyncio.to_thread(_chain_key, book, _has_money(request, profile))
        journal = LiveJournal(database, book.id, asyncio.get_running_loop(), request.models.parent, found.key, lock)
        stack.push_async_callback(asyncio.to_thread, journal.close)
        book = books.get(book.id) or book
        ear = Ear()
        if request.broker == PAPER and await _deals_in_what_is_held(feed, journal, rolls):
            parts = [await _part(request, instrument, feed, clock, profile, away) for instrument in instruments.values()]
        broker = _broker(request, profile, around, ear, parts)
        stack.push_async_callback(broker.close)
        ground = _Ground(request, profile, parts, book, journal, broker, feed, ear, clock, fault, on_bar, rolls)
        session = await _begun(ground)
        if away is not None:
            session.begin_without_bars(str(away))
        door = Door(request.models.parent, book.id, session, fault)
        stack.push_async_callback(door.close)
        await door.open()
        async with _backed_up(request.db, shelf, clock):
            yield Opened(session, database, book, book.facts > 0, journal.found, found.why)


@asynccontextmanager
async def _backed_up(url: str, folder: Path, clock: SteadyClock) -> AsyncIterator[None]:
    """Backups of the books are made on their schedule meanwhile."""
    log = logger("backups")
    schedule = asyncio.create_task(keep_backups(url, folder, clock, lambda sentence: log.info("backup", said=sentence)))
    try:
        yield
    finally:
        schedule.cancel()
        await asyncio.wait([schedule])


async def _away(feed: LiveFeed) -> BrokerError | None:
    """Why the feed cannot be reached, where it goes on trying by itself; None where it can."""
    try:
        await feed.connect()
    except NotAdmitted:
        raise
    except BrokerError as error:
        if not isinstance(feed, KeepsTrying):
            raise
        return error
    return None


async def _part(
    request: Request, instrument: Instrument, feed: LiveFeed, clock: SteadyClock, profile: Profile, away: BrokerError | None
) -> Part:
    """The instrument with the bars before now, and what decides on it. A model learns from whole days, and is found again.

    Where the feed is `away` there are none; it is raised for what has to learn first.
    """
    wanted = replace(request, instrument=instrument, beside=())
    now = clock.now()
    request.progress(0.0, f"asking {feed.kind} for the history of {instrument.symbol}")
    if away is not None and wanted.policy == "model" and wanted.model is None:
        raise away
    before = Bars.empty() if away else _without_volume(await _bars_before(now, feed, request, instrument, profile))
    known = before[: int(before.at.searchsorted(now - now % DAY))] if wanted.learns_from_file else before
    source = Feed(LivingTape(instrument.symbol), known, {}, feed.kind, now)
    part = await asyncio.to_thread(part_of, wanted, source)
    return part._replace(feed=replace(source, before=before))


async def _deals_in_what_is_held(feed: LiveFeed, journal: LiveJournal, rolls: Mapping[Symbol, RollTerms]) -> bool:
    """On paper the book alone says which contract of a future is held. Whether the feed dealt in another one until now."""
    if not rolls or not isinstance(feed, DealsInContracts):
        return False
    recorded = {it.fact.symbol: it.fact.contract for it in journal.records() if isinstance(it.fact, ContractChosen)}
    moved = False
    for symbol, contract in recorded.items():
        known = feed.contract_of(symbol)
        if symbol in rolls and not rolls[symbol].is_named and known not in ("", contract):
            try:
                await feed.deal_in(symbol, contract)
                moved = True
            except BrokerError as error:
                logger("contracts").warning("the contract of the book is not had", symbol=symbol, why=str(error))
    return moved


async def _bars_before(now: Nanos, feed: LiveFeed, request: Request, instrument: Instrument, profile: Profile) -> Bars:
    """The bars before now, further back where most of the time asked for was a weekend or a holiday."""
    count, span = profile.session.history_bars, request.timeframe.span
    found = await feed.history(instrument.symbol, request.timeframe, now - count * span, now)
    if len(found) >= count // 2 or count * span > CLOSED:
        return found
    return await feed.history(instrument.symbol, request.timeframe, now - count * span - CLOSED, now)


def _without_volume(bars: Bars) -> Bars:
    """Live quotes tell no volume, so what learns from these bars and is asked about live ones must know none either."""
    return replace(bars, volume=np.ones(len(bars)))


def _book(books: Books, request: Request, profile: Profile, symbols: list[str], now: Nanos) -> BookRow:
    """The account's book: the one that is open, or a new one."""
    broker = profile.venue(request.broker)
    what = {
        "live": request.feed,
        "broker": request.broker,
        "profile": profile.name,
        "account": broker.account,
        "is_live": broker.live,
        "symbols": symbols,
        "timeframe": request.timeframe.name,
    }
    description = json.dumps(what, sort_keys=True, separators=(",", ":"))
    run_id = hashlib.sha256(description.encode()).hexdigest()
    known = books.find(run_id)
    if known is not None and not known.is_finished and not request.new:
        return known
    account = broker.account or (request.config.account.name if request.broker == PAPER else request.broker)
    return books.open(run_id, account, f"live {request.feed}", description, now)


def _has_money(request: Request, profile: Profile) -> bool:
    return request.broker != PAPER and profile.venue(request.broker).live


def _chain_key(book: BookRow, has_money: bool) -> AuditKey:
    """The key a book is chained with. UserError where it is missing, or money is at stake and there is none for a new book."""
    is_new = book.seal is None
    found = chain_key(book.id, None if is_new else is_keyed(book.seal))
    if found.key is None and is_new and has_money:
        raise UserError(f"a book of an account with money is chained with a key, and there is none: {found.why}")
    return found


def _broker(request: Request, profile: Profile, around: Surroundings, ear: Ear, parts: list[Part]) -> OutsideBroker:
    if request.broker != PAPER:
        return broker_at(profile.venue(request.broker).address(request.broker), around, ear)
    from engine.brokers.sim.paper import PaperBroker

    account = request.config.account
    terms = terms_of(parts)
    return PaperBroker(around.instruments, terms, ear, account.name, account.currency, account.balance, around.clock)


@dataclass(slots=True)
class _Ground:
    """What a session is built from."""

    request: Request
    profile: Profile
    parts: list[Part]
    book: BookRow
    journal: LiveJournal
    broker: OutsideBroker
    feed: LiveFeed
    ear: Ear
    clock: SteadyClock
    fault: Callable[[Exception], None]
    on_bar: tuple[BarListener, ...]
    rolls: Mapping[Symbol, RollTerms]


async def _begun(ground: _Ground) -> LiveSession:
    """The session with its book opened, or gone on with, and compared with the venue.

    A venue that is out of reach keeps a new book from being opened; one that was traded in goes on, and waits for it.
    """
    ground.request.progress(0.0, f"connecting to {ground.broker.name}")
    is_new = ground.book.facts == 0
    try:
        await ground.broker.connect()
        ground.request.progress(0.0, "preparing bars, features and limits, which the first time are compiled")
    except NotAdmitted:
        raise
    except BrokerError:
        if is_new:
            raise
    if is_new:
        state = await ground.broker.standing()
        account = _account(state, ground.profile.venue(ground.request.broker).account)
        opening = _opening(ground, state, account)
        session = _built(ground, opening.opening, account)
        session.begin(opening.reports)
    else:
        session = _built(ground, 0, ground.book.account)
        records = list(ground.journal.records())
        _check_terms(records, session.pipeline)
        session.recall(records, _last_quotes(ground.parts))
        _tell_models(session, records)
    if ground.broker.is_ready:
        ground.request.progress(0.0, f"comparing the books with {ground.broker.name}")
        await session.keeper.reconcile()
    return session


def _account(state: VenueState, wanted: str) -> str:
    """The account that is traded. BrokerError where the login has several and none was named."""
    if not wanted and len(state.accounts) != 1:
        said = ", ".join(state.accounts) or "none"
        raise BrokerError(f"the login at {state.server} has the accounts {said}; name one of them in the profile")
    return wanted or state.accounts[0]


def _opening(ground: _Ground, state: VenueState, account: str) -> Reconciliation:
    """What the venue holds, as a new book's opening balance."""
    instruments = {part.request.instrument.symbol: part.request.instrument for part in ground.parts}
    quotes = {quote.symbol: quote for quote in _last_quotes(ground.parts)}
    return reconcile(
        state,
        register=OrderRegister(),
        ledger=Ledger(instruments),
        instruments=instruments,
        steps=ground.broker.steps,
        quotes=quotes,
        currency=ground.request.config.account.currency,
        account=account,
        at=ground.clock.now(),
        is_new_book=True,
        margined=margined(instruments),
    )


def _built(ground: _Ground, balance: Cash, account: str) -> LiveSession:
    request, parts = ground.request, ground.parts
    setup = replace(setup_of(parts), account=account, balance=balance, id_prefix=_prefix(ground.book, ground.clock.now()))
    lanes = [Lane(part.request.instrument, request.timeframe, part.policy, counts=False) for part in parts]
    before = {part.request.instrument.symbol: part.feed.before for part in parts}
    pipeline = Pipeline(setup, lanes, ground.journal, lambda _sink: ground.broker, abilities=ground.broker.abilities)
    pipeline.on_bar.extend(ground.on_bar)
    for lane in lanes:
        lane.warm(before[lane.symbol])
    pipeline.correlations.warm(before)
    pipeline.returns.warm(before)
    return LiveSession(
        pipeline,
        ground.journal,
        ground.broker,
        ground.feed,
        ground.ear,
        ground.clock,
        ground.profile.session,
        before,
        ground.fault,
        Recorder(request.db, f"live {ground.feed.kind}", [lane.instrument for lane in lanes]),
        ground.rolls,
    )


def _prefix(book: BookRow, opened: Nanos) -> str:
    """What the order ids of this session begin with. The venue knows orders by them, so no two books may share it, wherever they
    lie, nor two sessions of one: a book that was restored has forgotten ids that the venue still knows."""
    digest = hashlib.sha256(f"{book.run_id} {book.attempt} {book.created_at} {opened}".encode()).hexdigest()
    return f"NG{digest[:8]}-"


def _last_quotes(parts: list[Part]) -> list[Quote]:
    """What each instrument was worth when its last known bar closed."""
    found = []
    for part in parts:
        instrument, bars = part.request.instrument, part.feed.before
        if len(bars):
            bid = instrument.ticks(float(bars.close[-1]))
            at = int(bars.at[-1]) + part.request.timeframe.span
            found.append(Quote(instrument.symbol, at, bid, bid + instrument.spread))
    return found


def _check_terms(records: list[Record], pipeline: Pipeline) -> None:
    """The book's integers must mean what they meant. UserError where an instrument was redefined."""
    for record in records:
        fact = record.fact
        if isinstance(fact, InstrumentListed) and (listed := pipeline.instruments.get(fact.symbol)) is not None:
            now = str(listed.tick_size), str(listed.lot_step), str(listed.contract_size), listed.currency
            if now != (fact.tick_size, fact.lot_step, fact.contract_size, fact.currency):
                raise UserError(
                    f"{fact.symbol} was defined otherwise when this book was opened (tick {fact.tick_size}, lot step "
                    f"{fact.lot_step}); give back its definition, or add --new to open another book"
                )


def _tell_models(session: LiveSession, records: list[Record]) -> None:
    """Records which models decide from now on, where others did before."""
    known = [(it.fact.policy, it.fact.sha256) for it in records if isinstance(it.fact, ModelChanged)]
    lanes = session.pipeline.lanes.values()
    if known[-len(lanes) :] != [(lane.policy.name, lane.policy.sha256) for lane in lanes]:
        session.change_models()
