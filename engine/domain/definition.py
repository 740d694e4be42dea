"""An instrument as data: what its file or its stored version may say, and the sentence for what it may not."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from engine.core.errors import UserError
from engine.domain.instrument import CASH_SCALE, decimals
from engine.domain.timetable import (
    Period,
    as_minute,
    as_month_day,
    as_short_day,
    as_weekday,
    known_zone,
    minute_text,
    weekday_text,
)


def plain(value: Decimal) -> str:
    """A decimal in the one spelling it is hashed and shown in: no exponent, no trailing zeros."""
    return f"{value.normalize() + 0:f}"


def _number(value: object) -> object:
    """Binary fractions are read as they are written, so that 0.01 is a hundredth."""
    return str(value) if isinstance(value, float) else value


COUNTED = 2**62
"""Ticks, lot steps and cash units stay below it, so that they fit 64 bits."""

_DECIMAL = Annotated[Decimal, BeforeValidator(_number), PlainSerializer(plain, return_type=str)]
Number = Annotated[_DECIMAL, Field(allow_inf_nan=False, decimal_places=15)]
Positive = Annotated[_DECIMAL, Field(allow_inf_nan=False, decimal_places=12, gt=0, le=10**15)]
Minute = Annotated[int, BeforeValidator(as_minute), PlainSerializer(minute_text, return_type=str)]
Weekday = Annotated[int, BeforeValidator(as_weekday), PlainSerializer(weekday_text, return_type=str)]
Zone = Annotated[str, BeforeValidator(known_zone)]
Session = Annotated[Period, BeforeValidator(Period.of), PlainSerializer(str, return_type=str)]
CalendarName = Annotated[str, Field(pattern=r"^[A-Za-z0-9/]*$", max_length=20)]
MonthDay = Annotated[str, BeforeValidator(as_month_day)]


class Part(BaseModel):
    """Base of all parts: frozen, and no key beside those named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Price(Part):
    """`tick` is the smallest step, `spread` (ticks) is used where the data has none, `plausible` what a price may lie between;
    `side` is the side recorded bars were made of."""

    tick: Positive
    spread: int = Field(ge=0, le=10**6)
    plausible: tuple[Positive, Positive]
    side: Literal["bid", "mid", "ask"] = "bid"

    @model_validator(mode="after")
    def _rises(self) -> Price:
        if self.plausible[0] >= self.plausible[1]:
            raise ValueError("plausible names the lowest price first, then the highest")
        if self.plausible[1] / self.tick >= COUNTED:
            raise ValueError(f"the highest plausible price is more ticks of {plain(self.tick)} than can be counted")
        return self


class Size(Part):
    """Quantities in lots: `contract` units of `unit` are one lot, dealt in steps of `step` from `smallest` to `largest`."""

    contract: Positive
    unit: str = Field(min_length=1, max_length=12)
    currency: str = Field(pattern=r"^[A-Z]{3,5}$")
    step: Positive
    smallest: Positive
    largest: Positive

    @model_validator(mode="after")
    def _on_the_grid(self) -> Size:
        for name in ("smallest", "largest"):
            if getattr(self, name) % self.step:
                raise ValueError(f"{name} {plain(getattr(self, name))} is not a multiple of the step {plain(self.step)}")
        if self.smallest > self.largest:
            raise ValueError("smallest is larger than largest")
        if self.largest / self.step >= COUNTED:
            raise ValueError(f"largest {plain(self.largest)} is more steps of {plain(self.step)} than can be counted")
        return self


