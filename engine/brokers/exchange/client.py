"""The library's client of one exchange: it asks little, sends nothing twice, and tells numbers as they were written."""

from __future__ import annotations

import asyncio
import json
import logging
from decimal import localcontext
from typing import Any

from engine.brokers.exchange.addresses import Place, hosts, moved
from engine.brokers.exchange.catalogue import PROFILES, SIGNS_ON_LOAD, Profile
from engine.brokers.exchange.keys import ApiKey
from engine.brokers.exchange.trouble import Garbled, Hopeless
from engine.core.errors import UserError

_LOUD = "ccxt.base.exchange"


def load_library() -> Any:
    """Imports the library, which takes seconds; not to be done on a loop's thread."""
    from ccxt import pro  # type: ignore[import-untyped]  # it ships no types

    return pro


def make_client(
    profile: Profile,
    place: Place | None,
    key: ApiKey | None,
    *,
    timeout_s: float,
    sandbox: bool = False,
    consent: bool = False,
    paced: bool = True,
) -> Any:
    """A client that has not asked anything yet; the caller closes it. Importing the library takes seconds.

    `consent` lets a key be given to a class that signs something of the library's own; without `paced` nothing waits its turn.
    Raises UserError for an exchange there is not, Hopeless for a test exchange there is not.
    """
    library = load_library()
    logging.getLogger(_LOUD).setLevel(logging.INFO)  # below that it logs headers, which hold the key
    if profile.id not in library.exchanges:
        known = ", ".join(PROFILES)
        raise UserError(f"broker {profile.id!r} is not known; use one of ib, {known}, or another exchange by its name in ccxt")
    kind = getattr(library, profile.id)
    if key is not None and not consent and any(hasattr(kind, name) for name in SIGNS_ON_LOAD):
        raise UserError(
            f"the library signs requests of its own with a key for {profile.id}, such as a fee for its makers; "
            "pass --consent if you accept that, or leave the key out"
        )
    client = kind(_words(profile, key, timeout_s, paced))
    client.on_rest_response = _only_json(client.on_rest_response)
    client.decimal_to_precision = _apart(client.decimal_to_precision)
    if sandbox:
        _enter_sandbox(client, profile)
    if place is not None:
        client.urls = {**client.urls, "api": moved(client.urls["api"], place, profile.moved_streams)}
    return client


async def close_client(client: Any) -> None:
    """Closes the client, also when whoever waits for that is cancelled in the middle, be it more than once."""
    closing = asyncio.ensure_future(client.close())
    is_cancelled = False
    while not closing.done():
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            is_cancelled = True
    if is_cancelled:
        await asyncio.gather(closing, return_exceptions=True)  # what closing failed with is nobody's any more
        raise asyncio.CancelledError


def _words(profile: Profile, key: ApiKey | None, timeout_s: float, paced: bool) -> dict[str, Any]:
    credentials = {} if key is None else {"apiKey": key.key, "secret": key.secret, "password": key.password or None}
    return {
        **credentials,
        "timeout": int(timeout_s * 1000),
        "timeout_on_exit": 0,
        "enableRateLimit": paced,
        "enableLastJsonResponse": True,
        "has": {"fetchCurrencies": False},  # a signed question, for what is not needed
        "number": str,  # a float has lost digits, and with Decimal the library forgets fees and stop prices
        "options": {**profile.options, "maxRetriesOnFailure": 0},
    }


def _apart(rounding: Any) -> Any:
    """The library's rounding in a decimal context of its own: it changes the thread's, by which everybody else rounds."""

    def rounded(*words: Any, **options: Any) -> Any:
        with localcontext():
            return rounding(*words, **options)

    return rounded


def _only_json(read: Any) -> Any:
    """What the library calls with every answer: success that is no JSON would become an empty account."""

    def check(code: int, reason: str, url: str, method: str, headers: Any, body: str, *rest: Any) -> Any:
        if 200 <= code < 300:
            try:
                json.loads(body)
            except ValueError:
                raise Garbled("JSON") from None
        return read(code, reason, url, method, headers, body, *rest)

    return check


def _enter_sandbox(client: Any, profile: Profile) -> None:
    """The library's own switch raises for some exchanges and leaves the live addresses in place; this one holds or raises."""
    live = set(hosts(client.urls["api"]))
    nothing = f"{profile.name} has no test exchange that can be reached through its interface; nothing was sent"
    if profile.has_sandbox is False or not client.urls.get("test"):
        raise Hopeless(nothing)
    try:
        client.set_sandbox_mode(True)
    except Exception as error:  # the library raises whatever comes of a missing address
        raise Hopeless(nothing) from error
    marked = bool(profile.sandbox_header) and (client.headers or {}).get(profile.sandbox_header) == "1"
    if not marked and live & set(hosts(client.urls["api"])):
        raise Hopeless(nothing)
