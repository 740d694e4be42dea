"""Facts: what happened, in the past tense, never changed. The journal is a list of them and state is their sum.

Prices are ticks, quantities lot steps, money 1 / CASH_SCALE of the account's currency, times ns UTC: integers all.
Floats appear only for probabilities and statistics. The time and number of a fact stand in its `Record`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from engine.core.clock import Nanos


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of all facts. A fact's kind is its class name.

    A field marked OPTIONAL came later than others of its kind: it is left out of the line where it is as it always was.
    """


OPTIONAL = {"optional": True}
"""Metadata of a field that the line of a fact holds only where it differs from its default."""


class Record(NamedTuple):
    """A fact in its place: `seq` counts facts from 1, `step` the pipeline step that made it, `at` its time."""

    seq: int
    step: int
    at: Nanos
    fact: Fact


# --- the book ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountOpened(Fact):
    account: str
    currency: str
    balance: int


@dataclass(frozen=True, slots=True)
class InstrumentListed(Fact):
    """The terms under which the integers of later facts are to be read. Sizes are decimal text."""

    symbol: str
    tick_size: str
    lot_step: str
    contract_size: str
    currency: str
    tick_value: int


@dataclass(frozen=True, slots=True)
class DayStarted(Fact):
    """The trading day rolled (17:00 New York by default); `equity` is what the day's loss is measured from, `peak` the highest
    equity at a bar's close so far, which the drawdown is measured from."""

    equity: int
    peak: int = 0


@dataclass(frozen=True, slots=True)
class EquityPeaked(Fact):
    """Equity at a bar's close of a live session was the highest so far: a restart measures the drawdown from it."""

    equity: int


@dataclass(frozen=True, slots=True)
class ContractChosen(Fact):
    """From here on what is dealt in of `symbol` is this contract of it, as in Z25; prices before are another contract's.

    `reason` is a sentence.
    """

    symbol: str
    contract: str
    reason: str


@dataclass(frozen=True, slots=True)
class RollBegun(Fact):
    """A position of `quantity` (lot steps, signed) is closed in the contract `out` and opened in `into`. `stop` and `target` are
    those of the position that is to be, in ticks: moved by `spread`, what `into` costs more than `out`; None where there is none.

    `by` is who wanted it: "owner" or "profile".
    """

    symbol: str
    out: str
    into: str
    quantity: int
    spread: int
    stop: int | None
    target: int | None
    by: str


@dataclass(frozen=True, slots=True)
class RollEnded(Fact):
    """What became of it: `quantity` is what is held in `contract` now, `reason` a sentence, `is_whole` whether all was rolled."""

    symbol: str
    contract: str
    quantity: int
    is_whole: bool
    reason: str


@dataclass(frozen=True, slots=True)
class TradingStateChanged(Fact):
    """`state` is ACTIVE, REDUCING or HALTED; `cause` names the limit or "owner"; `reason` is a sentence."""

    state: str
    cause: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModeChanged(Fact):
    """`mode` is AUTO, CONFIRM or MANUAL."""

    mode: str


@dataclass(frozen=True, slots=True)
class ModelChanged(Fact):
    """From the next bar on signals come from this policy and model; `sha256` is "" for a policy without a model."""

    policy: str
    sha256: str


