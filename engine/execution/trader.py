"""From a signal to orders: the size that risk allows, and the old position out of the way first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.domain import facts as f
from engine.domain.instrument import Instrument, Steps
from engine.domain.limits import LimitLine, Verdict
from engine.domain.market import Symbol, Ticks
from engine.domain.order import OrderType, Side
from engine.execution.manager import Emit, OrderManager
from engine.portfolio.ledger import Ledger
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake
from engine.risk.gate import Gate, entry
from engine.rules.sizing import by_risk, loss_per_step


@dataclass(frozen=True, slots=True)
class Sizing:
    """`risk_per_trade`: share of equity a trade may lose at its stop; `fixed` lot steps, when not 0, beats it."""

    risk_per_trade: Decimal = Decimal("0.001")
    fixed: Steps = 0


NOTHING_FITS = "no quantity fits the risk per trade and the limits"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What trading a signal would come to: its quantity (0 where none fits), the gate's lines, and what stands against it."""

    quantity: Steps
    lines: tuple[LimitLine, ...]
    reasons: tuple[str, ...]


class Trader:
    """Trades signals. `slippage` in ticks is counted into the loss at the stop."""

    def __init__(
        self,
        emit: Emit,
        instruments: Mapping[Symbol, Instrument],
        manager: OrderManager,
        ledger: Ledger,
        gate: Gate,
        snapshot: Callable[[], Snapshot],
        sizing: Sizing,
        slippage: Ticks,
    ) -> None:
        self._emit = emit
        self._instruments = instruments
        self._manager = manager
        self._ledger = ledger
        self._gate = gate
        self._snapshot = snapshot
        self._sizing = sizing
        self._slippage = slippage

    def trade(self, signal: f.SignalEmitted, side: Side, stop: Ticks, target: Ticks, quantity: Steps = 0) -> Verdict | None:
        """Closes an opposite position and enters with a bracket; None when there is nothing to size. `quantity` 0 = by risk."""
        snapshot = self._snapshot()
        kept = snapshot.stakes.get(signal.symbol, Stake()).quantity
        if kept * side.sign < 0:
            self._manager.close(signal.symbol, abs(kept), signal.signal, snapshot)
            snapshot = self._snapshot()
        draft = Draft(signal.symbol, side, OrderType.MARKET, quantity, stop_loss=stop, take_profit=target)
        steps = quantity or self.size(draft, snapshot)
        if not steps:
            self._emit(f.SignalDropped(signal.signal, NOTHING_FITS))
            return None
        return self._manager.place(_sized(draft, steps), signal=signal.signal, snapshot=snapshot)

    def forecast(
        self,
        signal: f.SignalEmitted,
        side: Side,
        stop: Ticks,
        target: Ticks,
        quantity: Steps = 0,
        snapshot: Snapshot | None = None,
    ) -> Forecast:
        """What `trade` would come to now, changing nothing: an opposite position counts as closed already."""
        now = snapshot or self._snapshot()
        stake = now.stakes.get(signal.symbol, Stake())
        if stake.quantity * side.sign < 0:
            closed = replace(stake, quantity=0, notional=0, risk=0, protected=0)
            now = replace(now, stakes={**now.stakes, signal.symbol: closed})
        draft = Draft(signal.symbol, side, OrderType.MARKET, quantity, stop_loss=stop, take_profit=target)
        steps = quantity or self.size(draft, now)
        if not steps:
            return Forecast(0, (), (NOTHING_FITS,))
        verdict = self._gate.check(_sized(draft, steps), now)
        return Forecast(steps, tuple(verdict.lines), verdict.reasons)

    def size(self, draft: Draft, snapshot: Snapshot) -> Steps:
        """The quantity that risks the share of equity the sizing allows and passes the limits; 0 when none does."""
        instrument = self._instruments[draft.symbol]
        price, stop = entry(draft, snapshot), draft.stop_loss
        if self._sizing.fixed or stop is None:
            return max(self._sizing.fixed, instrument.min_order if stop is None else 0)
        fee = 2 * instrument.commission + 2 * price * instrument.tick_value * instrument.commission_ppm // 1_000_000
        loss = loss_per_step(draft.side.sign, price, stop, self._slippage, instrument.tick_value, fee)
        wanted = by_risk(int(snapshot.equity * self._sizing.risk_per_trade), loss)
        steps = self._gate.largest(_sized(draft, min(wanted, instrument.max_order)), snapshot) if wanted else 0
        return steps if steps >= instrument.min_order else 0


def _sized(draft: Draft, quantity: Steps) -> Draft:
    return replace(draft, quantity=quantity)
