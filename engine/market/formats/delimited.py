"""Reads delimited text by a mapping of its columns: the header is passed over, the time's form is found in the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.core.errors import DataError
from engine.market.formats.base import Parsed
from engine.market.formats.digits import stamp
from engine.market.formats.epoch import UNITS, from_counts
from engine.market.formats.source import Source
from engine.market.formats.text import Layout, Rows, parse_rows
from engine.market.formats.wanted import PRICES, Mapping

_DAYS = ("YYYY-MM-DD", "YYYY.MM.DD", "YYYY/MM/DD", "YYYYMMDD", "DD.MM.YYYY", "DD/MM/YYYY", "DD-MM-YYYY")
_HOURS = ("HH:NN:SS", "HH:NN", "HHNNSS", "HHNN", *(f"HH:NN:SS.{'F' * places}" for places in (3, 6, 9)))
_ZONES = ("", "z", "±OO:PP", "±OOPP", " ±OO:PP", " gmt±OOPP", " utc±OO:PP")
_LOOKED_AT = 20


def parse_mapped(source: Source, mapping: Mapping) -> Parsed:
    """The rows as `mapping` names their columns. DataError when no row, or no time in them, can be understood."""
    header = _header(source) if mapping.header is None else mapping.header
    source, mapping = _time_first(source, mapping)
    time = mapping.columns.index("time")
    stamps = _stamps(source, mapping, header)
    names = tuple(f"-{number}" if name == "-" else name for number, name in enumerate(mapping.columns))
    optional = frozenset({"spread"}) & set(names)
    if stamps:
        rows = parse_rows(source.text, Layout(mapping.separator, names[time + 1 :], stamps, time + 1, header, optional))
    else:
        rows = parse_rows(source.text, Layout(mapping.separator, names, (), 0, header, optional))
        unit = mapping.time_format if mapping.time_format in UNITS else ""
        rows = replace(rows, at=from_counts(rows.columns.pop("time"), unit), hours=len(rows.at))
    return _parsed(rows, not stamps or all(_zoned(template) for template in stamps), optional)


def _parsed(rows: Rows, is_utc: bool, optional: frozenset[str]) -> Parsed:
    if "bid" in rows.columns:
        columns = {name: rows.columns[name] for name in ("bid", "ask")}
    else:
        empty = np.zeros(len(rows.at))
        columns = {**{name: rows.columns[name] for name in PRICES}, "volume": rows.columns.get("volume", empty)}
        if "spread" in rows.columns:
            columns["spread"] = rows.columns["spread"]
    digits = max(rows.digits[name] for name in columns if name not in ("volume", "spread"))
    dates_only = rows.hours == 0 and len(rows.at) > 0
    return Parsed(
        rows.line,
        rows.at,
        columns,
        tuple(rows.bad),
        digits,
        dates_only,
        clock="UTC" if is_utc else None,
        unknown=optional,
    )


def _zoned(template: str) -> bool:
    return template.endswith("z") or "±" in template


def _time_first(source: Source, mapping: Mapping) -> tuple[Source, Mapping]:
    """The text with the time's fields moved to the front, where the parser expects them."""
    time = mapping.columns.index("time")
    first = time - ("date" in mapping.columns)
    if not first:
        return source, mapping
    mark = mapping.separator.encode()
    lines = (line.split(mark) for line in source.text.splitlines())
    text = b"\n".join(mark.join([*line[first : time + 1], *line[:first], *line[time + 1 :]]) for line in lines)
    names = mapping.columns
    moved = (*names[first : time + 1], *names[:first], *names[time + 1 :])
    return replace(source, text=text), replace(mapping, columns=moved)


def _header(source: Source) -> int:
    """How many lines come before the first that is mostly digits."""
    for number, line in enumerate(source.head.splitlines()[:_LOOKED_AT]):
        if 2 * sum(letter in b"0123456789" for letter in line) > len(line):
            return number
    raise DataError(f"{source.path.name}: none of the first lines looks like a row; check --columns and --header-lines")


def _stamps(source: Source, mapping: Mapping, header: int) -> tuple[str, ...]:
    """The templates of the time, empty for a count since 1970."""
    given = mapping.time_format
    if given in UNITS:
        return ()
    if given:
        return (given,)
    fields = mapping.columns.index("time") + 1
    for line in source.head.splitlines()[header : header + _LOOKED_AT]:
        parts = line.decode("utf-8", "replace").split(mapping.separator)[:fields]
        text = mapping.separator.join(part.strip().strip('"') for part in parts)
        if fields == 1 and text.replace(".", "", 1).isdigit() and len(text.partition(".")[0]) > len("YYYYMMDD"):
            return ()
        found = _found(text, mapping.separator if fields > 1 else "")
        if found:
            return found
    raise DataError(f"{source.path.name}: no time can be read in the first rows; give --time-format, such as DD/MM/YYYY HH:NN")


def _found(text: str, separator: str) -> tuple[str, ...]:
    """The template that `text` follows, first, and its siblings of other lengths."""
    for day in _DAYS:
        joins = (separator,) if separator else (" ", "t")
        templates = [*(f"{day}{join}{hour}{zone}" for join in joins for hour in _HOURS for zone in _ZONES), day]
        fitting = (template for template in templates if len(template) == len(text))
        met = next((template for template in fitting if stamp(text, template) is not None), None)
        if met:
            zoned = _zoned(met)
            return (met, *(other for other in templates if other != met and _zoned(other) == zoned and other != day))
    return ()
