"""One series out of a future's contracts, with the jumps between them taken out backwards, or left in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np

from engine.core.clock import Nanos, from_datetime, to_datetime, to_iso
from engine.core.errors import DataError
from engine.domain.market import Bars
from engine.domain.sessions import Sessions
from engine.market.contracts import Contract


@dataclass(frozen=True, slots=True)
class Joint:
    """Where a contract followed another: `at` (ns UTC), and the closes of both at the last bar they shared before it."""

    at: Nanos
    out: Contract
    into: Contract
    close_out: float
    close_into: float


@dataclass(frozen=True, slots=True)
class Continuous:
    """The joined bars and their joints. Prices of the last contract are as traded, earlier ones adjusted to them."""

    bars: Bars
    joints: tuple[Joint, ...]


def session_start(sessions: Sessions, day: date) -> Nanos:
    """When the session of the trading day `day` opens (ns UTC): the evening before for most futures."""
    local = datetime.combine(day - timedelta(days=4), datetime.min.time(), ZoneInfo(sessions.zone))
    opened = sessions.next_open(from_datetime(local))
    while True:
        closed = sessions.next_close(opened)
        if to_datetime(closed, sessions.zone).date() >= day:
            return opened
        opened = sessions.next_open(closed)


def join(bars: Mapping[Contract, Bars], begins: Sequence[tuple[Nanos, Contract]], adjustment: str) -> Continuous:
    """The contracts' bars, each from its time in `begins` (ns UTC, ascending) until the next one's.

    By "difference" earlier prices are moved by what the contracts differed in at each joint, by "ratio" multiplied by their
    quotient (no price turns negative, returns stay as they were), by "none" they are left. DataError where bars are missing.
    """
    ends = [at for at, _ in begins[1:]] + [np.iinfo(np.int64).max]
    joints = [_joint(bars, at, out, into) for (_, out), (at, into) in pairwise(begins)]
    parts = []
    for number, ((start, contract), end) in enumerate(zip(begins, ends, strict=True)):
        held = _of(bars, contract)
        part = held[int(np.searchsorted(held.at, start)) : int(np.searchsorted(held.at, end))]
        parts.append(_moved(part, joints[number:], adjustment))
    return Continuous(Bars.join(parts), tuple(joints))


def _of(bars: Mapping[Contract, Bars], contract: Contract) -> Bars:
    if contract not in bars:
        raise DataError(f"there are no bars of contract {contract.code}; give them, or name other months")
    return bars[contract]


def _joint(bars: Mapping[Contract, Bars], at: Nanos, out: Contract, into: Contract) -> Joint:
    one, other = _of(bars, out), _of(bars, into)
    shared, mine, theirs = np.intersect1d(one.at, other.at, assume_unique=True, return_indices=True)
    before = int(np.searchsorted(shared, at)) - 1
    if before < 0:
        raise DataError(f"contracts {out.code} and {into.code} share no bar before {to_iso(at)}; their jump cannot be taken out")
    return Joint(at, out, into, float(one.close[mine[before]]), float(other.close[theirs[before]]))


def _moved(part: Bars, joints: Sequence[Joint], adjustment: str) -> Bars:
    """The bars of a contract as seen from the last one."""
    shift = sum(joint.close_into - joint.close_out for joint in joints) if adjustment == "difference" else 0.0
    factor = float(np.prod([joint.close_into / joint.close_out for joint in joints])) if adjustment == "ratio" else 1.0
    open_, high, low, close = (getattr(part, name) * factor + shift for name in ("open", "high", "low", "close"))
    return Bars(part.at, open_, high, low, close, part.volume, part.spread * factor)
