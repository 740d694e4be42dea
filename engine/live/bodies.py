"""What may be asked of a running session, as JSON: prices, quantities and money as decimal text or numbers, in lots and currency.

Each kind of body says which intent it is. What is no such body is one sentence (`UserError`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from engine.core.clock import from_iso
from engine.core.errors import UserError
from engine.domain import intents as i
from engine.domain.instrument import Instrument
from engine.execution.hands import Refused
from engine.pipeline import Pipeline

PER_CENT = 10_000
"""Millionths in one per cent."""
_SAID = {
    "extra_forbidden": "there is no such field",
    "missing": "it is missing",
    "decimal_parsing": "it is not a number",
    "decimal_type": "it is not a number",
    "int_type": "it is not a whole number",
    "string_type": "it is not text",
    "bool_type": "it is not true or false",
}

B = TypeVar("B", bound="Body")


def _no_truth(value: Any) -> Any:
    """True and false are whole numbers to Python, and to nobody who orders."""
    if isinstance(value, bool):
        raise ValueError("it is not a number")
    return value


Number = Annotated[Decimal, BeforeValidator(_no_truth), Field(strict=False, max_digits=30)]
Words = Annotated[str, Field(max_length=500)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is asked: the session's pipeline, and what the address names ("" where it names nothing)."""

    pipeline: Pipeline
    name: str = ""


