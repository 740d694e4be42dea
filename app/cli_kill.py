"""`kill`: the kill switch from the command line."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from app.waiting import Waiting


def register(app: typer.Typer) -> None:
    """Adds the command to the command line."""
    app.command("kill")(kill)


def kill(
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position too.")] = False,
    drill: Annotated[bool, typer.Option("--drill", help="Rehearse it on a paper account, and trade on afterwards.")] = False,
    book: Annotated[int | None, typer.Option("--book", help="Only the session of this book; all that run if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> int:
    """Stop all new risk in every running live session: block, cancel, verify at the broker; --flatten closes positions."""
    from app.paths import data_dir
    from engine.services.killing import kill_sessions

    with Waiting("blocking, cancelling and asking the broker", as_json):
        reports = kill_sessions(data_dir(), book, flatten, drill)
    for report in reports if not as_json else ():
        _print(report)
    if as_json:
        print(json.dumps({"sessions": reports}, sort_keys=True))
    clean = all(report.get("is_verified") and not report.get("leftovers") for report in reports)
    return 0 if clean else 1


def _print(report: dict[str, Any]) -> None:
    if "refused" in report:
        print(f"book {report['book']}: {report['refused']}")
        return
    said = "verified at the broker" if report["is_verified"] else "the broker could not be asked"
    closed = f", {report['closed']} positions closed" if report["flatten"] else ""
    done = f"{report['state']} after {report['seconds']} s, {report['cancelled']} orders cancelled{closed}"
    print(f"book {report['book']}{', a drill' if report['drill'] else ''}: {done}, {said}")
    for sentence in report["kept"]:
        print(f"  stays: {sentence}")
    for sentence in report["leftovers"]:
        print(f"  left: {sentence}")
