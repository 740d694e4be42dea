"""The Qt application: one loop for window and coroutines, opened and closed in stages."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

os.environ.setdefault("QT_API", "pyside6")

from PySide6.QtCore import QTimeZone
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from app.bridge import Bridge
from app.collector import Collector
from app.faults import LOG, catch_everything, catch_in_loop
from app.main_window import DEFAULT_SPEED, MainWindow
from app.paths import log_dir
from app.quitter import Quitter
from app.state import remembered
from engine.core.errors import NiceGoldError
from engine.core.log import start_log
from engine.request import Request, replayed
from widgets import style
from widgets.format import Display
from widgets.theme import load

UTC_NAMES = ("Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu")


def application(theme: str | None = None) -> tuple[QApplication, str]:
    """The one QApplication, ready for windows to be built; and the theme's name."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("NiceGold Terminal")
    app.setQuitOnLastWindowClosed(False)
    name = theme or remembered("layout").get("theme", "dark")
    style.prepare(app, load(name))
    return app, name


def display(request: Request) -> Display:
    """The user's zone, and the account's currency."""
    zone = bytes(QTimeZone.systemTimeZoneId().data()).decode() or "UTC"
    return Display(zone if zone in available_zones() and zone not in UTC_NAMES else "UTC", request.config.account.currency)


def available_zones() -> set[str]:
    """Zone names Python knows."""
    from zoneinfo import available_timezones

    return available_timezones()


class Terminal:
    """One window and its session; `reset` swaps the session for a fresh one."""

    def __init__(self, request: Request, theme: str, speed: float = DEFAULT_SPEED, autoplay: bool = True) -> None:
        self.request, self.theme, self.speed, self.autoplay = request, theme, speed, autoplay
        self.tasks: list[asyncio.Future[None]] = []
        self._leaving = asyncio.Event()
        self._next: Request | None = None
        self.window: MainWindow | None = None

    async def run(self) -> None:
        """Shows windows until the user leaves."""
        collector = Collector()
        collector.start()
        try:
            coming: tuple[Request, NiceGoldError | None] | None = (self.request, None)
            while coming is not None:
                self._leaving.clear()
                self._next = None
                coming = await self._one(*coming)
        finally:
            collector.stop()

    def leave(self) -> None:
        """Ends the session and the window, and opens no other."""
        self._next = None
        self._leaving.set()

    async def _one(self, request: Request, fault: NiceGoldError | None) -> tuple[Request, NiceGoldError | None] | None:
        """Shows one window until it is left, with why its session cannot be opened where there is a `fault`; what comes next."""
        shown = display(request)
        bridge = Bridge(request, shown, fault=fault)
        window = self.window = MainWindow(bridge, load(self.theme), shown, self.leave, self.speed, self.autoplay)
        window.reset_wanted = lambda balance: self._reset(request, balance)
        window.fresh_wanted = lambda: self._begin(replace(request, new=True))
        window.renew_wanted = lambda: self._begin(request)
        window.replay_wanted = lambda recording: self._begin(replayed(request, recording))
        window.resize(1366, 768) if not remembered("layout").get("geometry") else None
        window.show()
        work = asyncio.ensure_future(bridge.run())
        await self._leaving.wait()
        window.remember()
        window.setEnabled(False)
        await bridge.close()
        await work
        coming = await self._renewed()
        self.theme, self.speed = window.theme.name, window.speed
        window.hide()
        window.deleteLater()
        self.window = None
        return coming

    async def _renewed(self) -> tuple[Request, NiceGoldError | None] | None:
        """What is to be opened next, on the terms its instruments have by now, or with why these cannot be read."""
        wanted = self._next
        if wanted is None:
            return None
        from engine.services.instruments import renewed

        coming: tuple[Request, NiceGoldError | None]
        try:
            coming = await asyncio.to_thread(renewed, wanted), None  # a server that is silent must not hold up the window
        except NiceGoldError as error:
            coming = wanted, error
        return coming if self._next is not None else None

    def _reset(self, request: Request, balance: Decimal) -> None:
        remembered("account").set(_market(request), str(balance))
        LOG.say(f"paper account reset to {balance}", source="account")
        self._begin(replace(with_balance(request, balance), new=True))

    def _begin(self, request: Request) -> None:
        """Ends this session and opens `request` in its place."""
        self._next = request
        self._leaving.set()


def _market(request: Request) -> str:
    return "simulated" if request.replay is None else str(request.replay.resolve())


def with_balance(request: Request, balance: Decimal) -> Request:
    """The request for a paper account that starts with `balance`."""
    account = request.config.account.model_copy(update={"balance": balance})
    return replace(request, config=request.config.model_copy(update={"account": account}))


def as_last_reset(request: Request) -> Request:
    """The request with the balance the owner last reset this market's account to, unless the configuration names one."""
    balance = remembered("account").get(_market(request))
    if balance is None or "balance" in request.config.account.model_fields_set:
        return request
    return with_balance(request, Decimal(balance))


def run_window(
    request: Request, speed: float | None, prepare: Callable[[Terminal], None] | None = None, autoplay: bool = True
) -> int:
    """Opens the window and returns the exit code when it was closed. `prepare` is given the terminal before it runs."""
    app, theme = application()
    folder = log_dir()
    log = start_log(folder)
    catch_everything(folder)
    loop = QEventLoop(app)
    asyncio.set_event_loop(loop)
    catch_in_loop(loop, folder)
    with loop:
        terminal = Terminal(as_last_reset(request), theme, speed or DEFAULT_SPEED, autoplay)
        if prepare is not None:
            prepare(terminal)
            style.prepare(app, load(terminal.theme))
        quitter = Quitter(terminal.leave)
        try:
            loop.run_until_complete(terminal.run())
        finally:
            quitter.stop()
    log.close()
    return 0
