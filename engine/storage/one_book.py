"""A view asked for one book, in time that does not grow with the books beside it.

The views join what they group over all books, and SQLite does not carry a book's number into that. So the view's own definition,
as the database has it, is run over the facts of the one book: a query named `facts` stands before the table of that name.
PostgreSQL carries the number in by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from engine.storage.database import Database
from engine.storage.tables import VIEWS

_HEAD = re.compile(r"\s*CREATE\s+VIEW\s+\w+\s+AS\s", re.IGNORECASE)


def question(database: Database, source: str, columns: Iterable[str], book_id: int, order: str = "") -> tuple[str, Sequence[Any]]:
    """The query, and its values, for `columns` of a book in a view or a table, by `order` where that is given."""
    end = f" ORDER BY {order}" if order else ""
    definition = _definition(database, source)
    if definition is None:
        return f"SELECT {', '.join(columns)} FROM {source} WHERE book_id = ?{end}", (book_id,)
    facts = "facts AS NOT MATERIALIZED (SELECT * FROM main.facts WHERE book_id = ?)"
    return f"WITH {facts} SELECT {', '.join(columns)} FROM ({definition}) WHERE book_id = ?{end}", (book_id, book_id)


def _definition(database: Database, source: str) -> str | None:
    """What SQLite keeps of a view; None for a table, for another database, and for a view that is not there."""
    if source not in VIEWS or not database.is_sqlite:
        return None
    kept = database.rows("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = ?", (source,))
    found = _HEAD.match(kept[0][0]) if kept else None
    return None if found is None else kept[0][0][found.end() :]
