"""Orders that come twice under one Idempotency-Key are one order, after a restart too: the key is on record with its intent."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.domain import facts as f


@dataclass(slots=True)
class Outcome:
    """What came of an intent, by its facts alone, so that a repeat hears the same now, later, and after a restart.

    `intent` as recorded; `placed` the orders it placed, the first being the one asked for; `refused` why it was not carried out;
    `unrecorded` why nothing was sent though it was placed.
    """

    intent: str
    step: int
    placed: list[str] = field(default_factory=list)
    refused: str = ""
    unrecorded: str = ""


class Repeats:
    """Folds the facts of a book. A key is good for as long as its book."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}
        self._last: Outcome | None = None
        self._unsent: dict[str, Outcome] = {}

    def of(self, key: str) -> Outcome | None:
        """What came of the first intent with this key; None where there was none."""
        return self._outcomes.get(key)

    def take(self, record: f.Record) -> None:
        """Takes one fact in; most are about no such intent."""
        fact = record.fact
        if isinstance(fact, f.IntentReceived):
            self._last = self._outcomes.setdefault(fact.key, Outcome(fact.intent, record.step)) if fact.key else None
            return
        if self._last is not None:
            self._settle(self._last, record)
        if self._unsent and isinstance(fact, f.OrderFact):
            self._follow(fact)

    def _settle(self, outcome: Outcome, record: f.Record) -> None:
        fact = record.fact
        if record.step != outcome.step:
            self._last = None
        elif isinstance(fact, f.OrderIntended):
            outcome.placed.append(fact.order)
            self._unsent[fact.order] = outcome
        elif isinstance(fact, f.OrderDenied):
            outcome.refused = outcome.refused or fact.reason
        elif isinstance(fact, f.IntentRefused):
            outcome.refused = fact.reason

    def _follow(self, fact: f.OrderFact) -> None:
        """Until it has left, an order may be given up because it could not be recorded."""
        if isinstance(fact, f.OrderRejected) and (outcome := self._unsent.get(fact.order)) is not None:
            outcome.unrecorded = outcome.unrecorded or fact.reason
        if isinstance(fact, f.OrderSent | f.OrderUnknown | f.OrderRejected | f.OrderCancelled | f.OrderHeld):
            self._unsent.pop(fact.order, None)
