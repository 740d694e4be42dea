"""How a run ended: its trades, what they brought and what they cost."""

from __future__ import annotations

from collections.abc import Sequence

from app.picture import Picture
from engine.domain.views import TradeView
from widgets import format as fmt


def how_it_ended(picture: Picture) -> str:
    """The run in a few sentences, for the banner at its end."""
    account = picture.view.account
    net = account.equity - account.opening
    share = net / account.opening if account.opening else 0.0
    parts = [
        "This run is at its end.",
        _trades(picture.chronicle.trades),
        f"Net result {fmt.signed_money(net)} {account.currency} ({fmt.signed_percent(share)}), "
        f"costs {fmt.money(account.costs)} {account.currency}, largest drawdown {fmt.percent(account.max_drawdown)}.",
    ]
    if picture.view.positions:
        count = len(picture.view.positions)
        parts.append(f"{'1 position is' if count == 1 else f'{count} positions are'} still open in it.")
    parts.append(f"It stays in the database as book {picture.opening.book}; nothing is traded in it any more.")
    return " ".join(parts)


def _trades(trades: Sequence[TradeView]) -> str:
    if not trades:
        return "It made no trade."
    won = sum(trade.result > 0 for trade in trades)
    return f"{len(trades):,} {'trade' if len(trades) == 1 else 'trades'}, {fmt.percent(won / len(trades), 0)} of them won."
