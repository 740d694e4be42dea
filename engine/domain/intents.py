"""Intents: what the owner asks for, as frozen values. They come through one door and meet the same gate as a model's orders."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from engine.core.clock import Nanos


@dataclass(frozen=True, slots=True)
class Intent:
    """Base of all intents. Prices in ticks, quantities in lot steps, times ns UTC."""


@dataclass(frozen=True, slots=True)
class SubmitOrder(Intent):
    """A ticket: `type` market, limit or stop at `price`; `stop_loss` and `take_profit` make it a bracket."""

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


@dataclass(frozen=True, slots=True)
class CancelOrder(Intent):
    order: str


@dataclass(frozen=True, slots=True)
class CancelAll(Intent):
    """Cancel every working entry; `symbol` "" means everywhere. Protective orders stay."""

    symbol: str = ""


@dataclass(frozen=True, slots=True)
class ModifyOrder(Intent):
    """None leaves a value as it is."""

    order: str
    quantity: int | None = None
    price: int | None = None


@dataclass(frozen=True, slots=True)
class EditProtection(Intent):
    """Move, add or (take_profit=0) remove the position's stop and target."""

    symbol: str
    stop_loss: int | None = None
    take_profit: int | None = None


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


KINDS: dict[str, type[Intent]] = {kind.__name__: kind for kind in Intent.__subclasses__()}


def encode(intent: Intent) -> str:
    """Canonical JSON of the intent."""
    return json.dumps({"kind": type(intent).__name__, **asdict(intent)}, sort_keys=True, separators=(",", ":"))


def decode(text: str) -> Intent:
    """The intent `encode` wrote."""
    values = json.loads(text)
    return KINDS[values.pop("kind")](**values)
