"""The commands about instruments: list, show, set, history and check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from engine.core.errors import UserError

Db = Annotated[str | None, typer.Option("--db", help="Database of the books: a path, sqlite:///PATH or postgresql://…")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Name = Annotated[str, typer.Argument(help="Symbol, for example XAUUSD, or a profile of it, for example XAUUSD@ib.")]

instruments_app = typer.Typer(help="What can be traded: terms, sessions, holidays, costs, and the owner's edits of them.")


def register(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    app.add_typer(instruments_app, name="instruments")


def _place(db: str | None) -> str:
    from app.paths import default_books_url

    return db or default_books_url()


@instruments_app.command("list")
def list_instruments(db: Db = None, as_json: Json = False) -> int:
    """List the instruments and the terms they are dealt on."""
    from engine.services.instruments import listed

    found = listed(_place(db))
    for each in found:
        what, size, price = each.definition, each.definition.size, each.definition.price
        terms = f"tick {price.tick:f}, 1 lot = {size.contract:f} {size.unit}, step {size.step:f}, {size.currency}"
        print(f"{each.key:15} {what.kind:7} {what.name:36} {terms}, version {each.version}")
    if as_json:
        print(json.dumps({"instruments": [each.to_dict() for each in found]}, sort_keys=True))
    return 0


@instruments_app.command("show")
def show_instrument(
    name: Name,
    version: Annotated[int | None, typer.Option("--version", help="An earlier version; 0 is the shipped file.")] = None,
    db: Db = None,
    as_json: Json = False,
) -> int:
    """Show an instrument's definition, value by value, and its next holidays."""
    from engine.domain.revision import leaves
    from engine.services.instruments import next_closures, next_rolls, show

    found = show(name, _place(db), version)
    print(found.line())
    for path, value in leaves(found.definition).items():
        print(f"  {path} = {value if isinstance(value, str) else json.dumps(value)}")
    for line in next_closures(found.definition) + next_rolls(found.definition):
        print(f"  {line}")
    if as_json:
        print(json.dumps(found.to_dict(), sort_keys=True))
    return 0


@instruments_app.command("set")
def set_instrument(
    name: Name,
    values: Annotated[
        list[str] | None, typer.Argument(help="Values such as financing.long=-42.1; nothing after = removes.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Take the whole definition from a TOML file.")] = None,
    restore: Annotated[int | None, typer.Option("--restore", help="Take the definition of this earlier version.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why, kept with the version.")] = "",
    starts: Annotated[
        str | None, typer.Option("--starts", help="In force from this time, ISO 8601, UTC; now if not given.")
    ] = None,
    db: Db = None,
    as_json: Json = False,
) -> int:
    """Store a change of an instrument as a new version; it begins with the next session."""
    from engine.domain.instrument import key_of
    from engine.domain.revision import changed, differences
    from engine.request import time_of
    from engine.services.instruments import check_file, save, show

    place = _place(db)
    if file is not None:
        base = check_file(file)
        if base.key != key_of(name):
            raise UserError(f"{file} defines {base.key}, not {key_of(name)}; name that one")
    else:
        base = show(name, place, restore).definition
    wrong = [each for each in values or [] if "=" not in each]
    if wrong:
        raise UserError(f"{wrong[0]!r} is no value; write it as PATH=VALUE, for example financing.long=-42.1")
    wanted = changed(base, dict(each.split("=", 1) for each in values or []))
    known = None if file is not None else show(name, place)
    added = save(place, wanted, reason, time_of(starts) if starts else None)
    for change in differences(known.definition, wanted) if known else []:
        print(f"  {change.line()}")
    print(f"{added.line()}; it begins with the next session, which opens a new book")
    if as_json:
        print(json.dumps(added.to_dict(), sort_keys=True))
    return 0


@instruments_app.command("history")
def instrument_history(name: Name, db: Db = None, as_json: Json = False) -> int:
    """List every version of an instrument and what it changed."""
    from engine.domain.revision import differences
    from engine.services.instruments import history

    found = history(name, _place(db))
    for number, each in enumerate(found):
        print(each.line())
        for change in differences(found[number - 1].definition, each.definition) if number else []:
            print(f"  {change.line()}")
    if as_json:
        print(json.dumps({"versions": [each.to_dict() for each in found]}, sort_keys=True))
    return 0


@instruments_app.command("check")
def check_instrument(
    file: Annotated[Path, typer.Argument(help="A TOML file that defines an instrument.")], as_json: Json = False
) -> int:
    """Check a definition without storing it."""
    from engine.services.instruments import check_file

    definition = check_file(file)
    print(f"{definition.key}: {definition.name} is a sound definition ({definition.sha256[:12]})")
    if as_json:
        print(json.dumps({"key": definition.key, "sha256": definition.sha256}))
    return 0
