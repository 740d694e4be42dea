"""The watch over equity: day and peak anchors, the trading state, and the limits that trip it."""

from __future__ import annotations

from engine.domain import facts as f
from engine.domain.instrument import Cash, money
from engine.domain.limits import Limits

ACTIVE, REDUCING, HALTED = "ACTIVE", "REDUCING", "HALTED"


class Guard:
    """Trading state and the equity it is judged by. State comes from facts and from `mark` at bar closes.

    The daily loss trips REDUCING until the day rolls; the drawdown trips HALTED until the owner resumes.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._drawdown_ppm = int(limits.drawdown * 1_000_000)
        self._daily_ppm = int(limits.daily_loss * 1_000_000)
        self.floor: Cash = 0
        """The equity at or below which something trips; above it `tripped` has nothing to say."""
        self.state = ACTIVE
        self.cause = ""
        self.reason = ""
        self.day_start: Cash = 0
        self.peak: Cash = 0
        self.max_drawdown = 0.0
        self._day_lost = False

    def apply(self, fact: f.Fact) -> None:
        match fact:
            case f.AccountOpened():
                self.day_start = self.peak = fact.balance
            case f.DayStarted():
                self.day_start, self._day_lost = fact.equity, False
                self.peak = max(self.peak, fact.peak)
            case f.TradingStateChanged():
                self.state, self.cause, self.reason = fact.state, fact.cause, fact.reason
                self._day_lost = self._day_lost or (fact.cause == "daily_loss" and fact.state != ACTIVE)
            case _:
                return
        self._anchor()

    def mark(self, equity: Cash) -> None:
        """Equity at a bar's close: moves the peak, and with it the drawdown."""
        if equity > self.peak:
            self.peak = equity
            self._anchor()
        elif self.peak > 0:
            self.max_drawdown = max(self.max_drawdown, (self.peak - equity) / self.peak)

    def _anchor(self) -> None:
        if self.state == HALTED:
            self.floor = -(1 << 62)
            return
        self.floor = self._halt_at()
        if self.state == ACTIVE:
            self.floor = max(self.floor, self._reduce_at())

    def _halt_at(self) -> Cash:
        return self.peak - self.peak * self._drawdown_ppm // 1_000_000

    def _reduce_at(self) -> Cash:
        return self.day_start - self.day_start * self._daily_ppm // 1_000_000

    def tripped(self, equity: Cash) -> f.TradingStateChanged | None:
        """The change of state that `equity` calls for."""
        if equity > self.floor:
            return None
        if equity <= self._halt_at():
            lost, cap = 100 * (self.peak - equity) / self.peak, 100 * self._limits.drawdown
            reason = f"drawdown {lost:.2f} % from the peak of {money(self.peak):,.2f}, the cap is {cap:g} %"
            return f.TradingStateChanged(HALTED, "drawdown", reason)
        lost, cap = 100 * (self.day_start - equity) / self.day_start, 100 * self._limits.daily_loss
        reason = f"the day's loss is {lost:.2f} % of {money(self.day_start):,.2f}, the cap is {cap:g} %"
        return f.TradingStateChanged(REDUCING, "daily_loss", reason)

    def new_day(self) -> f.TradingStateChanged | None:
        """A daily loss ends with its day; nothing else does."""
        if self.state == REDUCING and self.cause == "daily_loss":
            return f.TradingStateChanged(ACTIVE, "daily_loss", "a new trading day began")
        return None

    def resumed(self, equity: Cash) -> f.TradingStateChanged | str:
        """Back to ACTIVE at the owner's word, or the sentence that says why not."""
        if self.state == ACTIVE:
            return "trading is ACTIVE already"
        if equity <= self._halt_at():
            return "the drawdown limit still holds; only a reset of the paper account starts afresh"
        if self._day_lost or equity <= self._reduce_at():
            return "the day's loss limit still holds; trading resumes when the trading day rolls"
        return f.TradingStateChanged(ACTIVE, "owner", "resumed by the owner")
