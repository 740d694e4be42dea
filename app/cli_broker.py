"""The commands that speak with a broker: check, key, order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli_order import broker_order
from app.cli_venue import venue_section
from app.waiting import Waiting
from engine.core.errors import BrokerError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.ports.venue import VenueState

broker_app = typer.Typer(help="Brokers and exchanges: what stands there.")


def register(app: typer.Typer) -> None:
    """Adds these commands to the command line."""
    broker_app.command("order")(broker_order)
    app.add_typer(broker_app, name="broker")


@broker_app.callback()
def broker_commands() -> None:
    """Brokers and exchanges: what stands there."""


@broker_app.command("check")
def broker_check(
    broker: Annotated[str, typer.Option("--broker", help="ib, or an exchange: binance, kraken, okx, bybit, coinbase …")],
    host: Annotated[str, typer.Option("--host", help="Where TWS or IB Gateway runs; this machine if not given.")] = "",
    port: Annotated[int, typer.Option("--port", help="Its port; 7497 (TWS, paper) if not given.")] = 0,
    client_id: Annotated[int, typer.Option("--client-id", help="Our number at TWS; no two programs may have the same.")] = 1,
    account: Annotated[str, typer.Option("--account", help="Only this account; all of the login if not given.")] = "",
    live: Annotated[bool, typer.Option("--live", help="The account is expected to be a live one; else to be paper.")] = False,
    url: Annotated[str, typer.Option("--url", help="An exchange's REST address, in place of its own.")] = "",
    ws_url: Annotated[str, typer.Option("--ws-url", help="An exchange's WebSocket address, in place of its own.")] = "",
    sandbox: Annotated[bool, typer.Option("--sandbox", help="The exchange's own test exchange.")] = False,
    consent: Annotated[bool, typer.Option("--consent", help="Accept that a library signs requests of its own.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds that each answer may take.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")] = False,
) -> int:
    """Connect to a broker, show accounts, cash, positions, open orders and executions, and leave; nothing is changed there."""
    import asyncio

    from app.vault import unlock
    from engine.services.venues import look, state_as_dict

    section = venue_section(
        host=host,
        port=port,
        client_id=client_id,
        account=account,
        live=live,
        url=url,
        ws_url=ws_url,
        timeout=timeout,
        sandbox=sandbox,
        consent=consent,
    )
    if broker.lower() != "ib":
        unlock()
    try:
        with Waiting(f"connecting to {broker}, and asking for accounts, orders and executions", as_json):
            state = asyncio.run(look(section.address(broker)))
    except BrokerError as error:
        raise UserError(str(error)) from error
    for line in _lines(state):
        print(line)
    if as_json:
        print(json.dumps(state_as_dict(state), sort_keys=True))
    return 0


@broker_app.command("key")
def broker_key(
    broker: Annotated[str, typer.Option("--broker", help="The exchange, for example binance.")],
    sandbox: Annotated[bool, typer.Option("--sandbox", help="A key of the exchange's own test exchange.")] = False,
    password: Annotated[bool, typer.Option("--password", help="The exchange gave a third word with the key (OKX).")] = False,
    vault: Annotated[bool, typer.Option("--vault", help="In an encrypted file with a passphrase, not in the keyring.")] = False,
) -> int:
    """Keep an exchange's key in the system's keyring; key and secret are asked for, or read as lines from a pipe.

    In a pipe each line is passphrase=…, key=…, secret=… or password=…, in any order; without the names in this order, and a
    passphrase only where an encrypted file is opened. Interactive Brokers wants no key: --vault then begins the file alone.
    """
    from app.asked import asked
    from app.vault import unlock
    from engine.services.keys import make_audit_key
    from engine.services.venues import store_key

    name, place = broker.lower(), "the encrypted file" if vault else "the keyring"
    unlock(begin=vault)
    if name == "ib":
        make_audit_key()
        print(f"the key of the books' chains is in {place}; Interactive Brokers wants none")
        return 0
    words = ("key", "secret", "password")[: 3 if password else 2]
    store_key(name, *(asked(word, f"{word} for {broker}: ").strip() for word in words), sandbox=sandbox)
    if vault:
        make_audit_key()
    print(f"the key for {name} is in {place}")
    return 0


def _lines(state: VenueState) -> Iterator[str]:
    from engine.core.clock import to_iso

    whose = f"accounts {', '.join(state.accounts)}" if state.accounts else "no account"
    yield f"connected to {state.server}: {'LIVE' if state.is_live else 'paper'}, {whose}"
    for cash in state.cash:
        yield f"  cash       {cash.account} {cash.total:f} {cash.currency}, free {cash.free:f}"
    for held in state.positions:
        paid = f" at {held.average:f}" if held.average is not None else ""
        yield f"  position   {held.account} {held.quantity:f} {held.symbol or held.contract}{paid}"
    for order in state.open_orders:
        prices = "".join(f" {name} {price:f}" for name, price in (("limit", order.limit), ("stop", order.stop)) if price)
        what = f"{order.side} {order.quantity:f} {order.symbol or order.contract} {order.type}{prices}"
        yield f"  order      {order.account} {what}, {order.status}, filled {order.filled:f}, {order.broker_order_id}"
    for fill in state.executions:
        cost = f", commission {fill.commission:f} {fill.commission_currency}" if fill.commission is not None else ""
        what = f"{fill.side} {fill.quantity:f} {fill.symbol or fill.contract} at {fill.price:f}"
        yield f"  execution  {fill.account} {to_iso(fill.at)} {what}{cost}, {fill.execution_id}"
    for note in state.notes:
        yield f"  note       {note}"
