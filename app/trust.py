"""Why a price that is shown is not to be traded on."""

from __future__ import annotations

from engine.domain.market import Symbol
from engine.domain.views import EngineView


def doubts(view: EngineView) -> dict[Symbol, str]:
    """The sentence by instrument; what is live is not there. A replayed or simulated market has no doubts."""
    if view.venue is None:
        return {}
    told = dict(view.venue.blocked)
    if view.venue.feed_trouble:
        told = {quote.symbol: f"no prices come: {view.venue.feed_trouble}" for quote in view.quotes} | told
    return told
