"""A run in figures. Money as decimal text in the account's currency, exact to the unit."""

from __future__ import annotations

from typing import Any

from engine.domain.instrument import Cash, money
from engine.pipeline import Pipeline
from engine.storage.database import Database
from engine.storage.journal import facts_sha256


def summarise(pipeline: Pipeline, quotes: int, database: Database, book: int, bars: int, played_ns: int) -> dict[str, Any]:
    """The figures of a run; `bars` were played in this process in `played_ns`, all other figures are of the whole run."""
    ledger, register = pipeline.ledger, pipeline.register
    seconds = played_ns / 1e9
    equity = pipeline.equity()
    return {
        "bars": pipeline.bars_closed,
        "quotes": quotes,
        "signals": pipeline.desk.signals,
        "orders": len(register.orders) - register.denied,
        "denied": register.denied,
        "fills": register.fills,
        "trades": ledger.trades - len(ledger.open),
        "equity_start": text(ledger.opening),
        "equity_end": text(equity),
        "realised": text(ledger.realised),
        "unrealised": text(equity - ledger.cash),
        "costs": text(ledger.costs),
        "max_drawdown": round(pipeline.guard.max_drawdown, 8),
        "trading_state": pipeline.guard.state,
        "positions": [_position(pipeline, symbol) for symbol in sorted(ledger.open)],
        "quarantined": sum(pipeline.book.quarantined.values()),
        "facts": pipeline.journal.last_seq(),
        "facts_sha256": facts_sha256(database, book),
        "model_sha256": pipeline.lead.policy.sha256,
        **({"instruments": _instruments(pipeline)} if len(pipeline.lanes) > 1 else {}),
        "book": book,
        "wall_s": round(seconds, 3),
        "bars_per_s": round(bars / seconds) if seconds else 0,
    }


def _instruments(pipeline: Pipeline) -> dict[str, dict[str, str]]:
    """Model, gross profit and costs of each instrument of a session that has several."""
    found = {}
    for symbol, lane in pipeline.lanes.items():
        holding = pipeline.ledger.holdings.get(symbol)
        realised, costs = (holding.realised, holding.costs) if holding else (0, 0)
        found[symbol] = {"model_sha256": lane.policy.sha256, "realised": text(realised), "costs": text(costs)}
    return found


def _position(pipeline: Pipeline, symbol: str) -> dict[str, Any]:
    instrument, holding = pipeline.instruments[symbol], pipeline.ledger.open[symbol]
    quote = pipeline.book.last[symbol]
    mark = quote.bid if holding.quantity > 0 else quote.ask
    average = money(abs(holding.basis)) / (abs(holding.quantity) * money(holding.tick_value)) * instrument.tick_size
    return {
        "symbol": symbol,
        "lots": str(instrument.lots(holding.quantity)),
        "average": str(round(average, instrument.price_decimals + 2)),
        "unrealised": text(pipeline.ledger.unrealised(symbol, mark)),
    }


def text(amount: Cash) -> str:
    """Cash units as decimal text without exponent."""
    return f"{money(amount):f}"
