"""The engine's own thread: a plain asyncio loop on which the session lives, apart from the window.

Commands come in as calls from any thread and are answered by futures; facts and bars go out through `take`, which the window
calls once per frame. With a window the engine works in slices of SLICE_NS at the most and then yields, because the GIL is shared.
What is heavy is imported on this thread, once the window has the history to paint.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from engine.core.clock import SECOND, Nanos, SystemClock
from engine.core.errors import EngineStopped, StoreError, UserError
from engine.core.undisturbed import new_loop
from engine.domain.facts import CardOpened, Record
from engine.domain.instrument import Cash
from engine.domain.intents import Intent, SubmitOrder, SubmitPair
from engine.domain.limits import Verdict
from engine.domain.margin import Margin
from engine.domain.market import Bar, Bars, Symbol
from engine.domain.views import EngineView, KillReport, RollView
from engine.request import Progress, Request
from engine.signals.desk import Mode

if TYPE_CHECKING:
    from engine.live.session import LiveSession
    from engine.session import Session

SLICE_NS = 2_000_000
"""The longest the engine holds the GIL before it yields."""
CHUNK = 24
"""Quotes between two looks at the slice's clock."""
REST_S = 0.004
MAX_SPEED = 1e9
"""A speed at or above this plays as fast as it goes."""

FAR: Nanos = 1 << 62
"""Later than any market."""

Odds = tuple[Nanos, float, float]

T = TypeVar("T")


@dataclass(slots=True)
class Frame:
    """What happened since the last frame: facts and bars all of them, the picture only as it is now.

    `bars` are those that closed and `forming` those that have begun, by symbol. `played` is the share of the tape behind us,
    None for an endless one; `curve` pairs (time, equity) of closed bars; `odds` the models' (bar, long, short) probabilities
    by symbol.
    """

    view: EngineView
    records: list[Record]
    bars: dict[Symbol, list[Bar]]
    curve: list[tuple[Nanos, Cash]]
    odds: dict[Symbol, list[Odds]]
    forming: dict[Symbol, Bar]
    playing: bool
    speed: float
    finished: bool
    played: float | None


@dataclass(frozen=True, slots=True)
class Opening:
    """What the window needs once: the bars before the session by symbol, its past facts, and what kind of run it is."""

    kind: str
    before: dict[Symbol, Bars]
    records: list[Record]
    resumed: bool
    book: int
    last_seen: Nanos
    doubts: tuple[str, ...]
    unkeyed: str = ""
    """Why the book's chain is made without a key, "" where it is made with one."""


@dataclass(slots=True)
class _Outbox:
    records: list[Record] = field(default_factory=list)
    bars: dict[Symbol, list[Bar]] = field(default_factory=dict)
    curve: list[tuple[Nanos, Cash]] = field(default_factory=list)
    odds: dict[Symbol, list[Odds]] = field(default_factory=dict)


