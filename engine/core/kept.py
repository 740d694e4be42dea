"""System calls that keep the interpreter's lock: what does not wait need not let another thread in. Linux, by epoll."""

from __future__ import annotations

import ctypes
import os
import platform
import select
import socket
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, cast

HAS_EPOLL = hasattr(select, "epoll")
LARGEST = 1 << 16
"""Bytes taken from a socket at once at the most."""


class _Data(ctypes.Union):
    """Who registered a descriptor may have written only that: the other half is whatever lay there."""

    _fields_ = (("handle", ctypes.c_int), ("whole", ctypes.c_uint64))


class _Event(ctypes.Structure):
    if platform.machine() == "x86_64":  # there the kernel packs it
        _pack_ = 1
    _fields_ = (("events", ctypes.c_uint32), ("data", _Data))


class _Room(threading.local):
    """Where a thread's sockets put what they take: another thread may have its turn before it is copied."""

    def __init__(self) -> None:
        self.bytes = ctypes.create_string_buffer(LARGEST)


_room = _Room()


class Looking:
    """What is ready at an epoll object now, without waiting."""

    def __init__(self, most: int = 64) -> None:
        self._events = (_Event * most)()
        self._most = most
        self._call = _function("epoll_wait", ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)

    def at(self, epoll: int) -> list[tuple[int, int]]:
        """Pairs of file descriptor and epoll's mask; what there is no room for comes the next time."""
        count = self._call(epoll, self._events, self._most, 0)
        return [(event.data.handle, event.events) for event in self._events[: max(0, count)]]


class KeptSocket(socket.socket):
    """A socket that does not wait, whose `recv` lets no other thread in."""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As of any socket, of LARGEST bytes at the most. Raises BlockingIOError where there are none."""
        if self.gettimeout() != 0.0:
            return super().recv(size, flags)
        room = _room.bytes
        count = _function("recv", ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)(
            self.fileno(), room, min(size, LARGEST), flags
        )
        if count < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return bytes(memoryview(room)[:count])


def kept(plain: socket.socket) -> KeptSocket:
    """The same socket, as one that does not wait; `plain` is none any more."""
    made = KeptSocket(fileno=plain.detach())
    made.setblocking(False)
    return made


@cache
def _function(name: str, *takes: Any) -> Callable[..., int]:
    call: Any = getattr(ctypes.PyDLL(None, use_errno=True), name)
    call.argtypes = takes
    call.restype = ctypes.c_ssize_t if name == "recv" else ctypes.c_int
    return cast("Callable[..., int]", call)
