"""The list of books. A book is an account and a run; its facts are in the journal."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.clock import Nanos
from engine.storage.database import Database
from engine.storage.link import Link, Row

_COLUMNS = "id, run_id, attempt, account, kind, description, status, cursor, cursor_at, facts, summary, created_at, seal"


@dataclass(frozen=True, slots=True)
class BookRow:
    """A book as of when it was read.

    `run_id` is the hash of the run's inputs and `attempt` counts its runs from 1; `description` is canonical JSON of the inputs.
    `cursor` is the step the market was last known to be played to and `cursor_at` its time; `facts` the number of the last
    fact. `summary` is JSON. `seal` is over the last fact's link in the chain, None before the first fact.
    """

    id: int
    run_id: str
    attempt: int
    account: str
    kind: str
    description: str
    status: str
    cursor: int
    cursor_at: Nanos
    facts: int
    summary: str | None
    created_at: Nanos
    seal: str | None

    @property
    def is_finished(self) -> bool:
        return self.status == "finished"


class Books:
    """Opens, finds and finishes books."""

    def __init__(self, database: Database | Link) -> None:
        self._database = database

    def latest(self, run_id: str | None = None) -> BookRow | None:
        """The book opened last, of this run or of any."""
        where, values = ("WHERE run_id = ?", (run_id,)) if run_id is not None else ("", ())
        return _first(self._database.rows(f"SELECT {_COLUMNS} FROM books {where} ORDER BY id DESC LIMIT 1", values))

    def find(self, run_id: str) -> BookRow | None:
        """The latest attempt at this run."""
        return self.latest(run_id)

    def get(self, book_id: int) -> BookRow | None:
        """The book with this number."""
        return _first(self._database.rows(f"SELECT {_COLUMNS} FROM books WHERE id = ?", (book_id,)))

    def open(self, run_id: str, account: str, kind: str, description: str, at: Nanos) -> BookRow:
        """A new, empty book: the next attempt at `run_id`."""
        rows = self._database.rows(
            "INSERT INTO books (run_id, attempt, account, kind, description, status, cursor, cursor_at, facts, created_at) "
            "VALUES (?, (SELECT coalesce(max(attempt), 0) + 1 FROM books WHERE run_id = ?), ?, ?, ?, 'open', 0, 0, 0, ?) "
            f"RETURNING {_COLUMNS}",
            (run_id, run_id, account, kind, description, at),
        )
        return BookRow(*rows[0])

    def keep_place(self, book: BookRow, cursor: int, at: Nanos) -> None:
        """Remembers how far the market was played, so that the run goes on from there and not from its last fact."""
        moved = "UPDATE books SET cursor = ?, cursor_at = ? WHERE id = ? AND cursor < ?"
        self._database.rows(moved, (cursor, at, book.id, cursor))

    def finish(self, book: BookRow, summary_json: str) -> None:
        """Marks the run as complete, with what it came to."""
        self._database.rows("UPDATE books SET status = 'finished', summary = ? WHERE id = ?", (summary_json, book.id))

    def list(self) -> list[BookRow]:
        """All books, the oldest first."""
        return [BookRow(*row) for row in self._database.rows(f"SELECT {_COLUMNS} FROM books ORDER BY id")]


def _first(rows: list[Row]) -> BookRow | None:
    return BookRow(*rows[0]) if rows else None