class Host:
    """Runs one session on its own thread: `start`, then `take` and the commands; `stop` ends it in order.

    `prepare` is called with the request before the session opens; `failed` with what ended the thread before its time.
    `faulted` is told of a bug that a live session goes on after. `history` is given the bars of the request's instrument before
    the session as soon as they are known; the engine does nothing while it runs.
    """

    def __init__(
        self,
        request: Request,
        failed: Callable[[BaseException], None],
        prepare: Callable[[Request], None] = lambda _request: None,
        history: Callable[[Bars], None] = lambda _bars: None,
        faulted: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._faulted = faulted
        self._history = history
        self._prepare = prepare
        self._request = replace(request, apart=True, review=True, progress=self._progress(request.progress))
        self._failed = failed
        self._answers: set[Future[Any]] = set()
        self._clock = SystemClock()
        self._thread = threading.Thread(target=self._run, name="engine")
        self._loop = new_loop() if request.feed else asyncio.new_event_loop()
        self._leaving = threading.Event()
        self._opened: Future[Opening] = Future()
        self._outbox = _Outbox()
        self._stop = asyncio.Event()
        self._session: Session | LiveSession | None = None
        self._played: Session | None = None
        self._lived: LiveSession | None = None
        self._unwritten: StoreError | None = None
        self._questions: set[asyncio.Task[Any]] = set()
        self._playing = False
        self._speed = 1.0
        self._pause_at = 0
        self._anchor: tuple[Nanos, Nanos] = (0, 0)

    # --- from the window's thread -------------------------------------------------------------------------------------

    def start(self) -> Future[Opening]:
        """Starts the thread; the future is done when the session is open, or failed with the reason it is not."""
        sys.setswitchinterval(0.0005)
        self._thread.start()
        return self._opened

    def take(self) -> Future[Frame]:
        """All that happened since the last call, with the picture as it is now."""
        return self._call(self._frame)

    def submit(self, intent: Intent) -> Future[Sequence[Record]]:
        """Carries out an intent; the facts it led to."""
        return self._call(lambda session: session.do(intent))

    def preview(self, intent: SubmitOrder | SubmitPair) -> Future[Verdict]:
        """What the gate would answer to a ticket."""
        return self._call(lambda session: session.preview(intent))

    def margin(self, intent: SubmitOrder | SubmitPair) -> Future[Margin]:
        """What a ticket's first order would do to margin, by the venue's word where it gives one. Cancelled, it is not asked any
        longer; the engine goes on meanwhile."""
        return self._asked(lambda: self._margin(intent))

    def foresee_roll(self, symbol: Symbol) -> Future[RollView]:
        """What rolling its position would do, by prices of now. UserError with what stands against it."""
        return self._asked(lambda: self._foresee_roll(symbol))

    def kill(self, flatten: bool, drill: bool) -> Future[KillReport]:
        """Throws the kill switch of a live session; what it came to."""
        return asyncio.run_coroutine_threadsafe(self._kill(flatten, drill), self._loop)

    def set_playing(self, playing: bool, speed: float | None = None) -> Future[None]:
        """Plays or pauses the market, at `speed` times real time."""
        return self._call(lambda _session: self._set_playing(self._tape(), playing, speed))

    def step_bar(self) -> Future[None]:
        """Plays the market up to the close of the bar at hand, then pauses."""
        return self.play_bars(1)

    def play_bars(self, bars: int) -> Future[None]:
        """Plays `bars` bars as fast as it goes, then pauses."""
        return self._call(lambda _session: self._play_bars(self._tape(), bars))

    @property
    def is_busy(self) -> bool:
        """True while the market plays."""
        return self._playing

    def stop(self) -> None:
        """Ends the session after the step at hand, or its opening, and waits for the thread."""
        self._leaving.set()
        if self._thread.is_alive():
            with suppress(RuntimeError):  # its loop is closed: it is on its way out
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()

    def _call(self, action: Callable[[Session | LiveSession], T]) -> Future[T]:
        answer: Future[T] = Future()
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        try:
            self._loop.call_soon_threadsafe(self._answer, action, answer)
        except RuntimeError:
            _refuse(answer)
        return answer

    def _progress(self, told: Progress) -> Progress:
        def tell(share: float, words: str) -> None:
            if self._leaving.is_set():
                raise EngineStopped("the session was closed before it was open")
            told(share, words)

        return tell

    # --- on the engine's thread ---------------------------------------------------------------------------------------

    def _answer(self, action: Callable[[Session | LiveSession], T], answer: Future[T]) -> None:
        if self._session is None or not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(action(self._session))
        except StoreError as error:  # what could not be written did not happen: the session ends and is opened from its books
            answer.set_exception(error)
            self._unwritten = error
            self._stop.set()
        except Exception as error:  # handed to whoever asked; a bug in a command must not end the engine's thread
            answer.set_exception(error)

    def _asked(self, question: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """A question that takes its time, of which nothing is left when the session is over."""
        answer: Future[T] = Future()
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        try:
            self._loop.call_soon_threadsafe(self._ask, question, answer)
        except RuntimeError:
            _refuse(answer)
        return answer

    def _ask(self, question: Callable[[], Coroutine[Any, Any, T]], answer: Future[T]) -> None:
        """Asks in a task of its own, which ends with the question."""
        task = self._loop.create_task(question())
        self._questions.add(task)
        task.add_done_callback(partial(self._tell, answer))
        answer.add_done_callback(lambda asked: self._forget(task) if asked.cancelled() else None)

    def _tell(self, answer: Future[T], task: asyncio.Task[T]) -> None:
        self._questions.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if not answer.set_running_or_notify_cancel():
            return
        answer.set_result(task.result()) if error is None else answer.set_exception(error)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        """Nobody waits for the answer any more; called on any thread."""
        with suppress(RuntimeError):  # the loop is closed, and the task with it
            self._loop.call_soon_threadsafe(task.cancel)

    async def _margin(self, intent: SubmitOrder | SubmitPair) -> Margin:
        from engine.live.margins import margin

        if self._session is None:
            raise UserError("the session is not open yet")
        return await margin(self._session.pipeline, self._lived.broker if self._lived is not None else None, intent)

    async def _foresee_roll(self, symbol: Symbol) -> RollView:
        if self._lived is None:
            raise UserError("futures are rolled in live sessions; this one has one contract of each")
        return await self._lived.rolls.foresee(symbol)

    async def _end_questions(self) -> None:
        """Nothing is asked of a venue once the session is over."""
        questions = list(self._questions)
        for task in questions:
            task.cancel()
        await asyncio.gather(*questions, return_exceptions=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            try:
                self._loop.run_until_complete(self._live())
            finally:
                self._loop.run_until_complete(self._end_questions())
        except BaseException as error:
            self._failed(error)
        finally:
            self._playing = False
            if self._played is not None:
                self._played.close()
            self._loop.close()
            for answer in tuple(self._answers):
                _refuse(answer)

    async def _kill(self, flatten: bool, drill: bool) -> KillReport:
        from engine.live.kill import kill

        if self._lived is None:
            raise UserError("the kill switch is for live sessions; halt this one instead")
        return await kill(self._lived, flatten, drill)

    async def _live(self) -> None:
        if self._request.feed:
            await self._live_at_a_venue()
            return
        try:
            self._session = self._played = session = self._open()
        except Exception as error:  # the window shows why; there is nothing here to go on with
            self._opened.set_exception(error)
            return
        last_seen = session.book.cursor_at
        records = list(session.journal.records())
        self._opened.set_result(
            Opening(
                session.kind,
                session.before,
                records,
                session.resumed,
                session.book.id,
                last_seen,
                session.doubts,
                session.unkeyed,
            )
        )
        while not self._stop.is_set():
            busy = self._slice(session)
            try:
                await asyncio.wait_for(self._stop.wait(), 0 if busy else REST_S)
            except TimeoutError:
                continue
        if self._unwritten is not None:
            raise self._unwritten
        session.keep_place()

    async def _live_at_a_venue(self) -> None:
        """A session on real time: it has tasks of its own on this loop, so nothing is played in slices."""
        self._prepare(self._request)
        from engine.live.opening import live_session

        try:
            async with live_session(self._request, self._faulted, (self._bar,)) as opened:
                self._session = self._lived = session = opened.session
                lead = session.pipeline.lead.symbol
                before = {symbol: replace(bars, volume=bars.volume * 0) for symbol, bars in session.before.items()}
                self._history(before[lead])
                self._listen(session)
                self._playing = True
                self._opened.set_result(
                    Opening(
                        session.kind,
                        before,
                        opened.records(),
                        opened.resumed,
                        opened.book.id,
                        session.pipeline.now,
                        opened.doubts,
                        opened.unkeyed,
                    )
                )
                await session.run(self._stop)
        except Exception as error:  # before it is open the window shows why it is not; afterwards it ends the engine
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    def _listen(self, session: Session | LiveSession) -> None:
        """Facts and odds go to the outbox from now on."""
        from engine.signals.model_policy import ModelPolicy

        session.pipeline.subscribers.append(self._fact)
        for symbol, lane in session.pipeline.lanes.items():
            if isinstance(lane.policy, ModelPolicy):
                lane.policy.watcher = partial(self._guessed, symbol)

    def _open(self) -> Session:
        from engine.feeds import feed_of

        self._prepare(self._request)
        feed = feed_of(self._request)
        self._history(feed.before)
        from engine.session import open_session

        session = open_session(self._request, [self._bar], feed)
        self._listen(session)
        return session

    def _guessed(self, symbol: Symbol, at: Nanos, long: float, short: float) -> None:
        self._outbox.odds.setdefault(symbol, []).append((at, long, short))

    def _slice(self, session: Session) -> bool:
        """Plays what is due, for one slice; True while more is due at once."""
        more = self._playing and self._play_slice(session)
        if session.is_over:
            self._playing = more = False
            if not session.is_finished:
                session.finish()
        return more

    def _play_slice(self, session: Session) -> bool:
        end = self._clock.monotonic() + SLICE_NS
        until = self._due(session)
        while session.player.at < until and not session.is_over:
            session.play(until, 1 if self._pause_at or self._waits_on_cards(session) else CHUNK)
            if self._pause_at and session.pipeline.bars_closed >= self._pause_at:
                self._playing, self._pause_at = False, 0
            if not self._playing:
                return False
            if self._clock.monotonic() >= end:
                return True
        return False

    def _due(self, session: Session) -> Nanos:
        """Market time as it should be by now."""
        if self._speed >= MAX_SPEED or self._pause_at:
            return FAR
        market, wall = self._anchor
        due = market + int((self._clock.monotonic() - wall) * self._speed)
        closed = session.player.at - due
        if closed > SECOND * self._speed and session.player.at - session.pipeline.now > SECOND * 60:
            # A weekend or the daily break: the simulated clock jumps over it instead of showing nothing for minutes.
            self._anchor = (session.player.at, self._clock.monotonic())
            return session.player.at + 1
        return due

    def _tape(self) -> Session:
        """The session, where it is one that is played."""
        if self._played is None:
            raise UserError("a live market goes by itself; it cannot be paused or played")
        return self._played

    def _set_playing(self, session: Session, playing: bool, speed: float | None) -> None:
        self._playing = playing and not session.is_over
        self._speed = speed if speed is not None else self._speed
        self._pause_at = 0
        self._anchor = (session.player.at, self._clock.monotonic())

    def _play_bars(self, session: Session, bars: int) -> None:
        self._playing, self._pause_at = not session.is_over and bars > 0, session.pipeline.bars_closed + bars

    def _waits_on_cards(self, session: Session) -> bool:
        """A replay stops at a card until its owner plays on; a market that lives does not wait for anybody."""
        return session.kind == "replay" and session.pipeline.desk.mode is Mode.CONFIRM

    def _fact(self, record: Record) -> None:
        self._outbox.records.append(record)
        if isinstance(record.fact, CardOpened) and self._played is not None and self._waits_on_cards(self._played):
            self._playing = False

    def _bar(self, symbol: Symbol, bar: Bar, equity: Cash) -> None:
        self._outbox.bars.setdefault(symbol, []).append(self._seen(bar))
        self._outbox.curve.append((bar.at, equity))

    def _seen(self, bar: Bar) -> Bar:
        """The bar as it is shown: live quotes tell no volume."""
        return bar if self._lived is None else bar._replace(volume=0.0)

    def _frame(self, session: Session | LiveSession) -> Frame:
        out, self._outbox = self._outbox, _Outbox()
        return Frame(
            view=session.picture(),
            records=out.records,
            bars=out.bars,
            curve=out.curve,
            odds=out.odds,
            forming={symbol: self._seen(bar) for symbol, lane in session.pipeline.lanes.items() if (bar := lane.bars.peek())},
            playing=self._playing,
            speed=self._speed,
            finished=session.is_over,
            played=session.played_share,
        )


def _refuse(answer: Future[Any]) -> None:
    with suppress(InvalidStateError):  # it was answered in the same moment
        answer.set_exception(EngineStopped("the engine has stopped; close the window and start again"))
