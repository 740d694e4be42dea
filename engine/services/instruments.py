"""Instruments in force: as shipped, or as the owner's last edit in the books says; listing, editing and checking them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from engine.core.clock import DAY, Nanos, SystemClock, to_datetime, to_iso
from engine.core.errors import UserError
from engine.domain.definition import Definition, parse, read_toml
from engine.domain.instrument import INSTRUMENTS, Instrument, instrument_of, key_of
from engine.domain.revision import FIXED, Listed, differences, shown
from engine.domain.shipped import instrument_from, sessions_from, shipped_definition, shipped_keys
from engine.domain.timetable import minute_text
from engine.request import Request
from engine.storage.database import open_books
from engine.storage.instruments import InstrumentVersion, InstrumentVersions, current_version

_AHEAD: Nanos = 3_650 * DAY
"""How long before it begins a version may be stored; further on it is a slip of the pen."""


def shipped(key: str) -> Listed | None:
    """The definition that comes with the program; None for an instrument of the owner's own."""
    if key not in shipped_keys():
        return None
    definition = shipped_definition(key)
    return Listed(definition, 0, definition.sha256)


def in_force(name: str, url: str) -> Instrument:
    """The instrument as it is dealt in the books at `url` from now on, read by one query.

    UserError names the instruments there are, or says why the books cannot be read: they may hold other terms than those
    shipped.
    """
    key = key_of(name)
    stored = current_version(url, key, SystemClock().now())
    if stored is not None:
        return instrument_from(_definition(stored))
    return INSTRUMENTS.shipped(key) if key in shipped_keys() else instrument_of(name)


def renewed(request: Request) -> Request:
    """The request on the terms that are in force now, for the next session."""

    def now(instrument: Instrument) -> Instrument:
        return request.config.apply_to(adopt(in_force(instrument.key, request.db)))

    also = tuple(replace(each, instrument=now(each.instrument)) for each in request.also)
    return replace(request, instrument=now(request.instrument), also=also)


def adopt(instrument: Instrument) -> Instrument:
    """The instrument, which its symbol means from here on in this program."""
    INSTRUMENTS.adopt(instrument)
    return instrument


def listed(url: str) -> list[Listed]:
    """Every instrument as it is in force in the books at `url`: shipped ones in their order, then the owner's own."""
    with open_books(url) as database:
        stored = InstrumentVersions(database).history()
    now = SystemClock().now()
    newest = {each.symbol: each for each in stored if each.valid_from <= now}
    keys = [*shipped_keys(), *(key for key in newest if key not in shipped_keys())]
    return [found for key in keys if (found := _listed(newest[key]) if key in newest else shipped(key))]


def history(name: str, url: str) -> list[Listed]:
    """Every version of an instrument, the shipped one first. UserError when there is none."""
    key = key_of(name)
    with open_books(url) as database:
        stored = InstrumentVersions(database).history(key)
    first = shipped(key)
    found = [*([first] if first else []), *map(_listed, stored)]
    if not found:
        instrument_of(key)
    return found


def in_force_of(versions: Sequence[Listed]) -> Listed:
    """The one of an instrument's versions that is in force now: the newest that has begun, or the newest where none has."""
    now = SystemClock().now()
    return ([each for each in versions if each.valid_from <= now] or versions)[-1]


def show(name: str, url: str, version: int | None = None) -> Listed:
    """An instrument in force, or the version that is asked for. UserError when there is none."""
    found = history(name, url)
    if version is None:
        return in_force_of(found)
    for each in found:
        if each.version == version:
            return each
    raise UserError(f"{key_of(name)} has no version {version}; there are {', '.join(str(each.version) for each in found)}")


