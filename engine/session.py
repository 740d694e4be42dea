"""A session: the one place that knows which clock, feed and broker the pipeline was given, and which book it keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from engine.brokers.secrets import chain_key
from engine.brokers.sim.broker import SimBroker
from engine.core.clock import Nanos, SystemClock, from_iso, to_iso
from engine.core.errors import UserError
from engine.domain.facts import Record
from engine.domain.intents import Intent, SubmitOrder, SubmitPair
from engine.domain.limits import Verdict
from engine.domain.views import EngineView
from engine.feeds import Feed, feed_beside, feed_of
from engine.lane import Lane
from engine.market.medley import Medley
from engine.market.tape import Tape
from engine.parts import Part, describe, others, part_of, setup_of, terms_of
from engine.pipeline import NEVER, BarListener, Pipeline
from engine.player import Player
from engine.request import Request
from engine.storage.books import BookRow, Books
from engine.storage.chain import is_keyed
from engine.storage.database import Database, open_books
from engine.storage.journal import SqlJournal
from engine.storage.lock import hold


class Session:
    """A run in progress. `play` moves it, `close` lets go of the books; a session of the same request goes on where it ended."""

    def __init__(self, parts: Sequence[Part], on_bar: Sequence[BarListener] = ()) -> None:
        """`parts` are the instruments it trades; what is asked of the session as a whole stands in the first one's request."""
        lead = parts[0]
        request, feed = lead.request, lead.feed
        self.request = request
        self.kind = feed.kind
        self.lesson = lead.lesson
        self.policy = lead.policy
        self.doubts = tuple(doubt for part in parts for doubt in part.feed.doubts)
        self.before = {part.request.instrument.symbol: part.feed.before for part in parts}
        self.tape: Tape = feed.tape if len(parts) == 1 else Medley([part.feed.tape for part in parts])
        self.until = from_iso(request.until) if request.until else NEVER
        if self.until <= feed.first:
            raise UserError(f"--until {request.until} lies before the first quote, which is at {to_iso(feed.first)}")
        setup, terms = setup_of(parts), terms_of(parts)
        lanes = [Lane(part.request.instrument, request.timeframe, part.policy) for part in parts]
        self._clock = SystemClock()
        self.played_ns = 0
        self._first_bar = 0
        description = describe(parts)
        self.run_id = hashlib.sha256(description.encode()).hexdigest()
        self.database: Database = open_books(request.db)
        self.books = Books(self.database)
        try:
            self.book = self._book(description)
            self._lock = hold(self.database, self.book.id) if not self.book.is_finished else None
        except UserError:
            self.database.close()
            raise
        self.journal = self._journal()
        instruments = {lane.symbol: lane.instrument for lane in lanes}
        self.pipeline = Pipeline(
            setup, lanes, self.journal, lambda sink: SimBroker(instruments, terms, sink, lambda: self.pipeline.now)
        )
        self.pipeline.on_bar.extend(on_bar)
        for lane in lanes:
            lane.warm(self.before[lane.symbol])
        self.pipeline.correlations.warm(self.before)
        self.pipeline.returns.warm(self.before)
        self.player = Player(self.tape, self.pipeline)
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

    def _journal(self) -> SqlJournal:
        """The book's journal, chained with a key where there is one; `unkeyed` says why there is none."""
        try:
            found = chain_key(self.book.id, None if self.book.seal is None else is_keyed(self.book.seal))
            self.unkeyed = found.why
            return SqlJournal(self.database, self.book.id, found.key)
        except UserError:
            if self._lock is not None:
                self._lock.release()
            self.database.close()
            raise

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

    def do(self, intent: Intent, by: str = "owner") -> Sequence[Record]:
        """Carries out an intent; the facts it led to."""
        if self.is_over:
            raise UserError("this run is at its end and nothing is traded in it any more; start afresh to trade on")
        return self.pipeline.on_intent(intent, by)

    def preview(self, intent: SubmitOrder | SubmitPair) -> Verdict:
        """What the gate would answer to a ticket."""
        return self.pipeline.preview(intent)

    def picture(self) -> EngineView:
        """Everything as it stands now, for the window."""
        from engine.picture import paint

        return paint(self.pipeline)

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
        figures = summarise(self.pipeline, self.player.quotes, self.database, self.book.id, bars, self.played_ns)
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
    beside = (part_of(other, feed_beside(other, feed.first)) for other in others(request))
    parts = [part_of(request, feed), *beside]
    return Session(parts, on_bar)
