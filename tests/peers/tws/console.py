"""Misbehaviour by hand: one command a line on standard input while the peer runs."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from decimal import InvalidOperation
from typing import Any

from tests.peers.faults import Action, Answer, Cut, Drop, Duplicate, Mute, Reorder
from tests.peers.tws.codec import plain
from tests.peers.tws.peer import Peer

HELP = """\
quote SYMBOL BID ASK         put up a quote; the symbol stands still until `follow`
follow SYMBOL                let the symbol's price move by itself again
typed BUY|SELL SYMBOL QTY [PRICE]   an order typed into TWS, at the market or limited
orders                       what the broker knows
fill REF [QTY [PRICE]]       execute an order whatever its state
1100 | lost | 1101 | 1102    lose the broker (lost: what happens meanwhile is not told), and come back
1300 | drop | freeze | thaw | refuse | listen | restart [lower]
on KIND drop|duplicate|reorder|mute|cut|CODE [TEXT]   what the next message of this kind meets
clear                        nothing goes wrong any more"""

ACTIONS: dict[str, Action] = {
    "drop": Drop(),
    "duplicate": Duplicate(),
    "reorder": Reorder(),
    "mute": Mute(),
    "cut": Cut(),
}


class Console:
    """Carries out commands on a peer. `moving` are the symbols whose price moves by itself."""

    def __init__(self, peer: Peer, moving: set[str]) -> None:
        self._peer = peer
        self._moving = moving
        self._commands: dict[str, Callable[..., Coroutine[Any, Any, str]]] = {
            "quote": self._quote,
            "follow": self._follow,
            "typed": self._typed,
            "orders": self._orders,
            "fill": self._fill,
            "on": self._on,
            "help": self._help,
            "restart": self._restart,
            "lost": lambda: self._done(peer.lose_connectivity(lost=True)),
            "1100": lambda: self._done(peer.lose_connectivity()),
            "1101": lambda: self._done(peer.restore_connectivity(1101)),
            "1102": lambda: self._done(peer.restore_connectivity(1102)),
            "1300": lambda: self._done(peer.reset_port()),
            "drop": lambda: self._done(peer.drop()),
            "refuse": lambda: self._done(peer.refuse()),
            "listen": lambda: self._done(peer.listen()),
            "freeze": lambda: self._now(peer.faults.freeze),
            "thaw": lambda: self._now(peer.faults.thaw),
            "clear": lambda: self._now(peer.faults.clear),
        }

    async def run(self, line: str) -> str:
        """Carries out one command and returns what is to be said about it."""
        word, *rest = line.split() or ["help"]
        command = self._commands.get(word)
        if command is None:
            return f"unknown command {word}; help lists them"
        try:
            return await command(*rest)
        except (KeyError, TypeError, ValueError, InvalidOperation) as wrong:
            return f"{word}: {type(wrong).__name__} {wrong}"

    async def _quote(self, name: str, bid: str, ask: str) -> str:
        self._moving.discard(name)
        await self._peer.quote(name, bid, ask)
        return f"{name} {bid} {ask}"

    async def _follow(self, name: str) -> str:
        self._moving.add(self._peer.contract(name).local_symbol)
        return f"{name} moves"

    async def _typed(self, action: str, name: str, quantity: str, price: str | None = None) -> str:
        terms = {} if price is None else {"limit": float(price)}
        order = await self._peer.place(name, action.upper(), quantity, "LMT" if price else "MKT", **terms)
        return f"{order.perm_id} {order.status}"

    async def _orders(self) -> str:
        return "\n".join(
            f"{it.perm_id} client {it.client_id} id {it.order_id} {it.action} {plain(it.quantity)} {it.contract.local_symbol} "
            f"{it.type} {it.status} filled {plain(it.filled)} {it.ref}"
            for it in self._peer.orders
        )

    async def _fill(self, ref: str, quantity: str | None = None, price: str | None = None) -> str:
        execution = await self._peer.fill(self._peer.order(ref), quantity, price)
        return f"{execution.exec_id} {plain(execution.quantity)} at {plain(execution.price)}"

    async def _on(self, kind: str, what: str, *text: str) -> str:
        self._peer.faults.on(kind, ACTIONS[what] if what in ACTIONS else Answer(int(what), " ".join(text)))
        return f"the next {kind} meets {what}"

    async def _restart(self, how: str = "") -> str:
        return await self._done(self._peer.restart(lower_ids=how == "lower"))

    async def _help(self) -> str:
        return HELP

    async def _done(self, act: Coroutine[Any, Any, None]) -> str:
        await act
        return f"done; port {self._peer.port}"

    async def _now(self, act: Callable[[], None]) -> str:
        act()
        return "done"


def read_commands(console: Console) -> None:
    """From now on lines of standard input are commands. The thread that waits for them ends with the process."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        # Unbuffered: a thread that waits in a buffered reader can abort the interpreter when it ends.
        with contextlib.suppress(OSError, RuntimeError), open(0, "rb", buffering=0, closefd=False) as lines:
            for line in lines:
                told = asyncio.run_coroutine_threadsafe(console.run(line.decode()), loop)
                print(told.result(), flush=True)

    threading.Thread(target=read, name="commands", daemon=True).start()
