"""One accepted socket whose bytes can be cut, chopped and frozen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.peers.faults import Faults


class Link(asyncio.Protocol):
    """Bytes both ways, as `faults` lets them through. Needs no task: everything happens in the loop's callbacks.

    Give `received` to be called with bytes, and `lost` to be called once when the link is gone. `closed` is set then.
    """

    def __init__(self, faults: Faults, received: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self.faults = faults
        self.closed = asyncio.Event()
        self.bytes_received = 0
        self.bytes_sent = 0
        self._received = received
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._out = bytearray()
        self._in = bytearray()
        self._pump: asyncio.Handle | None = None
        self._ending = False
        self._frozen = False
        self._unwatch = faults.watch(self._freeze)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._ending:  # it was ended between being accepted and being made
            transport.abort()
            return
        self._freeze(self.faults.frozen)

    def data_received(self, data: bytes) -> None:
        self._in += data
        if not self._frozen:
            self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._unwatch()
        if self._pump is not None:
            self._pump.cancel()
        self.closed.set()
        self._lost()

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be written (a frozen or closed link has nothing that could be)."""
        return not self._out or self._transport is None or self._frozen

    @property
    def is_over(self) -> bool:
        """Whether the peer has ended the link."""
        return self._ending

    def write(self, data: bytes) -> None:
        """Queues the bytes; they leave at once unless the link is slow or frozen."""
        if self._ending or self._transport is None:
            return
        self._out += data
        self._write()

    def close(self) -> None:
        """Ends the link after what is queued has left."""
        self._ending = True
        if self._transport is not None and not self._out:
            self._transport.close()

    def abort(self) -> None:
        """Ends the link at once, whatever is queued."""
        self._ending = True
        self._out.clear()
        if self._transport is not None:
            self._transport.abort()

    def _read(self) -> None:
        data, self._in = bytes(self._in), bytearray()
        cut = self.faults.cut_received
        if cut is not None:
            data, self.faults.cut_received = data[:cut], cut - len(data[:cut])
        if data:
            self.bytes_received += len(data)
            self._received(data)
        if cut is not None and self.faults.cut_received == 0:
            self.faults.cut_received = None
            self.abort()

    def _write(self) -> None:
        if self._pump is not None or self._frozen or self._transport is None or not self._out:
            return
        size = self.faults.chunk or len(self._out)
        cut = self.faults.cut_sent
        if cut is not None:
            size = min(size, cut)
            self.faults.cut_sent = cut - size
        self._transport.write(bytes(self._out[:size]))
        self.bytes_sent += size
        del self._out[:size]
        if self.faults.cut_sent == 0:
            self.faults.cut_sent = None
            self.abort()
        elif self._out:
            self._pump = asyncio.get_running_loop().call_soon(self._next)
        elif self._ending:
            self._transport.close()

    def _next(self) -> None:
        self._pump = None
        self._write()

    def _freeze(self, frozen: bool) -> None:
        self._frozen = frozen
        if self._transport is None:
            return
        if frozen:
            self._transport.pause_reading()
            return
        self._transport.resume_reading()
        if self._in:
            self._read()
        self._write()
