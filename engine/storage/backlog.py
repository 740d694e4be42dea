"""Steps on their way to the disk, and those who wait for them: what the engine's thread and the two that write share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Lock
from typing import NamedTuple

from engine.core.clock import SECOND, Nanos, SystemClock
from engine.storage.spool import SpooledStep
from engine.storage.writers import Prepared

MOST_FACTS = 5_000
"""Facts of one transaction, give or take a step."""

SPOOL_AFTER_S = 0.1
"""How long what must leave for safety's sake waits for the database before it is spooled."""

REFUSE_AFTER_S = 2.0
"""How long anything else waits for a database that does not answer at all; one that refuses is heard at once."""

Then = Callable[[str], None]
Call = Callable[[Then, str], object]
"""Has the engine's loop call the first with the second."""


class Handed(NamedTuple):
    """A step as it was committed: its rows, and the cursor and time it moves the book to."""

    rows: tuple[Prepared, ...]
    step: int
    at: Nanos

    @property
    def last(self) -> int:
        """The number of its last fact."""
        return self.rows[-1][1]

    def spooled(self) -> SpooledStep:
        return SpooledStep(self.step, self.at, tuple(row[5] for row in self.rows))


class _Asked(NamedTuple):
    upto: int
    then: Then
    safety: bool
    due: Nanos


class Backlog:
    """A queue of steps and a queue of questions about them. Questions are answered in their order."""

    def __init__(self, call: Call, stored: int) -> None:
        """`stored` is the number of the last fact that the database has."""
        self.trouble = ""
        self.stored = stored
        self._spooled = stored
        self._call = call
        self._steps: deque[Handed] = deque()
        self._asked: deque[_Asked] = deque()
        self._is_closing = self._rests = False
        self._monotonic = SystemClock().monotonic
        lock = Lock()
        self._to_write = Condition(lock)
        self._to_spool = Condition(lock)

    # --- the engine's thread ------------------------------------------------------------------------------------------

    def add(self, step: Handed, at_once: bool = True) -> None:
        """Hands a step to the writer; without `at_once` it rests until the next step, until it is roused, or asked for one.

        Who waits for an answer already is not made to wait for that.
        """
        with self._to_write:
            self._steps.append(step)
            self._rests = not at_once and not self._asked
            if not self._rests:
                self._to_write.notify()

    def rouse(self) -> None:
        """What rests is to be written now."""
        with self._to_write:
            self._rests = False
            self._to_write.notify()

    def ask(self, upto: int, then: Then, safety: bool) -> None:
        """Answers once fact `upto` is on the disk, or cannot be."""
        due = self._monotonic() + int((SPOOL_AFTER_S if safety else REFUSE_AFTER_S) * SECOND)
        with self._to_write:
            if self._is_closing:
                return
            self._asked.append(_Asked(upto, then, safety, due))
            self._answer()
            if self._asked:
                self._rests = False
                self._to_write.notify()
                self._to_spool.notify()

    def waiting(self) -> list[Handed]:
        """The steps that the database does not have yet."""
        with self._to_write:
            return list(self._steps)

    @property
    def is_closing(self) -> bool:
        """True once nobody is told anything any more."""
        return self._is_closing

    def unspooled(self) -> list[Handed]:
        """The steps that neither the database nor the spool has yet."""
        with self._to_write:
            return [step for step in self._steps if step.last > self._spooled]

    def close(self) -> None:
        """Lets the writer end once nothing waits. Nobody is told anything from now on, so that nothing leaves any more."""
        with self._to_write:
            self._is_closing = True
            self._asked.clear()
            self._to_write.notify_all()
            self._to_spool.notify_all()

    # --- the writer's thread ------------------------------------------------------------------------------------------

    def batch(self) -> list[Handed]:
        """The steps to be written next, as soon as there are some; none once it is closed and empty."""
        with self._to_write:
            while (self._rests or not self._steps) and not self._is_closing:
                self._to_write.wait()
            found, facts = list[Handed](), 0
            for step in self._steps:
                if facts >= MOST_FACTS:
                    break
                found.append(step)
                facts += len(step.rows)
            return found

    def kept(self, upto: int) -> None:
        """The database has all facts up to `upto`."""
        with self._to_write:
            while self._steps and self._steps[0].last <= upto:
                self._steps.popleft()
            self.stored = upto
            self.trouble = ""
            self._answer()

    def refused(self, sentence: str) -> None:
        """The database did not take the last batch."""
        with self._to_write:
            self.trouble = sentence
            self._answer()
            self._to_spool.notify()

    def pause(self, seconds: float) -> None:
        """Waits before the next try, less long when closing begins meanwhile."""
        with self._to_write:
            closing = self._is_closing
            self._to_write.wait_for(lambda: self._is_closing is not closing, seconds)

    # --- the spooler's thread -----------------------------------------------------------------------------------------

    def to_spool(self) -> list[Handed]:
        """The steps that must be spooled now, as soon as there are some; none once it is closed."""
        with self._to_spool:
            while not self._is_closing:
                if not self._asked:
                    self._to_spool.wait()
                    continue
                head, now = self._asked[0], self._monotonic()
                due = min(asked.due for asked in self._asked)  # who asks first must not hold up a stop that asks after
                if not self.trouble and now < due:
                    self._to_spool.wait((due - now) / SECOND)
                elif head.safety:
                    return [step for step in self._steps if self._spooled < step.last <= head.upto]
                else:
                    self.trouble = "the database does not answer"
                    self._answer()
            return []

    def spooled(self, upto: int) -> None:
        """The spool has all facts up to `upto` that the database does not have."""
        with self._to_spool:
            self._spooled = max(self._spooled, upto)
            self._answer()

    def give_up(self, sentence: str) -> None:
        """The first in the queue is told that neither database nor spool can take what it waits for."""
        with self._to_spool:
            if self._asked and self._asked[0].upto > max(self.stored, self._spooled):
                self._call(self._asked.popleft().then, sentence)
            self._answer()

    # --- answers ------------------------------------------------------------------------------------------------------

    def _answer(self) -> None:
        while self._asked:
            head = self._asked[0]
            if head.upto <= self.stored or (head.safety and head.upto <= self._spooled):
                sentence = ""
            elif self.trouble and not head.safety:
                sentence = self.trouble
            else:
                return
            self._asked.popleft()
            self._call(head.then, sentence)
