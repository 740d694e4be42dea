"""The commands for a live session that runs: what the window could do, at the same door as `kill`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.waiting import Waiting
from engine.core.errors import UserError

if TYPE_CHECKING:
    from engine.services.attending import Attended

session_app = typer.Typer(help="A live session that is running: look at it, and do what its window could.")

Book = Annotated[int | None, typer.Option("--book", help="The session of this book; needed where several run.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it goes on record.")]
OrderId = Annotated[str, typer.Argument(help="Our id of the order, as state shows it.")]
LOOSENED = "would be loosened"


def register(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    app.add_typer(session_app, name="session")


@session_app.callback()
def session_commands() -> None:
    """A live session that is running: look at it, and do what its window could."""


@session_app.command("state")
def state(book: Book = None, as_json: Json = False) -> int:
    """Show account, trading state, positions, orders, waiting signals, limits used and what the venue says."""
    with _attended(book, as_json) as attended:
        found = attended.state()
    return _told(found, as_json, _lines(found))


@session_app.command("limits")
def limits(
    limit: Annotated[str, typer.Argument(help="The limit to set, such as leverage; all are shown if not given.")] = "",
    value: Annotated[str, typer.Argument(help="A number, or none.")] = "",
    instrument: Annotated[str, typer.Option("--instrument", help="For this instrument alone.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; a limit that is loosened needs it.")] = "",
    book: Book = None,
    as_json: Json = False,
) -> int:
    """Show the limits in force, or set one: what tightens acts at once, what loosens waits and needs --reason."""
    if limit and not value:
        raise UserError(f"{limit} needs a value, such as main.py session limits {limit} 2")
    if not limit:
        with _attended(book, as_json) as attended:
            found = {name: known for name, known in attended.state().items() if name.startswith("limits")}
        return _told(found, as_json, _limits(found))
    try:
        with _attended(book, as_json) as attended:
            found = attended.do("limits", limit=limit, value=value, instrument=instrument, reason=reason)
    except UserError as error:
        raise UserError(f"{error}{' with --reason' if LOOSENED in str(error) else ''}") from error
    return _told(found, as_json, (_changed(fact) for fact in found["facts"] if fact["kind"].startswith("Limits")))


@session_app.command("protect")
def protect(
    instrument: Annotated[str, typer.Argument(help="The instrument whose position was adopted without a stop.")],
    choice: Annotated[str, typer.Argument(help="attach (a default stop), leave, or close.")],
    book: Book = None,
    as_json: Json = False,
) -> int:
    """Say what is done about a position that was adopted without a stop."""
    _one_of("choice", choice, "attach", "leave", "close")
    with _attended(book, as_json) as attended:
        found = attended.do("protection", instrument=instrument, choice=choice)
    return _told(found, as_json, [f"{instrument.upper()}: {choice}"])


@session_app.command("reconnect")
def reconnect(
    port: Annotated[int, typer.Option("--port", help="Where the venue listens now; where it was, or said, if not given.")] = 0,
    book: Book = None,
    as_json: Json = False,
) -> int:
    """Let a link try again that waits for its owner: a moved port, a client id in use, another kind of account."""
    _is_port(port)
    with _attended(book, as_json) as attended:
        found = attended.do("reconnect", port=port)
    return _told(found, as_json, ["the link tries again"])


@session_app.command("cancel")
def cancel(order: OrderId, book: Book = None, as_json: Json = False) -> int:
    """Cancel one order."""
    with _attended(book, as_json) as attended:
        found = attended.cancel(order)
    return _told(found, as_json, [_order(found)])


@session_app.command("change")
def change(
    order: OrderId,
    quantity: Annotated[str | None, typer.Option("--quantity", help="In lots; as it is if not given.")] = None,
    price: Annotated[str | None, typer.Option("--price", help="Of a limit order its limit, of any other its stop.")] = None,
    limit: Annotated[str | None, typer.Option("--limit", help="The limit of a stop-limit order.")] = None,
    book: Book = None,
    as_json: Json = False,
) -> int:
    """Change quantity or price of an order that works."""
    if quantity is None and price is None and limit is None:
        raise UserError("nothing is to be changed; give --quantity, --price or --limit")
    with _attended(book, as_json) as attended:
        found = attended.change(order, quantity=quantity, price=price, limit=limit)
    return _told(found, as_json, [_order(found)])


@session_app.command("flatten")
def flatten(book: Book = None, as_json: Json = False) -> int:
    """Cancel all entries and close all positions at the market; trading goes on."""
    with _attended(book, as_json) as attended:
        found = attended.do("flatten")
    return _told(found, as_json, [_flattened(found)])


@session_app.command("roll")
def roll(
    instrument: Annotated[str, typer.Argument(help="The future whose position goes into the next contract, such as GC.")],
    book: Book = None,
    as_json: Json = False,
) -> int:
    """Close a position in a future and open it in the next contract, its stop moved by what the two differ in."""
    with _attended(book, as_json) as attended:
        found = attended.do("roll", instrument=instrument)
    return _told(found, as_json, [f"{instrument.upper()} is being rolled; main.py session state shows what is held"])


@session_app.command("halt")
def halt(
    close: Annotated[bool, typer.Option("--flatten", help="Close every position too.")] = False,
    reason: Reason = "",
    book: Book = None,
    as_json: Json = False,
) -> int:
    """Stop all new risk and cancel entries; main.py kill does so and verifies it at the broker."""
    with _attended(book, as_json) as attended:
        found = attended.do("halt", flatten=close, reason=reason)
    return _told(found, as_json, ["trading is HALTED", *([_flattened(found)] if close else [])])


@session_app.command("resume")
def resume(reason: Reason = "", book: Book = None, as_json: Json = False) -> int:
    """Trade on after a halt, unless a limit that tripped still holds."""
    with _attended(book, as_json) as attended:
        found = attended.do("resume", reason=reason)
    return _told(found, as_json, ["trading goes on"])


@session_app.command("signal")
def signal(
    name: Annotated[str, typer.Argument(help="The signal that waits, as state shows it.")],
    answer: Annotated[str, typer.Argument(help="accept, reject or override.")],
    flip: Annotated[bool, typer.Option("--flip", help="With override: trade it the other way round.")] = False,
    quantity: Annotated[str | None, typer.Option("--quantity", help="With override: another size, in lots.")] = None,
    reason: Reason = "",
    book: Book = None,
    as_json: Json = False,
) -> int:
    """Answer a signal that waits for its owner."""
    _one_of("answer", answer, "accept", "reject", "override")
    if (answer == "override") != (flip + (quantity is not None)):
        raise UserError("override needs either --flip or --quantity, and nothing else has one")
    with _attended(book, as_json) as attended:
        found = attended.answer(name, answer=answer, flip=flip, quantity=quantity, reason=reason)
    return _told(found, as_json, [f"{name}: {answer}"])


@contextmanager
def _attended(book: int | None, as_json: bool) -> Iterator[Attended]:
    from app.paths import data_dir
    from engine.services.attending import Attended

    with Waiting("asking the session", as_json):
        yield Attended(data_dir(), book)


def _one_of(what: str, given: str, *words: str) -> None:
    if given not in words:
        raise UserError(f"{what} {given!r} is not known; use {', '.join(words[:-1])} or {words[-1]}")


def _is_port(port: int) -> None:
    if not 0 <= port <= 65_535:
        raise UserError(f"--port {port} is no port; give one from 1 to 65535")


def _told(found: dict[str, Any], as_json: bool, lines: Iterator[str] | list[str]) -> int:
    if as_json:
        print(json.dumps(found, sort_keys=True))
    else:
        for line in lines:
            print(line)
    return 0


def _lines(found: dict[str, Any]) -> Iterator[str]:
    account, trading, venue = found["account"], found["trading"], found["venue"]
    money = "LIVE" if venue["is_live"] else "PAPER"
    armed = ", armed" if found["armed"] else ""
    why = f": {trading['reason']}" if trading["reason"] else ""
    yield f"book {found['book']} at {venue['broker']} ({money}{armed}), prices from {venue['feed']}, {found['mode']}"
    yield f"trading is {trading['state']}{why}"
    for trouble in (venue["trouble"], venue["feed_trouble"], *venue["blocked"].values()):
        if trouble:
            yield f"  trouble    {trouble}"
    yield f"  account    {account['account']}: equity {account['equity']} {account['currency']}, at risk {account['open_risk']}"
    for it in found["positions"]:
        guard = f"stop {it['stop']}" if it["stop"] else "no stop"
        what = f"{it['quantity']} {it['instrument']} at {it['average_price']}"
        yield f"  position   {what}, {guard}, open profit {it['unrealised']}"
        if float(it["waits_for_a_choice"]):
            yield f"  adopted    {it['waits_for_a_choice']} of it has no stop: main.py session protect {it['instrument']} attach"
    for order in found["orders"]:
        yield f"  order      {_order(order)}"
    for it in found["signals"]:
        yield f"  signal     {it['signal']}: {it['side']} {it['quantity']} {it['instrument']}, until {it['expires']}"
    for gauge in found["limits_used"]:
        yield f"  limit      {gauge['name']} {gauge['value']:.4g} of {gauge['cap']:.4g}{_loud(gauge['state'])}"


def _loud(word: str) -> str:
    return "" if word == "ok" else f" ({word})"


def _order(it: dict[str, Any]) -> str:
    prices = "".join(f" {name} {it[name]}" for name in ("limit", "stop") if it[name])
    what = f"{it['side']} {it['quantity']} {it['instrument']} {it['type']}{prices}"
    why = f": {it['reason']}" if it["reason"] else ""
    return f"{it['order']} {it['role']} {what}, filled {it['filled']}, {it['state']}{why}"


def _limits(found: dict[str, Any]) -> Iterator[str]:
    for name, value in found["limits"].items():
        yield f"{name:>22}  {value}"
    for it in found["limits_of_instruments"]:
        yield f"{it['limit']:>22}  {it['value']} for {it['instrument']}"
    for it in found["limits_waiting"]:
        yield f"{it['limit']:>22}  {it['value']} from {it['due']} on{_for(it['instrument'])}: {it['reason']}"


def _changed(fact: dict[str, Any]) -> str:
    from engine.core.clock import to_iso

    name = f"{fact['limit']}{_for(fact['symbol'])}"
    match fact["kind"]:
        case "LimitsChanged":
            return f"{name} is {fact['value']}, and was {fact['before']}"
        case "LimitsRequested":
            return f"{name} becomes {fact['value']} at {to_iso(fact['due'])}, and is {fact['before']} until then"
        case _:
            return f"{name}: what was asked for and waited is withdrawn"


def _for(symbol: str) -> str:
    return f" for {symbol}" if symbol else ""


def _flattened(found: dict[str, Any]) -> str:
    kinds = [fact["kind"] for fact in found["facts"]]
    closing = sum(fact["kind"] == "OrderIntended" and fact["role"] == "close" for fact in found["facts"])
    return f"being cancelled: {_count(kinds.count('CancelRequested'), 'order')}; being closed: {_count(closing, 'position')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
