"""The commands about the database itself: db status, upgrade, downgrade, copy, backup, restore and roles."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

Db = Annotated[str | None, typer.Option("--db", help="Database of the books: a path, sqlite:///PATH or postgresql://…")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Source = Annotated[str, typer.Argument(help="Database to copy from: a path, sqlite:///PATH or postgresql://…")]
Target = Annotated[str, typer.Argument(help="Empty database to copy to.")]

db_app = typer.Typer(help="The database itself: its schema, copies of it, and who may do what.")


def register(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    app.add_typer(db_app, name="db")


def _place(db: str | None) -> str:
    from app.paths import default_books_url

    return db or default_books_url()


@db_app.command("status")
def db_status(db: Db = None, as_json: Json = False) -> int:
    """Which schema books and market data have, and which this program needs."""
    from engine.services.databases import status, timescale

    parts, extension = status(_place(db)), timescale(_place(db))
    for part in parts:
        print(part.line())
    if extension is not None:
        print(f"TimescaleDB: {extension}; nothing needs it")
    if as_json:
        print(json.dumps({"parts": [part._asdict() for part in parts], "timescale": extension}))
    return 0


@db_app.command("upgrade")
def db_upgrade(
    db: Db = None,
    to: Annotated[str | None, typer.Option("--to", help="A part and a version: market:0002; all to the newest.")] = None,
    timescale: Annotated[bool, typer.Option("--timescale", help="Make market data a hypertable of TimescaleDB.")] = False,
    as_json: Json = False,
) -> int:
    """Bring the schema up to what this program needs, or one part of it to a version."""
    from engine.services.databases import upgrade, use_timescale

    moved = upgrade(_place(db), to)
    for part in moved:
        print(part.line())
    if timescale:
        use_timescale(_place(db))
        print("market.blocks is a hypertable")
    if as_json:
        print(json.dumps({"parts": [part._asdict() for part in moved]}))
    return 0


@db_app.command("downgrade")
def db_downgrade(
    to: Annotated[str, typer.Option("--to", help="A part and its version, such as market:0002 or books:base.")],
    db: Db = None,
    force: Annotated[bool, typer.Option("--force", help="Even where rows are lost.")] = False,
    as_json: Json = False,
) -> int:
    """Take a part of the schema down to what an older program needs; refused where rows would be lost."""
    from engine.services.databases import downgrade

    part = downgrade(_place(db), to, force)
    print(part.line())
    if as_json:
        print(json.dumps(part._asdict()))
    return 0


@db_app.command("roles")
def db_roles(
    db: Db = None,
    prefix: Annotated[str, typer.Option("--prefix", help="What the names of the roles begin with.")] = "nicegold",
) -> int:
    """Print the SQL of three roles with least rights on PostgreSQL: owner, trader (this program) and reader."""
    from engine.services.databases import roles

    sys.stdout.write(roles(_place(db), prefix))
    return 0


@db_app.command("copy")
def db_copy(source: Source, target: Target, as_json: Json = False) -> int:
    """Copy books and market data to an empty database, every byte of every fact, and compare both sides."""
    from engine.services.databases import as_dict, copy

    copied = copy(source, target, _told)
    _end_told()
    for line in (*copied.tables, *copied.books):
        print(line.line())
    print(f"{copied.target} has all of {copied.source}")
    if as_json:
        print(json.dumps(as_dict(copied), sort_keys=True))
    return 0 if copied.is_clean else 1


@db_app.command("backup")
def db_backup(
    db: Db = None,
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the backup; beside the books if not given.")] = None,
    keep: Annotated[int | None, typer.Option("--keep", min=1, help="Remove all but so many of the newest afterwards.")] = None,
    books_only: Annotated[bool, typer.Option("--books-only", help="Leave market data out.")] = False,
    as_json: Json = False,
) -> int:
    """Write all books, and market data, to a file with the time in its name; sessions may go on meanwhile."""
    from app.paths import data_dir
    from engine.core.clock import SystemClock
    from engine.services.backups import folder_of, make_backup

    url = _place(db)
    made = make_backup(url, to or folder_of(url, data_dir()), SystemClock().now(), keep, not books_only, _told)
    _end_told()
    print(made.backup.line())
    for path in made.removed:
        print(f"removed {path}")
    if as_json:
        print(json.dumps({**made.backup._asdict(), "removed": made.removed}, default=str))
    return 0


@db_app.command("restore")
def db_restore(
    file: Annotated[Path, typer.Argument(help="A backup that db backup made.")], db: Db = None, as_json: Json = False
) -> int:
    """Put a backup in the place of the books once it is found whole; what was there is put aside."""
    from app.vault import unlock
    from engine.core.clock import SystemClock
    from engine.services.backups import put_back

    restored = put_back(file, _place(db), SystemClock().now(), _told, unlock)
    _end_told()
    for book in restored.books:
        print(book.line())
    print(f"{restored.target} is as {file} has it")
    for path in restored.aside:
        print(f"what was there is in {path}")
    if as_json:
        values = {"target": restored.target, "books": [book._asdict() for book in restored.books], "aside": restored.aside}
        print(json.dumps(values, default=str))
    return 0


def _end_told() -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _told(share: float, text: str) -> None:
    """A line that is written over on a terminal, else nothing."""
    if sys.stderr.isatty():
        print(f"\r{share:4.0%}  {text}\033[K", end="", file=sys.stderr, flush=True)
