"""The answer's lines: every cap that can be told of, beside what the order makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from struct import Struct
from typing import overload

import numpy as np

from engine.domain.limits import LimitLine
from engine.domain.market import Floats
from engine.risk.kin import Kin, together
from engine.risk.returns import LEAST
from engine.risk.sentences import sentence
from engine.risk.terms import Cap
from engine.rules.limits import CORRELATION, SHORTFALL, VALUE_AT_RISK, tell

TAILS = (VALUE_AT_RISK, SHORTFALL)
_line, _lines, _passed, _unsaid = tuple.__new__, repeat(LimitLine), repeat(True), repeat("")
"""A LimitLine of a tuple: its own constructor takes twice as long, and there are a dozen in every answer."""


Told = tuple[Sequence[LimitLine], Sequence[LimitLine], Sequence[str]]
"""Lines of an answer, those of them that deny, and the sentences of what only warns."""


class Lines(Sequence[LimitLine]):
    """The lines of an answer that passes every limit, made when they are read: an order that goes has no reader for them."""

    __slots__ = ("_asked", "_figures", "_made")

    def __init__(self, asked: Asked, figures: bytes) -> None:
        self._asked = asked
        self._figures = figures
        self._made: tuple[LimitLine, ...] | None = None

    def _all(self) -> tuple[LimitLine, ...]:
        if self._made is None:
            self._made = self._asked.lines(self._figures)
        return self._made

    @overload
    def __getitem__(self, at: int) -> LimitLine: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[LimitLine, ...]: ...
    def __getitem__(self, at: int | slice) -> LimitLine | tuple[LimitLine, ...]:
        return self._all()[at]

    def __len__(self) -> int:
        return len(self._asked.caps)

    def __iter__(self) -> Iterator[LimitLine]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lines | tuple) and self._all() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())


class Asked:
    """The caps that can be told of under one instrument's terms, and the sentences of hard ones that cannot yet."""

    def __init__(self, caps: Iterable[Cap], told: Iterable[Cap]) -> None:
        self.caps = tuple(told)
        self.unknown = tuple(_unknown(cap) for cap in caps if cap.hard and cap.row in TAILS and cap not in self.caps)
        self.hard = tuple(cap for cap in self.caps if cap.hard)
        self._names, self._hards = tuple(cap.name for cap in self.caps), tuple(cap.hard for cap in self.caps)
        self._values = tuple(cap.value for cap in self.caps)
        self._rows, self._capped = np.array([cap.row for cap in self.caps], np.int64), np.array(self._values)
        self._told: Floats = np.zeros((3, len(self.caps)))
        self._unpack = Struct(f"={self._told.size}d").unpack

    def tell(self, rows: Floats, grows: bool, kin: Sequence[Kin]) -> Told:
        """What `rows` make of the caps. What `grows` nothing passes all of them."""
        is_over = tell(rows, self._rows, self._capped, self._told)
        if grows and is_over:
            return self._judged(rows, kin)
        return Lines(self, self._told.tobytes()), (), self.unknown if grows else ()

    def lines(self, figures: bytes) -> tuple[LimitLine, ...]:
        """A line for every cap, all passed; `figures` are doubles: those of now, of after the fill, of after the stop-out."""
        told, count = self._unpack(figures), len(self.caps)
        columns = told[:count], told[count : 2 * count], told[2 * count :]
        lines = zip(self._names, *columns, self._values, self._hards, _passed, _unsaid, strict=False)  # the last two never end
        return tuple(map(_line, _lines, lines))

    def _judged(self, rows: Floats, kin: Sequence[Kin]) -> Told:
        lines, broken, warnings = list[LimitLine](), list[LimitLine](), list(self.unknown)
        for cap in self.caps:
            now, fill, out = map(float, rows[cap.row])
            if passes(cap, now, fill):
                lines.append(LimitLine(cap.name, now, fill, out, cap.value, cap.hard, True))
                continue
            text = sentence(cap.name, fill, cap.value, cap.hard)
            if cap.row == CORRELATION:
                text += f"; {together(kin)}"
            lines.append(LimitLine(cap.name, now, fill, out, cap.value, cap.hard, False, text))
            if cap.hard:
                broken.append(lines[-1])
            else:
                warnings.append(text)
        return tuple(lines), broken, warnings

    def let_pass(self, rows: Floats) -> bool:
        """Whether every hard cap lets what `rows` hold pass."""
        if not tell(rows, self._rows, self._capped, self._told):
            return True
        return all(passes(cap, float(rows[cap.row, 0]), float(rows[cap.row, 1])) for cap in self.hard)


def passes(cap: Cap, now: float, fill: float) -> bool:
    """Whether the cap lets pass what would be after the `fill`. A tail may stay as long as it is, so that what hedges it goes."""
    return fill <= cap.value or (cap.row in TAILS and fill <= now)


def _unknown(cap: Cap) -> str:
    return f"{cap.name.replace('_', ' ')} is not known before {LEAST} bars have closed; it denies nothing until then"
