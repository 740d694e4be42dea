"""The picture the window is shown: everything as it stands now, taken on the engine's thread at most once per frame."""

from __future__ import annotations

from engine.domain.instrument import Instrument
from engine.domain.limits import LimitPrice
from engine.domain.market import Symbol, Ticks
from engine.domain.order import Role, Side
from engine.domain.views import AccountView, CardView, EngineView, Gauge, PositionView
from engine.pipeline import Pipeline
from engine.portfolio.ledger import Holding
from engine.risk.exposure import Snapshot, mark
from engine.signals.desk import Card

WARN_SHARE = 0.75
"""A gauge warns above this share of its cap."""

_WORDS = {
    "position": "largest loss of one position at its stop",
    "daily_loss": "loss since the trading day began",
    "worst_day": "loss of the day if every stop fills",
    "open_risk": "sum of the losses at all stops",
    "leverage": "gross notional to equity",
    "drawdown": "fall from the peak of equity",
    "correlation": "largest loss at the stops of positions that move together",
    "margin": "initial margin of what is open and what waits",
    "value_at_risk": "what a day is not likely to lose more than",
    "expected_shortfall": "what a bad day loses on average",
}


def paint(pipeline: Pipeline) -> EngineView:
    """The whole picture. Call it on the thread that runs the pipeline."""
    snapshot = pipeline.snapshot()
    working = tuple(pipeline.register.all_live())
    priced = [symbol for symbol in pipeline.ledger.open if symbol in pipeline.book.last]  # one may be adopted before its price
    return EngineView(
        at=pipeline.now,
        step=pipeline.step,
        mode=pipeline.desk.mode.value,
        state=pipeline.guard.state,
        state_reason=pipeline.guard.reason,
        policy=pipeline.lead.policy.name,
        model_sha256=pipeline.lead.policy.sha256,
        account=_account(pipeline, snapshot),
        quotes=tuple(pipeline.book.last.values()),
        positions=tuple(_position(pipeline, symbol, snapshot) for symbol in priced),
        working=working,
        cards=tuple(_card(pipeline, card, snapshot) for card in pipeline.desk.cards.values()),
        gauges=_gauges(pipeline, snapshot),
        limits=pipeline.in_force.limits,
        waiting=tuple(pipeline.in_force.waiting.values()),
        limit_prices=tuple(price for symbol in priced for price in limit_prices(pipeline, symbol, snapshot)),
    )


def _account(pipeline: Pipeline, snapshot: Snapshot) -> AccountView:
    ledger, guard, equity = pipeline.ledger, pipeline.guard, snapshot.equity
    return AccountView(
        account=ledger.account,
        currency=ledger.currency,
        opening=ledger.opening,
        equity=equity,
        realised=ledger.realised,
        unrealised=equity - ledger.cash,
        costs=ledger.costs,
        day_start=guard.day_start,
        peak=guard.peak,
        drawdown=max(0, guard.peak - equity) / max(1, guard.peak),
        max_drawdown=guard.max_drawdown,
        open_risk=snapshot.risk,
        exposure=snapshot.gross,
    )


def _position(pipeline: Pipeline, symbol: Symbol, snapshot: Snapshot) -> PositionView:
    holding, instrument = pipeline.ledger.open[symbol], pipeline.instruments[symbol]
    at = mark(holding.quantity, pipeline.book.last[symbol])
    stake = pipeline.stakes.of(symbol)
    return PositionView(
        symbol=symbol,
        quantity=holding.quantity,
        average=_average(holding, instrument),
        mark=at,
        unrealised=pipeline.ledger.unrealised(symbol, at),
        realised=holding.trade_realised,
        costs=holding.trade_costs,
        opened=pipeline.opened.get(symbol, snapshot.at),
        stop=_exit(pipeline, symbol, Role.STOP),
        target=_exit(pipeline, symbol, Role.TARGET),
        risk=stake.risk,
        protected=pipeline.protection.covered(symbol),
    )


def _average(holding: Holding, instrument: Instrument) -> float:
    return abs(holding.basis) / (abs(holding.quantity) * instrument.tick_value)


def _exit(pipeline: Pipeline, symbol: Symbol, role: Role) -> Ticks | None:
    """The price of the nearest working exit of this kind."""
    sign = 1 if pipeline.ledger.position(symbol) > 0 else -1
    working = [o for o in pipeline.register.working(symbol) if o.side.sign == -sign]
    orders = [o for o in working if o.role is role or (role is Role.STOP and o.is_stop)]
    prices = [o.stop if role is Role.STOP else o.limit for o in orders]
    known = [price for price in prices if price is not None]
    if not known:
        return None
    nearest_is_highest = (role is Role.STOP) == (sign > 0)
    return max(known) if nearest_is_highest else min(known)


def _card(pipeline: Pipeline, card: Card, snapshot: Snapshot) -> CardView:
    signal = card.signal
    forecast = pipeline.trader.forecast(signal, Side(signal.side), signal.stop, signal.target, snapshot=snapshot)
    obstacle = pipeline.owner.cards.obstacle(signal)
    why = pipeline.desk.explanations.get(signal.signal)
    base, contributions = (why.base, why.contributions) if why else (0.0, ())
    reasons = (obstacle,) if obstacle else forecast.reasons
    return CardView(
        signal, card.at, card.expires, forecast.quantity, base, contributions, forecast.lines, reasons, bool(obstacle)
    )


def _gauges(pipeline: Pipeline, snapshot: Snapshot) -> tuple[Gauge, ...]:
    gauges = []
    for measure in pipeline.gate.now(snapshot):
        hard = measure.hard if measure.hard is not None else measure.soft
        cap = hard or 0.0
        warns = WARN_SHARE * cap if measure.soft is None else min(measure.soft, cap)
        over = "trip" if measure.hard is not None else "warn"
        state = over if measure.value >= cap else "warn" if measure.value >= warns else "ok"
        words = _WORDS[measure.name] + (f": {measure.words}" if measure.words else "")
        gauges.append(Gauge(measure.name, measure.value, cap, state, words))
    return tuple(gauges)


def limit_prices(pipeline: Pipeline, symbol: Symbol, snapshot: Snapshot) -> list[LimitPrice]:
    """Where the price of an open position would have to go for each limit to be hit, all else staying as it is.

    A move of x ticks adds quantity x tick value x x to equity; losses at the stops, and notional, move with it.
    """
    stake, limits = snapshot.stakes[symbol], pipeline.gate.limits
    if not stake.quantity:
        return []
    gain = stake.quantity * pipeline.instruments[symbol].tick_value
    equity, day, peak = snapshot.equity, snapshot.day_start, snapshot.peak
    moves = {
        "daily_loss": (day * (1 - float(limits.daily_loss)) - equity) / gain,
        "drawdown": (peak * (1 - float(limits.drawdown)) - equity) / gain,
        "position": _crossing(stake.risk, gain, equity, float(limits.position)),
        "open_risk": _crossing(snapshot.risk, gain, equity, float(limits.open_risk)),
        "leverage": _crossing(snapshot.gross, abs(gain), equity, float(limits.leverage), gain),
    }
    prices = []
    for name, move in moves.items():
        price = stake.mark + round(move) if move is not None else 0
        if price > 0:
            prices.append(LimitPrice(symbol, name, price, round(gain * move) if move is not None else 0))
    return prices


def _crossing(value: float, slope: float, equity: float, cap: float, gain: float | None = None) -> float | None:
    """The move x at which (value + slope x) / (equity + gain x) reaches `cap`; None where it never does."""
    per_tick = slope - cap * (slope if gain is None else gain)
    return (cap * equity - value) / per_tick if per_tick else None
