"""What holds whatever happens, checked after every case from the books and the venue alone.

I1 nothing on the wire without a committed intent. I2 at most one broker order per intent. I3 fills by execution id sum to the
position, which equals the broker's. I4 the audit chain verifies. I5 no limit or trading mode loosens itself.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.domain import facts as f
from engine.domain.intents import ChangeLimits, Resume, SetMode, decode
from engine.domain.order import Side
from engine.services.audits import verify_book
from engine.storage.audit import audit_books
from engine.storage.books import Books
from engine.storage.database import open_books
from engine.storage.journal import export_lines
from engine.storage.spool import read_spool, spool_path

CALM = {"ACTIVE": 0, "REDUCING": 1, "HALTED": 2}


@dataclass
class Wire:
    """What a venue saw: each new order by our id as it came, with whether its intent was on a disk at that moment.

    `numbers` is what tells a new order from a change of one, in the venue's own terms.
    """

    seen: list[str] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)
    numbers: set[object] = field(default_factory=set)

    def saw(self, order: str, db: str) -> None:
        """An order came in: its intent is looked for on the disk, now."""
        self.seen.append(order)
        if order not in intended(db):
            self.unwritten.append(order)


def intended(db: str) -> set[str]:
    """Our ids of all orders whose intent is committed or spooled."""
    return {record.fact.order for record in records_on_disk(db) if isinstance(record.fact, f.OrderIntended)}


def records_on_disk(db: str) -> Iterator[f.Record]:
    """Every fact of the latest book that would survive the process, spooled ones among them.

    The spool is read first: what leaves it meanwhile is in the database by then.
    """
    with open_books(db) as database:
        book = Books(database).latest()
        if book is None:
            return
        path = spool_path(database.place, book.id, database.place.path.parent) if database.place.path else None
        steps = read_spool(path).steps if path is not None and path.exists() else ()
        last = 0
        for record in map(f.parse, export_lines(database, book.id)):
            last = record.seq
            yield record
    for step in steps:
        yield from (record for record in map(f.parse, step.facts) if record.seq > last)


def violations(db: str, wire: Wire, positions: Mapping[str, int]) -> list[str]:
    """Every invariant that does not hold, as sentences; `positions` are the venue's, in lot steps."""
    records = list(records_on_disk(db))
    found = [f"I1: {order} was on the wire and its intent was not on a disk" for order in wire.unwritten]
    found += [f"I2: {order} was sent {count} times" for order, count in Counter(wire.seen).items() if count > 1]
    found += _positions(records, positions)
    found += _chain(db)
    found += _loosened(records)
    return found


def _positions(records: Sequence[f.Record], venue: Mapping[str, int]) -> Iterator[str]:
    """By the executions alone: neither the ledger nor PositionChanged is believed."""
    fills: dict[str, tuple[str, int]] = {}
    adopted: dict[str, int] = {}
    said: dict[str, int] = {}
    for record in records:
        fact = record.fact
        if isinstance(fact, f.OrderFilled):
            if fact.execution in fills:
                yield f"I3: execution {fact.execution} is booked twice"
            fills[fact.execution] = fact.symbol, fact.quantity * Side(fact.side).sign
        elif isinstance(fact, f.FillCorrected):
            fills.pop(fact.replaces, None)
            fills[fact.execution] = fact.symbol, fact.quantity * Side(fact.side).sign
        elif isinstance(fact, f.PositionAdopted):
            before = sum(signed for symbol, signed in fills.values() if symbol == fact.symbol)
            adopted[fact.symbol] = fact.quantity - before
            said[fact.symbol] = fact.quantity
        elif isinstance(fact, f.PositionChanged):
            said[fact.symbol] = fact.quantity
    total: dict[str, int] = defaultdict(int, adopted)
    for symbol, signed in fills.values():
        total[symbol] += signed
    for symbol in sorted({*total, *said, *venue}):
        ours, told, there = total.get(symbol, 0), said.get(symbol, 0), venue.get(symbol, 0)
        if not ours == told == there:
            yield f"I3: {symbol}: fills come to {ours}, the ledger says {told}, the venue {there}"


def _chain(db: str) -> Iterator[str]:
    verdict = verify_book(db, None, None)
    if not verdict.clean:
        yield f"I4: {verdict.sentence}"
    with open_books(db) as database:
        book = Books(database).latest()
        assert book is not None
        report = audit_books(database, book.id)
    if not report.is_clean:
        yield f"I4: the views differ from the facts: {report.differences}"


def _loosened(records: Sequence[f.Record]) -> Iterator[str]:
    """A looser state, mode or limit must stand in a step that its owner's word began, or that a rule of time allows."""
    words: dict[int, Any] = {
        record.step: decode(record.fact.intent) for record in records if isinstance(record.fact, f.IntentReceived)
    }
    days = {record.step for record in records if isinstance(record.fact, f.DayStarted)}
    state, mode = "ACTIVE", ""
    for record in records:
        fact, word = record.fact, words.get(record.step)
        if isinstance(fact, f.TradingStateChanged):
            looser = CALM[fact.state] < CALM[state]
            if looser and not isinstance(word, Resume) and not (fact.cause == "daily_loss" and record.step in days):
                yield f"I5: fact {record.seq} went from {state} to {fact.state} by itself ({fact.cause}: {fact.reason})"
            state = fact.state
        elif isinstance(fact, f.ModeChanged):
            if mode and fact.mode != mode and not isinstance(word, SetMode):
                yield f"I5: fact {record.seq} changed the mode from {mode} to {fact.mode} by itself"
            mode = fact.mode
        elif isinstance(fact, f.LimitsChanged) and not isinstance(word, ChangeLimits) and not _was_due(fact, record, records):
            yield f"I5: fact {record.seq} changed a limit that nobody asked to be changed: {json.dumps(f.body(fact))}"


def _was_due(changed: f.LimitsChanged, at: f.Record, records: Sequence[f.Record]) -> bool:
    """Whether the owner asked for just that, and the time he had to wait is over."""
    asked = [record.fact for record in records if record.seq < at.seq and isinstance(record.fact, f.LimitsRequested)]
    wanted = changed.limit, changed.symbol, changed.value
    return any((it.limit, it.symbol, it.value) == wanted and it.due <= at.at for it in asked)
