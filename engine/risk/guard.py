"""The watch over equity: day and peak anchors, the trading state, and the limits that trip it."""

from __future__ import annotations

from typing import NamedTuple

from engine.domain import facts as f
from engine.domain.instrument import Cash, money
from engine.domain.limits import USUAL_ACTIONS, Limits

ACTIVE, REDUCING, HALTED = "ACTIVE", "REDUCING", "HALTED"
ENDS_WITH_THE_DAY = frozenset({"daily_loss", "worst_day"})
"""Trips that the roll of the trading day ends; that of the drawdown ends by the owner, others once the book is under them."""
STATES = {"reduce_only": REDUCING, "halt": HALTED}
_QUIET = frozenset({"warn", "cancel_entries", *STATES})
"""Actions that change nothing about what is held."""
_NOWHERE: Cash = -(1 << 62)


class Trip(NamedTuple):
    """A limit that the book is over, what is to be done about it, and the sentence that says so."""

    limit: str
    actions: tuple[str, ...]
    reason: str

    @property
    def is_usual(self) -> bool:
        """Whether it is told by the change of state alone."""
        return USUAL_ACTIONS.get(self.limit) == self.actions


class Guard:
    """Trading state and the equity it is judged by. State comes from facts and from `mark` at bar closes.

    The daily loss trips REDUCING until the day rolls; the drawdown trips HALTED until the owner resumes: unless `limits.actions`
    says otherwise. What tripped stays in `tripped_limits` until its rule clears it, over restarts too.
    """

    def __init__(self, limits: Limits) -> None:
        self.floor: Cash = 0
        """The equity at or below which something trips; above it `tripped` has nothing to say."""
        self.state = ACTIVE
        self.cause = ""
        self.reason = ""
        self.day_start: Cash = 0
        self.peak: Cash = 0
        self.max_drawdown = 0.0
        self.tripped_limits: dict[str, tuple[str, ...]] = {}
        """What tripped and is not cleared, with what was done about it."""
        self._day_lost = False
        self.adopt(limits)

    def adopt(self, limits: Limits) -> None:
        """Other limits from here on; what tripped stays tripped."""
        self._limits = limits
        self._drawdown_ppm = int(limits.drawdown * 1_000_000)
        self._daily_ppm = int(limits.daily_loss * 1_000_000)
        self._anchor()

    def apply(self, fact: f.Fact) -> None:
        match fact:
            case f.AccountOpened():
                self.day_start = self.peak = fact.balance
            case f.DayStarted():
                self.day_start, self._day_lost = fact.equity, False
                self.peak = max(self.peak, fact.peak)
                for name in ENDS_WITH_THE_DAY:
                    self.tripped_limits.pop(name, None)
            case f.EquityPeaked():
                self.peak = max(self.peak, fact.equity)
            case f.CashAdopted() if fact.amount > 0:
                self.day_start += fact.amount  # a deposit must not hide a loss; what left the account is not told from one
                self.peak += fact.amount
            case f.TradingStateChanged():
                self._change(fact)
            case f.LimitTripped():
                self.tripped_limits[fact.limit] = fact.actions
            case f.LimitCleared():
                self.tripped_limits.pop(fact.limit, None)
            case _:
                return
        self._anchor()

    def _change(self, fact: f.TradingStateChanged) -> None:
        self.state, self.cause, self.reason = fact.state, fact.cause, fact.reason
        if fact.state == ACTIVE:
            if fact.cause == "owner":
                self.tripped_limits.pop("drawdown", None)
            return
        if fact.cause in self._limits.actions:
            self.tripped_limits[fact.cause] = self._limits.actions[fact.cause]
        self._day_lost = self._day_lost or fact.cause == "daily_loss"

    def mark(self, equity: Cash) -> None:
        """Equity at a bar's close: moves the peak, and with it the drawdown."""
        if equity > self.peak:
            self.peak = equity
            self._anchor()
        elif self.peak > 0:
            self.max_drawdown = max(self.max_drawdown, (self.peak - equity) / self.peak)

    def _anchor(self) -> None:
        halt = self._halt_at() if self._is_armed("drawdown") else _NOWHERE
        reduce = self._reduce_at() if self._is_armed("daily_loss") else _NOWHERE
        self.floor = max(halt, reduce)

    def _is_armed(self, limit: str) -> bool:
        """Whether the limit would still do something: it has not tripped, and the state is not as strict already."""
        actions = self._limits.actions.get(limit, ())
        if limit in self.tripped_limits or not actions:
            return False
        if not _QUIET.issuperset(actions):
            return True
        return self.state == ACTIVE or (self.state == REDUCING and "halt" in actions)

    def _halt_at(self) -> Cash:
        return self.peak - self.peak * self._drawdown_ppm // 1_000_000

    def _reduce_at(self) -> Cash:
        return self.day_start - self.day_start * self._daily_ppm // 1_000_000

    def tripped(self, equity: Cash) -> Trip | None:
        """The limit on equity that `equity` trips, the drawdown first."""
        if equity > self.floor:
            return None
        if equity <= self._halt_at() and self._is_armed("drawdown"):
            lost, cap = 100 * (self.peak - equity) / self.peak, 100 * self._limits.drawdown
            return self.trip("drawdown", f"drawdown {lost:.2f} % from the peak of {money(self.peak):,.2f}, the cap is {cap:g} %")
        lost, cap = 100 * (self.day_start - equity) / self.day_start, 100 * self._limits.daily_loss
        return self.trip("daily_loss", f"the day's loss is {lost:.2f} % of {money(self.day_start):,.2f}, the cap is {cap:g} %")

    def trip(self, limit: str, reason: str) -> Trip:
        """That `limit` trips, with what is configured for it."""
        return Trip(limit, self._limits.actions[limit], reason)

    def demanded(self, state: str) -> bool:
        """Whether a change to `state` would be one towards less."""
        order = (ACTIVE, REDUCING, HALTED)
        return order.index(state) > order.index(self.state)

    def clears(self, limit: str) -> bool:
        """Whether a tripped limit is cleared by the book being back under it, neither by the day nor by the owner."""
        changed_state = bool(STATES.keys() & set(self.tripped_limits[limit]))
        return limit not in ENDS_WITH_THE_DAY and not (limit == "drawdown" and changed_state)

    def new_day(self) -> f.TradingStateChanged | None:
        """A loss of the day ends with its day; nothing else does."""
        others = any(name for name, actions in self.tripped_limits.items() if STATES.keys() & set(actions))
        if self.state == REDUCING and self.cause in ENDS_WITH_THE_DAY and not others:
            return f.TradingStateChanged(ACTIVE, self.cause, "a new trading day began")
        return None

    def resumed(self, equity: Cash) -> f.TradingStateChanged | str:
        """Back to ACTIVE at the owner's word, or the sentence that says why not."""
        if self.state == ACTIVE:
            return "trading is ACTIVE already"
        if equity <= self._halt_at():
            return "the drawdown limit still holds; only a reset of the paper account starts afresh"
        if self._day_lost or equity <= self._reduce_at():
            return "the day's loss limit still holds; trading resumes when the trading day rolls"
        for name, actions in self.tripped_limits.items():
            if name != "drawdown" and STATES.keys() & set(actions):
                return f"the {name.replace('_', ' ')} limit still holds; trading resumes once the book is under it"
        return f.TradingStateChanged(ACTIVE, "owner", "resumed by the owner")
