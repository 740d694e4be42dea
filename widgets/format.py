"""Numbers and times as the trader reads them. Pure functions; integers as in the domain.

The minus sign is U+2212 everywhere on screen; `plain` undoes it for files.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.core.clock import DAY, HOUR, MINUTE, SECOND, Nanos
from engine.domain.instrument import CASH_SCALE, Cash, Instrument, Steps

MINUS = "\u2212"
DASH = "\u2013"
_EXACT = Context(prec=50)
_CENT = CASH_SCALE // 100


@dataclass(frozen=True, slots=True)
class Display:
    """How values are shown: the user's time zone and the account's currency."""

    zone: str = "UTC"
    currency: str = "USD"


def number(value: float | Decimal, decimals: int = 0) -> str:
    """The value with thousands separators and a fixed count of decimals."""
    return _minus(_fixed(value, decimals), decimals)


def _fixed(value: float | Decimal, decimals: int) -> str:
    """Rounded half to even whatever the thread's decimal context says: other libraries change it (ccxt does)."""
    if isinstance(value, Decimal):
        value = value.quantize(Decimal(1).scaleb(-decimals, _EXACT), ROUND_HALF_EVEN, _EXACT)
    return f"{value:,.{decimals}f}"


def signed(value: float | Decimal, decimals: int = 0) -> str:
    """As `number`, always with a sign; zero has none."""
    text = number(value, decimals)
    return text if text.startswith(MINUS) or not text.strip("0.,") else "+" + text


def _minus(text: str, decimals: int) -> str:
    if not text.startswith("-"):
        return text
    return MINUS + text[1:] if text.strip("-0.,") else f"{0:.{decimals}f}"


def price(ticks: float | None, instrument: Instrument) -> str:
    """Ticks as a price with the instrument's decimals; a dash for None."""
    if ticks is None:
        return DASH
    value = instrument.tick_size * (ticks if isinstance(ticks, int) else Decimal(ticks))
    return number(value, instrument.price_decimals)


def lots(steps: Steps, instrument: Instrument) -> str:
    """Lot steps as lots."""
    return number(instrument.lots(steps), instrument.quantity_decimals)


def signed_lots(steps: Steps, instrument: Instrument) -> str:
    """Lot steps as lots, + long, - short."""
    return signed(instrument.lots(steps), instrument.quantity_decimals)


def units(steps: Steps, instrument: Instrument) -> str:
    """Lot steps in the instrument's own unit: "40 oz"."""
    return f"{instrument.units(steps).normalize():,f} {instrument.unit}"


def money(amount: Cash) -> str:
    """Cash units as an amount with two decimals, rounded half to even."""
    return number(Decimal(_cents(amount)).scaleb(-2), 2)


def signed_money(amount: Cash) -> str:
    """As `money`, always with a sign."""
    return signed(Decimal(_cents(amount)).scaleb(-2), 2)


def _cents(amount: Cash) -> int:
    whole, rest = divmod(amount, _CENT)
    up = rest * 2 > _CENT or (rest * 2 == _CENT and whole & 1)
    return whole + int(up)


def percent(fraction: float, decimals: int = 2) -> str:
    """A fraction as percent without the unit's sign in front: 0.0213 -> "2.13 %"."""
    return number(fraction * 100, decimals) + "\u00a0%"


def signed_percent(fraction: float, decimals: int = 2) -> str:
    """As `percent`, always with a sign."""
    return signed(fraction * 100, decimals) + "\u00a0%"


def multiple(value: float, decimals: int = 2) -> str:
    """A multiple such as leverage: "1.24\u00d7"."""
    return number(value, decimals) + "\u00d7"


def r_multiple(value: float) -> str:
    """A result in units of the initial risk: "+1.50 R"."""
    return signed(value, 2) + "\u00a0R"


def share(name: str, value: float, decimals: int = 1) -> str:
    """A limit's value as its kind asks: leverage as a multiple, the rest as percent."""
    return multiple(value) if name == "leverage" else percent(value, decimals)


def cap_decimals(cap: float) -> int:
    """How many decimals a limit's cap needs: none where it is a whole percent."""
    return 0 if abs(cap * 100 - round(cap * 100)) < 1e-9 else 2


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(at: Nanos, zone: str) -> datetime:
    return datetime.fromtimestamp(at // SECOND, _zone(zone))


def clock(at: Nanos, zone: str = "UTC") -> str:
    """The time of day: "14:03:12"."""
    return f"{_local(at, zone):%H:%M:%S}"


def moment(at: Nanos, zone: str = "UTC") -> str:
    """Date and time: "2026-11-20 14:03:12"."""
    return f"{_local(at, zone):%Y-%m-%d %H:%M:%S}"


def moment_with_zone(at: Nanos, zone: str = "UTC") -> str:
    """Date, time and the zone they are in: "2026-11-20 14:03:12 UTC"."""
    local = _local(at, zone)
    return f"{local:%Y-%m-%d %H:%M:%S} {zone_label(at, zone)}"


def iso(at: Nanos, zone: str = "UTC") -> str:
    """ISO 8601 with offset, for files."""
    return _local(at, zone).isoformat()


def zone_label(at: Nanos, zone: str) -> str:
    """How people call the zone at that time: its abbreviation, or its city where it has none."""
    label = _local(at, zone).tzname() or zone
    return zone.rpartition("/")[2].replace("_", " ") if label[:1] in "+-" else label


def duration(span: Nanos) -> str:
    """A length of time in its two largest units: "3 h 12 min"."""
    span = max(0, span)
    if span < MINUTE:
        return f"{span // SECOND} s"
    if span < HOUR:
        return f"{span // MINUTE} min {span % MINUTE // SECOND:02d} s"
    if span < DAY:
        return f"{span // HOUR} h {span % HOUR // MINUTE:02d} min"
    return f"{span // DAY} d {span % DAY // HOUR:02d} h"


def countdown(span: Nanos) -> str:
    """What is left, as a clock: "3:07"; hours where there are any."""
    seconds = max(0, -(-span // SECOND))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def age(span: Nanos) -> str:
    """How long ago: "12 s ago"."""
    if span < SECOND:
        return "now"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        if span >= unit:
            return f"{span // unit} {name} ago"
    return "now"


def side_word(sign: int) -> str:
    """LONG, SHORT or FLAT by the sign of a quantity."""
    return "LONG" if sign > 0 else "SHORT" if sign < 0 else "FLAT"


def sentence(words: str) -> str:
    """The words with a capital in front and a full stop behind."""
    return words if not words else words[0].upper() + words[1:] + ("" if words[-1] in ".!?" else ".")


def plain(text: str) -> str:
    """A number as shown, as a spreadsheet reads it: ASCII minus, no separators, no unit."""
    bare = text.replace("\u00a0", " ").replace(",", "").replace(MINUS, "-").removeprefix("+")
    return bare.removesuffix(" %").removesuffix(" R").removesuffix("\u00d7")


_SHORT = {"value_at_risk": "VaR", "expected_shortfall": "shortfall"}


def limit(name: str) -> str:
    """A limit's name as people read it, short enough for a column: "VaR", "worst day soft"."""
    base = name.removesuffix("_soft")
    return _SHORT.get(base, base.replace("_", " ")) + (" soft" if base != name else "")
