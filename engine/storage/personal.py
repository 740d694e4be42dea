"""What in a fact may tell of a person, and how it can go without breaking the chain.

The chain does not see such a value but its commitment, SHA-256 over a random salt and the value. The salts lie beside the fact,
by the path of the value: {"account": "9f…"}. Erasing puts the commitment where the value was and forgets the salt; the chained
bytes stay as they were, and nobody can try names against the commitment any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

PERSONAL: dict[str, tuple[str, ...]] = {
    "AccountOpened": ("account",),
    "CardDecided": ("reason",),
    "IntentReceived": ("intent.account", "intent.reason"),
    "LimitsChanged": ("reason",),
    "LimitsRequested": ("reason",),
    "TradingArmed": ("account",),
    "TradingDisarmed": ("account", "reason"),
    "TradingStateChanged": ("reason",),
}
"""By kind of fact the account's name and what the owner writes freely; `intent.` are fields of the JSON in the field intent."""
ERASED = "erased:"
"""What stands before the commitment where a value was erased."""

_SALT_BYTES = 16


def salted(kind: str, line: str, random: Callable[[int], bytes]) -> str | None:
    """Fresh salts for the personal values of a canonical line, as JSON; None where there are none."""
    paths = PERSONAL.get(kind)
    if paths is None:
        return None
    salts = {path: random(_SALT_BYTES).hex() for path, _ in _values(kind, json.loads(line), paths)}
    return _encode(salts) if salts else None


def committed(line: str, salts: str | None) -> str:
    """The line as it is chained: every salted value replaced by its commitment.

    Raises ValueError, KeyError, TypeError or AttributeError where line and salts do not belong together, byte for byte.
    """
    if salts is None:
        return line
    values, told = _decode(line), _decode(salts)
    if not told:
        raise ValueError("a fact without anything personal has no salts")
    for path, salt in told.items():
        if bytes.fromhex(salt).hex() != salt:
            raise ValueError("a salt is written in small hex digits")
        outer, _, name = path.rpartition(".")
        holder = _decode(values[outer]) if outer else values
        holder[name] = ERASED + sha256(bytes.fromhex(salt) + holder[name].encode("utf-8", "surrogatepass")).hexdigest()
        if outer:
            values[outer] = _encode(holder)
    return _encode(values)


def erased_of(kind: str, line: str) -> tuple[str, ...]:
    """The paths of the values that were erased from a line without salts."""
    paths = PERSONAL.get(kind)
    if paths is None or ERASED not in line:
        return ()
    return tuple(path for path, value in _values(kind, json.loads(line), paths) if value.startswith(ERASED))


def _values(kind: str, values: dict[str, Any], paths: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The personal values that are there, with their paths. What a limit says of itself when it trips is not personal."""
    if kind == "TradingStateChanged" and values["cause"] != "owner":
        return
    for path in paths:
        outer, _, name = path.rpartition(".")
        value = (_inner(values[outer]) if outer else values).get(name)
        if isinstance(value, str) and value:
            yield path, value


def _inner(text: str) -> dict[str, Any]:
    """The object that a field holds as JSON; an empty one where it holds something else, which then stays as it is."""
    try:
        values = _decode(text)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _decode(text: str) -> Any:
    """Canonical JSON, and no other: ValueError."""
    values = json.loads(text)
    if _encode(values) != text:
        raise ValueError("it is not canonical JSON")
    return values


def _encode(values: Any) -> str:
    """As facts and intents are written."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
