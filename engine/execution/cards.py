"""Signal cards: what the owner answers to a signal, carried out on the prices of the moment."""

from __future__ import annotations

from decimal import Decimal

from engine.domain import facts as f
from engine.domain import intents as i
from engine.domain.market import Ticks
from engine.domain.order import Side
from engine.execution.hands import Hands, Refused
from engine.risk.guard import ACTIVE
from engine.signals.desk import Card

DRIFT_CAP = Decimal("0.5")
"""A card is not accepted once the price has run further than this share of its risk from where it was decided."""


class Cards:
    """Carries out answers to cards. A refused answer leaves its card waiting."""

    def __init__(self, hands: Hands) -> None:
        self._h = hands

    def _card(self, signal: str) -> Card:
        card = self._h.desk.cards.get(signal)
        if card is None:
            raise Refused(f"signal {signal} does not wait any more")
        return card

    def accept(self, intent: i.AcceptCard) -> None:
        signal = self._fresh(intent.signal)
        self._decide(signal, "accepted", intent.reason, Side(signal.side), signal.stop, signal.target, 0)

    def resize(self, intent: i.ResizeCard) -> None:
        signal = self._fresh(intent.signal)
        if intent.quantity <= 0:
            raise Refused("the new quantity must be above zero; veto the signal to trade nothing")
        instrument = self._h.instruments[signal.symbol]
        if intent.quantity > instrument.max_order:
            raise Refused(f"the new quantity is more than the largest order of {instrument.lots(instrument.max_order)} lots")
        self._check_tilt()
        self._decide(signal, "resized", intent.reason, Side(signal.side), signal.stop, signal.target, intent.quantity)

    def flip(self, intent: i.FlipCard) -> None:
        signal = self._fresh(intent.signal)
        self._check_tilt()
        side = Side(signal.side).opposite
        quote = self._h.quotes[signal.symbol]
        entry = quote.ask if side is Side.BUY else quote.bid
        stop = entry - side.sign * abs(signal.reference - signal.stop)
        target = entry + side.sign * abs(signal.target - signal.reference)
        self._decide(signal, "flipped", intent.reason, side, stop, target, 0)

    def _check_tilt(self) -> None:
        if tilt := self._h.snapshot().tilt:
            raise Refused(tilt)

    def _fresh(self, name: str) -> f.SignalEmitted:
        """The signal of a waiting card, unless nothing may be opened now or the price has run away from it."""
        signal = self._card(name).signal
        if obstacle := self.obstacle(signal):
            raise Refused(obstacle)
        return signal

    def obstacle(self, signal: f.SignalEmitted) -> str:
        """Why nothing but a veto can be carried out on a waiting card now; "" when it can."""
        if self._h.guard.state != ACTIVE:
            return f"trading is {self._h.guard.state}: {self._h.guard.reason}"
        quote = self._h.quotes[signal.symbol]
        at = quote.ask if signal.side == Side.BUY.value else quote.bid
        drift, risk = abs(at - signal.reference), abs(signal.reference - signal.stop)
        if drift <= risk * DRIFT_CAP:
            return ""
        instrument = self._h.instruments[signal.symbol]
        return (
            f"the price moved {instrument.price(drift)} since the signal, more than {100 * DRIFT_CAP:.0f} % of its risk of "
            f"{instrument.price(risk)}; veto it or trade by ticket"
        )

    def _decide(
        self, signal: f.SignalEmitted, decision: str, reason: str, side: Side, stop: Ticks, target: Ticks, quantity: int
    ) -> None:
        forecast = self._h.trader.forecast(signal, side, stop, target, quantity)
        if forecast.reasons:
            raise Refused("; ".join(forecast.reasons))
        self._h.emit(f.CardDecided(signal.signal, decision, reason, quantity))
        verdict = self._h.trader.trade(signal, side, stop, target, quantity)
        if verdict is not None and not verdict.approved:
            raise Refused("; ".join(verdict.reasons))

    def veto(self, intent: i.VetoCard) -> None:
        self._h.emit(f.CardDecided(self._card(intent.signal).signal.signal, "vetoed", intent.reason, 0))


def expired(card: Card) -> f.CardDecided:
    """The fact of a card nobody decided on."""
    return f.CardDecided(card.signal.signal, "expired", "nobody decided in time", 0)
