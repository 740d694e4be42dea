"""The gate: every order that could open or grow a position passes here, and the ticket's preview is the same function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.domain.instrument import Instrument, Steps
from engine.domain.limits import Limits, Verdict
from engine.domain.market import Symbol, Ticks
from engine.domain.order import OrderType, Side
from engine.risk.checks import ABOUT_SIZE, WITHOUT_FIGURES, ceiling, order_faults
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake, farther
from engine.risk.kin import Cluster, Kin, Kinship, measured_of
from engine.risk.returns import Returns
from engine.risk.sentences import sentence
from engine.risk.terms import Terms, caps, margin_rate, terms_of
from engine.risk.told import TAILS, Asked
from engine.rules.limits import (
    CORRELATION,
    LIMITS,
    MARGIN,
    OPEN_RISK,
    POSITION,
    WORST_DAY,
    empty_rows,
    preview,
    weigh,
)
from engine.rules.sizing import default_stop


class Measure(NamedTuple):
    """A limit as the book stands: its value and hard cap (None where it only warns), its soft cap, and what it is about."""

    name: str
    value: float
    hard: float | None
    soft: float | None
    words: str = ""


DEFAULT_STOP_PER_MILLE = 3_000
"""An opening order without a stop gets one three ATR away."""
_NOBODY = Stake()


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
        self._asked_before: dict[tuple[Symbol, bool, bool], Asked] = {}
        self._kinship = Kinship(limits)
        self._rates = {symbol: margin_rate(limits, symbol) for symbol in self._instruments}
        same = set(self._rates.values())
        self._rate = same.pop() if len(same) == 1 else None

    def measure_by(self, returns: Returns) -> None:
        """Other scenarios from here on."""
        self._returns = returns
        self._asked_before.clear()

    def check(self, draft: Draft, snapshot: Snapshot) -> Verdict:
        """Every limit now -> after the fill -> after the stop-out, and whether the order may go. Changes nothing."""
        symbol, quantity, stop, is_default = draft.symbol, draft.quantity, draft.stop_loss, False
        terms = self._terms[symbol]
        faults = order_faults(draft, self._instruments[symbol], snapshot, terms)
        if stop is None:
            stop, is_default = self._stop(draft, snapshot)
        if symbol not in snapshot.quotes or (faults and faults.keys() & WITHOUT_FIGURES):
            return Verdict((), tuple(faults.values()), tuple(faults), (), 0)
        stake = snapshot.stakes.get(symbol, _NOBODY)
        closes = _closes(draft, stake)
        grows = not draft.reduce_only and quantity > closes
        if grows and stop is None:
            faults["stop"] = "an opening order needs a stop, and no ATR is known yet to set one; give a stop price"
        kin = self._kinship.of(symbol, draft.side.sign, snapshot)
        asked = self._asked(terms, snapshot)
        self._fill(draft, quantity, stop, snapshot, stake, terms, kin, closes)
        lines, broken, warnings = asked.tell(self._rows, grows, kin)
        if not faults and not broken:
            return Verdict(lines, (), (), tuple(warnings), quantity, stop, is_default)
        warnings = (*warnings, *(f"{faults.pop(name)} (a warning)" for name in terms.limits.only_warn if name in faults))
        limits = (*faults, *(line.name for line in broken))
        reasons = (*faults.values(), *(line.sentence for line in broken))
        largest = quantity if not limits else 0
        if limits and not faults.keys() - ABOUT_SIZE:
            largest = self._largest(draft, stop, snapshot, stake)
        return Verdict(lines, reasons, limits, warnings, largest, stop, is_default)

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
            if (row == MARGIN and not terms.has_margin) or (row in TAILS and not is_known):
                continue
            hard, soft = account.get(name), account.get(f"{name}_soft")
            if hard is not None or soft is not None:
                found.append(Measure(name, values[row], hard, soft, words))
        return found

    def largest_cluster(self, snapshot: Snapshot) -> Cluster:
        """The open position that measures most together with all that moves with it; an empty one where nothing does."""
        return self._kinship.largest(snapshot)

    def _stop(self, draft: Draft, snapshot: Snapshot) -> tuple[Ticks | None, bool]:
        if draft.stop_loss is not None or draft.symbol not in snapshot.quotes:
            return draft.stop_loss, False
        atr = snapshot.atr.get(draft.symbol, 0)
        if not atr:
            return None, False
        return default_stop(draft.side.sign, entry(draft, snapshot), atr, DEFAULT_STOP_PER_MILLE), True

    def _asked(self, terms: Terms, snapshot: Snapshot) -> Asked:
        """The caps that can be told of now, of one instrument's terms."""
        key = terms.symbol, snapshot.correlation is None, self._returns is not None and self._returns.is_known
        known = self._asked_before.get(key)
        if known is None:
            told = (cap for cap in terms.caps if self._applies(cap.row, terms, snapshot))
            known = self._asked_before[key] = Asked(terms.caps, told)
        return known

    def _applies(self, row: int, terms: Terms, snapshot: Snapshot) -> bool:
        if row == CORRELATION:
            return snapshot.correlation is not None
        if row == MARGIN:
            return terms.has_margin
        return row not in TAILS or (self._returns is not None and self._returns.is_known)

    def _margin(self, snapshot: Snapshot) -> float:
        """Initial margin of what is open and what may be, in cash units."""
        if self._rate is not None:
            return snapshot.gross * self._rate
        return sum((stake.total_notional * self._rates[symbol] for symbol, stake in snapshot.stakes.items()), 0.0)

    def _fill(
        self,
        draft: Draft,
        quantity: Steps,
        stop: Ticks | None,
        snapshot: Snapshot,
        stake: Stake,
        terms: Terms,
        kin: Sequence[Kin],
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
            measured_of(kin, by_risk) if kin else 0,
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

    def _largest(self, draft: Draft, stop: Ticks | None, snapshot: Snapshot, stake: Stake) -> Steps:
        instrument, terms = self._instruments[draft.symbol], self._terms[draft.symbol]
        low, high = 0, min(draft.quantity, instrument.max_order)
        if draft.reduce_only:
            high = max(0, min(high, -stake.quantity * draft.side.sign))
            low = high
        else:
            high = min(high, ceiling(draft, instrument, snapshot, terms, stake))
        kin, closes = self._kinship.of(draft.symbol, draft.side.sign, snapshot), _closes(draft, stake)
        asked = self._asked(terms, snapshot)
        middle = high  # most drafts pass whole, so the whole is tried first
        while low < high:
            self._fill(draft, middle, stop, snapshot, stake, terms, kin, closes)
            if middle <= closes or asked.let_pass(self._rows):
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
