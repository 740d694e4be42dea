"""Every fact as a sentence a person reads. One line a kind; a kind without one is shown by its name and fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.domain import facts as f
from engine.domain.instrument import INSTRUMENTS, Cash
from engine.domain.intents import Intent, decode
from widgets import format as fmt


def _price(symbol: str, ticks: int | None) -> str:
    instrument = INSTRUMENTS.get(symbol)
    return fmt.price(ticks, instrument) if instrument else str(ticks)


def _lots(symbol: str, steps: int) -> str:
    instrument = INSTRUMENTS.get(symbol)
    return f"{fmt.lots(steps, instrument)} lot" if instrument else f"{steps} steps"


def _terms(fact: f.OrderTerms) -> str:
    price = fact.limit if fact.limit is not None else fact.stop
    at = f" at {_price(fact.symbol, price)}" if price is not None else ""
    reduce = ", reduce only" if fact.reduce_only else ""
    return f"{fact.side} {_lots(fact.symbol, fact.quantity)} {fact.symbol} {fact.type}{at} ({fact.role}{reduce})"


def _denied(fact: f.OrderDenied) -> str:
    largest = f"; the largest that passes is {_lots(fact.symbol, fact.largest)}" if fact.largest else ""
    return f"Denied: {_terms(fact)}: {_bare(fact.reason)}{largest}."


def _changed(fact: f.PositionChanged) -> str:
    booked = f", {fmt.signed_money(fact.realised)} booked" if fact.realised else ""
    if not fact.quantity:
        return f"{fact.symbol} is flat after trade {fact.trade}{booked}."
    return f"{fact.symbol} is {fmt.side_word(fact.quantity).lower()} {_lots(fact.symbol, abs(fact.quantity))}{booked}."


def _signal(fact: f.SignalEmitted) -> str:
    side = "long" if fact.side == "buy" else "short"
    prices = [_price(fact.symbol, ticks) for ticks in (fact.reference, fact.stop, fact.target)]
    return (
        f"Signal {fact.signal}: {side} {fact.symbol} at {prices[0]}, stop {prices[1]}, target {prices[2]}, "
        f"probability {fact.probability:.2f} against {fact.threshold:.2f}."
    )


def _explained(fact: f.SignalExplained) -> str:
    parts = ", ".join(f"{name} {fmt.signed(weight, 2)}" for name, _value, weight in fact.contributions[:4])
    return f"Signal {fact.signal} because of {parts}." if parts else f"Signal {fact.signal} has no explanation."


def _decided(fact: f.CardDecided) -> str:
    reason = f": {fact.reason}" if fact.reason else ""
    quantity = f" to {fact.quantity} steps" if fact.quantity else ""
    verb = "" if fact.decision == "expired" else "was "
    return f"Signal {fact.signal} {verb}{fact.decision}{quantity}{reason}."


def _asked(fact: f.IntentReceived) -> str:
    try:
        intent = decode(fact.intent)
    except (ValueError, KeyError, TypeError):
        return f"{fact.by} asked: {fact.intent}."
    return f"{fact.by} asked for {_details(intent)}."


def _details(intent: Intent) -> str:
    asked = {name: getattr(intent, name) for name in type(intent).__slots__}
    given = {name: value for name, value in asked.items() if value not in (None, "", False, ())}
    details = ", ".join(f"{name} {_details(it) if isinstance(it, Intent) else it}" for name, it in given.items())
    return f"{type(intent).__name__}{': ' + details if details else ''}"


def _filled(fact: f.OrderFilled) -> str:
    what = f"{fact.side} {_lots(fact.symbol, fact.quantity)} {fact.symbol} at {_price(fact.symbol, fact.price)}"
    return f"Order {fact.order} filled: {what}."


def _modified(fact: f.ModifyRequested | f.OrderModified, word: str) -> str:
    price = fact.limit if fact.limit is not None else fact.stop
    return f"Order {fact.order} {word}: {fact.quantity} steps{f' at {price} ticks' if price is not None else ''}."


def _corrected(fact: f.FillCorrected) -> str:
    what = f"{fact.side} {_lots(fact.symbol, fact.quantity)} {fact.symbol} at {_price(fact.symbol, fact.price)}"
    return f"Execution {fact.replaces} of order {fact.order} was corrected: {what if fact.quantity else 'it is struck out'}."


def _venue(fact: f.VenueChanged) -> str:
    said = {"LOST": "is out of reach", "CONNECTED": "is connected", "READY": "agrees with the books"}
    money = " (live)" if fact.is_live else ""
    because = f": {_bare(fact.reason)}" if fact.reason else ""
    return f"{fact.venue}{money} {said.get(fact.state, fact.state)}{because}."


def _adopted(fact: f.PositionAdopted) -> str:
    side = fmt.side_word(fact.quantity).lower() if fact.quantity else "flat"
    size = f" {_lots(fact.symbol, abs(fact.quantity))}" if fact.quantity else ""
    return f"{fact.symbol} is {side}{size} as at the venue: {_bare(fact.reason)}."


def _reconciled(fact: f.Reconciled) -> str:
    counts = ((fact.fills, "fills missed"), (fact.orders, "orders settled"), (fact.adopted, "adopted"), (fact.unknown, "unknown"))
    found = ", ".join(f"{count} {word}" for count, word in counts if count) or "nothing was missed"
    doubt = f"; {'; '.join(_bare(each) for each in fact.mismatches)}" if fact.mismatches else ""
    return f"Compared with the venue: {found}{doubt}."


def _killed(fact: f.KillSwitched) -> str:
    what = "Kill switch drill" if fact.drill else "Kill switch"
    left = f"; left: {', '.join(_bare(each) for each in fact.leftovers)}" if fact.leftovers else ""
    seen = "as the venue says" if fact.is_verified else "not verified at the venue"
    return f"{what} by {fact.by} in {fact.milliseconds} ms: {fact.cancelled} cancelled, {fact.closed} closed, {seen}{left}."


def _limit(fact: f.LimitsRequested | f.LimitsWithdrawn | f.LimitsChanged) -> str:
    return f"Limit {fact.limit}{f' of {fact.symbol}' if fact.symbol else ''}"


def _limits_read(fact: f.LimitsRead) -> str:
    chosen = "".join(f"; for this session alone {name} is {text}" for name, text in fact.chosen)
    return f"The limits of the configuration were read: {len(fact.values) + len(fact.settings)} values{chosen}."


def _loosening(fact: f.LimitsRequested) -> str:
    asked = f"{_limit(fact)} is asked to change from {fact.before} to {fact.value}: {_bare(fact.reason)}"
    return f"{asked}; not before {fmt.moment_with_zone(fact.due)}."


def _done(actions: tuple[str, ...]) -> str:
    return f" ({', '.join(actions)})" if actions else ""


_CHOICES = {
    "attach": "a stop is placed over what was adopted",
    "leave": "what was adopted stays without a stop",
    "close": "what was adopted is closed",
}


def _because(fact: f.TradingStateChanged) -> str:
    """The reason, where it says more than who caused it."""
    return f": {_bare(fact.reason)}" if fact.reason not in ("", fact.cause) else ""


def _bare(reason: str) -> str:
    return reason.rstrip(". ")


def _money(amount: Cash) -> str:
    return fmt.money(amount)


SENTENCES: dict[type[f.Fact], Callable[[Any], str]] = {
    f.AccountOpened: lambda x: f"Account {x.account} opened with {_money(x.balance)} {x.currency}.",
    f.InstrumentListed: lambda x: f"{x.symbol} listed: tick {x.tick_size}, lot step {x.lot_step}, contract {x.contract_size}.",
    f.DayStarted: lambda x: f"The trading day starts with equity {_money(x.equity)}.",
    f.ContractChosen: lambda x: f"{x.symbol}{x.contract} is dealt in from here on: {_bare(x.reason)}.",
    f.RollBegun: lambda x: (
        f"{_lots(x.symbol, abs(x.quantity))} of {x.symbol}{x.out} go over to {x.symbol}{x.into}, "
        f"which costs {_price(x.symbol, x.spread)} more; the {x.by} wants it."
    ),
    f.RollEnded: lambda x: f"{'Rolled' if x.is_whole else 'Not rolled'}: {_bare(x.reason)}.",
    f.EquityPeaked: lambda x: f"Equity stands at its highest so far, {_money(x.equity)}.",
    f.TradingStateChanged: lambda x: f"Trading is {x.state} ({x.cause}){_because(x)}.",
    f.ModeChanged: lambda x: f"Mode is {x.mode}.",
    f.ModelChanged: lambda x: f"Signals come from {x.policy}{f', model {x.sha256[:12]}' if x.sha256 else ''}.",
    f.IntentReceived: _asked,
    f.IntentRefused: lambda x: f"Not done: {_bare(x.reason)}.",
    f.SignalEmitted: _signal,
    f.SignalExplained: _explained,
    f.CardOpened: lambda x: f"Signal {x.signal} waits for the owner.",
    f.CardDecided: _decided,
    f.SignalDropped: lambda x: f"Signal {x.signal} dropped: {_bare(x.reason)}.",
    f.OrderDenied: _denied,
    f.OrderIntended: lambda x: f"Order {x.order}: {_terms(x)}.",
    f.OrderHeld: lambda x: f"Order {x.order} is held here: {_bare(x.reason)}.",
    f.OrderReleased: lambda x: f"Order {x.order} is due, for {x.quantity} steps.",
    f.OrderSent: lambda x: f"Order {x.order} sent.",
    f.OrderAccepted: lambda x: f"Order {x.order} accepted as {x.broker_id}.",
    f.OrderRejected: lambda x: f"Order {x.order} rejected: {_bare(x.reason)}.",
    f.OrderUnknown: lambda x: f"Order {x.order} is unknown: {_bare(x.reason)}; its exposure stays reserved.",
    f.OrderTriggered: lambda x: f"Order {x.order} triggered: the market reached its stop.",
    f.OrderTrailed: lambda x: f"Order {x.order} trails the market: its stop is at {x.stop} ticks.",
    f.OrderFilled: _filled,
    f.ModifyRequested: lambda x: _modified(x, "to be changed"),
    f.OrderModified: lambda x: _modified(x, "changed"),
    f.ModifyRejected: lambda x: f"Change of order {x.order} rejected: {_bare(x.reason)}.",
    f.CancelRequested: lambda x: f"Cancel of order {x.order} asked: {_bare(x.reason)}.",
    f.CancelRejected: lambda x: f"Cancel of order {x.order} rejected: {_bare(x.reason)}.",
    f.OrderCancelled: lambda x: f"Order {x.order} cancelled: {_bare(x.reason)}.",
    f.OrderExpired: lambda x: f"Order {x.order} expired.",
    f.PositionChanged: _changed,
    f.FinancingCharged: lambda x: f"Financing of {x.symbol} over {x.nights} nights: {fmt.signed_money(-x.amount)}.",
    f.OrderAdopted: lambda x: f"Order {x.order} was placed elsewhere and is adopted: {_terms(x)}.",
    f.OrderHeld: lambda x: f"Order {x.order} is held here: {_bare(x.reason)}.",
    f.OrderTriggered: lambda x: f"Order {x.order} was triggered.",
    f.OrderTrailed: lambda x: f"Order {x.order} trailed to {x.stop} ticks.",
    f.FillCorrected: _corrected,
    f.CommissionCharged: lambda x: f"Execution {x.execution} of order {x.order} cost {_money(x.amount)} more.",
    f.VenueChanged: _venue,
    f.PositionAdopted: _adopted,
    f.CashAdopted: lambda x: f"Cash of the venue taken over: {fmt.signed_money(x.amount)} ({_bare(x.reason)}).",
    f.Reconciled: _reconciled,
    f.TradingArmed: lambda x: f"Live trading is armed on {x.account}.",
    f.TradingDisarmed: lambda x: f"Live trading is disarmed on {x.account}: {_bare(x.reason)}.",
    f.KillSwitched: _killed,
    f.LimitsRead: _limits_read,
    f.LimitsRequested: _loosening,
    f.LimitsWithdrawn: lambda x: f"{_limit(x)} is not loosened: {_bare(x.reason)}.",
    f.LimitsChanged: lambda x: f"{_limit(x)} is {x.value} instead of {x.before}: {_bare(x.reason)}.",
    f.LimitTripped: lambda x: f"Limit {x.limit} tripped: {_bare(x.reason)}{_done(x.actions)}.",
    f.LimitCleared: lambda x: f"Limit {x.limit} is clear again: {_bare(x.reason)}.",
    f.ProtectionChosen: lambda x: f"{x.symbol}: {_CHOICES.get(x.choice, x.choice)}.",
    f.AlertRaised: lambda x: f"Look ({x.cause}): {_bare(x.reason)}.",
    f.ProtectionMissing: lambda x: f"{_lots(x.symbol, x.quantity)} of {x.symbol} without a stop: {_bare(x.action)}.",
}

_BAD = (
    f.IntentRefused,
    f.OrderDenied,
    f.OrderRejected,
    f.OrderUnknown,
    f.ProtectionMissing,
    f.ModifyRejected,
    f.CancelRejected,
    f.FillCorrected,
    f.PositionAdopted,
    f.AlertRaised,
    f.LimitTripped,
)
_OWNER = (f.IntentReceived, f.CardDecided, f.ModeChanged, f.ProtectionChosen)


def sentence(fact: f.Fact) -> str:
    """The fact as one sentence."""
    say = SENTENCES.get(type(fact))
    return say(fact) if say else f"{type(fact).__name__}: {f.body(fact)}"


def role(fact: f.Fact) -> str:
    """The colour of the fact's line: trouble stands out, the owner's word is gold."""
    if isinstance(fact, f.TradingStateChanged):
        return "text0" if fact.state == "ACTIVE" else "trip"
    if isinstance(fact, f.CardDecided) and fact.decision == "expired":
        return "text1"
    if isinstance(fact, f.VenueChanged):
        return "warn" if fact.state == "LOST" else "text0"
    if isinstance(fact, f.Reconciled):
        return "text0" if fact.is_clean else "warn"
    return "warn" if isinstance(fact, _BAD) else "gold" if isinstance(fact, _OWNER) else "text0"
