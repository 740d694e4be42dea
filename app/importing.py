"""Works on the files of the import panel one at a time, in a process of their own: neither window nor session feels it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from app.bridge import Bridge
from app.faults import LOG
from app.paths import data_dir
from app.state import remembered
from engine.core.clock import Nanos, SystemClock
from engine.core.errors import NiceGoldError, UserError
from engine.domain.imports import TICKS, Choices, ImportDone, ImportEntry, ImportPlan
from engine.domain.market import Timeframe
from engine.request import Recording
from widgets.imports.item import Item
from widgets.imports.view import ImportView
from widgets.imports.words import listed, moment, outcome, undoing

CANCELLED = "Cancelled; nothing was stored."

T = TypeVar("T")


class ImportDesk(QObject):
    """The queue and its worker. `replayed(Recording)` when the owner wants a session on an imported file."""

    replayed = Signal(object)
    _progressed = Signal(int, float, str)

    def __init__(self, bridge: Bridge, view: ImportView, parent: QObject) -> None:
        super().__init__(parent)
        self._bridge, self._view = bridge, view
        self._url = bridge.request.db
        self._fallback = bridge.request.instrument.symbol
        self._numbers = count(1)
        self._items: dict[int, Item] = {}
        self._key: int | None = None
        self._works = self._closing = False
        self._giving_up = Event()
        self._last: ImportEntry | None = None
        view.folder = remembered("import").get("folder", "")
        self.bench = bench = view.open_bench(clock_problem)
        bench.chosen.connect(self._look_at)
        bench.removed.connect(self._remove)
        bench.overruled.connect(self._overrule)
        bench.wanted.connect(self._want)
        bench.all_wanted.connect(self._want_all)
        bench.cancelled.connect(self.cancel)
        bench.undone.connect(self.undo)
        bench.replayed.connect(self._replay)
        self._progressed.connect(self._progress)
        bridge.closing.connect(self._close)

    def items(self) -> list[Item]:
        """The files in the order they came."""
        return list(self._items.values())

    # --- what the owner asks for --------------------------------------------------------------------------------------

    def add(self, paths: Sequence[str]) -> None:
        """Files join the queue; one that is there already is looked at again."""
        first: int | None = None
        for path in paths:
            known = next((item for item in self._items.values() if item.path == path), None)
            if known is not None and known.work:
                continue
            key = known.key if known else next(self._numbers)
            self._items[key] = Item(key, path, Path(path).name)
            first = first or key
        self._key = first or self._key
        self._view.folder = str(Path(paths[-1]).parent)
        remembered("import").set("folder", self._view.folder)
        self._show()
        self._work_on()

    def cancel(self) -> None:
        """Gives up what runs, and the imports that wait for it."""
        self._giving_up.set()
        for item in self.items():
            if item.work == "queued":
                self._put(replace(item, work=""))

    def undo(self) -> None:
        """Takes the last import back."""
        if self._last is not None:
            number = self._last.number
            self._show_last(None)
            self._bridge.keep(self._undo(number))

    def learn_last(self) -> None:
        """Finds out what was imported last."""
        if not self._closing:
            self._bridge.keep(self._learn_last())

    def _close(self) -> None:
        self._closing = True
        self.cancel()

    def _look_at(self, key: int) -> None:
        self._key = key
        if self._items[key].is_stale and not self._items[key].work:
            self._put(replace(self._items[key], work="waiting"))
            self._work_on()
        self._show()

    def _remove(self, key: int) -> None:
        if not self._items[key].is_busy:
            del self._items[key]
            self._key = self._key if key != self._key else next(iter(self._items), None)
            self._show()

    def _overrule(self, key: int, choices: Choices) -> None:
        self._put(replace(self._items[key], choices=choices, work="waiting", trouble="", note=""))
        self._work_on()

    def _want(self, key: int, strict: bool) -> None:
        if self._items[key].can_be_imported:
            self._put(replace(self._items[key], work="queued", strict=strict, trouble="", note=""))
            self._work_on()

    def _want_all(self) -> None:
        for item in self.items():
            if item.can_be_imported:
                self._want(item.key, False)

    def _replay(self, key: int) -> None:
        plan = self._items[key].plan
        if plan is not None:
            self._bridge.keep(self._open_replay(key, plan))

    # --- the work -----------------------------------------------------------------------------------------------------

    def _work_on(self) -> None:
        if not self._works and not self._closing:
            self._works = True
            self._bridge.keep(self._work())

    async def _work(self) -> None:
        """One file after the other; imports come before looks."""
        try:
            while not self._closing and (item := self._next()) is not None:
                await (self._import(item) if item.work == "queued" else self._inspect(item))
        finally:
            self._works = False

    def _next(self) -> Item | None:
        waiting = [item for work in ("queued", "waiting") for item in self.items() if item.work == work]
        return next(iter(waiting), None)

    async def _inspect(self, item: Item) -> None:
        from engine.services.importer import inspect

        self._put(replace(item, work="looking", share=0.0, doing="opening", trouble="", note=""))
        self._giving_up = Event()
        plan, trouble = await self._run(
            item.key, self._giving_up, inspect, Path(item.path), self._url, item.choices, self._fallback
        )
        self._put(replace(self._items[item.key], work="", plan=plan or item.plan, trouble=trouble, is_stale=False))

    async def _import(self, item: Item) -> None:
        from engine.services.importer import carry_out

        assert item.plan is not None
        self._put(replace(item, work="importing", share=0.0, doing="reading"))
        self._giving_up, begun = Event(), SystemClock().now()
        done, trouble = await self._run(item.key, self._giving_up, carry_out, item.plan, self._url, item.strict)
        if done is None and (done := await self._done_after_all(item.plan, begun)) is not None:
            trouble = ""
        item = replace(self._items[item.key], work="", done=done)
        given_up = trouble == CANCELLED
        self._put(replace(item, note=trouble if given_up else "", trouble="" if given_up else trouble))
        if done is not None:
            LOG.say(f"{item.file}: {outcome(done)}", source="import")
        await self._learn_last()
        if done is not None:
            self._age(item.key)

    async def _done_after_all(self, plan: ImportPlan, begun: Nanos) -> ImportDone | None:
        """An import whose process was ended just after it had stored everything."""
        from engine.services.importer import done_of

        try:
            return await asyncio.to_thread(done_of, plan, self._url, begun)
        except NiceGoldError:
            return None

    async def _open_replay(self, key: int, plan: ImportPlan) -> None:
        from engine.services.importer import recording_of
        from engine.services.instruments import in_force

        found, trouble = await self._run(key, Event(), recording_of, plan, self._url, data_dir() / "replays")
        try:
            terms = await asyncio.to_thread(in_force, plan.choices.symbol or plan.symbol, self._url)
        except NiceGoldError as error:
            found, trouble = None, str(error)
        if found is None:
            self._put(replace(self._items[key], note=trouble))
            return
        frame = None if plan.timeframe == TICKS else Timeframe.of(plan.timeframe)
        self.replayed.emit(Recording(found[0], terms, frame, found[1]))

    async def _undo(self, number: int) -> None:
        from engine.services.importer import undo

        entry, trouble = await self._run(0, Event(), undo, number, self._url)
        if entry is not None:
            LOG.say(f"import {number} of {entry.file} was undone", source="import")
            for item in self.items():
                if item.done is not None and item.done.entry is not None and item.done.entry.number == number:
                    self._put(replace(item, done=item.done._replace(entry=entry), note=""))
            self._age(0)
        elif self._key is not None:
            self._put(replace(self._items[self._key], note=trouble))
        await self._learn_last()

    async def _run(self, key: int, give_up: Event, work: Callable[..., T], *arguments: Any) -> tuple[T | None, str]:
        """What a work in a process of its own comes to, or a sentence why it does not."""
        from engine.services.importer import Cancelled, apart

        told = partial(self._progressed.emit, key)
        try:
            done = await asyncio.to_thread(
                apart, work, *arguments, progress=told, cancel=lambda: give_up.is_set() or self._closing
            )
        except Cancelled:
            return None, CANCELLED
        except (NiceGoldError, OSError) as error:
            LOG.say(str(error), "warning", "import")
            return None, str(error)
        return done, ""

    async def _learn_last(self) -> None:
        from engine.services.importer import imports

        try:
            entries = await asyncio.to_thread(imports, self._url)
        except NiceGoldError as error:
            LOG.say(str(error), "warning", "import")
            entries = []
        self._show_last(next((entry for entry in reversed(entries) if entry.undone_at is None), None))

    def _show_last(self, entry: ImportEntry | None) -> None:
        self._last = entry
        self.bench.show_last(entry)
        self._view.show_last(*((f"Last: {listed(entry)}, {moment(entry.at)} UTC", undoing(entry)) if entry else ("", "")))

    def _age(self, key: int) -> None:
        """What is stored has changed: plans of other files are looked at anew when they are looked at."""
        for item in self.items():
            if item.key != key and item.plan is not None and item.done is None and not item.work:
                self._put(replace(item, is_stale=True))
        if self._key is not None:
            self._look_at(self._key)

    def _progress(self, key: int, share: float, words: str) -> None:
        item = self._items.get(key)
        if item is not None and item.is_busy:
            self._put(replace(item, share=share, doing=words))

    def _put(self, item: Item) -> None:
        self._items[item.key] = item
        self._show()

    def _show(self) -> None:
        if not self._closing:
            self.bench.show_items(self.items(), self._key)
            self._view.show_bench(bool(self._items))


def clock_problem(spec: str) -> str:
    """What is wrong with a clock as it was typed; empty where nothing is."""
    from engine.services.importer import check_clock

    try:
        check_clock(spec)
    except UserError as error:
        return str(error)
    return ""
