"""The gate: every order that could open or grow a position passes here, and the ticket's preview is the same function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.limits import LimitLine, Limits, Verdict
from engine.domain.market import Symbol, Ticks
from engine.domain.order import OrderType, Side
from engine.risk.checks import WITHOUT_FIGURES, order_faults
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake
from engine.rules import costs
from engine.rules.limits import (
    CORRELATION,
    DAILY_LOSS,
    DRAWDOWN,
    LEVERAGE,
    LIMITS,
    OPEN_RISK,
    POSITION,
    WORST_DAY,
    empty_rows,
    preview,
)
from engine.rules.sizing import default_stop, loss_per_step


class Cluster(NamedTuple):
    """What moves together: how much it measures, and which positions these are, in words."""

    measured: Cash
    words: str


Kin = tuple[Symbol, Stake, float | None]

DEFAULT_STOP_PER_MILLE = 3_000
"""An opening order without a stop gets one three ATR away."""
_ABOUT_SIZE = {"quantity", "reduce_only"}
"""Faults that a smaller order may not have."""


class Gate:
    """Checks drafts against the limits in force."""

    def __init__(self, instruments: Mapping[Symbol, Instrument], limits: Limits, slippage: Ticks) -> None:
        self._instruments = instruments
        self.limits = limits
        self.slippage = slippage
        self._rows = empty_rows()
        self._caps = caps(limits)

    def check(self, draft: Draft, snapshot: Snapshot) -> Verdict:
        """Every limit now -> after the fill -> after the stop-out, and whether the order may go. Changes nothing."""
        faults = order_faults(draft, self._instruments[draft.symbol], snapshot, self.limits)
        stop, is_default = self._stop(draft, snapshot)
        if draft.symbol not in snapshot.quotes or faults.keys() & WITHOUT_FIGURES:
            return Verdict((), tuple(faults.values()), tuple(faults), (), 0)
        stake = snapshot.stakes.get(draft.symbol, Stake())
        grows = _grows(draft, draft.quantity, stake)
        if grows and stop is None:
            faults["stop"] = "an opening order needs a stop, and no ATR is known yet to set one; give a stop price"
        lines = self._lines(draft, draft.quantity, stop, snapshot, stake, grows)
        reasons = [*faults.values(), *(line.sentence for line in lines if line.hard and not line.passed)]
        limits = [*faults, *(line.name for line in lines if line.hard and not line.passed)]
        warnings = tuple(line.sentence for line in lines if not line.hard and not line.passed)
        largest = draft.quantity if not limits else 0
        if limits and not set(faults) - _ABOUT_SIZE:
            largest = self._largest(draft, stop, snapshot, stake)
        return Verdict(lines, tuple(reasons), tuple(limits), warnings, largest, stop, is_default)

    def broken(self, symbol: Symbol, snapshot: Snapshot) -> list[str]:
        """Sentences of the hard limits on losses at stops that the book is over, as `snapshot` has it."""
        stake, rows = snapshot.stakes.get(symbol, Stake()), self._rows
        measure = stake.total_risk if self.limits.position_basis == "risk" else 0
        risk, gross = snapshot.risk, snapshot.gross
        held = (measure, measure, measure, risk, risk, risk, gross, gross, gross)
        preview(snapshot.equity, snapshot.day_start, snapshot.peak, *held, 0, 0, 0, rows)
        over = [(row, cap) for row, hard, cap in self._caps if hard and row in (POSITION, WORST_DAY, OPEN_RISK)]
        said = [_sentence(LIMITS[row], rows[row, 0], cap, True) for row, cap in over if rows[row, 0] > cap]
        together, cap = self.largest_cluster(snapshot).measured / max(1, snapshot.equity), float(self.limits.position)
        if self.limits.position_basis == "risk" and together > cap:
            said.append(_sentence(LIMITS[CORRELATION], together, cap, True))
        return said

    def largest(self, draft: Draft, snapshot: Snapshot) -> Steps:
        """The biggest quantity, up to the draft's, that every hard limit lets pass."""
        stop, _ = self._stop(draft, snapshot)
        stake = snapshot.stakes.get(draft.symbol, Stake())
        return self._largest(draft, stop, snapshot, stake)

    def _stop(self, draft: Draft, snapshot: Snapshot) -> tuple[Ticks | None, bool]:
        if draft.stop_loss is not None or draft.symbol not in snapshot.quotes:
            return draft.stop_loss, False
        atr = snapshot.atr.get(draft.symbol, 0)
        if not atr:
            return None, False
        return default_stop(draft.side.sign, entry(draft, snapshot), atr, DEFAULT_STOP_PER_MILLE), True

    def _lines(
        self, draft: Draft, quantity: Steps, stop: Ticks | None, snapshot: Snapshot, stake: Stake, grows: bool
    ) -> tuple[LimitLine, ...]:
        self._fill(draft, quantity, stop, snapshot, stake)
        lines = []
        rows = self._rows.tolist()
        for row, hard, cap in self._caps:
            if row == CORRELATION and snapshot.correlation is None:
                continue
            now, fill, out = rows[row]
            passed = fill <= cap or not grows
            name = LIMITS[row] if hard else f"{LIMITS[row]}_soft"
            sentence = "" if passed else _sentence(name, fill, cap, hard)
            if sentence and row == CORRELATION:
                sentence += f"; {_together(self._kin(draft, snapshot))}"
            lines.append(LimitLine(name, now, fill, out, cap, hard, passed, sentence))
        return tuple(lines)

    def _fill(self, draft: Draft, quantity: Steps, stop: Ticks | None, snapshot: Snapshot, stake: Stake) -> None:
        instrument = self._instruments[draft.symbol]
        value, sign = instrument.tick_value, draft.side.sign
        quote, price = snapshot.quotes[draft.symbol], entry(draft, snapshot)
        spread = quote.ask - quote.bid
        marked = price - sign * spread
        closing = min(quantity, _closes(draft, stake))
        opening = quantity - closing
        per_step = 0 if stop is None else loss_per_step(sign, marked, stop, self.slippage, value, 0)
        kept = abs(stake.quantity) - closing
        share = stake.risk if not closing else stake.risk * kept // max(1, abs(stake.quantity))
        risk_out, notional_out = share + stake.pending_risk, kept * stake.mark * value + stake.pending_notional
        risk_after, notional_after = risk_out + opening * per_step, notional_out + costs.notional(marked, opening, value)
        fee = costs.commission(price, quantity, value, instrument.commission, instrument.commission_ppm)
        cost = fee + opening * spread * value
        by_risk = self.limits.position_basis == "risk"
        preview(
            snapshot.equity,
            snapshot.day_start,
            snapshot.peak,
            stake.total_risk if by_risk else stake.total_notional,
            risk_after if by_risk else notional_after,
            risk_out if by_risk else notional_out,
            snapshot.risk,
            snapshot.risk - stake.total_risk + risk_after,
            snapshot.risk - stake.total_risk + risk_out,
            snapshot.gross,
            snapshot.gross - stake.total_notional + notional_after,
            snapshot.gross - stake.total_notional + notional_out,
            cost,
            opening * per_step,
            sum(stake.total_risk if by_risk else stake.total_notional for _, stake, _ in self._kin(draft, snapshot)),
            self._rows,
        )

    def largest_cluster(self, snapshot: Snapshot) -> Cluster:
        """The open position that measures most together with all that moves with it; an empty one where nothing does."""
        by_risk, largest = self.limits.position_basis == "risk", Cluster(0, "")
        for symbol, stake in snapshot.stakes.items():
            for sign in stake.signs:
                kin = self._kin(Draft(symbol, Side.of(sign), OrderType.MARKET, 0), snapshot)
                stakes = [stake, *(other for _, other, _ in kin)]
                measured = sum(each.total_risk if by_risk else each.total_notional for each in stakes)
                if kin and measured > largest.measured:
                    largest = Cluster(measured, f"{symbol}; {_together(kin)}")
        return largest

    def _kin(self, draft: Draft, snapshot: Snapshot) -> list[Kin]:
        """What is or may become open in other instruments and moves with the draft; an unknown correlation counts as full."""
        known = snapshot.correlation
        if known is None:
            return []
        least, found = float(self.limits.correlation), []
        for symbol, stake in snapshot.stakes.items():
            if symbol == draft.symbol or not stake.signs:
                continue
            together = known(draft.symbol, symbol)
            if together is None or any(together * draft.side.sign * sign > least for sign in stake.signs):
                found.append((symbol, stake, together))
        return found

    def _largest(self, draft: Draft, stop: Ticks | None, snapshot: Snapshot, stake: Stake) -> Steps:
        instrument = self._instruments[draft.symbol]
        low, high = 0, min(draft.quantity, instrument.max_order)
        if draft.reduce_only:
            high = max(0, min(high, -stake.quantity * draft.side.sign))
            low = high
        hard_caps = [(row, cap) for row, hard, cap in self._caps if hard]
        middle = high  # most drafts pass whole, so the whole is tried first
        while low < high:
            self._fill(draft, middle, stop, snapshot, stake)
            if not _grows(draft, middle, stake) or all(self._rows[row, 1] <= cap for row, cap in hard_caps):
                low = middle
            else:
                high = middle - 1
            middle = (low + high + 1) // 2
        return low if low >= instrument.min_order else 0


