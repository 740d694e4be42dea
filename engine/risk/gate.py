"""The gate: every order that could open or grow a position passes here, and the ticket's preview is the same function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.limits import LimitLine, Limits, Verdict
from engine.domain.market import Floats, Ints, Symbol, Ticks
from engine.domain.order import OrderType, Side
from engine.risk.checks import ABOUT_SIZE, WITHOUT_FIGURES, ceiling, order_faults
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake, farther
from engine.risk.returns import LEAST, Returns
from engine.risk.sentences import sentence
from engine.risk.terms import Cap, Terms, caps, margin_rate, terms_of
from engine.rules.limits import (
    CORRELATION,
    LIMITS,
    MARGIN,
    OPEN_RISK,
    POSITION,
    SHORTFALL,
    VALUE_AT_RISK,
    WORST_DAY,
    count_over,
    empty_rows,
    preview,
    weigh,
)
from engine.rules.sizing import default_stop


class Cluster(NamedTuple):
    """What moves together: how much it measures, and which positions these are, in words."""

    measured: Cash
    words: str


class Measure(NamedTuple):
    """A limit as the book stands: its value and hard cap (None where it only warns), its soft cap, and what it is about."""

    name: str
    value: float
    hard: float | None
    soft: float | None
    words: str = ""


Kin = tuple[Symbol, Stake, float | None]

DEFAULT_STOP_PER_MILLE = 3_000
"""An opening order without a stop gets one three ATR away."""
_TAILS = (VALUE_AT_RISK, SHORTFALL)
_NOBODY = Stake()
_line = tuple.__new__
"""A LimitLine of a tuple: its own constructor takes twice as long, and there are a dozen in every answer."""


class _Asked(NamedTuple):
    """Caps that can be told of, their rows and values for the kernel, and the sentences of hard ones that cannot yet."""

    caps: tuple[Cap, ...]
    rows: Ints
    values: Floats
    unknown: tuple[str, ...]


class Gate:
    """Checks drafts against the limits in force. `returns` are the scenarios of value at risk, None where there are none."""

    def __init__(
        self, instruments: Mapping[Symbol, Instrument], limits: Limits, slippage: Ticks, returns: Returns | None = None
    ) -> None:
        self._instruments = instruments
        self._returns = returns
        self.slippage = slippage
        self._rows = empty_rows()
        self.adopt(limits)

    def adopt(self, limits: Limits) -> None:
        """Other limits from here on."""
        self.limits = limits
        self._terms = {symbol: terms_of(instrument, limits) for symbol, instrument in self._instruments.items()}
        self._asked_before: dict[tuple[Symbol, bool, bool], _Asked] = {}
        self._near: dict[Symbol, tuple[Mapping[Symbol, float | None], list[tuple[Symbol, float | None]]]] = {}
        self._rates = {symbol: margin_rate(limits, symbol) for symbol in self._instruments}
        same = set(self._rates.values())
        self._rate = same.pop() if len(same) == 1 else None

    def measure_by(self, returns: Returns) -> None:
        """Other scenarios from here on."""
        self._returns = returns
        self._asked_before.clear()

    def check(self, draft: Draft, snapshot: Snapshot) -> Verdict:
        """Every limit now -> after the fill -> after the stop-out, and whether the order may go. Changes nothing."""
        symbol, quantity = draft.symbol, draft.quantity
        terms = self._terms[symbol]
        faults = order_faults(draft, self._instruments[symbol], snapshot, terms)
        stop, is_default = self._stop(draft, snapshot)
        if symbol not in snapshot.quotes or (faults and faults.keys() & WITHOUT_FIGURES):
            return Verdict((), tuple(faults.values()), tuple(faults), (), 0)
        stake = snapshot.stakes.get(symbol, _NOBODY)
        closes = _closes(draft, stake)
        grows = not draft.reduce_only and quantity > closes
        if grows and stop is None:
            faults["stop"] = "an opening order needs a stop, and no ATR is known yet to set one; give a stop price"
        kin = self._kin(draft, snapshot)
        self._fill(draft, quantity, stop, snapshot, stake, terms, kin, closes)
        lines, broken, warnings = self._lines(terms, snapshot, grows, kin)
        if not faults and not broken:
            return Verdict(tuple(lines), (), (), tuple(warnings), quantity, stop, is_default)
        warnings += [f"{faults.pop(name)} (a warning)" for name in terms.limits.only_warn if name in faults]
        limits = (*faults, *(line.name for line in broken))
        reasons = (*faults.values(), *(line.sentence for line in broken))
        largest = quantity if not limits else 0
        if limits and not faults.keys() - ABOUT_SIZE:
            largest = self._largest(draft, stop, snapshot, stake)
        return Verdict(tuple(lines), reasons, limits, tuple(warnings), largest, stop, is_default)

    def broken(self, symbol: Symbol, snapshot: Snapshot) -> list[str]:
        """Sentences of the hard limits on losses at stops that the book is over, as `snapshot` has it."""
        stake, rows, terms = snapshot.stakes.get(symbol, _NOBODY), self._rows, self._terms[symbol]
        measure = stake.total_risk if terms.by_risk else 0
        risk, gross = snapshot.risk, snapshot.gross
        held = (measure, measure, measure, risk, risk, risk, gross, gross, gross)
        preview(snapshot.equity, snapshot.day_start, snapshot.peak, *held, 0, 0, 0, rows)
        over = [cap for cap in terms.caps if cap.hard and cap.row in (POSITION, WORST_DAY, OPEN_RISK)]
        said = [sentence(cap.name, rows[cap.row, 0], cap.value, True) for cap in over if rows[cap.row, 0] > cap.value]
        together, most = self.largest_cluster(snapshot).measured / max(1, snapshot.equity), float(self.limits.position)
        if terms.by_risk and together > most:
            said.append(sentence(LIMITS[CORRELATION], together, most, True))
        return said

    def largest_order(self, symbol: Symbol) -> Steps:
        """The most that one order of `symbol` may be for."""
        return self._instruments[symbol].max_order

    def largest(self, draft: Draft, snapshot: Snapshot) -> Steps:
        """The biggest quantity, up to the draft's, that every hard limit lets pass."""
        stop, _ = self._stop(draft, snapshot)
        return self._largest(draft, stop, snapshot, snapshot.stakes.get(draft.symbol, _NOBODY))

    def now(self, snapshot: Snapshot) -> list[Measure]:
        """Every limit as the book stands, without a new order; what is not known yet is left out."""
        by_risk, rows = self.limits.position_basis == "risk", self._rows
        worst, cap = 0, float(self.limits.position)
        share = 0.0
        for symbol, stake in snapshot.stakes.items():
            measured, own = stake.total_risk if by_risk else stake.total_notional, float(self._terms[symbol].limits.position)
            if measured / own > share:
                worst, cap, share = measured, own, measured / own
        risk, gross = snapshot.risk, snapshot.gross
        preview(
            snapshot.equity,
            snapshot.day_start,
            snapshot.peak,
            worst,
            worst,
            worst,
            risk,
            risk,
            risk,
            gross,
            gross,
            gross,
            0,
            0,
            0,
            rows,
        )
        terms = next(iter(self._terms.values()))
        rows[MARGIN, 0] = self._margin(snapshot) / max(1, snapshot.equity)
        is_known = self._returns is not None and self._returns.is_known
        if self._returns is not None and is_known:
            symbol = next(iter(self._terms))
            own = snapshot.signed.get(symbol, 0.0)
            self._returns.measure(snapshot.signed, symbol, own, own, snapshot.equity, 0, 0, rows)
        values = rows[:, 0].tolist()
        account = {cap.name: cap.value for cap in caps(self.limits)}
        account[LIMITS[POSITION]] = cap
        found = []
        for row, name in enumerate(LIMITS):
            words = ""
            if row == CORRELATION:
                if snapshot.correlation is None:
                    continue
                cluster = self.largest_cluster(snapshot)
                values[row], words = cluster.measured / max(1, snapshot.equity), cluster.words or "none do"
            if (row == MARGIN and not terms.has_margin) or (row in _TAILS and not is_known):
                continue
            hard, soft = account.get(name), account.get(f"{name}_soft")
            if hard is not None or soft is not None:
                found.append(Measure(name, values[row], hard, soft, words))
        return found

    def _stop(self, draft: Draft, snapshot: Snapshot) -> tuple[Ticks | None, bool]:
        if draft.stop_loss is not None or draft.symbol not in snapshot.quotes:
            return draft.stop_loss, False
        atr = snapshot.atr.get(draft.symbol, 0)
        if not atr:
            return None, False
        return default_stop(draft.side.sign, entry(draft, snapshot), atr, DEFAULT_STOP_PER_MILLE), True

    def _lines(
        self, terms: Terms, snapshot: Snapshot, grows: bool, kin: list[Kin]
    ) -> tuple[list[LimitLine], list[LimitLine], list[str]]:
        """A line for every cap, those that deny, and the sentences of what only warns."""
        asked = self._asked(terms, snapshot)
        rows, caps = self._rows.tolist(), asked.caps
        lines: list[LimitLine] = []
        broken: list[LimitLine] = []
        warnings: list[str] = list(asked.unknown) if grows else []
        if not grows or not count_over(self._rows, asked.rows, asked.values):
            for row, hard, value, name in caps:
                now, fill, out = rows[row]
                lines.append(_line(LimitLine, (name, now, fill, out, value, hard, True, "")))
            return lines, broken, warnings
        for row, hard, value, name in caps:
            now, fill, out = rows[row]
            if fill <= value or (row >= VALUE_AT_RISK and fill <= now):
                lines.append(LimitLine(name, now, fill, out, value, hard, True))
                continue
            text = sentence(name, fill, value, hard)
            if row == CORRELATION:
                text += f"; {_together(kin)}"
            lines.append(LimitLine(name, now, fill, out, value, hard, False, text))
            if hard:
                broken.append(lines[-1])
            else:
                warnings.append(text)
        return lines, broken, warnings

    def _asked(self, terms: Terms, snapshot: Snapshot) -> _Asked:
        """The caps that can be told of now, of one instrument's terms."""
        key = terms.symbol, snapshot.correlation is None, self._returns is not None and self._returns.is_known
        known = self._asked_before.get(key)
        if known is None:
            told = tuple(cap for cap in terms.caps if self._applies(cap.row, terms, snapshot))
            unknown = tuple(_unknown(cap) for cap in terms.caps if cap.hard and cap.row in _TAILS and cap not in told)
            rows, values = np.array([cap.row for cap in told], np.int64), np.array([cap.value for cap in told])
            known = self._asked_before[key] = _Asked(told, rows, values, unknown)
        return known

    def _applies(self, row: int, terms: Terms, snapshot: Snapshot) -> bool:
        if row == CORRELATION:
            return snapshot.correlation is not None
        if row == MARGIN:
            return terms.has_margin
        return row not in _TAILS or (self._returns is not None and self._returns.is_known)

    def _margin(self, snapshot: Snapshot) -> float:
        """Initial margin of what is open and what may be, in cash units."""
        if self._rate is not None:
            return snapshot.gross * self._rate
        return sum(stake.total_notional * self._rates[symbol] for symbol, stake in snapshot.stakes.items())

    def _fill(
        self,
        draft: Draft,
        quantity: Steps,
        stop: Ticks | None,
        snapshot: Snapshot,
        stake: Stake,
        terms: Terms,
        kin: list[Kin],
        closes: Steps,
    ) -> None:
        """Fills the rows for `quantity` of the draft, of which as much as `closes` meets the position."""
        symbol, instrument, rows = draft.symbol, self._instruments[draft.symbol], self._rows
        quote, value, sign = snapshot.quotes[symbol], instrument.tick_value, 1 if draft.side is Side.BUY else -1
        price, spread = draft.price, quote.ask - quote.bid
        if price is None:
            price = quote.ask if sign > 0 else quote.bid
        closing, risk, notional, by_risk = min(quantity, closes), stake.risk, stake.notional, terms.by_risk
        risk_kept, notional_kept = risk, notional
        if closing:
            kept = abs(stake.quantity) - closing
            risk_kept, notional_kept = risk * kept // max(1, abs(stake.quantity)), kept * stake.mark * value
        cost, loss = weigh(
            sign,
            price,
            spread,
            stop or 0,
            stop is not None,
            quantity,
            closing,
            self.slippage,
            value,
            instrument.commission,
            instrument.commission_ppm,
            risk,
            risk_kept,
            notional,
            notional_kept,
            stake.pending_risk,
            stake.pending_notional,
            snapshot.equity,
            snapshot.day_start,
            snapshot.peak,
            snapshot.risk,
            snapshot.gross,
            sum(other.total_risk if by_risk else other.total_notional for _, other, _ in kin) if kin else 0,
            by_risk,
            self._margin(snapshot) if terms.has_margin else 0.0,
            terms.margin_rate,
            rows,
        )
        if self._returns is not None and self._returns.is_known:
            worth = (price - sign * spread) * value
            after = worth * _held(draft, quantity, stake)
            out_of = worth * _held(draft, closing, stake) if closing else snapshot.signed.get(symbol, 0.0)
            self._returns.measure(snapshot.signed, symbol, float(after), float(out_of), snapshot.equity, cost, loss, rows)

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
        sign, own, found = draft.side.sign, draft.symbol, []
        least, all_signs = float(self.limits.correlation), snapshot.signs
        for symbol, together in self._nearest(own, known(own), least):
            for one in all_signs.get(symbol, ()):
                if together is None or together * sign * one > least:
                    found.append((symbol, snapshot.stakes[symbol], together))
                    break
        return found

    def _nearest(self, own: Symbol, row: Mapping[Symbol, float | None], least: float) -> list[tuple[Symbol, float | None]]:
        """Of all correlations of an instrument those that can matter, found once for as long as they are the same."""
        before = self._near.get(own)
        if before is not None and before[0] is row:
            return before[1]
        near = [(symbol, together) for symbol, together in row.items() if together is None or abs(together) > least]
        self._near[own] = row, near
        return near

    def _largest(self, draft: Draft, stop: Ticks | None, snapshot: Snapshot, stake: Stake) -> Steps:
        instrument, terms = self._instruments[draft.symbol], self._terms[draft.symbol]
        low, high = 0, min(draft.quantity, instrument.max_order)
        if draft.reduce_only:
            high = max(0, min(high, -stake.quantity * draft.side.sign))
            low = high
        else:
            high = min(high, ceiling(draft, instrument, snapshot, terms, stake))
        hard_caps = [cap for cap in terms.caps if cap.hard and self._applies(cap.row, terms, snapshot)]
        kin, closes = self._kin(draft, snapshot), _closes(draft, stake)
        middle = high  # most drafts pass whole, so the whole is tried first
        while low < high:
            self._fill(draft, middle, stop, snapshot, stake, terms, kin, closes)
            if middle <= closes or all(self._lets_pass(cap) for cap in hard_caps):
                low = middle
            else:
                high = middle - 1
            middle = (low + high + 1) // 2
        return low if low >= instrument.min_order else 0

    def _lets_pass(self, cap: Cap) -> bool:
        now, fill, _ = self._rows[cap.row]
        return bool(fill <= cap.value or (cap.row in _TAILS and fill <= now))


