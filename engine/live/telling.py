"""How a session stands, as JSON: prices, quantities (lots) and money as decimal text, times as ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from engine.core.clock import to_iso
from engine.domain.instrument import Instrument, Steps, money
from engine.domain.limit_rules import RULES, spelled
from engine.domain.limits import Verdict
from engine.domain.market import Symbol
from engine.domain.order import Order
from engine.domain.views import AccountView, CardView, EngineView, PositionView

Listed = Mapping[Symbol, Instrument]


def state(view: EngineView, listed: Listed, waiting: Mapping[Symbol, Steps]) -> dict[str, Any]:
    """The whole picture. `waiting` is what was adopted of each position without a stop, and waits for its owner's choice."""
    venue = None if view.venue is None else asdict(view.venue)
    if venue is not None:
        venue["reconciled"] = _time(venue["reconciled"])
        venue["blocked"] = dict(venue["blocked"])
    return {
        "at": to_iso(view.at),
        "account": _account(view.account),
        "mode": view.mode,
        "armed": view.venue is not None and view.venue.is_armed,
        "trading": {"state": view.state, "reason": view.state_reason},
        "venue": venue,
        "quotes": [_quote(quote, listed[quote.symbol]) for quote in view.quotes],
        "positions": [_position(held, listed[held.symbol], waiting.get(held.symbol, 0)) for held in view.positions],
        "orders": [order(each, listed[each.symbol]) for each in view.working],
        "signals": [_card(card, listed[card.signal.symbol]) for card in view.cards],
        "limits_used": [asdict(gauge) for gauge in view.gauges],
        "limits": {name: spelled(view.limits.value(name)) for name in RULES},
        "limits_of_instruments": [
            {"instrument": symbol, "limit": name, "value": spelled(value)}
            for symbol, caps in sorted(view.limits.instruments.items())
            for name, value in sorted(caps.items())
            if name in RULES
        ],
        "limits_waiting": [
            {"limit": it.limit, "instrument": it.symbol, "value": it.value, "reason": it.reason, "due": to_iso(it.due)}
            for it in view.waiting
        ],
    }


def order(known: Order, listed: Instrument) -> dict[str, Any]:
    """One order."""
    average = known.average_price
    return {
        "order": known.id,
        "broker_order_id": known.broker_id,
        "instrument": known.symbol,
        "side": known.side.value,
        "type": known.type.value,
        "role": known.role.value,
        "state": known.state.value,
        "reason": known.reason,
        "quantity": str(listed.lots(known.quantity)),
        "filled": str(listed.lots(known.filled)),
        "average_price": None if average is None else str(listed.price(1) * Decimal(str(average))),
        "limit": _price(known.limit, listed),
        "stop": _price(known.stop, listed),
        "tif": known.tif.value,
        "reduce_only": known.reduce_only,
        "parent": known.parent,
        "placed": to_iso(known.placed),
    }


def verdict(found: Verdict, listed: Instrument) -> dict[str, Any]:
    """What the gate says of an order."""
    return {
        "approved": found.approved,
        "reasons": list(found.reasons),
        "warnings": list(found.warnings),
        "largest": str(listed.lots(found.largest)),
        "stop": _price(found.stop, listed),
        "stop_is_default": found.stop_is_default,
        "limits": [{**line._asdict(), "used": line.used} for line in found.lines],
    }


def _account(account: AccountView) -> dict[str, Any]:
    """All but name, currency and the two fractions are cash units."""
    as_it_is = {"account", "currency", "drawdown", "max_drawdown"}
    return {name: value if name in as_it_is else str(money(value)) for name, value in asdict(account).items()}


def _quote(quote: Any, listed: Instrument) -> dict[str, Any]:
    prices = {"bid": str(listed.price(quote.bid)), "ask": str(listed.price(quote.ask))}
    return {"instrument": quote.symbol, "at": to_iso(quote.at), **prices}


def _position(held: PositionView, listed: Instrument, waiting: Steps) -> dict[str, Any]:
    return {
        "instrument": held.symbol,
        "quantity": str(listed.lots(held.quantity)),
        "average_price": str(listed.price(1) * Decimal(str(held.average))),
        "mark": _price(held.mark, listed),
        "unrealised": str(money(held.unrealised)),
        "opened": to_iso(held.opened),
        "stop": _price(held.stop, listed),
        "target": _price(held.target, listed),
        "risk": str(money(held.risk)),
        "protected": str(listed.lots(held.protected)),
        "waits_for_a_choice": str(listed.lots(waiting)),
    }


def _card(card: CardView, listed: Instrument) -> dict[str, Any]:
    signal = card.signal
    return {
        "signal": signal.signal,
        "instrument": signal.symbol,
        "side": signal.side,
        "quantity": str(listed.lots(card.quantity)),
        "stop": _price(signal.stop, listed),
        "target": _price(signal.target, listed),
        "probability": signal.probability,
        "expires": to_iso(card.expires),
        "reasons": list(card.reasons),
        "closed": card.closed,
    }


def _price(ticks: int | None, listed: Instrument) -> str | None:
    return None if ticks is None else str(listed.price(ticks))


def _time(at: int) -> str | None:
    return to_iso(at) if at else None