class Body(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def intent(self, place: Place) -> i.Intent:
        """The intent this is. UserError for what is on no grid, or not traded here, Refused for what is over."""
        raise NotImplementedError


class Cancel(Body):
    def intent(self, place: Place) -> i.Intent:
        return i.CancelOrder(place.name)


class Flatten(Body):
    def intent(self, _place: Place) -> i.Intent:
        return i.Flatten()


class Change(Body):
    """What is left out stays as it is."""

    quantity: Number | None = None
    price: Number | None = None
    limit: Number | None = None

    def intent(self, place: Place) -> i.Intent:
        if not self.model_fields_set:
            raise UserError("nothing is to be changed; give quantity, price or limit")
        listed = place.pipeline.instruments[place.pipeline.register[place.name].symbol]
        quantity = None if self.quantity is None else listed.steps(self.quantity)
        return i.ModifyOrder(place.name, quantity, _ticks(listed, self.price), _ticks(listed, self.limit))


class Target(Body):
    price: Number
    quantity: Number


class Order(Body):
    """As the intent SubmitOrder. `expires` is ISO 8601; trails are distances, or per cent of the price."""

    instrument: Name
    side: Literal["buy", "sell"]
    type: Literal["market", "limit", "stop", "stop_limit", "trailing"] = "market"
    quantity: Number
    price: Number | None = None
    limit: Number | None = None
    stop_loss: Number | None = None
    take_profit: Number | None = None
    targets: Annotated[list[Target], Field(max_length=20)] = []
    trail: Number | None = None
    trail_percent: Number | None = None
    stop_trail: Number | None = None
    stop_trail_percent: Number | None = None
    tif: Literal["GTC", "DAY", "GTD", "IOC", "FOK"] = "GTC"
    expires: Name | None = None
    reduce_only: bool = False
    post_only: bool = False

    def intent(self, place: Place) -> i.SubmitOrder:
        listed = traded(place.pipeline, self.instrument)
        return i.SubmitOrder(
            listed.symbol,
            self.side,
            self.type,
            listed.steps(self.quantity),
            _ticks(listed, self.price),
            _ticks(listed, self.stop_loss),
            _ticks(listed, self.take_profit),
            self.tif,
            None if self.expires is None else _time(self.expires),
            self.reduce_only,
            _ticks(listed, self.limit),
            _ticks(listed, self.trail) or 0,
            _millionths(self.trail_percent),
            _ticks(listed, self.stop_trail) or 0,
            _millionths(self.stop_trail_percent),
            tuple((listed.exact_ticks(each.price), listed.steps(each.quantity)) for each in self.targets),
            self.post_only,
        )


class Answer(Body):
    """To a signal that waits. An override turns it round (`flip`) or gives it another `quantity`, in lots."""

    answer: Literal["accept", "reject", "override"]
    reason: Words = ""
    flip: bool = False
    quantity: Number | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Answer:
        overrides = self.flip + (self.quantity is not None)
        if overrides != (self.answer == "override"):
            raise ValueError("an override needs either flip or a quantity, and nothing else has one")
        return self

    def intent(self, place: Place) -> i.Intent:
        if self.quantity is not None:
            card = place.pipeline.desk.cards.get(place.name)
            if card is None:
                raise Refused(f"signal {place.name} does not wait any more")
            return i.ResizeCard(place.name, place.pipeline.instruments[card.signal.symbol].steps(self.quantity), self.reason)
        kind = i.FlipCard if self.flip else i.AcceptCard if self.answer == "accept" else i.VetoCard
        return kind(place.name, self.reason)


class Kill(Body):
    flatten: bool = False
    drill: bool = False


class Halt(Body):
    reason: Words = ""
    flatten: bool = False

    def intent(self, _place: Place) -> i.Intent:
        return i.Halt(self.flatten, self.reason)


class Resume(Body):
    reason: Words = ""

    def intent(self, _place: Place) -> i.Intent:
        return i.Resume(self.reason)


class Limit(Body):
    """`value` is a number or "none"; what loosens needs a `reason` and waits."""

    limit: Name
    value: Name | Number
    instrument: str = ""
    reason: Words = ""

    def intent(self, place: Place) -> i.Intent:
        symbol = traded(place.pipeline, self.instrument).symbol if self.instrument else ""
        return i.ChangeLimits(self.limit, str(self.value), symbol, self.reason)


class Protection(Body):
    """What is done about an adopted position without a stop."""

    instrument: Name
    choice: Literal["attach", "leave", "close"]

    def intent(self, place: Place) -> i.Intent:
        return i.ChooseProtection(traded(place.pipeline, self.instrument).symbol, self.choice)


class Roll(Body):
    """The position in a future, into the contract that follows."""

    instrument: Name

    def intent(self, place: Place) -> i.Intent:
        return i.Roll(traded(place.pipeline, self.instrument).symbol)


class Reconnect(Body):
    """To `port`, or with 0 to where the venue said it moved to, or was."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 0

    def intent(self, _place: Place) -> i.Intent:
        return i.Reconnect(self.port)


def read(raw: bytes, kind: type[B]) -> B:
    """The body that `raw` is. UserError says in one sentence what is wrong with the first thing that is."""
    try:
        values = json.loads(raw or b"{}", parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise UserError(f"the body is not JSON: {error or type(error).__name__}") from error
    if not isinstance(values, dict):
        raise UserError("the body is not a JSON object")
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise UserError(_sentence(error)) from error


def traded(pipeline: Pipeline, symbol: str) -> Instrument:
    """The instrument called so in this session. UserError names those that are traded."""
    listed = pipeline.instruments.get(symbol.upper())
    if listed is None:
        raise UserError(f"{symbol!r} is not traded in this session; use one of {', '.join(pipeline.instruments)}")
    return listed


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"] if not (isinstance(part, str) and "[" in part))
    said = _SAID.get(first["type"]) or first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{where}: {said[:1].lower()}{said[1:]}" if where else said


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Nothing is said twice: nobody could tell which was meant."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a field is given twice")
    return values


def _ticks(listed: Instrument, price: Decimal | None) -> int | None:
    return None if price is None else listed.exact_ticks(price)


def _millionths(per_cent: Decimal | None) -> int:
    if per_cent is None:
        return 0
    found = per_cent * PER_CENT
    if found != found.to_integral_value():
        raise UserError(f"{per_cent} % is finer than a ten-thousandth of a per cent")
    return int(found)


def _time(text: str) -> int:
    try:
        return from_iso(text)
    except ValueError as error:
        raise UserError(f"expires = {text!r} is no time; write it as 2026-03-31T16:00:00Z") from error
