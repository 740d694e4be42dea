"""What each request is answered with."""

from __future__ import annotations

from tests.peers.tws.answers import accounts, history, prices, reference, trading

ANSWERS = {**reference.ANSWERS, **prices.ANSWERS, **history.ANSWERS, **accounts.ANSWERS, **trading.ANSWERS}
"""By the request's name: a function of the session, the request's fields and the request as recorded."""
