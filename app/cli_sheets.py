"""The commands that hand out what a book holds: export facts, orders, fills and positions."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

Db = Annotated[str | None, typer.Option("--db", help="Database of the books: a path, sqlite:///PATH or postgresql://…")]
Book = Annotated[int | None, typer.Option("--book", help="Number of the book; the latest if not given.")]
File = Annotated[Path | None, typer.Argument(help="File to write, packed where it ends in .gz; printed if not given.")]
Form = Annotated[str | None, typer.Option("--format", help="csv or parquet; by the file's ending if not given.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]
Json = Annotated[bool, typer.Option("--json", help="With a file: print one JSON object as the last line.")]

TABLES = {
    "facts": "Print the canonical lines of a book; their SHA-256 is the run's facts_sha256. With a file or --format: a table.",
    "orders": "Orders of a book and how they stand, as a table that is safe for spreadsheets.",
    "fills": "Executions of a book, as a table that is safe for spreadsheets.",
    "positions": "What a book holds, what it brought and cost, as a table that is safe for spreadsheets.",
}


def register(export_app: typer.Typer) -> None:
    """Adds these commands to `export`."""
    for table, about in TABLES.items():
        export_app.command(table, help=about)(_command(table))


def _command(table: str) -> Callable[..., int]:
    def export(
        file: File = None, form: Form = None, db: Db = None, book: Book = None, force: Force = False, as_json: Json = False
    ) -> int:
        from app.paths import default_books_url

        books = db or default_books_url()
        if file is not None:
            return _write(books, book, table, file, form, force, as_json)
        return _print(books, book, table, form, force or as_json)

    return export


def _write(books: str, book: int | None, table: str, file: Path, form: str | None, force: bool, as_json: bool) -> int:
    from engine.services.sheets import write_sheet

    done = write_sheet(books, book, table, file, form, force)
    print(f"{done.file}: {done.rows:,} {done.table} of book {done.book}, {done.format}")
    if as_json:
        print(json.dumps(done.to_dict(), sort_keys=True))
    return 0


def _print(books: str, book: int | None, table: str, form: str | None, wants_file: bool) -> int:
    from engine.core.errors import UserError
    from engine.services.bookkeeping import fact_lines
    from engine.services.sheets import csv_lines

    if wants_file or form not in (None, "csv"):
        raise UserError(f"name the file to write: main.py export {table} FILE; without one, lines are printed")
    lines: Iterable[str] = csv_lines(books, book, table)
    if table == "facts" and form is None:
        lines = (f"{line}\n" for line in fact_lines(books, book))
    for line in lines:
        sys.stdout.write(line)
    return 0
