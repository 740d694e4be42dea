"""The command line: every command in one place, each a few lines that call the engine and print.

Exit codes: 0 done, 1 crashed (the log's path is printed) or found wrong (audit, doctor), 2 something the user can mend.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli_audit import register as register_audit
from app.cli_broker import register as register_broker
from app.cli_data import register
from app.cli_db import register as register_db
from app.cli_instruments import register as register_instruments
from app.cli_kill import register as register_kill
from app.cli_session import register as register_session
from app.cli_sheets import register as register_sheets
from app.usage import is_usage, sentence
from engine.core.errors import NiceGoldError, UserError
from engine.core.installation import is_frozen

app = typer.Typer(add_completion=False, no_args_is_help=False, rich_markup_mode=None, pretty_exceptions_enable=False)
export_app = typer.Typer(help="Print what the books hold.")
audit_app = typer.Typer(help="Check that the books add up.")
app.add_typer(export_app, name="export")
app.add_typer(audit_app, name="audit")
register(app, export_app)
register_audit(audit_app)
register_sheets(export_app)
register_db(app)
register_instruments(app)
register_broker(app)
register_kill(app)
register_session(app)

Db = Annotated[str | None, typer.Option("--db", help="Database of the books: a path, sqlite:///PATH or postgresql://…")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
InstrumentOption = Annotated[str, typer.Option("--instrument", help="Symbol, for example XAUUSD.")]
Also = Annotated[
    list[str] | None,
    typer.Option(help="Another instrument on the same account: SYMBOL=FILE[@CLOCK], with --feed SYMBOL; may be repeated."),
]
Feed = Annotated[str, typer.Option("--feed", help="Live prices: ib, binance, kraken, okx, bybit, coinbase …")]
Broker = Annotated[str, typer.Option("--broker", help="With --feed, where orders go: paper, ib, or an exchange.")]
ProfileFile = Annotated[Path | None, typer.Option("--profile", help="TOML file: where brokers and feeds are found.")]
Book = Annotated[int | None, typer.Option("--book", help="Number of the book; the latest if not given.")]


def run(arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit code."""
    try:
        result = app(args=list(arguments), standalone_mode=False)
        return result if isinstance(result, int) else 0
    except typer.Exit as leaving:
        return leaving.exit_code
    except UserError as error:
        print(f"nicegold: {_called(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:  # nothing ends in a traceback: what the user cannot mend leaves a report
        return _failed(error)


def _failed(error: Exception) -> int:
    """Usage errors are the user's; everything else is ours, and leaves a report behind."""
    if is_usage(error):
        print(f"nicegold: {_called(sentence(error))}", file=sys.stderr)
        return 2
    from app.paths import log_dir
    from engine.core.log import crash_log

    path = crash_log(log_dir(), error)
    kind = "stopped" if isinstance(error, NiceGoldError) else "crashed"
    print(f"nicegold {kind}: {error or type(error).__name__}; the report is in {path}", file=sys.stderr)
    return 1


def _called(sentence: str) -> str:
    """The sentence with the command named as it is in a package, where there is no main.py."""
    return sentence.replace("main.py ", "nicegold ") if is_frozen() else sentence


@app.callback(invoke_without_command=True)
def window(
    context: typer.Context,
    db: Db = None,
    replay: Annotated[Path | None, typer.Option(help="Trade a recorded file on paper instead of the simulated market.")] = None,
    instrument: InstrumentOption = "XAUUSD",
    timeframe: Annotated[str | None, typer.Option(help="M1, M5, M15, M30, H1, H4 or D1.")] = None,
    clock: Annotated[str | None, typer.Option(help="Clock of the recorded file, for example EET or UTC+4.")] = None,
    also: Also = None,
    policy: Annotated[str, typer.Option(help="model or sma_cross.")] = "model",
    seed: Annotated[int, typer.Option(help="Seed of the simulated market and of training.")] = 7,
    config: Annotated[Path | None, typer.Option(help="TOML file whose values replace the defaults.")] = None,
    feed: Feed = "",
    broker: Broker = "paper",
    profile: ProfileFile = None,
    new: Annotated[bool, typer.Option("--new", help="Start afresh instead of going on where the book ended.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    selftest: Annotated[bool, typer.Option("--selftest", help="Check this installation in a temporary home and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --selftest: one JSON object as the last line.")] = False,
    picture: Annotated[Path | None, typer.Option("--screenshot", help="With --selftest: keep the window's picture, PNG.")] = None,
    cache: Annotated[Path | None, typer.Option("--kernels", help="With --selftest: folder of compiled kernels.")] = None,
) -> int:
    """Open the terminal: on paper, with a built-in simulated gold market unless --replay names a recorded file."""
    if context.invoked_subcommand is not None:
        return 0
    if version:
        from engine.request import VERSION

        print(f"NiceGold Terminal {VERSION}")
        return 0
    if selftest:
        from app.selftest import run_selftest

        return run_selftest(as_json, picture, cache)
    if as_json or picture or cache:
        raise UserError("--json, --screenshot and --kernels go with --selftest here; commands have --json of their own")
    from app.start import open_terminal

    place = {"feed": feed, "broker": broker, "profile": profile}
    request = _request(db, replay, instrument, timeframe, clock, policy, seed, config, "confirm", new, also, **place)
    return open_terminal(request)


@app.command("run")
def run_session(
    headless: Annotated[bool, typer.Option("--headless", help="Without a window.")] = False,
    replay: Annotated[Path | None, typer.Option(help="Recorded file to trade; the simulated market if not given.")] = None,
    instrument: InstrumentOption = "XAUUSD",
    timeframe: Annotated[str | None, typer.Option(help="M1, M5, M15, M30, H1, H4 or D1.")] = None,
    clock: Annotated[str | None, typer.Option(help="Clock of the recorded file, for example EET or UTC+4.")] = None,
    also: Also = None,
    feed: Feed = "",
    broker: Broker = "paper",
    profile: ProfileFile = None,
    arm: Annotated[str, typer.Option("--arm", help="Name of the live account, typed to let orders go there.")] = "",
    speed: Annotated[str, typer.Option(help="max, or how many times as fast as real time.")] = "max",
    mode: Annotated[str, typer.Option(help="auto, confirm or manual.")] = "auto",
    policy: Annotated[str, typer.Option(help="model or sma_cross.")] = "model",
    model: Annotated[Path | None, typer.Option(help="A trained model; then the whole file is traded.")] = None,
    train_from: Annotated[str, typer.Option(help="file (its first 40 %) or db (stored bars before the file).")] = "file",
    db: Db = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated market and of training.")] = 7,
    until: Annotated[str | None, typer.Option(help="Stop at this market time, ISO 8601, UTC if it names no zone.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Start a finished run afresh, as a new book.")] = False,
    config: Annotated[Path | None, typer.Option(help="TOML file whose values replace the defaults.")] = None,
    as_json: Json = False,
) -> int:
    """Run a session and print what it came to. The same command on an unfinished run goes on where it ended."""
    from engine.request import source_of

    given = {"model": model, "train_from": source_of(train_from), "until": until, "also": also}
    place = {"feed": feed, "broker": broker, "profile": profile}
    request = _request(db, replay, instrument, timeframe, clock, policy, seed, config, mode, new, **given, **place)
    from app.start import live_on_console, open_terminal

    if headless and request.feed:
        return live_on_console(request, as_json, arm)
    if headless:
        from app.headless import run_headless

        return run_headless(request, speed, as_json)
    return open_terminal(request, speed, arm, as_json)


def _request(
    db: str | None,
    replay: Path | None,
    instrument: str,
    timeframe: str | None,
    clock: str | None,
    policy: str,
    seed: int,
    config: Path | None,
    mode: str,
    new: bool,
    also: Sequence[str] | None = None,
    **rest: Any,
) -> Any:
    from app.paths import config_file, data_dir, default_books_url
    from engine.config import load
    from engine.domain.market import Timeframe
    from engine.request import Recording, Request, mode_of, time_of
    from engine.services.instruments import adopt, in_force

    def listed(symbol: str) -> Any:
        return settings.apply_to(adopt(in_force(symbol, db)))

    if config is None and config_file().exists():
        config = config_file()
    settings = load(config)
    db = db or default_books_url()
    terms = listed(instrument)
    frame = Timeframe.of(timeframe) if timeframe else _timeframe_of(replay, terms, clock)
    if rest.get("until") is not None:
        time_of(rest["until"])
    lives = bool(rest.get("feed"))
    recordings = [] if lives else [_beside(text) for text in also or ()]
    request = Request(
        db=db,
        models=data_dir() / "models",
        instrument=terms,
        timeframe=frame,
        config=settings,
        replay=replay,
        clock=clock,
        policy=policy,
        mode=mode_of(mode),
        seed=seed,
        new=new,
        also=tuple(Recording(path, listed(symbol), frame, zone) for symbol, path, zone in recordings),
        **rest,
    )
    if not lives:
        if request.broker != "paper":
            raise UserError(f"--broker {request.broker} needs live prices; name where they come from with --feed")
        return request
    from app.vault import unlock_for
    from engine.services.living import living

    unlock_for(request)
    return living(request, also or ())


def _beside(text: str) -> tuple[str, Path, str | None]:
    """Symbol, file and clock of an --also."""
    symbol, found, file = text.partition("=")
    path, _, clock = file.partition("@")
    if not (symbol and found and path):
        raise UserError(f"--also {text!r} names no instrument and file; write SYMBOL=FILE, such as XAGUSD=XAGUSD_M1.csv.gz")
    return symbol, Path(path), clock or None


def _timeframe_of(replay: Path | None, instrument: Any, clock: str | None) -> Any:
    """The timeframe a recorded file is of; M1 for ticks and for the simulated market."""
    from engine.domain.market import Timeframe

    if replay is None:
        return Timeframe.of("M1")
    from engine.feeds import timeframe_of

    return timeframe_of(replay, instrument, clock) or Timeframe.of("M1")


@app.command()
def screenshot(
    file: Annotated[Path, typer.Argument(help="PNG to write.")],
    replay: Annotated[Path | None, typer.Option(help="Recorded file; the simulated market if not given.")] = None,
    instrument: InstrumentOption = "XAUUSD",
    timeframe: Annotated[str | None, typer.Option(help="M1, M5, M15, M30, H1, H4 or D1.")] = None,
    clock: Annotated[str | None, typer.Option(help="Clock of the recorded file.")] = None,
    policy: Annotated[str, typer.Option(help="model or sma_cross.")] = "model",
    mode: Annotated[str, typer.Option(help="auto, confirm or manual.")] = "auto",
    size: Annotated[str, typer.Option(help="Width x height in pixels.")] = "1366x768",
    theme: Annotated[str, typer.Option(help="dark or light.")] = "dark",
    bars: Annotated[int, typer.Option(help="Bars to play before the picture is taken.")] = 600,
    panel: Annotated[str | None, typer.Option(help="Panel to bring to the front, for example risk.")] = None,
    do: Annotated[list[str] | None, typer.Option(help="Window command to run before, for example buy; may be repeated.")] = None,
    dump_state: Annotated[Path | None, typer.Option(help="Write what is shown as JSON.")] = None,
    db: Db = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated market and of training.")] = 7,
    config: Annotated[Path | None, typer.Option(help="TOML file whose values replace the defaults.")] = None,
) -> int:
    """Render the real window offscreen, write a PNG and leave. Without --db the books are temporary."""
    from app.screenshot import take_screenshot

    request = _request(db, replay, instrument, timeframe, clock, policy, seed, config, mode, new=False)
    wanted = [*([f"show_{panel}_panel"] if panel else []), *(do or [])]
    return take_screenshot(request, file, size, theme, bars, wanted, dump_state, db is not None)


@app.command("import")
def import_history(
    file: Annotated[Path, typer.Argument(help="Recorded bars or ticks; .gz and .zip as they are.")],
    instrument: InstrumentOption = "XAUUSD",
    timeframe: Annotated[str | None, typer.Option(help="Found in the file if not given.")] = None,
    clock: Annotated[str | None, typer.Option(help="EET, UTC+4, America/New_York+7h …; proposed if not given.")] = None,
    db: Db = None,
    strict: Annotated[bool, typer.Option("--strict", help="All rows or none.")] = False,
    price_scale: Annotated[str | None, typer.Option(help="Multiply all prices by this, for example 0.01.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Read it although name, rows or calendar contradict.")] = False,
    columns: Annotated[str | None, typer.Option(help="What the columns are: time,open,high,low,close,-,volume …")] = None,
    separator: Annotated[str, typer.Option(help="Between the columns: comma, semicolon, tab, space, pipe or a character.")] = ",",
    time_format: Annotated[str, typer.Option(help="Such as DD/MM/YYYY HH:NN, or s, ms, us, ns since 1970.")] = "",
    header_lines: Annotated[int | None, typer.Option(help="Lines before the first row; found if not given.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take the file's values where stored ones differ.")] = False,
    as_json: Json = False,
) -> int:
    """Read a recorded history, report its quality and store it. Importing twice changes nothing."""
    from app.paths import default_books_url
    from engine.domain.market import Timeframe
    from engine.services.instruments import in_force
    from engine.services.library import import_file, mapping_of

    frame = Timeframe.of(timeframe) if timeframe else None
    scale = _decimal(price_scale, "--price-scale") if price_scale else None
    mapping = mapping_of(columns, separator, time_format, header_lines)
    books = db or default_books_url()
    terms = in_force(instrument, books)
    imported = import_file(file, books, terms, frame, clock, strict, scale, force, mapping, replace)
    print("\n".join(imported.lines()))
    if as_json:
        print(json.dumps(imported.to_dict(), sort_keys=True))
    return 0


def _decimal(text: str, option: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise UserError(f"{option} {text!r} is not a number") from None
    if not value.is_finite() or value <= 0:
        raise UserError(f"{option} {text} is not a number above zero")
    return value


@export_app.command("books")
def export_books(db: Db = None, as_json: Json = False) -> int:
    """List the books of a database."""
    from app.paths import default_books_url
    from engine.services.bookkeeping import list_books

    for book in list_books(db or default_books_url()):
        if as_json:
            print(
                json.dumps({"book": book.id, "status": book.status, "facts": book.facts, "run": book.run_id, "kind": book.kind})
            )
        else:
            print(
                f"book {book.id}: {book.kind}, {book.status}, {book.facts} facts, run {book.run_id[:12]}, attempt {book.attempt}"
            )
    return 0


@audit_app.command("books")
def audit_the_books(db: Db = None, book: Book = None, as_json: Json = False) -> int:
    """Rebuild orders, positions and account from the facts and compare them with the views."""
    from app.paths import default_books_url
    from engine.services.bookkeeping import audit

    report = audit(db or default_books_url(), book)
    for difference in report.differences:
        print(difference)
    if as_json:
        counts = {"facts": report.facts, "orders": report.orders, "fills": report.fills, "positions": report.positions}
        print(json.dumps({"clean": report.is_clean, **counts, "differences": list(report.differences)}))
    else:
        print("the books add up" if report.is_clean else f"{len(report.differences)} differences")
    return 0 if report.is_clean else 1


@app.command()
def doctor(db: Db = None, as_json: Json = False) -> int:
    """Check libraries, database, keyring, display and clock, and say what to mend."""
    from app.paths import data_dir, default_books_url
    from app.preflight import display_finding
    from engine.services.bookkeeping import try_books
    from engine.services.doctor import diagnose, healthy

    findings = diagnose(db or default_books_url(), data_dir(), open_database=try_books, checks=[display_finding])
    for finding in findings:
        mark = {True: "ok  ", False: "MEND", None: "note"}[finding.ok]
        print(f"{mark} {finding.name}: {finding.sentence}" + (f" -> {finding.remedy}" if finding.remedy else ""))
    if as_json:
        rows = [{"name": f.name, "ok": f.ok, "sentence": f.sentence, "remedy": f.remedy} for f in findings]
        print(json.dumps({"healthy": healthy(findings), "findings": rows}, sort_keys=True))
    return 0 if healthy(findings) else 1
