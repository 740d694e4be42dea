"""The commands about market data: formats, export bars, data status, gaps and repair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Db = Annotated[str | None, typer.Option("--db", help="Database of the books: a path, sqlite:///PATH or postgresql://…")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Symbol = Annotated[str | None, typer.Option("--instrument", help="Symbol, for example XAUUSD; all if not given.")]
Frame = Annotated[str | None, typer.Option("--timeframe", help="M1, M5, M15, M30, H1, H4 or D1; all if not given.")]
Source = Annotated[str | None, typer.Option("--source", help="Stored source, as data status names it.")]

data_app = typer.Typer(help="What market data is stored, what is missing, and mending it.")


def register(app: typer.Typer, export_app: typer.Typer) -> None:
    """Adds these commands to the command line and to its `export`."""
    app.command("formats")(list_formats)
    app.add_typer(data_app, name="data")
    export_app.command("bars")(export_stored_bars)


def _place(db: str | None) -> str:
    from app.paths import default_books_url

    return db or default_books_url()


def list_formats(as_json: Json = False) -> int:
    """List what can be read and written."""
    from engine.services.exports import export_formats
    from engine.services.library import formats

    read, written = formats(), export_formats()
    for each in read:
        print(f"{each['name']:15} {each['title']}\n{'':15} {each['example']}")
    for each in written:
        print(f"export {each['name']:8} {each['title']} ({each['suffix']})")
    if as_json:
        print(json.dumps({"formats": read, "exports": written}, sort_keys=True))
    return 0


def export_stored_bars(
    file: Annotated[Path, typer.Argument(help="File to write; packed where it ends in .gz.")],
    instrument: Annotated[str, typer.Option("--instrument", help="Symbol, for example XAUUSD.")] = "XAUUSD",
    timeframe: Annotated[str, typer.Option("--timeframe", help="M1, M5, M15, M30, H1, H4 or D1.")] = "H1",
    format_: Annotated[
        str | None, typer.Option("--format", help="csv, parquet or mt5; by the file's ending if not given.")
    ] = None,
    source: Source = None,
    made_of: Annotated[str | None, typer.Option("--made-of", help="Resample this stored timeframe, for example M1.")] = None,
    clock: Annotated[str | None, typer.Option(help="Clock of days and of mt5 files; that of the import if not given.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First time, ISO 8601, UTC.")] = None,
    end: Annotated[str | None, typer.Option("--until", help="Time after the last, ISO 8601, UTC.")] = None,
    db: Db = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: Json = False,
) -> int:
    """Write stored bars to a file that reads back to the same bars."""
    from engine.domain.market import Timeframe
    from engine.services.exports import Wish, export_bars, format_of_name
    from engine.services.instruments import in_force

    books, longer = _place(db), Timeframe.of(made_of) if made_of else None
    form = format_ or format_of_name(file)
    wish = Wish(in_force(instrument, books), Timeframe.of(timeframe), form, source, longer, clock, start, end)
    done = export_bars(books, wish, file, force)
    print(f"{done.file}: {done.rows:,} {done.symbol} {done.timeframe} bars of {done.source}, {done.format}, clock {done.clock}")
    if done.others:
        print(f"taken of {done.source}, which has most rows; also stored: {', '.join(done.others)} (--source chooses)")
    if as_json:
        print(json.dumps(done.to_dict(), sort_keys=True))
    return 0


@data_app.command("status")
def data_status(db: Db = None, instrument: Symbol = None, timeframe: Frame = None, as_json: Json = False) -> int:
    """What is stored per instrument, timeframe and source, its spread, and how sources of the same bars agree."""
    from engine.services.stored import stored

    found, overlaps = stored(_place(db), instrument, timeframe)
    for series in found:
        print("\n".join(series.lines()))
    for overlap in overlaps:
        print(overlap.line())
    if not found:
        print("nothing is stored")
    if as_json:
        print(json.dumps({"series": [each.to_dict() for each in found], "overlaps": [each._asdict() for each in overlaps]}))
    return 0


@data_app.command("gaps")
def data_gaps(db: Db = None, instrument: Symbol = None, timeframe: Frame = None, as_json: Json = False) -> int:
    """Every hole of 30 minutes of market time or more; the holidays of the instrument's calendar are none."""
    from engine.services.stored import gap_lines, stored

    found, _ = stored(_place(db), instrument, timeframe)
    holes: list[dict[str, Any]] = []
    for series in found:
        print("\n".join(gap_lines(series)) or f"{series.symbol} {series.timeframe} {series.source}: no holes")
        key = {"symbol": series.symbol, "timeframe": series.timeframe, "source": series.source}
        holes += [{**key, "start": gap.start, "end": gap.end, "missing": gap.missing} for gap in series.holes]
    if as_json:
        print(json.dumps({"holes": holes}))
    return 0


@data_app.command("repair")
def data_repair(
    db: Db = None,
    instrument: Symbol = None,
    timeframe: Frame = None,
    source: Source = None,
    fills: Annotated[bool, typer.Option("--fills/--no-fills", help="Remove flat bars without volume in closed hours.")] = True,
    from_source: Annotated[str | None, typer.Option("--from-source", help="Make missing bars out of this stored source.")] = None,
    take_offered: Annotated[bool, typer.Option("--take-offered", help="Take the values that later files offered.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this it is only said.")] = False,
    as_json: Json = False,
) -> int:
    """Say what there is to mend and, with --apply, mend it; what was stored before is kept."""
    from engine.services.repair import Means, repair

    steps = repair(_place(db), instrument, timeframe, source, Means(fills, from_source, take_offered), apply)
    for step in steps:
        print(("done: " if step.applied else "to do: ") + step.line())
    if not steps:
        print("nothing to mend")
    elif not apply:
        print("nothing was changed; add --apply")
    if as_json:
        print(json.dumps({"steps": [step._asdict() for step in steps]}))
    return 0


@data_app.command("imports")
def data_imports(db: Db = None, as_json: Json = False) -> int:
    """Every file that was imported: number, time, file, rows, series, SHA-256; and whether it was undone."""
    from engine.services.importer import import_line, imports

    entries = imports(_place(db))
    for entry in entries:
        print(import_line(entry))
    if not entries:
        print("nothing was imported")
    if as_json:
        print(json.dumps({"imports": [entry._asdict() for entry in entries]}))
    return 0


@data_app.command("undo")
def data_undo(
    number: Annotated[int, typer.Argument(help="Number of the import, as data imports lists it.")],
    db: Db = None,
    as_json: Json = False,
) -> int:
    """Take an import back: what is stored is then what was stored before it."""
    from engine.services.importer import import_line, undo

    entry = undo(number, _place(db))
    print(import_line(entry))
    if as_json:
        print(json.dumps(entry._asdict()))
    return 0
