"""What a session is made of: for each instrument a feed and a taught policy, and the terms that all of them share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from engine.brokers.sim.terms import SimTerms
from engine.core.errors import UserError
from engine.domain.instrument import Steps, cash
from engine.execution.trader import Sizing
from engine.feeds import Feed
from engine.learning import Lesson, learn, load_model
from engine.pipeline import Setup
from engine.request import VERSION, Request
from engine.signals.model_policy import ModelPolicy
from engine.signals.policy import Policy
from engine.signals.sma_cross import SmaCross


class Part(NamedTuple):
    """One instrument of a session: what was asked of it, its feed, its policy and what that was taught."""

    request: Request
    feed: Feed
    policy: Policy
    lesson: Lesson | None


def others(request: Request) -> list[Request]:
    """The requests of the other instruments, each by itself. UserError where they cannot be played together."""
    if not request.also:
        return []
    if request.replay is None:
        raise UserError("--also plays recorded files beside one that --replay names; give --replay too")
    if request.policy == "model" and request.model is not None:
        raise UserError("--model names one model, and each instrument needs its own; leave out --model or --also")
    symbols = [request.instrument.symbol, *(recording.instrument.symbol for recording in request.also)]
    if twice := next((symbol for symbol in symbols if symbols.count(symbol) > 1), None):
        raise UserError(f"{twice} is named twice; give each instrument one file")
    return [request.alone(recording) for recording in request.also]


def part_of(request: Request, feed: Feed) -> Part:
    """Finds or trains what decides on the feed. UserError for what the user must mend."""
    policy, lesson = _policy(request, feed)
    return Part(request, feed, policy, lesson)


def _policy(request: Request, feed: Feed) -> tuple[Policy, Lesson | None]:
    if request.policy == "sma_cross":
        cross = request.config.sma_cross
        return SmaCross(request.instrument, cross.fast, cross.slow, cross.stop_fraction, cross.reward_risk), None
    if request.policy != "model":
        raise UserError(f"policy {request.policy!r} is not known; use model or sma_cross")
    lesson = _given(request, request.model) if request.model is not None else _learn(request, feed)
    section = request.config.model
    threshold = lesson.threshold if section.threshold == "auto" else float(section.threshold)
    return ModelPolicy(request.instrument, lesson.predictor, threshold, lesson.stop_atr, lesson.reward_risk), lesson


def _given(request: Request, path: Path) -> Lesson:
    """The model the user names; UserError when it was trained for another instrument or timeframe."""
    lesson = load_model(path)
    made_for = lesson.predictor.manifest["instrument"], lesson.predictor.manifest["timeframe"]
    asked = request.instrument.symbol, request.timeframe.name
    if made_for != asked:
        raise UserError(
            f"{path} was trained for {' '.join(made_for)}, not for {' '.join(asked)}; give a model that was trained for that"
        )
    return lesson


def _learn(request: Request, feed: Feed) -> Lesson:
    bars = feed.before
    if request.train_from == "db":
        from engine.storage.market import open_market

        with open_market(request.db) as store:
            bars = store.read_bars(request.instrument.symbol, request.timeframe.name, None, feed.first)
    return learn(
        bars,
        request.timeframe,
        request.instrument,
        request.config.model,
        request.seed,
        request.models,
        request.progress,
        apart=request.apart,
        signal_rate=feed.signal_rate,
    )


def setup_of(parts: Sequence[Part]) -> Setup:
    """What all instruments of a session share. UserError where they cannot share an account."""
    config = parts[0].request.config
    account = config.account
    for instrument in (part.request.instrument for part in parts):
        if account.currency != instrument.currency:
            raise UserError(
                f"the account is kept in {account.currency} but {instrument.symbol} is dealt in {instrument.currency}; "
                f"set account.currency to {instrument.currency}"
            )
    fixed = _steps(parts, _crossing_lots(parts), "sma_cross.lots") if parts[0].policy.name == "sma_cross" else 0
    return Setup(
        account=account.name,
        currency=account.currency,
        balance=cash(account.balance),
        mode=parts[0].request.mode,
        limits=config.limits.limits(),
        sizing=Sizing(config.model.risk_per_trade, fixed),
        slippage=config.broker.slippage,
        cooldown=config.signals.cooldown,
        expiry=config.signals.expiry,
        protection=config.protection.terms(),
        chosen=parts[0].request.chosen,
    )


def terms_of(parts: Sequence[Part]) -> SimTerms:
    """How the simulated venue deals."""
    section = parts[0].request.config.broker
    steps = _steps(parts, section.fill_lots, "broker.fill_lots") if section.fill_lots else 0
    return section.terms(steps)


def _crossing_lots(parts: Sequence[Part]) -> Decimal:
    """The size of the moving-average cross; where none is set, no less than the smallest order of any instrument."""
    section, instruments = parts[0].request.config.sma_cross, [part.request.instrument for part in parts]
    if "lots" in section.model_fields_set:
        return section.lots
    return max(section.lots, *(instrument.lots(instrument.min_order) for instrument in instruments))


def _steps(parts: Sequence[Part], lots: Decimal, setting: str) -> Steps:
    """The lots as steps, which must be as many in every instrument."""
    counts = {part.request.instrument.symbol: part.request.instrument.steps(lots) for part in parts}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{count} of {symbol}" for symbol, count in counts.items())
        raise UserError(f"{setting} {lots} is another number of lot steps in each instrument ({said}); play one of them alone")
    return counts[parts[0].request.instrument.symbol]


def describe(parts: Sequence[Part]) -> str:
    """Canonical JSON of all that decides how the run goes; its hash is the run's id."""
    request = parts[0].request
    lead, *others = (_described(part) for part in parts)
    whole = {
        "version": VERSION,
        **lead,
        "timeframe": request.timeframe.name,
        "mode": request.mode.value,
        "seed": request.seed,
        "until": request.until,
        "config": request.config.model_dump(mode="json"),
        **({"also": others} if others else {}),
    }
    return json.dumps(whole, sort_keys=True, separators=(",", ":"))


def _described(part: Part) -> dict[str, Any]:
    return {
        "data": {**part.feed.identity, "from": part.feed.first},
        "instrument": part.request.instrument.symbol,
        "definition": part.request.instrument.definition,
        "policy": part.policy.name,
        "model": part.policy.sha256,
    }
