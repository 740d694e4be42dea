"""A live journal on a loop of its own, as a session has it, and databases that do not take what they are given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from engine.core.errors import NiceGoldError
from engine.domain.facts import DayStarted
from engine.storage.books import BookRow, Books
from engine.storage.database import Database
from engine.storage.journal import export_lines
from engine.storage.live_journal import LiveJournal
from engine.storage.lock import BookLock
from engine.storage.spool import spool_path

PATIENCE_S = 60.0


class Desk:
    """A live journal of one book, and the answers that came to the engine's loop."""

    def __init__(self, database: Database, book: BookRow, folder: Path, lock: BookLock | None = None) -> None:
        self.database = database
        self.book = book
        self.folder = folder
        self.path = spool_path(database.place, book.id, folder)
        self.answers: list[tuple[str, str]] = []
        self._loop = asyncio.new_event_loop()
        self.journal = LiveJournal(database, book.id, self._loop, folder, lock=lock)

    def step(self, number: int, facts: int = 1) -> None:
        """Commits a step of so many facts."""
        for each in range(facts):
            self.journal.append(number, number * 10, DayStarted(number * 1000 + each))
        self.journal.commit(number, number * 10)

    def ask(self, name: str, safety: bool = False) -> None:
        self.journal.when_durable(lambda sentence: self.answers.append((name, sentence)), safety)

    def answered(self, count: int) -> list[tuple[str, str]]:
        """All answers, once there are so many."""
        self.until(lambda: len(self.answers) >= count)
        return self.answers

    def until(self, condition: Callable[[], bool]) -> None:
        """Lets the loop go until something is so."""

        async def wait() -> None:
            while not condition():
                await asyncio.sleep(0.002)

        self._loop.run_until_complete(asyncio.wait_for(wait(), PATIENCE_S))

    def stored(self) -> list[str]:
        return list(export_lines(self.database, self.book.id))

    def stored_again(self) -> list[str]:
        """As `stored`; none while the database cannot be read."""
        try:
            return self.stored()
        except NiceGoldError:
            return []

    def seqs(self) -> list[int]:
        return [record.seq for record in self.journal.records()]

    def close(self, patience_s: float = PATIENCE_S) -> str:
        said = self.journal.close(patience_s)
        if not self._loop.is_closed():
            self._loop.run_until_complete(asyncio.sleep(0))
            self._loop.close()
        return said


@contextmanager
def desk(database: Database, folder: Path, run: str = "run") -> Iterator[Desk]:
    """A live journal on a new book."""
    with opened(database, Books(database).open(run, "live", "live", "{}", 1), folder) as made:
        yield made


@contextmanager
def opened(database: Database, book: BookRow, folder: Path) -> Iterator[Desk]:
    """A live journal on this book."""
    with closing(Desk(database, book, folder)) as made:
        yield made


@contextmanager
def locked(database: Database, book: BookRow) -> Iterator[None]:
    """Another program holds what the writer needs."""
    with closing(database.link()) as link, link.transaction():
        link.rows("UPDATE books SET summary = summary WHERE id = ?", (book.id,))
        yield
