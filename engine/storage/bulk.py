"""Many rows in and out of one table without holding them: COPY on PostgreSQL, one prepared statement on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from engine.storage.link import Link, PostgresLink, Row, SqliteLink


def copy_in(link: Link, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Adds rows to `table` (with its schema's name, where it has one). For inside a transaction."""
    if isinstance(link, PostgresLink):
        types = _types(link, table, columns)
        into: Any = f"COPY {table} ({', '.join(map(quoted, columns))}) FROM STDIN (FORMAT binary)"
        with link.mapped(), link.raw.cursor() as cursor, cursor.copy(into) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
        return
    assert isinstance(link, SqliteLink)
    names, marks = ", ".join(map(quoted, columns)), ", ".join("?" * len(columns))
    with link.mapped():
        link.raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def copy_out(link: Link, table: str, columns: Sequence[str], key: Sequence[str]) -> Iterator[Row]:
    """The rows of `table` in the order of `key`, texts by their bytes; the link is taken until the last one was handed out."""
    query = f"SELECT {', '.join(map(quoted, columns))} FROM {table} ORDER BY "
    if isinstance(link, PostgresLink):
        types = _types(link, table, columns)
        texts = {name for name, kind in zip(columns, types, strict=True) if kind == "text"}
        order = ", ".join(quoted(name) + (' COLLATE "C"' if name in texts else "") for name in key)
        out: Any = f"COPY ({query}{order}) TO STDOUT (FORMAT binary)"
        with link.mapped(), link.raw.cursor() as cursor, cursor.copy(out) as copy:
            copy.set_types(types)
            yield from copy.rows()
        return
    yield from link.stream(query + ", ".join(map(quoted, key)))


def quoted(name: str) -> str:
    """A column's name as both databases take it, whatever words they keep for themselves."""
    return f'"{name}"'


def _types(link: PostgresLink, table: str, columns: Sequence[str]) -> list[str]:
    """The columns' types, as binary COPY has to be told."""
    known: dict[str, str] = dict(
        link.rows(
            "SELECT attname, typname FROM pg_attribute JOIN pg_type t ON t.oid = atttypid "
            "WHERE attrelid = ?::regclass AND attnum > 0 AND NOT attisdropped",
            (table,),
        )
    )
    return [known[name] for name in columns]