@dataclass(frozen=True, slots=True)
class IntentReceived(Fact):
    """An intent from the window, the API or the command line, as canonical JSON; replay gives it again at this step.

    `key` is the Idempotency-Key it came with: whoever comes with it again is told what came of this one.
    """

    intent: str
    by: str
    key: str = field(default="", kw_only=True, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class IntentRefused(Fact):
    """The intent of this step was not carried out; `reason` is a sentence that says what to do instead."""

    reason: str


# --- signals and the owner's word -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignalEmitted(Fact):
    """A signal, frozen as the policy made it. `bar` is the open time of the bar decided on; `row_sha256` hashes its features."""

    signal: str
    symbol: str
    side: str
    bar: Nanos
    reference: int
    stop: int
    target: int
    expires: Nanos
    probability: float
    threshold: float
    reward_risk: float
    policy: str
    model_sha256: str
    row_sha256: str


@dataclass(frozen=True, slots=True)
class SignalExplained(Fact):
    """Why: the features that moved the probability most, as (name, value, contribution in log-odds), and the base."""

    signal: str
    base: float
    contributions: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class CardOpened(Fact):
    """The signal waits for the owner until `expires`."""

    signal: str
    expires: Nanos


@dataclass(frozen=True, slots=True)
class CardDecided(Fact):
    """`decision` is accepted, vetoed, flipped, resized or expired; `quantity` 0 where the sizer decides."""

    signal: str
    decision: str
    reason: str
    quantity: int


@dataclass(frozen=True, slots=True)
class SignalDropped(Fact):
    """The signal led to no order and no card: the mode, the trading state or the sizing stood against it."""

    signal: str
    reason: str


# --- orders -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderFact(Fact):
    order: str


@dataclass(frozen=True, slots=True)
class OrderTerms(OrderFact):
    """All that was asked for, so that an order can be rebuilt from its first fact."""

    symbol: str
    side: str
    type: str
    quantity: int
    role: str
    limit: int | None
    stop: int | None
    tif: str
    expires: Nanos | None
    reduce_only: bool
    parent: str
    oco: str
    signal: str
    trail: int = field(default=0, kw_only=True, metadata=OPTIONAL)
    trail_ppm: int = field(default=0, kw_only=True, metadata=OPTIONAL)
    post_only: bool = field(default=False, kw_only=True, metadata=OPTIONAL)
    after: str = field(default="", kw_only=True, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class OrderDenied(OrderTerms):
    """The gate refused it; `limits` are the names of the limits, `largest` the biggest quantity that would have passed."""

    reason: str
    limits: tuple[str, ...]
    largest: int


@dataclass(frozen=True, slots=True)
class OrderIntended(OrderTerms):
    """Approved and on record; nothing has left yet."""


@dataclass(frozen=True, slots=True)
class OrderAdopted(OrderTerms):
    """An order that works at the venue and was not placed here, by hand or by another program; counted as ours from now on."""

    broker_id: str
    filled: int


@dataclass(frozen=True, slots=True)
class OrderHeld(OrderFact):
    """Kept here until it is due, because the venue cannot hold it; `reason` says what it waits for."""

    reason: str


@dataclass(frozen=True, slots=True)
class OrderReleased(OrderFact):
    """What a held order waited for has happened: it is for `quantity` in all and leaves as one that was just intended."""

    quantity: int


@dataclass(frozen=True, slots=True)
class OrderSent(OrderFact):
    """Handed to the broker."""


@dataclass(frozen=True, slots=True)
class OrderAccepted(OrderFact):
    broker_id: str


@dataclass(frozen=True, slots=True)
class OrderRejected(OrderFact):
    reason: str


@dataclass(frozen=True, slots=True)
class OrderUnknown(OrderFact):
    """No answer in time: its exposure stays reserved until the broker was asked."""

    reason: str


@dataclass(frozen=True, slots=True)
class OrderFilled(OrderFact):
    """An execution. `commission` is cash units, `execution` the broker's id, which counts once."""

    execution: str
    symbol: str
    side: str
    price: int
    quantity: int
    commission: int


@dataclass(frozen=True, slots=True)
class FillCorrected(OrderFact):
    """The broker changed what it said of the execution `replaces`: its price, quantity (0: it was struck out) and commission."""

    execution: str
    replaces: str
    symbol: str
    side: str
    price: int
    quantity: int
    commission: int


@dataclass(frozen=True, slots=True)
class CommissionCharged(OrderFact):
    """What the execution cost beside what its fill said already, in cash units; some brokers tell it later."""

    execution: str
    symbol: str
    amount: int


@dataclass(frozen=True, slots=True)
class OrderTriggered(OrderFact):
    """The market reached its stop: from now on it is a limit order (stop-limit), or a market order (stop, trailing stop)."""


@dataclass(frozen=True, slots=True)
class OrderTrailed(OrderFact):
    """The venue moved a trailing stop after the market; it stands at `stop` now."""

    stop: int


@dataclass(frozen=True, slots=True)
class ModifyRequested(OrderFact):
    quantity: int
    limit: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class OrderModified(OrderFact):
    quantity: int
    limit: int | None
    stop: int | None


@dataclass(frozen=True, slots=True)
class ModifyRejected(OrderFact):
    reason: str


@dataclass(frozen=True, slots=True)
class CancelRequested(OrderFact):
    """Asked of the broker; `reason` says by whom or what."""

    reason: str


@dataclass(frozen=True, slots=True)
class CancelRejected(OrderFact):
    reason: str


@dataclass(frozen=True, slots=True)
class OrderCancelled(OrderFact):
    reason: str


@dataclass(frozen=True, slots=True)
class OrderExpired(OrderFact):
    """Its time in force ended."""


# --- money ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PositionChanged(Fact):
    """The position after a fill: signed `quantity`, `basis` = signed cost of what is open (cash units),
    `realised` = gross profit this fill booked, `trade` = number of the flat-to-flat trade."""

    symbol: str
    execution: str
    quantity: int
    basis: int
    realised: int
    trade: int


@dataclass(frozen=True, slots=True)
class FinancingCharged(Fact):
    """The cost of holding `quantity` over the roll, `nights` nights; negative `amount` was credited."""

    symbol: str
    quantity: int
    nights: int
    amount: int


@dataclass(frozen=True, slots=True)
class ProtectionMissing(Fact):
    """`quantity` lot steps of the position have no working stop; `action` says what was done about it.

    `instead_of` is where the owner or the strategy had their stop, where the next one is placed elsewhere; 0 where it is not.
    """

    symbol: str
    quantity: int
    action: str
    instead_of: int = field(default=0, kw_only=True, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class ProtectionChosen(Fact):
    """The owner's word on adopted units without a stop: `choice` is attach, leave or close."""

    symbol: str
    choice: str


@dataclass(frozen=True, slots=True)
class AlertRaised(Fact):
    """Something happened that is booked and needs eyes; `cause` is a word, `reason` a sentence."""

    cause: str
    reason: str


# --- venues outside this process --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VenueFact(Fact):
    """Base of what is said of a venue as a whole."""


@dataclass(frozen=True, slots=True)
class VenueChanged(VenueFact):
    """`state` is LOST (cannot be reached), CONNECTED (can be, and is not reconciled yet) or READY (reconciled, may be traded at).

    `is_live` says whether money is at stake at `server`; `reason` is a sentence.
    """

    venue: str
    state: str
    server: str
    is_live: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PositionAdopted(VenueFact):
    """The venue's position takes the place of the one on record: signed `quantity` and `basis` as in PositionChanged.

    `reason` says why: an opening balance, a foreign trade, a mismatch.
    """

    symbol: str
    quantity: int
    basis: int
    reason: str


@dataclass(frozen=True, slots=True)
class CashAdopted(VenueFact):
    """The account's cash as the venue has it differs from the books by `amount`: deposits, interest, fees of foreign trades."""

    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class TradingArmed(VenueFact):
    """The owner typed the account's name: until the program ends or it is disarmed, orders may go to a venue with money."""

    account: str


@dataclass(frozen=True, slots=True)
class TradingDisarmed(VenueFact):
    account: str
    reason: str


@dataclass(frozen=True, slots=True)
class KillSwitched(VenueFact):
    """The kill switch was thrown, and what it came to after `milliseconds`: orders cancelled and positions closed, and what
    was left (`leftovers`, sentences), as the venue says where it was `is_verified`. A drill is the same on a paper account."""

    by: str
    flatten: bool
    drill: bool
    milliseconds: int
    cancelled: int
    closed: int
    is_verified: bool
    leftovers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciled(VenueFact):
    """The venue and the journal were compared at `asked` (ns UTC): how many fills were missed, orders found ended, orders and
    positions adopted, and the sentences of what does not fit. Trading may begin only when `is_clean`."""

    asked: int
    fills: int
    orders: int
    adopted: int
    unknown: int
    is_clean: bool
    mismatches: tuple[str, ...]


# --- limits -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LimitFact(Fact):
    """Base of what is said of a limit: `limit` as engine.domain.limit_rules names it."""

    limit: str


@dataclass(frozen=True, slots=True)
class LimitsRead(LimitFact):
    """A session that goes on over restarts was configured so, from here on: (limit, symbol, value), `limit` is "".

    `settings` are those that are no numbers, as (name, JSON); `chosen` what its command line chose for this session alone.
    """

    values: tuple[tuple[str, str, str], ...]
    settings: tuple[tuple[str, str], ...] = field(default=(), kw_only=True, metadata=OPTIONAL)
    chosen: tuple[tuple[str, str], ...] = field(default=(), kw_only=True, metadata=OPTIONAL)


@dataclass(frozen=True, slots=True)
class LimitsRequested(LimitFact):
    """The owner asked to loosen a limit, for `symbol` alone where one is named; it is in force from `due` on, not before.

    Values are decimal text, "none" where there is no cap.
    """

    symbol: str
    value: str
    before: str
    reason: str
    due: Nanos


@dataclass(frozen=True, slots=True)
class LimitsWithdrawn(LimitFact):
    """A request that waited is not carried out; `reason` says why."""

    symbol: str
    reason: str


@dataclass(frozen=True, slots=True)
class LimitsChanged(LimitFact):
    """From here on `value` is in force; what was asked for the same limit before and waited is void."""

    symbol: str
    value: str
    before: str
    reason: str


@dataclass(frozen=True, slots=True)
class LimitTripped(LimitFact):
    """The book is over a limit's hard cap; `actions` were taken, once until it is cleared by its rule."""

    actions: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class LimitCleared(LimitFact):
    """The book is back under a limit that had tripped, so that it may trip again."""

    reason: str


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _encoder() -> Callable[[dict[str, Any]], str]:
    """`_ENCODER.encode`, which makes a compiled encoder for every line, with one that is made once: half the time."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:  # an interpreter without the compiled one
        return _ENCODER.encode
    own = _ENCODER
    compiled = make(
        None,  # a fact holds nothing that holds itself
        own.default,
        json.encoder.encode_basestring_ascii,
        own.indent,
        own.key_separator,
        own.item_separator,
        own.sort_keys,
        own.skipkeys,
        own.allow_nan,
    )
    return lambda line: "".join(compiled(line, 0))


_encode = _encoder()
_NAMES: dict[type[Fact], tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]] = {}


def body(fact: Fact) -> dict[str, Any]:
    """The fact's own fields by name, without the optional ones that are as they always were."""
    known = _NAMES.get(type(fact))
    if known is None:
        own = fields(fact)
        always = tuple(each.name for each in own if not each.metadata.get("optional"))
        known = _NAMES[type(fact)] = always, tuple((it.name, it.default) for it in own if it.metadata.get("optional"))
    always, sometimes = known
    line = {name: getattr(fact, name) for name in always}
    for name, default in sometimes:
        if (value := getattr(fact, name)) != default:
            line[name] = value
    return line


def canonical(record: Record) -> str:
    """The record as one line of JSON: keys sorted, no spaces, ASCII. These bytes are what is stored and hashed."""
    line = body(record.fact)
    line["kind"] = type(record.fact).__name__
    line["seq"], line["step"], line["at"] = record.seq, record.step, record.at
    return _encode(line)


def parse(line: str) -> Record:
    """The record that `canonical` wrote. Raises KeyError for an unknown kind, TypeError for missing or foreign fields."""
    values = json.loads(line)
    kind = KINDS[values.pop("kind")]
    seq, step, at = values.pop("seq"), values.pop("step"), values.pop("at")
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return Record(seq, step, at, kind(**values))


def _subclasses(base: type[Fact]) -> list[type[Fact]]:
    return [kind for child in base.__subclasses__() for kind in (child, *_subclasses(child))]


KINDS: dict[str, type[Fact]] = {kind.__name__: kind for kind in _subclasses(Fact)}
