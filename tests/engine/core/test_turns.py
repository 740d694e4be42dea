"""The loop that finishes what it was woken for before another thread gets the interpreter.

Nothing here is timed: the other thread asks for nothing, so it has the interpreter only when the loop lets go of it.
"""

from __future__ import annotations

import asyncio
import ctypes
import platform
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from engine.core.kept import HAS_EPOLL, KeptSocket, Looking, kept
from engine.core.undisturbed import is_held_up, run

pytestmark = pytest.mark.skipif(not HAS_EPOLL, reason="the loop is asyncio's own where there is no epoll")

PATIENCE_S = 20.0
ROUNDS = 30


@pytest.fixture(autouse=True)
def _unasked(monkeypatch: pytest.MonkeyPatch, switch_interval: None) -> None:
    from engine.core import turns

    for name in ("SWITCH_S", "UNDISTURBED_S"):
        monkeypatch.setattr(turns, name, 60.0)
    monkeypatch.setattr(turns, "TURN_NS", 60_000_000_000)


@pytest.fixture
def switch_interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


class _Answering(asyncio.Protocol):
    """Answers a question through an event, a queue and two tasks."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._asked: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks = [asyncio.ensure_future(self._notice()), asyncio.ensure_future(self._answer())]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data = data
        self._news.set()

    async def _notice(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await asyncio.sleep(0)
            await self._asked.put(self._data)

    async def _answer(self) -> None:
        while True:
            asked = await asyncio.wait_for(self._asked.get(), PATIENCE_S)
            await asyncio.sleep(0)
            self._transport.write(asked)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def test_what_comes_of_one_message_has_left_before_another_thread_gets_the_interpreter() -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    told: dict[str, asyncio.AbstractEventLoop] = {}
    ready, over = threading.Event(), threading.Event()

    async def live() -> None:
        transport, protocol = await asyncio.get_running_loop().create_connection(_Answering, sock=ours)
        told["loop"] = asyncio.get_running_loop()
        ready.set()
        while not over.is_set():
            await asyncio.sleep(0.005)
        await protocol.end()
        transport.close()

    thread = threading.Thread(target=run, args=(live(),))
    thread.start()
    assert ready.wait(PATIENCE_S)
    try:
        for number in range(ROUNDS):
            asked = b"%d" % number
            theirs.send(asked)
            _until_it_had_its_turn(told["loop"])
            assert _waits_for_data(theirs)
            assert theirs.recv(64) == asked
    finally:
        over.set()
        thread.join(PATIENCE_S)
        theirs.close()


def test_a_loop_that_has_always_something_to_do_lets_others_in_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core import turns

    monkeypatch.setattr(turns, "TURN_NS", 1_000_000)
    over = threading.Event()

    async def live() -> None:
        while not over.is_set():
            await asyncio.sleep(0)

    thread = threading.Thread(target=run, args=(live(),))
    thread.start()
    over.set()  # with an interval of a minute this thread gets here only because the loop lets it in
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_a_loop_that_is_kept_from_the_interpreter_knows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core import turns

    monkeypatch.setattr(turns, "STAYS_NS", 60_000_000_000)
    go = threading.Event()

    def keep() -> None:
        go.wait(PATIENCE_S)
        ctypes.PyDLL(None).usleep(300_000)

    async def live() -> bool:
        holder = threading.Thread(target=keep)
        holder.start()
        go.set()
        while holder.is_alive():
            await asyncio.sleep(0.001)
        return is_held_up(asyncio.get_running_loop())

    assert run(live())


def test_any_number_of_sockets_is_heard() -> None:
    async def live() -> int:
        loop = asyncio.get_running_loop()
        pairs = [socket.socketpair() for _ in range(100)]
        for ours, theirs in pairs:
            ours.setblocking(False)
            theirs.send(b"x")
        heard = [await asyncio.wait_for(loop.sock_recv(ours, 10), PATIENCE_S) for ours, _ in pairs]
        for ours, theirs in pairs:
            ours.close()
            theirs.close()
        return len(heard)

    assert run(live()) == 100


def test_a_kept_socket_says_that_there_is_nothing_and_that_it_is_over() -> None:
    ours, theirs = socket.socketpair()
    with kept(ours) as end:
        with pytest.raises(BlockingIOError):
            end.recv(10)
        theirs.send(b"gold")
        assert end.recv(2) == b"go"
        assert end.recv(10) == b"ld"
        theirs.close()
        assert end.recv(10) == b""


def test_what_lies_beside_a_descriptor_in_an_event_is_not_read() -> None:
    """Who registers one writes half of the field; the other half is what was there."""
    ours, theirs = socket.socketpair()
    with ours, theirs, select.epoll() as epoll:
        event = struct.pack("=Iii" if platform.machine() == "x86_64" else "@Iiii", *_event(ours.fileno()))
        assert not ctypes.CDLL(None).epoll_ctl(epoll.fileno(), 1, ours.fileno(), event)
        theirs.send(b"x")
        assert Looking().at(epoll.fileno()) == epoll.poll(0) == [(ours.fileno(), select.EPOLLIN)]


def _event(handle: int) -> tuple[int, ...]:
    between = () if platform.machine() == "x86_64" else (0,)
    return (select.EPOLLIN, *between, handle, 0x5EED)


def test_two_threads_that_read_kept_sockets_do_not_read_each_others_bytes() -> None:
    """A thread is stopped at every line of its reading: the other one reads meanwhile."""
    (mine, to_me), (yours, to_you) = socket.socketpair(), socket.socketpair()
    to_me.send(b"mine")
    to_you.send(b"yours" * 100)
    with kept(mine) as first, kept(yours) as second, to_me, to_you:
        others: list[bytes] = []

        def read_beside(_frame: FrameType, _event: str, _arg: object) -> Any:
            thread = threading.Thread(target=lambda: others.append(second.recv(5)))
            thread.start()
            thread.join(PATIENCE_S)
            return read_beside

        before = sys.gettrace()
        sys.settrace(lambda frame, *_: read_beside if frame.f_code is KeptSocket.recv.__code__ else None)
        try:
            read = first.recv(16)
        finally:
            sys.settrace(before)
    assert len(others) > 3
    assert set(others) == {b"yours"}
    assert read == b"mine"


def test_threads_wait_for_the_interpreter_as_before_once_a_loop_is_closed() -> None:
    before = sys.getswitchinterval()
    run(asyncio.sleep(0.001))
    assert sys.getswitchinterval() == before


def test_a_loop_without_turns_is_never_held_up() -> None:
    plain = asyncio.new_event_loop()
    plain.close()
    assert not is_held_up(plain)


def test_other_threads_can_call_into_the_loop() -> None:
    async def live() -> str:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(answer.set_result, "told"))
        thread.start()
        said = await asyncio.wait_for(answer, PATIENCE_S)
        thread.join(PATIENCE_S)
        return said

    assert run(live()) == "told"


def _until_it_had_its_turn(loop: asyncio.AbstractEventLoop) -> None:
    """Returns when the loop got the interpreter after this was called, and let go of it again."""
    since = time.monotonic_ns()
    turns = loop.turns  # type: ignore[attr-defined]
    while turns.woken <= since:
        assert time.monotonic_ns() - since < PATIENCE_S * 1e9
        time.sleep(0.00001)


def _waits_for_data(end: socket.socket) -> bool:
    """Whether data come, while the interpreter is kept: what is not on its way yet cannot come."""
    wanted = (ctypes.c_uint32 * 2)(end.fileno(), select.POLLIN)
    return bool(ctypes.PyDLL(None).poll(wanted, 1, int(PATIENCE_S * 1000)))
