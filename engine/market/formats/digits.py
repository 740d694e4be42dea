"""Digits to numbers for many fields at once, straight from the file's bytes and exact."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.core.clock import DAY, HOUR, MINUTE, SECOND, Nanos
from engine.domain.market import Floats, Ints

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_ZERO, _DOT, _MINUS = ord("0"), ord("."), ord("-")
_WIDEST = 18
_EXACT = 1 << 53
_POWERS = 10.0 ** np.arange(_WIDEST + 1)
_RUN = re.compile(r"((.)\2*)")
_FIELDS = "YMDHNSFOP"
_PLUS, _LOWER = ord("+"), 0x20


class Decimals(NamedTuple):
    """The fields' values; `places` counts digits after the dot; where not `ok` the field is not a plain decimal."""

    value: Floats
    places: npt.NDArray[np.int8]
    ok: Mask


def decimals(text: Bytes, starts: Ints, ends: Ints) -> Decimals:
    """Fields `[+-]digits[.digits]` at `starts`..`ends` of `text` as the nearest float64 (one exact integer division)."""
    width = ends - starts
    ok = (width > 0) & (width <= _WIDEST)
    mantissa = np.zeros(len(starts), np.int64)
    places = np.full(len(starts), -1, np.int8)
    digits = np.zeros(len(starts), np.int8)
    negative = np.zeros(len(starts), np.bool_)
    last = max(0, len(text) - 1)
    widest = int(min(_WIDEST, width.max(initial=0)))
    narrowest = int(width.min(initial=0))
    for column in range(widest):
        char = text[np.minimum(starts + column, last)]
        active: Mask | bool = True if column < narrowest else column < width
        digit = char - np.uint8(_ZERO)
        is_digit = (digit <= 9) & active
        is_dot = (char == _DOT) & active
        mantissa = np.where(is_digit, mantissa * 10 + digit, mantissa)
        ok &= is_digit | is_dot & (places < 0) | np.logical_not(active) | ((char == _MINUS) if column == 0 else False)
        if column == 0:
            negative = char == _MINUS
        places += (is_digit & (places >= 0)) | is_dot
        digits += is_digit
    ok &= (digits > 0) & (mantissa < _EXACT)
    places = np.maximum(places, 0)
    value = np.where(negative, -mantissa, mantissa) / _POWERS[places]
    return Decimals(value, places, ok)


class Stamps(NamedTuple):
    """Times in ns as if the fields were UTC; where not `ok` the field does not follow the template or is no date."""

    at: Ints
    ok: Mask


def stamps(text: Bytes, starts: Ints, template: str) -> Stamps:
    """Fields at `starts` that follow `template`, such as "YYYY.MM.DD HH:NN:SS.FFF gmt±OOPP".

    NN are minutes; ±, OO and PP sign, hours and minutes of an offset from UTC, which is taken off; lower-case letters stand
    for themselves in either case, everything else for itself.
    """
    chars = text[np.minimum(starts[:, None] + np.arange(len(template)), max(0, len(text) - 1))]
    ok = np.ones(len(starts), np.bool_)
    parts: dict[str, Ints] = {}
    for column, letter in enumerate(template):
        char = chars[:, column]
        if letter in _FIELDS:
            digit = char - np.uint8(_ZERO)
            ok &= digit <= 9
            parts[letter] = parts.get(letter, np.zeros(len(starts), np.int64)) * 10 + digit
        elif letter == "±":
            ok &= (char == _PLUS) | (char == _MINUS)
            parts[letter] = np.where(char == _MINUS, -1, 1)
        else:
            ok &= (char | _LOWER if letter.islower() else char) == ord(letter)
    return _assemble(parts, ok, _fraction(template))


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("".join(_group(run, letter) for run, letter in _RUN.findall(template)))


def _group(run: str, letter: str) -> str:
    if letter in _FIELDS:
        return f"(?P<{letter}>[0-9]{{{len(run)}}})"
    if letter == "±":
        return "(?P<sign>[+-])"
    return f"(?i:{run})" if letter.islower() else re.escape(run)


def stamp(text: str, template: str) -> Nanos | None:
    """One time that follows `template` (see `stamps`), or None."""
    match = _pattern(template).fullmatch(text)
    if match is None:
        return None
    found = {"±" if name == "sign" else name: f"{text}1" if name == "sign" else text for name, text in match.groupdict().items()}
    parts = {letter: np.array([int(digits)], np.int64) for letter, digits in found.items()}
    times = _assemble(parts, np.ones(1, np.bool_), _fraction(template))
    return int(times.at[0]) if times.ok[0] else None


def _fraction(template: str) -> Nanos:
    """Nanoseconds of the last of the template's decimals of a second."""
    return SECOND // int(10 ** template.count("F"))


def _assemble(parts: dict[str, Ints], ok: Mask, fraction: int) -> Stamps:
    nothing = np.zeros(len(ok), np.int64)
    year, month, day = parts["Y"], parts["M"], parts["D"]
    hour, minute, second = (parts.get(letter, nothing) for letter in "HNS")
    ok = ok & (year >= 1900) & (year <= 2100) & (month >= 1) & (month <= 12) & (day >= 1)
    ok &= (hour <= 23) & (minute <= 59) & (second <= 59)
    months = np.where(ok, (year - 1970) * 12 + month - 1, 0)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    after = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    ok &= day <= after - first
    at = (first + day - 1) * DAY + hour * HOUR + minute * MINUTE + second * SECOND + parts.get("F", nothing) * fraction
    if "±" in parts:
        ahead, past = parts["O"], parts.get("P", nothing)
        ok &= (ahead <= 14) & (past <= 59)
        at = at - parts["±"] * (ahead * HOUR + past * MINUTE)
    return Stamps(at, ok)
