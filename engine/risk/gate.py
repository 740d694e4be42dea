"""The gate: every order that could open or grow a position passes here, and the ticket's preview is the same function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.limits import LimitLine, Limits, Verdict
from engine.domain.market import Floats, Symbol, Ticks
from engine.domain.order import OrderType, Side
from engine.risk.checks import ABOUT_SIZE, WITHOUT_FIGURES, ceiling, order_faults
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake, farther
from engine.risk.returns import LEAST, Returns
from engine.risk.sentences import sentence
from engine.risk.terms import Cap, Terms, caps, margin_rate, terms_of
from engine.rules import costs
from engine.rules.limits import (
    CORRELATION,
    LIMITS,
    MARGIN,
    OPEN_RISK,
    POSITION,
    SHORTFALL,
    VALUE_AT_RISK,
    WORST_DAY,
    empty_rows,
    held_back,
    preview,
)
from engine.rules.sizing import default_stop, loss_per_step


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


class Gate:
    """Checks drafts against the limits in force. `returns` are the scenarios of value at risk, None where there are none."""

    def __init__(
        self, instruments: Mapping[Symbol, Instrument], limits: Limits, slippage: Ticks, returns: Returns | None = None
    ) -> None:
        self._instruments = instruments
        self._returns = returns
        self.slippage = slippage
        self._rows = empty_rows()
        self._no_tails: Floats = empty_rows()[:2]
        self.adopt(limits)

    def adopt(self, limits: Limits) -> None:
        """Other limits from here on."""
        self.limits = limits
        self._terms = {symbol: terms_of(instrument, limits) for symbol, instrument in self._instruments.items()}
        self._rates = {symbol: margin_rate(limits, symbol) for symbol in self._instruments}
        same = set(self._rates.values())
        self._rate = same.pop() if len(same) == 1 else None

    def check(self, draft: Draft, snapshot: Snapshot) -> Verdict:
        """Every limit now -> after the fill -> after the stop-out, and whether the order may go. Changes nothing."""
        terms = self._terms[draft.symbol]
        faults = order_faults(draft, self._instruments[draft.symbol], snapshot, terms)
        stop, is_default = self._stop(draft, snapshot)
        if draft.symbol not in snapshot.quotes or faults.keys() & WITHOUT_FIGURES:
            return Verdict((), tuple(faults.values()), tuple(faults), (), 0)
        stake = snapshot.stakes.get(draft.symbol, _NOBODY)
        grows = _grows(draft, draft.quantity, stake)
        if grows and stop is None:
            faults["stop"] = "an opening order needs a stop, and no ATR is known yet to set one; give a stop price"
        kin = self._kin(draft, snapshot)
        self._fill(draft, draft.quantity, stop, snapshot, stake, terms, kin)
        lines, broken, warnings = self._lines(terms, snapshot, grows, kin)
        if faults:
            warnings += [f"{faults.pop(name)} (a warning)" for name in terms.limits.only_warn if name in faults]
        if not faults and not broken:
            return Verdict(tuple(lines), (), (), tuple(warnings), draft.quantity, stop, is_default)
        limits = (*faults, *(line.name for line in broken))
        largest = 0 if faults.keys() - ABOUT_SIZE else self._largest(draft, stop, snapshot, stake)
        reasons = (*faults.values(), *(line.sentence for line in broken))
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
        symbol, margin = next(iter(self._terms)), self._margin(snapshot)
        tails, is_known = self._no_tails, self._returns is not None and self._returns.is_known
        if self._returns is not None and is_known:
            own = snapshot.signed.get(symbol, 0.0)
            tails = self._returns.measure(snapshot.signed, symbol, own, own)
        held_back(snapshot.equity, 0, 0, margin, margin, margin, tails, is_known, rows)
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
        rows = self._rows.tolist()
        lines: list[LimitLine] = []
        broken: list[LimitLine] = []
        warnings: list[str] = []
        for cap in terms.caps:
            row, hard, value, name = cap
            if row >= CORRELATION and not self._applies(row, terms, snapshot):
                if row in _TAILS and hard and grows:
                    warnings.append(self._unknown(cap))
                continue
            now, fill, out = rows[row]
            if fill <= value or not grows or (row in _TAILS and fill <= now):
                lines.append(_line(LimitLine, (name, now, fill, out, value, hard, True, "")))
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

    def _applies(self, row: int, terms: Terms, snapshot: Snapshot) -> bool:
        if row == CORRELATION:
            return snapshot.correlation is not None
        return terms.has_margin if row == MARGIN else self._returns is not None and self._returns.is_known

    def _unknown(self, cap: Cap) -> str:
        bars = 0 if self._returns is None else self._returns.count
        return f"{cap.name.replace('_', ' ')} is not known yet: {bars} of {LEAST} bars have closed, so it denies nothing"

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
    ) -> None:
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
        risk_now, notional_now = stake.risk + stake.pending_risk, stake.notional + stake.pending_notional
        by_risk = terms.by_risk
        preview(
            snapshot.equity,
            snapshot.day_start,
            snapshot.peak,
            risk_now if by_risk else notional_now,
            risk_after if by_risk else notional_after,
            risk_out if by_risk else notional_out,
            snapshot.risk,
            snapshot.risk - risk_now + risk_after,
            snapshot.risk - risk_now + risk_out,
            snapshot.gross,
            snapshot.gross - notional_now + notional_after,
            snapshot.gross - notional_now + notional_out,
            cost,
            opening * per_step,
            sum(other.total_risk if by_risk else other.total_notional for _, other, _ in kin) if kin else 0,
            self._rows,
        )
        rate, margin = terms.margin_rate, self._margin(snapshot) if terms.has_margin else 0.0
        margin_after, margin_out = margin + rate * (notional_after - notional_now), margin + rate * (notional_out - notional_now)
        tails, is_known = self._no_tails, self._returns is not None and self._returns.is_known
        if self._returns is not None and is_known:
            after = marked * value * _held(draft, quantity, stake)
            out_of = marked * value * _held(draft, closing, stake) if closing else snapshot.signed.get(draft.symbol, 0.0)
            tails = self._returns.measure(snapshot.signed, draft.symbol, after, out_of)
        held_back(snapshot.equity, cost, opening * per_step, margin, margin_after, margin_out, tails, is_known, self._rows)

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
        least, sign, own, found = float(self.limits.correlation), draft.side.sign, draft.symbol, []
        correlations = known(own)
        for symbol, signs in snapshot.signs.items():
            if symbol == own:
                continue
            together = correlations[symbol]
            if together is None or together * sign * signs[0] > least or (len(signs) > 1 and together * sign * signs[1] > least):
                found.append((symbol, snapshot.stakes[symbol], together))
        return found

    def _largest(self, draft: Draft, stop: Ticks | None, snapshot: Snapshot, stake: Stake) -> Steps:
        instrument, terms = self._instruments[draft.symbol], self._terms[draft.symbol]
        low, high = 0, min(draft.quantity, instrument.max_order)
        if draft.reduce_only:
            high = max(0, min(high, -stake.quantity * draft.side.sign))
            low = high
        else:
            high = min(high, ceiling(draft, instrument, snapshot, terms, stake))
        hard_caps = [cap for cap in terms.caps if cap.hard and (cap.row < CORRELATION or self._applies(cap.row, terms, snapshot))]
        kin = self._kin(draft, snapshot)
        middle = high  # most drafts pass whole, so the whole is tried first
        while low < high:
            self._fill(draft, middle, stop, snapshot, stake, terms, kin)
            if not _grows(draft, middle, stake) or all(self._lets_pass(cap) for cap in hard_caps):
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


def _grows(draft: Draft, quantity: Steps, stake: Stake) -> bool:
    return not draft.reduce_only and quantity > _closes(draft, stake)


def _closes(draft: Draft, stake: Stake) -> Steps:
    """How much of the draft meets the position. An entry that waits may fill when the position is gone: it meets nothing."""
    if draft.reduce_only:
        return max(0, -stake.quantity * draft.side.sign)
    return stake.closes(draft.side) if draft.type is OrderType.MARKET else 0


def _held(draft: Draft, quantity: Steps, stake: Stake) -> Steps:
    """What is held at the farthest once `quantity` of the draft has filled, or waits to."""
    signed, held = quantity * draft.side.sign, stake.quantity
    if draft.type is OrderType.MARKET or draft.reduce_only:
        held += signed
        signed = 0
    return farther(held + stake.pending_buys + max(0, signed), held - stake.pending_sells + min(0, signed))


def _together(kin: list[Kin]) -> str:
    """Which positions move along, and how closely."""
    return ", ".join(
        f"{symbol} correlates {together:+.2f}" if together is not None else f"how {symbol} correlates is not known yet"
        for symbol, _, together in kin
    )
