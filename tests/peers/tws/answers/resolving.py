"""Which contract a client means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.peers.tws import checks
from tests.peers.tws.contracts import Asked, Contract

if TYPE_CHECKING:
    from tests.peers.tws.session import Session


def resolve(session: Session, request: int, asked: Asked) -> Contract | None:
    """The one contract that is meant; else None, and the client is told why.

    An exchange must be named: the contracts of position messages come without one, as they do from a real TWS.
    """
    refusal = checks.NOT_FOUND
    if asked.exchange:
        contract = session.venue.market.catalogue.one(asked)
        if contract is not None:
            return contract
    elif session.venue.market.catalogue.find(asked):
        refusal = checks.NO_EXCHANGE
    session.error(request, refusal.code, refusal.text)
    return None
