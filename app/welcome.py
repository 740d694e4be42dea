"""What is held: told when a session goes on after a while, and before its book is left for a new one."""

from __future__ import annotations

from app.picture import Picture
from engine.domain.instrument import instrument_of, money
from widgets import format as fmt

_KEPT = "A reset starts a new book with this balance. The old book stays in the database and can be exported."
_SAME_MARKET = (
    "The simulated market starts over from the same moment with the same prices; --seed N on the command line makes another."
)
_SAME_FILE = "The recording starts over from the same moment."


def welcome_back(picture: Picture) -> str:
    """What the owner should know before the market moves again, in a few sentences."""
    view = picture.view
    when = fmt.moment_with_zone(picture.opening.last_seen, picture.display.zone)
    parts = [f"While you were away the market stood still; the book was last written at {when} market time."]
    parts += held(picture) or ["No position is open."]
    if view.cards:
        waiting = len(view.cards)
        parts.append("1 signal still waits for you." if waiting == 1 else f"{waiting} signals still wait for you.")
    entries = sum(order.role.value == "entry" for order in view.working)
    if entries:
        parts.append("1 entry order still works." if entries == 1 else f"{entries} entry orders still work.")
    if view.state != "ACTIVE":
        parts.append(f"Trading is {view.state}: {view.state_reason}.")
    return " ".join(parts)


def held(picture: Picture) -> list[str]:
    """The open positions, a sentence each."""
    view, parts = picture.view, []
    for position in view.positions:
        instrument = instrument_of(position.symbol)
        side = "long" if position.quantity > 0 else "short"
        stop = f"stop {fmt.price(position.stop, instrument)}" if position.stop is not None else "NO STOP"
        gain = f"{fmt.signed(money(position.unrealised), 2)} {view.account.currency}"
        parts.append(f"{position.symbol} {side} {fmt.lots(abs(position.quantity), instrument)} lots, {gain}, {stop}.")
    return parts


def reset_notes(picture: Picture | None, replay: bool) -> list[str]:
    """What a reset of the paper account leaves behind, and what the new book begins with; a paragraph each."""
    notes = [_KEPT, _SAME_FILE if replay else _SAME_MARKET]
    if picture is not None and (left := _left_behind(picture)):
        notes.insert(0, left)
    return notes


def left_open(picture: Picture | None) -> str:
    """How many positions are open and signals wait, in a few words; "" where there are none."""
    if picture is None:
        return ""
    view = picture.view
    counts = ((len(view.positions), "open position"), (len(view.cards), "waiting signal"))
    return " and ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count)


def _left_behind(picture: Picture) -> str:
    working = len(picture.view.working)
    parts = held(picture)
    if working:
        parts.append("1 order works." if working == 1 else f"{working} orders work.")
    return " ".join(["Open now, and staying in the old book as it is:", *parts]) if parts else ""
