"""Which values of an instrument stand together, and in what words they are spoken of."""

from __future__ import annotations

from typing import NamedTuple

from engine.domain.timetable import WEEKDAYS
from widgets.instruments.fields import Spec


class Group(NamedTuple):
    """A title and its fields; `column` is where the form puts it, `future` says that only futures have it."""

    title: str
    column: int
    specs: tuple[Spec, ...]
    future: bool = False


GROUPS = (
    Group(
        "Price and size",
        0,
        (
            Spec("name", "Name", "What people call the instrument"),
            Spec("price.tick", "Tick", "The smallest step of the price", "price"),
            Spec("price.spread", "Spread", "Taken where the data has none", "ticks"),
            Spec(
                "price.side", "Bars are of", "The side of the market that recorded bars were made of", "", ("bid", "mid", "ask")
            ),
            Spec("size.contract", "One lot is", "Units of the metal, coin or currency in one lot", "units"),
            Spec("size.unit", "Unit", "What is dealt, for example oz"),
            Spec("size.currency", "Currency", "What prices and money are counted in, for example USD"),
            Spec("size.step", "Lot step", "The smallest step of a quantity", "lots"),
            Spec("size.smallest", "Smallest order", "A multiple of the lot step", "lots"),
            Spec("size.largest", "Largest order", "A multiple of the lot step", "lots"),
        ),
    ),
    Group(
        "Costs and financing",
        0,
        (
            Spec("costs.commission", "Commission", "Charged for every lot and side", "per lot, side"),
            Spec("costs.commission_ppm", "On the value", "A commission on the value dealt, in millionths", "ppm"),
            Spec("financing.long", "Swap long", "What a night brings the holder of a lot; negative is paid", "per lot, night"),
            Spec("financing.short", "Swap short", "What a night brings who sold a lot; negative is paid", "per lot, night"),
            Spec("financing.triple", "Triple night", "The weekday whose night counts for three", "", ("none", *WEEKDAYS)),
            Spec("financing.roll", "Night begins", "When the night is charged, in the zone below", "hh:mm"),
            Spec("financing.zone", "Zone", "IANA name of the zone of that time"),
        ),
    ),
    Group(
        "Sessions and holidays",
        1,
        (
            Spec("sessions.zone", "Zone", "IANA name of the zone the sessions are told in"),
            Spec("sessions.periods", "Sessions", "One a line: Sun 18:00 - Mon 17:00; none means around the clock", lines=5),
            Spec(
                "holidays.calendar", "Calendar", "Whose holidays are kept: CMES for CME Globex, XNYS for New York; may be empty"
            ),
            Spec("holidays.half_days", "Short days of", "The exchange whose other holidays are short days here; may be empty"),
            Spec("holidays.closed", "Also closed", "Dates of every year, such as 12-25 01-01"),
            Spec(
                "holidays.early",
                "Short days end",
                "One a line, the last that fits decides: holiday, after (the day after one), eve, or a date as MM-DD; "
                "then the time; then from DATE and until DATE where it did not always hold",
                lines=7,
            ),
        ),
    ),
    Group(
        "Checks",
        1,
        (
            Spec("checks.collar", "Price collar", "How far an order's price may lie from the market, as a fraction", "fraction"),
            Spec("checks.stale_after", "Stale after", "The age a quote may have while the market is open", "seconds"),
            Spec(
                "price.plausible",
                "Prices between",
                "Prices outside are taken for another instrument or another scale",
                "low, high",
            ),
            Spec("kin", "Moves with", "The instrument whose history tells the clock of this one's files; may be empty"),
        ),
    ),
    Group(
        "Roll",
        0,
        (
            Spec("roll.months", "Months", "Letters of the contracts that are held, for example GJMQZ"),
            Spec("roll.rule", "By", "What decides when the next contract is in front", "", ("days", "volume", "open_interest")),
            Spec("roll.days", "Leave before", "Business days before the first notice", "days"),
            Spec("roll.adjustment", "Jumps", "What is done to earlier prices at a roll", "", ("none", "difference", "ratio")),
        ),
        future=True,
    ),
)

NAMES = {spec.path: spec.label for group in GROUPS for spec in group.specs}
"""What the value at a path is called."""
