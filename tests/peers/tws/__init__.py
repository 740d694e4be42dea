"""A TWS / IB Gateway on the loopback interface that speaks the real wire to the real ib_async."""

from tests.peers.tws.peer import A_THURSDAY, Peer

__all__ = ["A_THURSDAY", "Peer"]
