"""What happened in a soak, in figures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.domain import facts as f

_DIGITS = re.compile(r"\d+")


@dataclass
class Tally:
    """Counts by kind; `violations` are sentences with the seed of the life that they were found in."""

    actions: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    lives: int = 0
    checkpoints: int = 0
    restarts: int = 0
    violations: list[str] = field(default_factory=list)

    def count(self, records: Iterable[f.Record]) -> None:
        """Takes in the facts of a whole book."""
        for record in records:
            fact = record.fact
            self.facts[type(fact).__name__] += 1
            if isinstance(fact, f.OrderDenied | f.IntentRefused | f.OrderRejected):
                self.reasons[f"{type(fact).__name__}: {_DIGITS.sub('#', fact.reason)[:90]}"] += 1

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        facts = self.facts
        return {
            "lives": self.lives,
            "checkpoints": self.checkpoints,
            "restarts": self.restarts,
            "orders": facts["OrderIntended"],
            "sent": facts["OrderSent"],
            "fills": facts["OrderFilled"],
            "unknown": facts["OrderUnknown"],
            "adopted": facts["OrderAdopted"],
            "corrected": facts["FillCorrected"],
            "actions": dict(sorted(self.actions.items())),
            "faults": dict(sorted(self.faults.items())),
            "facts": dict(facts.most_common()),
            "refusals": dict(self.reasons.most_common(20)),
            "violations": self.violations,
        }