def save(url: str, definition: Definition, reason: str, valid_from: Nanos | None = None, follows: int | None = None) -> Listed:
    """Stores the definition as the instrument's next version, in force from now or `valid_from` (ns UTC) on.

    `follows` is the version the edit began from, where another may have come meanwhile. UserError when nothing changes, no
    reason is given, its exchange calendar does not exist, it is to begin before the version in force or more than ten years
    from now, or a position is open and the books could not be read by it.
    """
    if not reason.strip():
        raise UserError("a change of an instrument needs a reason, so that its figures can be explained later")
    for calendar in (definition.holidays.calendar, definition.holidays.half_days):
        if calendar:
            from engine.domain.holidays import calendar_days

            calendar_days(calendar)
    now = SystemClock().now()
    begins = now if valid_from is None else _possible(valid_from, now)
    with open_books(url) as database:
        versions = InstrumentVersions(database)
        first = shipped(definition.key)
        known = [*([first] if first else []), *map(_listed, versions.history(definition.key))]
        newest = known[-1].version if known else 0
        if known:
            _really_changes(known, definition, begins, now)
        if follows is not None and follows != newest:
            raise UserError(f"{definition.key} was changed meanwhile (version {newest}); look at its history and change it again")
        if known:
            _keep_what_is_held(versions, in_force_of(known).definition, definition)
        added = versions.add(definition.key, newest, begins, definition.canonical(), definition.sha256, reason.strip(), now)
    return _listed(added)


def _possible(begins: Nanos, now: Nanos) -> Nanos:
    if not 0 <= begins <= now + _AHEAD:
        raise UserError(
            f"a version cannot begin at {to_iso(begins)}; name a time from 1970-01-01 until {to_datetime(now + _AHEAD):%Y-%m-%d}"
        )
    return begins


def _really_changes(known: Sequence[Listed], definition: Definition, begins: Nanos, now: Nanos) -> None:
    """One that has not begun yet is in nobody's way: the newer version is in force from its own beginning on."""
    newest, current = known[-1], in_force_of(known)
    if newest.sha256 == definition.sha256 and newest.valid_from <= begins:
        raise UserError(f"{definition.key} is as its version {newest.version} says already; nothing was changed")
    if begins < current.valid_from <= now:
        raise UserError(
            f"{definition.key} version {current.version} began later, at {to_iso(current.valid_from)}; begin after it"
        )


def _keep_what_is_held(versions: InstrumentVersions, before: Definition, after: Definition) -> None:
    moved = [change for change in differences(before, after) if change.path in FIXED]
    books = versions.holders(after.symbol) if moved else []
    if books:
        raise UserError(
            f"{after.key}: {moved[0].path} cannot change from {shown(moved[0].before)} to {shown(moved[0].after)} while book "
            f"{books[0]} holds a position in {after.symbol}; close it first"
        )


def next_closures(definition: Definition, count: int = 6, at: Nanos | None = None) -> list[str]:
    """The next holidays and short days from now, or `at`, in sentences."""
    zone = definition.sessions.zone
    today = to_datetime(SystemClock().now() if at is None else at, zone).date()
    found = sessions_from(definition).closures(today, today + timedelta(days=400))
    return [
        f"{day:%a %Y-%m-%d}: {closure.name}, " + ("closed" if closure.close is None else f"closes {minute_text(closure.close)}")
        for day, closure in list(found.items())[:count]
    ]


def next_rolls(definition: Definition, count: int = 3, at: Nanos | None = None) -> list[str]:
    """The contract in front and when it is left at the latest, in sentences; none for what is no future."""
    holidays = sessions_from(definition).holidays
    if definition.roll is None or holidays is None:
        return []
    from engine.market.contracts import RollRule, contracts_from, front, last_day

    rule = RollRule(**definition.roll.model_dump())
    today = to_datetime(SystemClock().now() if at is None else at, definition.sessions.zone).date()
    first = front(today, rule, holidays.is_business)
    coming = [each for each, _ in zip((c for c in contracts_from(first.year, rule) if c >= first), range(count), strict=False)]
    latest = "" if rule.rule == "days" else " at the latest"
    return [
        f"{definition.symbol}{each.code}: in front until {last_day(each, rule, holidays.is_business):%a %Y-%m-%d}{latest}"
        for each in coming
    ]


def check_file(file: Path) -> Definition:
    """The definition a TOML file holds, its exchange calendars looked up; UserError with its first fault."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {error}; give a TOML file") from error
    definition = parse(read_toml(text, str(file)), file.name)
    _ = instrument_from(definition).sessions.next_close(SystemClock().now())
    return definition


def _listed(stored: InstrumentVersion) -> Listed:
    return Listed(_definition(stored), stored.version, stored.sha256, stored.valid_from, stored.reason, stored.at)


def _definition(stored: InstrumentVersion) -> Definition:
    return parse(json.loads(stored.definition), f"{stored.symbol} version {stored.version}")
