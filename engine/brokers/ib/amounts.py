"""Numbers as ib_async holds them, as the exact Decimals that were on the wire."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from ib_async.util import UNSET_DOUBLE

from engine.core.clock import Nanos, from_datetime
from engine.core.errors import BrokerError

Number = float | int | str | Decimal


def amount(value: Number) -> Decimal | None:
    """The shortest Decimal that reads as this number; None for IB's "no value" and for what is no finite number."""
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    if not exact.is_finite() or (isinstance(value, float) and math.isclose(value, UNSET_DOUBLE)):
        return None
    whole = exact.to_integral_value()
    return whole if exact == whole else exact


def told(value: Number, what: str) -> Decimal:
    """The same, of what must be there; BrokerError names it."""
    exact = amount(value)
    if exact is None:
        raise BrokerError(f"TWS told {value!r} as {what}, which is no number; look at it in TWS before trading")
    return exact


def moment(at: datetime | date) -> Nanos:
    """Nanoseconds of a time that ib_async read; BrokerError where it has no zone, for then it could be any time."""
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise BrokerError(f"TWS told the time {at} without a zone; set TWS to send times in UTC")
    return from_datetime(at)
