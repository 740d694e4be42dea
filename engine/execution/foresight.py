"""What would become of a ticket: the gate's answer to all its orders, and what of them would be held here. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.domain import intents as i
from engine.domain.limits import LimitLine, Verdict
from engine.domain.market import Ticks
from engine.domain.order import STOPS, Order, OrderType, TimeInForce
from engine.execution.drafted import order_of
from engine.execution.hands import Hands, Refused
from engine.execution.lacks import rests
from engine.execution.tickets import Tickets, chains_of, word
from engine.ports.outside import Abilities
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake, entry_price

_NOBODY = Stake()


def foresee(intent: i.SubmitOrder | i.SubmitPair, tickets: Tickets, hands: Hands) -> Verdict:
    """The verdict on the whole ticket: each of its orders meets the gate with those before it already waiting, as when they are
    placed. `largest` and `stop` are those of the first. Raises Refused for an instrument or a word that is not known."""
    chains = chains_of(intent)
    snapshot, told = hands.snapshot(), []
    orders: list[tuple[Draft, Order]] = []
    for number, chain in enumerate(chains):
        for place, each in enumerate(chain):
            draft = tickets.draft(each)
            verdict = hands.gate.check(draft, snapshot)
            order = order_of(draft, f"foreseen-{len(orders)}", tif=word(TimeInForce, each.tif), expires=each.expires)
            snapshot = _with(snapshot, draft, order, verdict.stop, hands)
            told.append((_name(number, place), verdict))
            orders.append((draft, order))
    whole = _whole(told)
    try:
        tickets.check(intent, chains)
    except Refused as refusal:
        return whole._replace(reasons=(str(refusal), *whole.reasons), limits=("ticket", *whole.limits), largest=0)
    held = _held(orders, len(chains) > 1, hands.manager.abilities)
    return whole._replace(held=tuple(dict.fromkeys(held)))


def _name(chain: int, place: int) -> str:
    """What an order other than the first is called in sentences."""
    if place:
        return "the order that follows"
    return "the other order of the pair" if chain else ""


def _with(snapshot: Snapshot, draft: Draft, order: Order, stop: Ticks | None, hands: Hands) -> Snapshot:
    """The snapshot as it is once this entry waits; what only reduces waits for nothing."""
    if draft.reduce_only or draft.symbol not in snapshot.quotes:
        return snapshot
    stake = snapshot.stakes.get(draft.symbol, _NOBODY)
    price = entry_price(order, snapshot.quotes[draft.symbol])
    away = hands.stakes.default_distance(draft.symbol, price)
    if stop is not None:
        away = max(0, (price - stop) * draft.side.sign + hands.gate.slippage)
    worth = hands.instruments[draft.symbol].tick_value * draft.quantity
    buys = draft.quantity if draft.side.sign > 0 else 0
    waiting = replace(
        stake,
        pending_notional=stake.pending_notional + price * worth,
        pending_risk=stake.pending_risk + away * worth,
        pending_buys=stake.pending_buys + buys,
        pending_sells=stake.pending_sells + draft.quantity - buys,
    )
    recent = (*snapshot.recent, (snapshot.at, order))
    return replace(snapshot, stakes={**snapshot.stakes, draft.symbol: waiting}, recent=recent)


# --- one answer of several --------------------------------------------------------------------------------------------


def _whole(told: Sequence[tuple[str, Verdict]]) -> Verdict:
    """One verdict of all: of each limit the line that comes nearest to it, and every reason with the order it is about."""
    first = told[0][1]
    if len(told) == 1:
        return first
    lines: dict[str, LimitLine] = {}
    for _, verdict in told:
        for line in verdict.lines:
            known = lines.get(f"{line.name} {line.hard}")
            if known is None or _nearness(line) > _nearness(known):
                lines[f"{line.name} {line.hard}"] = line
    return first._replace(
        lines=tuple(lines.values()),
        reasons=_once([(name, reason) for name, verdict in told for reason in verdict.reasons]),
        limits=tuple(dict.fromkeys(limit for _, verdict in told for limit in verdict.limits)),
        warnings=_once([(name, warning) for name, verdict in told for warning in verdict.warnings]),
    )


def _nearness(line: LimitLine) -> tuple[bool, float]:
    return not line.passed, max(line.after_fill, line.after_stop)


def _once(told: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Each sentence once, with the order that it is about first."""
    about: dict[str, str] = {}
    for name, sentence in told:
        about.setdefault(sentence, name)
    return tuple(f"{name}: {sentence}" if name else sentence for sentence, name in about.items())


# --- what would be held here ------------------------------------------------------------------------------------------


def _held(orders: Sequence[tuple[Draft, Order]], is_pair: bool, abilities: Abilities | None) -> Iterator[str]:
    """Sentences of what the engine would keep instead of the venue; see `lacks.waits`, which does it."""
    if len(orders) > (2 if is_pair else 1):
        yield "the order that follows waits here until the one before it has filled whole"
    if abilities is None:
        return
    if is_pair and not abilities.groups:
        yield "the pair is tied here: when one order fills, the other is cancelled from here"
    for draft, order in orders:
        yield from _held_of(draft, order, abilities)


def _held_of(draft: Draft, order: Order, abilities: Abilities) -> Iterator[str]:
    if order.type in STOPS and not rests(order, abilities):
        yield f"the price is watched here; the venue holds no {order.type.value.replace('_', '-')} orders"
    elif order.type not in abilities.types and order.type is OrderType.TRAILING:
        yield "the stop rests at the venue and is moved from here"
    if not draft.reduce_only:
        yield from _held_exits(draft, order, abilities)
    if order.tif not in abilities.tifs:
        if order.tif is TimeInForce.FOK:
            yield "it leaves when a quote shows enough; the venue has no fill-or-kill"
        else:
            yield f"its time is kept here: the venue knows no {order.tif.value}, so it is cancelled from here"
    if draft.reduce_only and not abilities.reduce_only:
        yield "that it only reduces is seen to here; the venue has no such orders"


def _held_exits(draft: Draft, order: Order, abilities: Abilities) -> Iterator[str]:
    has_targets = any(target is not None for target, _ in draft.shares)
    if not abilities.brackets:
        yield "the stop stands guard once the entry fills; the venue holds no brackets"
        if has_targets:
            yield "targets are watched here; the venue cannot tie a target to its stop"
    trails = bool(draft.stop_trail or draft.stop_trail_ppm)
    stop = order._replace(type=OrderType.TRAILING if trails else OrderType.STOP)
    if not rests(stop, abilities):
        yield "the stop's price is watched here; the venue holds no stop orders of this kind"
    elif stop.type not in abilities.types:
        yield "the protective stop rests at the venue and is moved from here"
