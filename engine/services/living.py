"""A request for a live session, on the terms of the venue it trades at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.core.errors import UserError
from engine.domain.instrument import Instrument
from engine.domain.shipped import shipped_keys
from engine.request import Request
from engine.services.instruments import adopt, in_force

PAPER = "paper"


def living(request: Request, beside: Sequence[str] = ()) -> Request:
    """The request with each instrument as its venue lists it, `beside` traded too, and an account in their currency.

    UserError where a recorded file is asked for as well, or the instruments are not dealt in one currency.
    """
    if request.replay is not None or request.also:
        raise UserError("--feed streams live prices and --replay plays recorded ones; leave one of them out")
    venue = request.feed if request.broker == PAPER else request.broker
    first = _as_dealt(request, request.instrument.symbol, venue)
    others = tuple(_as_dealt(request, symbol, venue) for symbol in beside)
    currencies = sorted({instrument.currency for instrument in (first, *others)})
    if len(currencies) > 1:
        raise UserError(f"instruments dealt in {' and '.join(currencies)} cannot share an account; trade them apart")
    config, account = request.config, request.config.account
    if "currency" not in account.model_fields_set:
        config = config.model_copy(update={"account": account.model_copy(update={"currency": first.currency})})
    return replace(request, instrument=first, beside=others, config=config)


def _as_dealt(request: Request, symbol: str, venue: str) -> Instrument:
    """The venue's own profile of the instrument where there is one."""
    key = f"{symbol.partition('@')[0].upper()}@{venue.lower()}"
    name = key if key in shipped_keys() else symbol
    return request.config.apply_to(adopt(in_force(name, request.db)))
