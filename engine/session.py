"""A session: the one place that knows which clock, feed and broker the pipeline was given, and which book it keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.brokers.sim.broker import SimBroker, SimTerms
from engine.core.clock import Nanos, SystemClock, from_iso, to_iso
from engine.core.errors import UserError
from engine.domain.instrument import cash
from engine.execution.trader import Sizing
from engine.feeds import Feed, feed_of
from engine.lane import Lane
from engine.learning import Lesson, learn, load_model
from engine.pipeline import NEVER, BarListener, Pipeline, Setup
from engine.player import Player
from engine.request import VERSION, Request
from engine.signals.model_policy import ModelPolicy
from engine.signals.policy import Policy
from engine.signals.sma_cross import SmaCross
from engine.storage.books import BookRow, Books
from engine.storage.database import Database, open_books
from engine.storage.journal import SqlJournal
from engine.storage.lock import hold


class Session:
    """A run in progress. `play` moves it, `close` lets go of the books; a session of the same request goes on where it ended."""

    def __init__(
        self, request: Request, feed: Feed, policy: Policy, lesson: Lesson | None, on_bar: Sequence[BarListener] = ()
    ) -> None:
        self.request = request
        self.kind = feed.kind
        self.lesson = lesson
        self.policy = policy
        self.before = feed.before
        self.tape = feed.tape
        self.until = from_iso(request.until) if request.until else NEVER
        if self.until <= feed.first:
            raise UserError(f"--until {request.until} lies before the first quote, which is at {to_iso(feed.first)}")
        setup, terms = _setup(request, policy), _terms(request)
        lane = Lane(request.instrument, request.timeframe, policy)
        self._clock = SystemClock()
        self.played_ns = 0
        self._first_bar = 0
        description = _describe(request, feed, policy)
        self.run_id = hashlib.sha256(description.encode()).hexdigest()
        self.database: Database = open_books(request.db)
        self.books = Books(self.database)
        try:
            self.book = self._book(description)
            self._lock = hold(self.database, self.book.id) if not self.book.is_finished else None
        except UserError:
            self.database.close()
            raise
        self.journal = SqlJournal(self.database, self.book.id)
        instruments = {request.instrument.symbol: request.instrument}
        self.pipeline = Pipeline(setup, [lane], self.journal, lambda sink: SimBroker(instruments, terms, sink))
        self.pipeline.on_bar.extend(on_bar)
        lane.warm(feed.before)
        self.player = Player(feed.tape, self.pipeline)
        self.resumed = self.book.facts > 0
        self.is_finished = self.book.is_finished
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _book(self, description: str) -> BookRow:
        known = self.books.find(self.run_id)
        if known is not None and known.is_finished and not self.request.new:
            if self.request.review:
                return known
            raise UserError(
                f"this run is finished (book {known.id} of {self.database.place.name}); add --new to run it again, "
                f"or export its facts with --book {known.id}"
            )
        if known is None or known.is_finished or self.request.new:
            account = self.request.config.account.name
            return self.books.open(self.run_id, account, self.kind, description, self._clock.now())
        return known

    def _start(self) -> None:
        if self.resumed:
            cursor = self.journal.cursor()
            told = self.request.progress
            self.player.recall(self.journal.records(), cursor, lambda step: told(step / cursor, "going on where the book ended"))
        else:
            self.pipeline.begin(self.player.at)
        self._first_bar = self.pipeline.bars_closed

    @property
    def is_over(self) -> bool:
        """True when the run is finished, or its tape or the time it is to run until is at the end."""
        return self.is_finished or self.player.finished or self.player.at >= self.until

    @property
    def played_share(self) -> float | None:
        """How much of the tape is behind us, 0 to 1; None for an endless one."""
        whole = self.tape.quotes
        return None if whole is None else self.player.quotes / max(1, whole)

    def play(self, until: Nanos = NEVER, most: int = NEVER) -> None:
        """Plays quotes before market time `until`, `most` of them at the most."""
        begun = self._clock.monotonic()
        self.player.play(min(until, self.until), most)
        self.played_ns += self._clock.monotonic() - begun

    def keep_place(self) -> None:
        """Remembers how far the market was played, so that the run goes on from there; else it does from its last fact.

        For between two steps only: a step that failed is to be taken again.
        """
        if not self.journal.is_waiting:
            self.books.keep_place(self.book, self.pipeline.step, self.pipeline.now)

    def finish(self) -> dict[str, Any]:
        """Marks the run as finished and returns its summary."""
        summary = self.summary()
        self.keep_place()
        self.books.finish(self.book, json.dumps(summary, sort_keys=True))
        self.is_finished = True
        return summary

    def summary(self) -> dict[str, Any]:
        """The run in figures; see engine.report."""
        from engine.report import summarise

        bars = self.pipeline.bars_closed - self._first_bar
        figures = summarise(self.pipeline, self.player, self.database, self.book.id, bars, self.played_ns)
        return {**figures, "finished": self.is_over}

    def close(self) -> None:
        """Lets go of the books; what was committed stays."""
        self.journal.close()
        if self._lock is not None:
            self._lock.release()
        self.database.close()


def open_session(request: Request, on_bar: Sequence[BarListener] = (), feed: Feed | None = None) -> Session:
    """Reads the feed, finds or trains the model, and opens or resumes the book. UserError for what the user must mend.

    `on_bar` listeners hear of every bar that closes, those of a resumed run's past among them; `feed` is given where it was
    read already.
    """
    feed = feed or feed_of(request)
    policy, lesson = _policy(request, feed)
    return Session(request, feed, policy, lesson, on_bar)


def _policy(request: Request, feed: Feed) -> tuple[Policy, Lesson | None]:
    if request.policy == "sma_cross":
        cross = request.config.sma_cross
        return SmaCross(request.instrument, cross.fast, cross.slow, cross.stop_fraction, cross.reward_risk), None
    if request.policy != "model":
        raise UserError(f"policy {request.policy!r} is not known; use model or sma_cross")
    lesson = _given(request, request.model) if request.model is not None else _learn(request, feed)
    section = request.config.model
    threshold = lesson.threshold if section.threshold == "auto" else float(section.threshold)
    return ModelPolicy(request.instrument, lesson.predictor, threshold, lesson.stop_atr, lesson.reward_risk), lesson


def _given(request: Request, path: Path) -> Lesson:
    """The model the user names; UserError when it was trained for another instrument or timeframe."""
    lesson = load_model(path)
    made_for = lesson.predictor.manifest["instrument"], lesson.predictor.manifest["timeframe"]
    asked = request.instrument.symbol, request.timeframe.name
    if made_for != asked:
        raise UserError(
            f"{path} was trained for {' '.join(made_for)}, not for {' '.join(asked)}; give a model that was trained for that"
        )
    return lesson


def _learn(request: Request, feed: Feed) -> Lesson:
    bars = feed.before
    if request.train_from == "db":
        from engine.storage.market import open_market

        with open_market(request.db) as store:
            bars = store.read_bars(request.instrument.symbol, request.timeframe.name, None, feed.first)
    return learn(
        bars,
        request.timeframe,
        request.instrument,
        request.config.model,
        request.seed,
        request.models,
        request.progress,
        apart=request.apart,
        signal_rate=feed.signal_rate,
    )


def _setup(request: Request, policy: Policy) -> Setup:
    config = request.config
    fixed = request.instrument.steps(config.sma_cross.lots) if policy.name == "sma_cross" else 0
    if config.account.currency != request.instrument.currency:
        raise UserError(
            f"the account is kept in {config.account.currency} but {request.instrument.symbol} is dealt in "
            f"{request.instrument.currency}; set account.currency to {request.instrument.currency}"
        )
    return Setup(
        account=config.account.name,
        currency=config.account.currency,
        balance=cash(config.account.balance),
        mode=request.mode,
        limits=config.limits.limits(),
        sizing=Sizing(config.model.risk_per_trade, fixed),
        slippage=config.broker.slippage,
        cooldown=config.signals.cooldown,
        expiry=config.signals.expiry,
    )


def _terms(request: Request) -> SimTerms:
    section = request.config.broker
    steps = request.instrument.steps(section.fill_lots) if section.fill_lots else 0
    return SimTerms(section.slippage, section.through, steps)


def _describe(request: Request, feed: Feed, policy: Policy) -> str:
    """Canonical JSON of all that decides how the run goes; its hash is the run's id."""
    return json.dumps(
        {
            "version": VERSION,
            "data": {**feed.identity, "from": feed.first},
            "instrument": request.instrument.symbol,
            "definition": request.instrument.definition,
            "timeframe": request.timeframe.name,
            "policy": policy.name,
            "model": policy.sha256,
            "mode": request.mode.value,
            "seed": request.seed,
            "until": request.until,
            "config": request.config.model_dump(mode="json"),
        },
        sort_keys=True,
        separators=(",", ":"),
    )
