"""Where facts go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from engine.core.clock import Nanos
from engine.domain.facts import Fact, Record


class Journal(Protocol):
    """An append-only list of facts of one book.

    `append` numbers the fact, holds it in the open step and returns its record; nothing is durable before `commit`.
    One step is one transaction: after a crash either all of a step's facts are there or none.
    """

    def append(self, step: int, at: Nanos, fact: Fact) -> Record:
        """Adds a fact to the open step."""
        ...

    def commit(self, step: int, at: Nanos) -> None:
        """Makes the open step durable with the cursor `step` (and its time). Does nothing when no fact is waiting.

        Raises StoreError when the database refuses; the facts then stay waiting and nothing was half written.
        """
        ...

    def records(self) -> Iterator[Record]:
        """All committed facts of the book in order."""
        ...

    def last_seq(self) -> int:
        """The number of the last fact appended; 0 for a new book."""
        ...

    def cursor(self) -> int:
        """The step of the last commit; 0 for a new book."""
        ...


class DurableJournal(Journal, Protocol):
    """A journal whose `commit` returns at once: one thread writes the steps in their order, each synced to the disk.

    While the database refuses, steps wait and are tried again; `append` and `commit` go on. What waits is kept in order, and a
    step with something that must leave for safety's sake is synced to a spool file beside the database meanwhile, with all that
    waits before it; the spool is taken into the database before a book is opened again.
    """

    @property
    def trouble(self) -> str:
        """Why steps wait, as a sentence; "" while they do not."""
        ...

    def when_durable(self, then: Callable[[str], None], safety: bool) -> None:
        """Calls `then` on the engine's loop once the committed steps are on the disk, with "".

        Where the database refuses: with the sentence of its refusal. What is for `safety` waits for no database: it is spooled
        here and now, with all that waits before it, and `then` is called at once with "".
        A refused step stays waiting.
        """
        ...


Subscriber = Callable[[Record], None]
