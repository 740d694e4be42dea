"""The commands about the audit trail: audit verify, head and erase."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

Db = Annotated[str | None, typer.Option("--db", help="Database of the books: a path, sqlite:///PATH or postgresql://…")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Book = Annotated[int | None, typer.Option("--book", help="Number of the book; the latest if not given.")]


def register(audit_app: typer.Typer) -> None:
    """Adds these commands to those of the audit."""
    audit_app.command("verify")(verify)
    audit_app.command("head")(head)
    audit_app.command("erase")(erase)


def _place(db: str | None) -> str:
    from app.paths import default_books_url

    return db or default_books_url()


def verify(
    db: Db = None,
    book: Book = None,
    head: Annotated[Path | None, typer.Option("--head", help="A head that audit head --json wrote, kept elsewhere.")] = None,
    as_json: Json = False,
) -> int:
    """Go along the chain of a book and name the first fact that was changed, removed, added or cut off; then exit code 1."""
    from app.vault import unlock
    from engine.services.audits import verify_book, wants_a_key

    if wants_a_key(_place(db), book, head):
        unlock()
    verdict = verify_book(_place(db), book, head)
    print(json.dumps(verdict.to_dict(), sort_keys=True) if as_json else verdict.line())
    return 0 if verdict.clean else 1


def head(db: Db = None, book: Book = None, as_json: Json = False) -> int:
    """Print where the chain of a book ends. Kept elsewhere, it shows later whether anything up to there was cut or rewritten."""
    from app.vault import unlock
    from engine.services.audits import head_of, wants_a_key

    if wants_a_key(_place(db), book):
        unlock()
    found = head_of(_place(db), book)
    keyed = "with a key" if found.keyed else "without a key"
    print(
        json.dumps(found._asdict(), sort_keys=True) if as_json else f"book {found.book}: fact {found.seq}, {keyed}, {found.link}"
    )
    return 0


def erase(
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")],
    db: Db = None,
    book: Annotated[int | None, typer.Option("--book", help="Number of the book; it is ended.")] = None,
    before: Annotated[str | None, typer.Option("--before", help="All finished books begun before it: 2024-01-31.")] = None,
    as_json: Json = False,
) -> int:
    """Take the account's name and what the owner wrote out of a book for good; its chain stays whole."""
    from engine.core.clock import SystemClock, from_iso
    from engine.core.errors import UserError
    from engine.services.audits import erase_books

    try:
        until = from_iso(before) if before else None
    except ValueError as error:
        raise UserError(f"--before {before!r} is not a time; write 2024-01-31 or 2024-01-31T10:00") from error
    erased = erase_books(_place(db), book, until, SystemClock().now(), reason)
    for each in erased:
        print(f"book {each.book}: personal values erased from {len(each.facts)} facts; backups made before still have them")
    if as_json:
        print(json.dumps({"books": [each._asdict() for each in erased]}))
    return 0
