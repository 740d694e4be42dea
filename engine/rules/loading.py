"""The rules that an order meets on its way out, loaded before they are needed: a first call reads files, and may wait at each."""

from __future__ import annotations

from numba import boolean, float64, int64

from engine.rules.costs import commission, notional
from engine.rules.fills import limit_price, limit_reached, market_price, stop_price, stop_reached, trail_stop
from engine.rules.limits import tell, weigh
from engine.rules.positions import book, share
from engine.rules.sizing import by_risk, default_stop, loss_per_step
from engine.rules.var import tails

_I, _F, _B = int64, float64, boolean
_ROW, _ROWS, _NUMBERS = _F[::1], _F[:, ::1], _I[::1]
_KERNELS = (
    (notional, (_I,) * 3),
    (commission, (_I,) * 5),
    (share, (_I,) * 3),
    (book, (_I,) * 4),
    (loss_per_step, (_I,) * 6),
    (by_risk, (_I,) * 2),
    (default_stop, (_I,) * 4),
    (stop_reached, (_I,) * 3),
    (limit_reached, (_I,) * 4),
    (market_price, (_I,) * 3),
    (stop_price, (_I, _I, _I, _I, _B, _I)),
    (limit_price, (_I, _I, _I, _I, _B)),
    (trail_stop, (_I, _I, _B, _I, _I, _I)),
    (weigh, (_I, _I, _I, _I, _B, *(_I,) * 18, _B, _F, _F, _ROWS)),
    (tell, (_ROWS, _NUMBERS, _ROW, _ROWS)),
    (tails, (_ROWS, _ROW, _I, _F, _F, _I, _I, _F, _F, _F, *(_I,) * 4, _ROWS, _ROW, _ROW, _B)),
)


def load_rules() -> None:
    """Takes them from the cache of compiled kernels, or compiles them; where compiling is switched off there is nothing to do."""
    for rule, takes in _KERNELS:
        if hasattr(rule, "compile"):
            rule.compile(takes)
