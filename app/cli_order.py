"""`broker order`: one order from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli_venue import venue_section
from app.waiting import Waiting
from engine.core.errors import BrokerError, FeedError, UserError


def broker_order(
    broker: Annotated[str, typer.Option("--broker", help="ib, an exchange, or paper (then --feed says whose prices).")],
    instrument: Annotated[str, typer.Option("--instrument", help="Symbol, for example XAUUSD.")],
    side: Annotated[str, typer.Option("--side", help="buy or sell.")],
    quantity: Annotated[str, typer.Option("--quantity", help="In lots of the instrument as the broker lists it.")],
    kind: Annotated[str, typer.Option("--type", help="market, limit, stop or bracket.")] = "market",
    price: Annotated[str, typer.Option("--price", help="Of a limit or stop order, or of a bracket's entry.")] = "",
    stop: Annotated[str, typer.Option("--stop", help="The stop that protects what it opens.")] = "",
    target: Annotated[str, typer.Option("--target", help="Where the profit is taken.")] = "",
    tif: Annotated[str, typer.Option("--tif", help="GTC, DAY, IOC or FOK.")] = "GTC",
    arm: Annotated[str, typer.Option("--arm", help="Name of the live account, typed to let the order go there.")] = "",
    sessions: Annotated[str, typer.Option("--sessions", help="venue keeps to trading hours, ignore does not.")] = "venue",
    wait: Annotated[float, typer.Option("--wait", help="Seconds to watch what becomes of it.")] = 20.0,
    feed: Annotated[str, typer.Option("--feed", help="Whose prices; the broker's own if not given.")] = "",
    profile: Annotated[Path | None, typer.Option("--profile", help="TOML file: where brokers and feeds are found.")] = None,
    host: Annotated[str, typer.Option("--host", help="Where TWS or IB Gateway runs; this machine if not given.")] = "",
    port: Annotated[int, typer.Option("--port", help="Its port; 7497 (TWS, paper) if not given.")] = 0,
    client_id: Annotated[int, typer.Option("--client-id", help="Our number at TWS; no two programs may have the same.")] = 1,
    account: Annotated[str, typer.Option("--account", help="The account; needed where the login has several.")] = "",
    live: Annotated[bool, typer.Option("--live", help="The account is expected to be a live one; else to be paper.")] = False,
    url: Annotated[str, typer.Option("--url", help="An exchange's REST address, in place of its own.")] = "",
    ws_url: Annotated[str, typer.Option("--ws-url", help="An exchange's WebSocket address, in place of its own.")] = "",
    sandbox: Annotated[bool, typer.Option("--sandbox", help="The exchange's own test exchange.")] = False,
    consent: Annotated[bool, typer.Option("--consent", help="Accept that a library signs requests of its own.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds that each answer may take.")] = 10.0,
    db: Annotated[
        str | None, typer.Option("--db", help="Database of the books: a path, sqlite:///PATH or postgresql://…")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> int:
    """Send one order through the gate and the journal, watch it, and say what became of it."""
    from app.vault import unlock

    if not 0 <= wait < float("inf"):
        raise UserError(f"--wait {wait:g} is no number of seconds; give 0 or more")
    where = {
        "host": host,
        "port": port,
        "client_id": client_id,
        "account": account,
        "live": live,
        "url": url,
        "ws_url": ws_url,
        "sandbox": sandbox,
        "consent": consent,
        "timeout": timeout,
    }
    request = _request(broker, feed, instrument, sessions, profile, where, db)
    if broker.lower() != "paper":
        unlock()
    terms = (side.lower(), kind.lower(), quantity, price, stop, target, tif.upper(), arm)
    try:
        with Waiting("loading what deals with orders", as_json) as waiting:
            found = _sent(request, terms, wait, waiting)
    except (BrokerError, FeedError) as error:
        raise UserError(str(error)) from error
    if as_json:
        print(json.dumps(found, sort_keys=True))
    else:
        for name, value in found.items():
            print(f"{name:>16}  {value}")
    return 0


def _sent(request: Any, terms: tuple[str, ...], wait: float, waiting: Waiting) -> dict[str, Any]:
    import asyncio
    from dataclasses import replace

    from engine.services.ordering import Ticket, send

    return asyncio.run(send(replace(request, progress=waiting), Ticket(*terms), wait))


def _request(
    broker: str, feed: str, instrument: str, sessions: str, profile: Path | None, where: dict[str, Any], db: str | None
) -> Any:
    from app.paths import config_file, data_dir, default_books_url
    from engine.config import load
    from engine.domain.market import Timeframe
    from engine.profile import SessionSection, load_profile
    from engine.request import Mode, Request
    from engine.services.instruments import in_force
    from engine.services.living import living

    config = load(config_file() if config_file().exists() else None)
    if sessions not in ("venue", "ignore"):
        raise UserError(f"--sessions {sessions!r} is not known; use venue or ignore")
    hours = "ignore" if sessions == "ignore" else "listed"
    known = load_profile(profile)
    venue = venue_section(**where)
    if profile is None:
        venues = dict.fromkeys({name for name in (broker.lower(), feed.lower()) if name and name != "paper"}, venue)
        known = known.model_copy(update={"venues": venues})
    section = SessionSection(history_bars=300, look_every=0.25, patience=where["timeout"])
    db = db or default_books_url()
    prices = feed or broker
    if prices.lower() == "paper":
        raise UserError("paper has no prices of its own; name a feed, such as --feed binance")
    request = Request(
        db=db,
        models=data_dir() / "models",
        instrument=in_force(instrument, db),
        timeframe=Timeframe.of("M1"),
        config=config,
        policy="sma_cross",
        mode=Mode.MANUAL,
        feed=prices.lower(),
        broker=broker.lower(),
        profile=known.model_copy(update={"session": section}),
        chosen=(("sessions", json.dumps(hours)),),
    )
    return living(request)