class Hours(Part):
    """`periods` such as "Sun 18:00 - Mon 17:00" in `zone`, in order; none means open around the clock. Where holidays
    are kept each is a day's: no longer than 24 hours."""

    zone: Zone = "UTC"
    periods: tuple[Session, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Hours:
        for one, other in zip(self.periods, self.periods[1:], strict=False):
            if other.opens < one.closes:
                raise ValueError(f"'{other}' opens before '{one}' has closed; name the periods in order from the week's first")
        if self.periods and self.periods[-1].closes > self.periods[0].opens + 7 * 1440:
            raise ValueError(f"'{self.periods[-1]}' runs into '{self.periods[0]}' of the next week")
        return self


class Early(Part):
    """When a shortened day ends; see engine.domain.holidays.EarlyClose."""

    on: Annotated[str, BeforeValidator(as_short_day)] = "holiday"
    at: Minute
    since: date | None = None
    until: date | None = None


class Closed(Part):
    """Holidays; see engine.domain.holidays.Holidays."""

    calendar: CalendarName = ""
    half_days: CalendarName = ""
    closed: tuple[MonthDay, ...] = ()
    early: tuple[Early, ...] = ()


class Costs(Part):
    """`commission` per lot and side in the instrument's currency, `commission_ppm` in millionths of the value dealt."""

    commission: Annotated[Number, Field(ge=0, le=10**6)] = Decimal(0)
    commission_ppm: int = Field(0, ge=0, le=100_000)


class Financing(Part):
    """What holding one lot over a night brings, as brokers quote swaps: negative is paid. `triple` is the weekday (Monday = 0)
    whose night counts for three, none where there is no such night; nights begin at `roll` in `zone`."""

    long: Annotated[Number, Field(ge=-(10**9), le=10**9)] = Decimal(0)
    short: Annotated[Number, Field(ge=-(10**9), le=10**9)] = Decimal(0)
    triple: Weekday | None = None
    roll: Minute = 17 * 60
    zone: Zone = "America/New_York"


class Checks(Part):
    """`collar` is how far an order's price may lie from the market (a fraction), `stale_after` the age in seconds a quote may
    have while the market is open."""

    collar: Annotated[Number, Field(gt=0, le=1)] = Decimal("0.05")
    stale_after: int = Field(120, ge=1, le=86_400)


class Roll(Part):
    """How a future's contracts follow each other; see engine.market.contracts."""

    months: str = Field(pattern=r"^[FGHJKMNQUVXZ]{1,12}$")
    rule: Literal["days", "volume", "open_interest"] = "days"
    days: int = Field(3, ge=0, le=40)
    adjustment: Literal["none", "difference", "ratio"] = "difference"

    @model_validator(mode="after")
    def _ascending(self) -> Roll:
        if list(self.months) != sorted(set(self.months)):
            raise ValueError("months are named once each, in the order of the year: F G H J K M N Q U V X Z")
        return self


class Simulated(Part):
    """How the built-in market moves: price level, volatility a year as a fraction, volume of a usual minute."""

    level: float = Field(gt=0)
    volatility: float = Field(gt=0, le=5)
    volume: float = Field(gt=0)


class Definition(Part):
    """An instrument. `profile` tells apart what several brokers call by one symbol; `kin` moves with it."""

    symbol: str = Field(pattern=r"^[A-Z][A-Z0-9]{1,15}$")
    profile: str = Field("", pattern=r"^[a-z0-9-]{0,20}$")
    name: str = Field(min_length=1, max_length=60)
    kind: Literal["spot", "cfd", "future", "crypto"]
    kin: str = Field("", pattern=r"^[A-Z0-9]{0,16}$")
    price: Price
    size: Size
    sessions: Hours = Hours()
    holidays: Closed = Closed()
    costs: Costs = Costs()
    financing: Financing = Financing()
    checks: Checks = Checks()
    roll: Roll | None = None
    simulated: Simulated | None = None

    @model_validator(mode="after")
    def _is_countable(self) -> Definition:
        step, costs, financing = self.size.step, self.costs, self.financing
        amounts = {
            "a tick": self.price.tick * self.size.contract,
            "the commission": costs.commission,
            "a night": max(abs(financing.long), abs(financing.short)),
        }
        for what, amount in amounts.items():
            if amount * step * CASH_SCALE >= COUNTED:
                raise ValueError(
                    f"{what} on one step of {plain(step)} lots comes to {plain(amount * step)}, which is more than the books can "
                    f"count; choose a finer step"
                )
        return self

    @model_validator(mode="after")
    def _holds_together(self) -> Definition:
        value = self.price.tick * self.size.step * self.size.contract * CASH_SCALE
        if value != value.to_integral_value():
            raise ValueError(
                f"a tick of {plain(self.price.tick)} on the step of {plain(self.size.step)} lots is worth less than a "
                f"millionth of the currency; choose a coarser step"
            )
        if (self.roll is None) == (self.kind == "future"):
            raise ValueError("a future needs a roll" if self.roll is None else f"a {self.kind} has no roll; leave it out")
        unused = self.holidays.calendar or self.holidays.closed or self.holidays.half_days
        if unused and not self.sessions.periods:
            raise ValueError("a market around the clock keeps no holidays; name its periods or leave the holidays out")
        return self

    @model_validator(mode="after")
    def _has_days_for_its_holidays(self) -> Definition:
        """A holiday takes the session that closes on it, which must not be a week's."""
        longest = max(self.sessions.periods, key=lambda period: period.closes - period.opens, default=None)
        if longest is not None and longest.closes - longest.opens > 1440 and self.holidays != Closed():
            raise ValueError(
                f"'{longest}' is longer than a day, so that holidays could not shut a day of it; name a period for each day, "
                f"such as 'Sun 18:00 - Mon 18:00' and 'Mon 18:00 - Tue 18:00', or leave the holidays out"
            )
        return self

    @property
    def key(self) -> str:
        """What the instrument is listed under: the symbol, and its profile after an @."""
        return f"{self.symbol}@{self.profile}" if self.profile else self.symbol

    def canonical(self) -> str:
        """The definition as canonical JSON; what says nothing is left out."""
        values = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @property
    def sha256(self) -> str:
        """The hash of the canonical JSON, by which a run names the terms it was dealt on."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @property
    def price_decimals(self) -> int:
        return decimals(self.price.tick)


def parse(values: dict[str, Any], where: str) -> Definition:
    """The definition `values` make; UserError with the first fault."""
    try:
        return Definition.model_validate(values)
    except ValidationError as error:
        path, given, said = next(_sentences(error))
        raise UserError(f"{where}: {path}{given} is not accepted: {said}" if path else f"{where}: {said}") from error


def faults(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Every fault of `values` as (path such as "price.tick", what is wrong there); empty where they make a definition."""
    try:
        Definition.model_validate(values)
    except ValidationError as error:
        return [(path, said) for path, _, said in _sentences(error)]
    return []


def parse_text(text: str, where: str) -> Definition:
    """The definition a TOML text makes; UserError as in `parse`."""
    return parse(read_toml(text, where), where)


def read_toml(text: str, where: str) -> dict[str, Any]:
    """The values of a TOML text, fractions exact; UserError when it is none."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, ArithmeticError) as error:
        raise UserError(f"{where} cannot be read as TOML: {error}") from error


_SAID = {
    "extra_forbidden": "there is no such key; see main.py instruments show XAUUSD for those there are",
    "missing": "it is missing",
    "decimal_parsing": "it is not a number",
    "decimal_type": "it is not a number",
    "int_parsing": "it is not a whole number",
    "int_from_float": "it is not a whole number",
}


def _sentences(error: ValidationError) -> Iterator[tuple[str, str, str]]:
    """Path, the value given where it can be shown, and what is wrong with it."""
    for fault in error.errors():
        path = ".".join(str(part) for part in fault["loc"] if not (isinstance(part, str) and "[" in part))
        kind = fault["type"]
        said = _SAID.get(kind) or fault["msg"].removeprefix("Value error, ")
        said = said[:1].lower() + said[1:]
        given = "" if kind == "missing" or isinstance(fault["input"], dict | Part) else f" = {_shown(fault['input'])}"
        yield path, given, said


def _shown(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else repr(value)
