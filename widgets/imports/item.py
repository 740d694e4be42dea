"""A file in the queue, as the panel shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from engine.domain.imports import Choices, ImportDone, ImportPlan
from widgets.imports import words


class Look(NamedTuple):
    """How a state is shown: an icon and the role of its colour."""

    icon: str
    role: str


STATES = {
    "waiting": Look("clock-outline", "text2"),
    "queued": Look("clock-outline", "gold"),
    "looking": Look("magnify", "text1"),
    "ready": Look("check-circle-outline", "up"),
    "warned": Look("alert-circle-outline", "warn"),
    "refused": Look("close-circle-outline", "trip"),
    "importing": Look("database-import-outline", "gold"),
    "done": Look("check-circle", "up"),
    "undone": Look("undo-variant", "text2"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One file. `share` is how much of the work at hand is done (0 to 1), `doing` what that is; `trouble` is the sentence of a
    refusal or of an import that failed, `note` of what else happened. `is_stale`: something was stored since it was looked at;
    `strict`: it is to be imported whole or not at all."""

    key: int
    path: str
    file: str
    choices: Choices = field(default_factory=Choices)
    plan: ImportPlan | None = None
    done: ImportDone | None = None
    strict: bool = False
    is_stale: bool = False
    work: str = "waiting"
    share: float = 0.0
    doing: str = ""
    trouble: str = ""
    note: str = ""

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.work:
            return self.work
        if self.done is not None:
            return "undone" if self.done.entry is not None and self.done.entry.undone_at is not None else "done"
        if self.trouble or self.plan is None or self.plan.refusal:
            return "refused"
        return "warned" if self.plan.warnings or self.plan.bad_count else "ready"

    @property
    def line(self) -> str:
        """The state in a few words."""
        match self.state:
            case "waiting":
                return "waiting"
            case "queued":
                return "will be imported"
            case "looking" | "importing":
                return f"{self.doing or self.state} {100 * self.share:.0f} %"
            case "done":
                assert self.done is not None
                return ", ".join([words.outcome(self.done), *(words.refused(self.plan) if self.plan else [])])
            case "undone":
                assert self.done is not None
                return words.outcome(self.done)
            case "refused":
                trouble = self.trouble or (self.plan.refusal if self.plan else "")
                return words.in_the_panel(words.shortly(trouble, self.file))
        assert self.plan is not None
        return words.summary(self.plan)

    @property
    def is_busy(self) -> bool:
        return self.work in ("looking", "importing")

    @property
    def can_be_imported(self) -> bool:
        return not self.work and self.done is None and self.plan is not None and self.plan.can_be_imported
