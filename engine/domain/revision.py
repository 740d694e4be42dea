"""Definitions of instruments as they follow each other: what is in force, what an edit changes, what may not change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from engine.core.clock import Nanos, to_datetime, to_iso
from engine.core.errors import UserError
from engine.domain.definition import Definition, parse, plain

FIXED = ("price.tick", "size.contract", "size.step", "size.currency")
"""What an instrument with an open position keeps: the books count in these."""


class Change(NamedTuple):
    """A value of a definition that differs, by its path; None where it is not said."""

    path: str
    before: Any
    after: Any

    def line(self) -> str:
        """For people."""
        return f"{self.path}: {shown(self.before)} -> {shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A definition as it is or was in force. `version` 0 is the shipped file; `reason` and `at` (ns UTC) are the edit's."""

    definition: Definition
    version: int
    sha256: str
    valid_from: Nanos = 0
    reason: str = "as shipped"
    at: Nanos = 0

    @property
    def key(self) -> str:
        return self.definition.key

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        times = {"valid_from": to_iso(self.valid_from), "at": to_iso(self.at)} if self.version else {}
        about = {"key": self.key, "version": self.version, "sha256": self.sha256, "reason": self.reason, **times}
        return {**about, "definition": json.loads(self.definition.canonical())}

    def line(self) -> str:
        """One line for people."""
        since = f"from {to_datetime(self.valid_from):%Y-%m-%d %H:%M} UTC: {self.reason}" if self.version else self.reason
        return f"{self.key} version {self.version} ({self.sha256[:12]}) {since}"


def changed(definition: Definition, changes: Mapping[str, str]) -> Definition:
    """The definition with values at paths such as "financing.long" replaced; an empty text takes a value away.

    UserError names a path that does not exist, or the first value that is not accepted.
    """
    values = json.loads(definition.canonical())
    for path, text in changes.items():
        *parts, name = path.split(".")
        place = values
        for part in parts:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise UserError(f"{definition.key}: there is no {path}; see main.py instruments show {definition.key}")
        if text == "":
            place.pop(name, None)
        else:
            place[name] = _value(text)
    return parse(values, definition.key)


def differences(before: Definition, after: Definition) -> list[Change]:
    """What differs between two definitions, in the order of the paths."""
    one, other = leaves(before), leaves(after)
    return [Change(path, one.get(path), other.get(path)) for path in sorted({*one, *other}) if one.get(path) != other.get(path)]


def leaves(definition: Definition) -> dict[str, Any]:
    """Every value of a definition by its path."""
    return dict(_leaves(json.loads(definition.canonical())))


def _leaves(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield before + name, value


def _value(text: str) -> Any:
    """What is written on a command line: a number, a list or table as JSON, or a word."""
    try:
        return Decimal(text)
    except InvalidOperation:
        pass
    if text[:1] in "[{":
        try:
            return json.loads(text, parse_float=Decimal)
        except ValueError:
            raise UserError(f"{text!r} is no list as JSON writes it, such as [200, 10000]") from None
    return text


def shown(value: Any) -> str:
    """A value as it is shown to people."""
    if value is None:
        return "not said"
    return plain(value) if isinstance(value, Decimal) else value if isinstance(value, str) else json.dumps(value)
