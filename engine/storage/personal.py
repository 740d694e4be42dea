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
    found = {path: random(_SALT_BYTES).hex() for path, _ in _values(kind, json.loads(line), paths)}
    return _encode(found) if found else None


def committed(line: str, salts: str | None) -> str:
    """The line as it is chained: every salted value replaced by its commitment.

    Raises ValueError, KeyError or TypeError where line and salts do not belong together.
    """
    if salts is None:
        return line
    values = json.loads(line)
    for path, salt in json.loads(salts).items():
        holder, name, inner = _holder(values, path)
        holder[name] = ERASED + sha256(bytes.fromhex(salt) + holder[name].encode("utf-8", "surrogatepass")).hexdigest()
        if inner is not None:
            values[inner] = _encode(holder)
    return _encode(values)


def erased_of(kind: str, line: str) -> tuple[str, ...]:
    """The paths of a line's values that were erased."""
    paths = PERSONAL.get(kind, ())
    return tuple(path for path, value in _values(kind, json.loads(line), paths) if value.startswith(ERASED)) if paths else ()


def _values(kind: str, values: dict[str, Any], paths: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The personal values that are there, with their paths. What a limit says of itself when it trips is not personal."""
    if kind == "TradingStateChanged" and values["cause"] != "owner":
        return
    for path in paths:
        holder, name, _ = _holder(values, path)
        value = holder.get(name)
        if isinstance(value, str) and value:
            yield path, value


def _holder(values: dict[str, Any], path: str) -> tuple[dict[str, Any], str, str | None]:
    """The object in which the path's last name stands, that name, and the field the object's JSON stands in."""
    outer, _, name = path.rpartition(".")
    return (json.loads(values[outer]), name, outer) if outer else (values, name, None)


def _encode(values: Any) -> str:
    """As facts and intents are written, so that an unchanged value gives its bytes again."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
