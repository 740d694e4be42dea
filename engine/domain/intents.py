"""Intents: what the owner asks for, as frozen values. They come through one door and meet the same gate as a model's orders."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any

from engine.core.clock import Nanos


@dataclass(frozen=True, slots=True)
class Intent:
    """Base of all intents. Prices in ticks, quantities in lot steps, times ns UTC."""


LATER: dict[str, bool] = {"later": True}
"""Metadata of a field that came later: its intent's line holds it only where it differs from its default."""


@dataclass(frozen=True, slots=True)
class SubmitOrder(Intent):
    """A ticket: `type` market, limit, stop, stop_limit or trailing at `price`; `stop_loss` and `take_profit` make it a bracket.

    Of a stop-limit `price` is the trigger and `limit` its limit. `trail` (ticks) or `trail_ppm` (millionths of the price) is how
    far a trailing stop stays behind; without a `price` it begins there. `stop_trail` and `stop_trail_ppm` let the bracket's stop
    trail. `targets` are (price, quantity) in place of `take_profit`; what they leave has the stop only. `then` is placed once
    this order has filled whole.
    """

    symbol: str
    side: str
    type: str
    quantity: int
    price: int | None = None
    stop_loss: int | None = None
    take_profit: int | None = None
    tif: str = "GTC"
    expires: Nanos | None = None
    reduce_only: bool = False
    limit: int | None = field(default=None, metadata=LATER)
    trail: int = field(default=0, metadata=LATER)
    trail_ppm: int = field(default=0, metadata=LATER)
    stop_trail: int = field(default=0, metadata=LATER)
    stop_trail_ppm: int = field(default=0, metadata=LATER)
    targets: tuple[tuple[int, int], ...] = field(default=(), metadata=LATER)
    post_only: bool = field(default=False, metadata=LATER)
    then: SubmitOrder | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class SubmitPair(Intent):
    """Two entries of which the first that fills, be it in part, ends the other; each with stop and targets of its own."""

    first: SubmitOrder
    second: SubmitOrder


@dataclass(frozen=True, slots=True)
class CancelOrder(Intent):
    order: str


@dataclass(frozen=True, slots=True)
class CancelAll(Intent):
    """Cancel every working entry; `symbol` "" means everywhere. Protective orders stay.

    With `everything` targets, closes and orders placed elsewhere go too; the stops over open positions stay.
    """

    symbol: str = ""
    everything: bool = field(default=False, metadata=LATER)


@dataclass(frozen=True, slots=True)
class ModifyOrder(Intent):
    """None leaves a value as it is. `price` is the limit of a limit order, the stop of any other; `limit` that of a stop-limit.

    A trailing stop's price is only ever brought closer: its distance is a new order's.
    """

    order: str
    quantity: int | None = None
    price: int | None = None
    limit: int | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True)
class EditProtection(Intent):
    """Move, add or (take_profit=0) remove the position's stop and target."""

    symbol: str
    stop_loss: int | None = None
    take_profit: int | None = None


@dataclass(frozen=True, slots=True)
class ChooseProtection(Intent):
    """What is done about adopted units without a stop: `choice` is attach (a default stop), leave or close."""

    symbol: str
    choice: str


@dataclass(frozen=True, slots=True)
class ClosePosition(Intent):
    """Close `quantity` of the position at the market; 0 closes all of it."""

    symbol: str
    quantity: int = 0


@dataclass(frozen=True, slots=True)
class ReversePosition(Intent):
    """Close the position and open the same quantity the other way, its stop mirrored."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Flatten(Intent):
    """Cancel all orders and close all positions."""


@dataclass(frozen=True, slots=True)
class AcceptCard(Intent):
    signal: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class VetoCard(Intent):
    signal: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FlipCard(Intent):
    signal: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResizeCard(Intent):
    signal: str
    quantity: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SetMode(Intent):
    """AUTO, CONFIRM or MANUAL."""

    mode: str


@dataclass(frozen=True, slots=True)
class Halt(Intent):
    """Stop all new risk now and cancel working entries; with `flatten` close every position too."""

    flatten: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resume(Intent):
    """Back to ACTIVE after a halt; refused while a limit that tripped still holds."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Arm(Intent):
    """Let orders go to a venue with money; `account` is its name, typed by the owner. Good until the program ends."""

    account: str


@dataclass(frozen=True, slots=True)
class Disarm(Intent):
    """Let nothing be opened any more at a venue with money; what is open there stays protected."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reconnect(Intent):
    """Where a link waits for its owner's word (a moved port, a client id in use, another account): it may try again.

    `port` is where; 0 means where the venue said it moved to, or where it was.
    """

    port: int = 0


@dataclass(frozen=True, slots=True)
class Roll(Intent):
    """Close the position in a future's contract and open it in the one that follows; its stop is moved by what they differ in."""

    symbol: str


@dataclass(frozen=True, slots=True)
class ChangeLimits(Intent):
    """Set the limit called `limit` (engine.domain.limit_rules) to `value`, decimal text or "none", for one `symbol` where given.

    What tightens acts at once; what loosens needs a `reason` and waits. The value in force withdraws what was asked before.
    """

    limit: str
    value: str
    symbol: str = ""
    reason: str = ""


KINDS: dict[str, type[Intent]] = {kind.__name__: kind for kind in Intent.__subclasses__()}


_HOLDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "int | None": (int, type(None)),
    "Nanos | None": (int, type(None)),
}


def misfit(intent: Intent) -> str:
    """The first field with a value of another kind than it is for, "" where there is none.

    Prices are whole ticks and quantities whole lot steps, of 64 bits as in the books: NaN, infinity and fractions are none,
    wherever they come from.
    """
    for each in fields(intent):
        value, kinds = getattr(intent, each.name), _HOLDS.get(str(each.type))
        if isinstance(value, Intent):
            if inner := misfit(value):
                return f"{each.name}.{inner}"
        elif isinstance(value, tuple):
            if not all(_is_whole(number) for pair in value for number in pair):
                return each.name
        elif kinds is not None and not _fits(value, kinds):
            return each.name
    return ""


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (int not in kinds or value is None or _is_whole(value))


def _is_whole(value: Any) -> bool:
    return type(value) is int and abs(value) < 1 << 63


def encode(intent: Intent) -> str:
    """Canonical JSON of the intent."""
    line = {"kind": type(intent).__name__, **_plain(intent)}
    return json.dumps(line, sort_keys=True, separators=(",", ":"), default=str)


def decode(text: str) -> Intent:
    """The intent `encode` wrote."""
    values = json.loads(text)
    return _read(KINDS[values.pop("kind")], values)


def _plain(intent: Intent) -> dict[str, Any]:
    line = {}
    for each in fields(intent):
        value = getattr(intent, each.name)
        if value != each.default or not each.metadata.get("later"):
            line[each.name] = _plain(value) if isinstance(value, Intent) else value
    return line


def _read(kind: type[Intent], values: dict[str, Any]) -> Intent:
    for name, value in values.items():
        if isinstance(value, dict):
            values[name] = _read(SubmitOrder, value)
        elif isinstance(value, list):
            values[name] = tuple(tuple(item) for item in value)
    return kind(**values)
