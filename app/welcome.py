"""While you were away: what a session that goes on finds in its book."""

from __future__ import annotations

from app.picture import Picture
from engine.domain.instrument import money
from widgets import format as fmt


def welcome_back(picture: Picture) -> str:
    """What the owner should know before the market moves again, in a few sentences."""
    view, instrument = picture.view, picture.instrument
    when = fmt.moment_with_zone(picture.opening.last_seen, picture.display.zone)
    parts = [f"While you were away the market stood still; the book was last written at {when} market time."]
    for position in view.positions:
        side = "long" if position.quantity > 0 else "short"
        stop = f"stop {fmt.price(position.stop, instrument)}" if position.stop is not None else "NO STOP"
        gain = f"{fmt.signed(money(position.unrealised), 2)} {view.account.currency}"
        parts.append(f"{position.symbol} {side} {fmt.lots(abs(position.quantity), instrument)} lots, {gain}, {stop}.")
    if not view.positions:
        parts.append("No position is open.")
    if view.cards:
        waiting = len(view.cards)
        parts.append("1 signal still waits for you." if waiting == 1 else f"{waiting} signals still wait for you.")
    entries = sum(order.role.value == "entry" for order in view.working)
    if entries:
        parts.append("1 entry order still works." if entries == 1 else f"{entries} entry orders still work.")
    if view.state != "ACTIVE":
        parts.append(f"Trading is {view.state}: {view.state_reason}.")
    return " ".join(parts)
