"""What a venue may do wrong, in words that every loopback peer shares.

A rule says which messages (by kind: a peer's own name of a request, answer or report, or "*" for every one) meet which
action, how often, and after how many that pass. The first rule that fits decides.

    faults.on("placeOrder", Mute())                  # accepted, but its replies are lost
    faults.on("orderStatus", Duplicate(), times=None)
    held = faults.on("execDetails", Hold()); ...; held.release()
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

EVERY = "*"
"""The kind of a rule that is meant for every message."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The message never arrives. A dropped request was not accepted."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The message arrives `copies` times."""

    copies: int = 2


@dataclass(frozen=True, slots=True)
class Delay:
    """The message arrives `seconds` late; what comes after it does not wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """The message waits until the rule is released; what comes after it does not wait."""


@dataclass(frozen=True, slots=True)
class Reorder:
    """The message arrives behind the `behind` messages that follow it; until they come, it waits."""

    behind: int = 1


@dataclass(frozen=True, slots=True)
class Replace:
    """Another message arrives in its place: what `change` makes of it."""

    change: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """For requests: refused with this code (TWS error code, HTTP status) and text, and not acted upon.

    `detail` is whatever the venue adds: TWS's advanced reject JSON, an HTTP body.
    """

    code: int
    text: str = ""
    detail: Any = ""


@dataclass(frozen=True, slots=True)
class Mute:
    """For requests: acted upon, but nothing that follows from it is ever told to this link."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The link dies. A request was acted upon before that if `acted`, but its reply is lost; a report still left if `acted`."""

    acted: bool = True


Action = Drop | Duplicate | Delay | Hold | Reorder | Replace | Answer | Mute | Cut


@dataclass(eq=False)
class Rule:
    """One thing that goes wrong. `left` counts down; None is for ever. `hits` counts what it met."""

    kind: str
    action: Action
    left: int | None = 1
    after: int = 0
    where: Callable[[Any], bool] | None = None
    hits: int = 0
    held: list[Callable[[], None]] = field(default_factory=list)

    def takes(self, kind: str, message: Any) -> bool:
        """Whether this message is met; counts."""
        if self.kind not in (EVERY, kind) or self.left == 0 or (self.where is not None and not self.where(message)):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.left = None if self.left is None else self.left - 1
        self.hits += 1
        return True

    def release(self) -> None:
        """Lets through what was held, in its order, and holds no more."""
        self.lift()
        held, self.held = self.held, []
        for deliver in held:
            deliver()

    def lift(self) -> None:
        """Ends the rule; what it holds stays held."""
        self.left = 0


class Faults:
    """Everything that a peer was told to do wrong, by message and by byte.

    `cut_received` and `cut_sent` are the number of bytes after which the next link dies, in the direction seen from the
    peer; `chunk` the size of the pieces in which bytes leave. `frozen` says whether links that are made from now on are
    half open: nothing is read or written, nothing is closed.
    """

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.cut_received: int | None = None
        self.cut_sent: int | None = None
        self.chunk: int | None = None
        self.frozen = False
        self._links: list[Callable[[bool], None]] = []

    def on(
        self,
        kind: str,
        action: Action,
        *,
        times: int | None = 1,
        after: int = 0,
        where: Callable[[Any], bool] | None = None,
    ) -> Rule:
        """From now on, `times` messages (None: all) of this kind meet the action, the first `after` of them excepted."""
        rule = Rule(kind, action, times, after, where)
        self.rules.append(rule)
        return rule

    def meet(self, kind: str, message: Any) -> Rule | None:
        """The rule that this message meets, if any."""
        return next((rule for rule in self.rules if rule.takes(kind, message)), None)

    def freeze(self, *, new: bool = True) -> None:
        """Every link is half open from now on; with `new` False only those that exist."""
        self.frozen = new
        self._tell(True)

    def thaw(self) -> None:
        """Links move again; what waited is read and written."""
        self.frozen = False
        self._tell(False)

    def clear(self) -> None:
        """Nothing goes wrong from now on; what is held stays held."""
        self.rules.clear()
        self.cut_received = self.cut_sent = self.chunk = None
        self.thaw()

    def watch(self, freeze: Callable[[bool], None]) -> Callable[[], None]:
        """Tells a link of every freeze (True) and thaw (False); the return value ends that."""
        self._links.append(freeze)
        return lambda: self._links.remove(freeze)

    def _tell(self, frozen: bool) -> None:
        for freeze in list(self._links):
            freeze(frozen)


class Passage:
    """One direction of one link: messages in their order, except where a rule says otherwise.

    `deliver(kind, message, action)` is called for each that arrives; `action` is the one that only the peer can carry
    out (Answer, Mute, Cut), else None. `later(seconds, call)` schedules and is the peer's to cancel.
    """

    def __init__(
        self,
        faults: Faults,
        deliver: Callable[[str, Any, Action | None], None],
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._faults = faults
        self._deliver = deliver
        self._later = later
        self._behind: list[list[Any]] = []

    def put(self, kind: str, message: Any) -> None:
        """A message wants through."""
        rule = self._faults.meet(kind, message)
        waiting, self._behind = self._behind, []
        self._meet(rule, kind, message)
        for entry in waiting:
            entry[0] -= 1
            if entry[0] <= 0:
                self._deliver(entry[1], entry[2], None)
            else:
                self._behind.append(entry)

    def _meet(self, rule: Rule | None, kind: str, message: Any) -> None:
        match rule.action if rule else None:
            case Drop():
                pass
            case Duplicate(copies):
                for _ in range(copies):
                    self._deliver(kind, message, None)
            case Delay(seconds):
                self._later(seconds, lambda: self._deliver(kind, message, None))
            case Hold():
                assert rule is not None
                rule.held.append(lambda: self._deliver(kind, message, None))
            case Reorder(behind):
                self._behind.append([behind, kind, message])
            case Replace(change):
                self._deliver(kind, change(message), None)
            case action:
                self._deliver(kind, message, action)