def entry(draft: Draft, snapshot: Snapshot) -> Ticks:
    """The price the draft is expected to fill at."""
    if draft.price is not None:
        return draft.price
    quote = snapshot.quotes[draft.symbol]
    return quote.ask if draft.side is Side.BUY else quote.bid


def _grows(draft: Draft, quantity: Steps, stake: Stake) -> bool:
    return not draft.reduce_only and quantity > _closes(draft, stake)


def _closes(draft: Draft, stake: Stake) -> Steps:
    """How much of the draft meets the position. An entry that waits may fill when the position is gone: it meets nothing."""
    if draft.reduce_only:
        return max(0, -stake.quantity * draft.side.sign)
    return stake.closes(draft.side) if draft.type is OrderType.MARKET else 0


def caps(limits: Limits) -> tuple[tuple[int, bool, float], ...]:
    """(row in engine.rules.limits, hard, cap) of every limit."""
    return (
        (POSITION, True, float(limits.position)),
        (DAILY_LOSS, True, float(limits.daily_loss)),
        (WORST_DAY, False, float(limits.worst_day_soft)),
        (WORST_DAY, True, float(limits.worst_day_hard)),
        (OPEN_RISK, True, float(limits.open_risk)),
        (LEVERAGE, True, float(limits.leverage)),
        (DRAWDOWN, True, float(limits.drawdown)),
        (CORRELATION, True, float(limits.position)),
    )


_WORDS = {
    "position": "the position's loss at its stop would be",
    "daily_loss": "it would be",
    "worst_day": "the day's loss with every stop filled would be",
    "open_risk": "the sum of losses at all stops would be",
    "leverage": "gross notional to equity would be",
    "drawdown": "from the peak it would be",
    "correlation": "with what moves along, the position's loss at its stop would be",
}


def _together(kin: list[Kin]) -> str:
    """Which positions move along, and how closely."""
    return ", ".join(
        f"{symbol} correlates {together:+.2f}" if together is not None else f"how {symbol} correlates is not known yet"
        for symbol, _, together in kin
    )


def _sentence(name: str, value: float, cap: float, hard: bool) -> str:
    base = name.removesuffix("_soft")
    if base == "leverage":
        figure = f"{value:.2f}:1, the cap is {cap:g}:1"
    else:
        figure = f"{100 * value:.2f} % of equity, the cap is {100 * cap:g} %"
    return f"{base.replace('_', ' ')}: {_WORDS[base]} {figure}" + ("" if hard else " (a warning)")
