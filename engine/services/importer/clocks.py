"""The clocks a file may be on, with what speaks for each, and how sure the chosen one is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.clock import HOUR
from engine.domain.imports import ClockOption
from engine.domain.instrument import Instrument
from engine.domain.market import Floats, Ints, Timeframe
from engine.market.clock_evidence import MEASURABLE, ClockChoice, fits
from engine.market.clock_reference import Reference, measure

_SHOWN = 8
_CLEAR_SHARE = 0.01
_TIMES, _FEW = 3, 0.002
_CLEAR_CORRELATION = 0.8


def options(
    local: Ints, close: Floats, instrument: Instrument, frame: Timeframe | None, references: Sequence[Reference], chosen: str
) -> list[ClockOption]:
    """What speaks for which clock, the `chosen` one first. `local` are bar times on the file's own clock (ns), ascending."""
    shares: dict[str, tuple[float, tuple[str, ...]]] = {}
    if instrument.sessions.periods and frame is not None and frame.span <= HOUR and len(local):
        shares = {fit.spec: (fit.closed_share, fit.same) for fit in fits(local, instrument)}
    found = None
    if frame is not None and references:
        sound = np.append(True, np.diff(local) > 0)
        candidates = MEASURABLE if not chosen or chosen in MEASURABLE else (*MEASURABLE, chosen)
        found = measure(local[sound], close[sound], frame.span, references, candidates)

    def correlation(spec: str) -> float | None:
        return None if found is None else found.correlation_of(spec)

    listed = list(shares) or ([match.spec for match in found.matches] if found else [])
    made = [
        ClockOption(spec, shares.get(spec, (None, ()))[1], shares.get(spec, (None, ()))[0], correlation(spec)) for spec in listed
    ]
    made.sort(key=lambda option: chosen not in (option.spec, *option.same))
    if chosen and not (made and chosen in (made[0].spec, *made[0].same)):
        made.insert(0, ClockOption(chosen, (), None, correlation(chosen)))
    return made[:_SHOWN]


def confidence(choice: ClockChoice, found: Sequence[ClockOption]) -> str:
    """How sure the clock is, in a word: certain, clear, likely, given or doubtful."""
    if any("looks written on" in sentence for sentence in choice.evidence):
        return "doubtful"
    if choice.how == "written":
        return "certain"
    if choice.how == "given":
        return "given"
    best, rivals = found[0], found[1:]
    if best.correlation is not None and best.correlation >= _CLEAR_CORRELATION:
        return "clear"
    shares = [rival.closed_share for rival in rivals if rival.closed_share is not None]
    if best.closed_share is not None and shares:
        apart = min(shares) - best.closed_share
        if apart >= _CLEAR_SHARE or min(shares) >= _TIMES * best.closed_share + _FEW:
            return "clear"
    return "likely"