def entry(draft: Draft, snapshot: Snapshot) -> Ticks:
    """The price the draft is expected to fill at."""
    if draft.price is not None:
        return draft.price
    quote = snapshot.quotes[draft.symbol]
    return quote.ask if draft.side is Side.BUY else quote.bid


def _unknown(cap: Cap) -> str:
    return f"{cap.name.replace('_', ' ')} is not known before {LEAST} bars have closed; it denies nothing until then"


def _closes(draft: Draft, stake: Stake) -> Steps:
    """How much of the draft meets the position. An entry that waits may fill when the position is gone: it meets nothing."""
    if not stake.quantity:
        return 0
    if draft.reduce_only:
        return max(0, -stake.quantity * draft.side.sign)
    return stake.closes(draft.side) if draft.type is OrderType.MARKET else 0


def _held(draft: Draft, quantity: Steps, stake: Stake) -> Steps:
    """What is held at the farthest once `quantity` of the draft has filled, or waits to."""
    signed, held = quantity if draft.side is Side.BUY else -quantity, stake.quantity
    if draft.type is OrderType.MARKET or draft.reduce_only:
        if not (stake.pending_buys or stake.pending_sells):
            return held + signed
        held += signed
        signed = 0
    return farther(held + stake.pending_buys + max(0, signed), held - stake.pending_sells + min(0, signed))


def _together(kin: list[Kin]) -> str:
    """Which positions move along, and how closely."""
    return ", ".join(
        f"{symbol} correlates {together:+.2f}" if together is not None else f"how {symbol} correlates is not known yet"
        for symbol, _, together in kin
    )
