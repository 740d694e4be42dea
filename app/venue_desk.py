"""What the window does for a live session: badges, lights, arming and the kill switch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from app.banner import Banner
from app.bridge import Bridge
from app.commands import Commands
from app.dialogs.arming import Arming
from app.dialogs.kill import KillSwitch
from app.dialogs.leaving import Leaving, stays
from app.dialogs.roll import RollDialog
from app.picture import Picture
from engine.core.errors import ConfigError, EngineStopped
from engine.domain.intents import Arm, ChooseProtection, Disarm, Reconnect, Roll
from engine.domain.shipped import shipped_definition, shipped_keys
from engine.domain.views import KillReport, RollDue, RollView
from engine.profile import load_profile
from engine.request import Request
from widgets.toolbar.status_bar import StatusBar


def market_badge(request: Request) -> str:
    """Where prices come from: REPLAY, SIMULATED, or the name of a live feed."""
    return "REPLAY" if request.replay is not None else request.feed.upper() or "SIMULATED"


def foreseen_money(request: Request) -> str:
    """LIVE where the profile says that the account has money, before the venue has said so; else PAPER."""
    if not request.feed or request.broker == "paper":
        return "PAPER"
    try:
        return "LIVE" if load_profile(request.profile).venue(request.broker).live else "PAPER"
    except ConfigError:
        return "PAPER"  # no session opens with such a profile, and the window says why


class VenueDesk(QObject):
    """Commands and messages about the venue; the status bar has its sentences."""

    def __init__(self, window: QWidget, bridge: Bridge, status: StatusBar, banner: Banner) -> None:
        super().__init__(window)
        self._window, self._bridge, self._status, self._banner, self._say = window, bridge, status, banner, status.say
        self._picture: Picture | None = None
        self._kill: KillSwitch | None = None
        self._leaving: Leaving | None = None
        self._bare: frozenset[str] = frozenset()
        self._rolls: tuple[RollDue, ...] = ()
        self._alarm = ""
        self._commands: Commands | None = None
        bridge.killed.connect(self._killed)
        bridge.roll_foreseen.connect(self._ask_to_roll)

    def register(self, commands: Commands) -> None:
        """Adds the commands of live sessions."""
        commands.add("arm", "Arm live trading…", "Account", self._arm, "Ctrl+Shift+A")
        commands.add("disarm", "Disarm live trading", "Account", lambda: self._bridge.submit(Disarm()))
        commands.add("reconnect", "Reconnect to the broker", "Account", lambda: self._bridge.submit(Reconnect()))
        for choice, title in (("attach", "Attach stops to"), ("leave", "Leave as they are"), ("close", "Close")):
            what = f"{title}: adopted units without a stop"
            commands.add(f"unprotected_{choice}", what, "Trade", lambda choice=choice: self._choose(choice))
        self._commands, request = commands, self._bridge.request
        traded = [it.symbol for it in (request.instrument, *request.beside) if request.feed]
        for symbol in (it for it in traded if it in shipped_keys() and shipped_definition(it).roll is not None):
            commands.add(f"roll_{symbol}", f"Roll {symbol}…", "Trade", partial(self._foresee_roll, symbol))
            commands.offer(f"roll_{symbol}")
        commands.add("kill", "Kill switch…", "Trade", self._ask_kill, "Ctrl+Shift+K")

    def show(self, picture: Picture) -> None:
        """The lights of this frame, and a line across the window where units have no stop at all."""
        self._picture = picture
        venue = picture.view.venue
        if venue is None:
            return
        role = "good" if not venue.trouble else "warn" if venue.is_ready else "error"
        word = "ready" if not venue.trouble else "not trading" if venue.is_ready else "out of reach"
        self._status.show_light("broker", f"{venue.broker} {word}", role, venue.trouble or "Orders may be placed")
        blocked = venue.feed_trouble or next((sentence for _, sentence in venue.blocked), "")
        word = "not live" if blocked else "live"
        self._status.show_light("feed", f"{venue.feed} {word}", "warn" if blocked else "good", blocked)
        self._complain_of_bare_units(picture)
        self._offer_rolls(venue.rolls)
        if venue.alarm and venue.alarm != self._alarm:
            self._banner.complain(venue.alarm)
        self._alarm = venue.alarm

    def _offer_rolls(self, due: tuple[RollDue, ...]) -> None:
        """A command for each position whose contract is left soon, and for no other."""
        if due == self._rolls or self._commands is None:
            return
        for gone in self._rolls:
            self._commands.offer(f"roll_{gone.symbol}")
        for it in due:
            self._commands.offer(f"roll_{it.symbol}", f"Roll {it.out} to {it.into}…")
        self._rolls = due

    def _foresee_roll(self, symbol: str) -> None:
        if all(it.symbol != symbol for it in self._rolls):
            self._say(f"No position in {symbol} is due to be rolled.", "error")
            return
        self._bridge.foresee_roll(symbol)

    def _ask_to_roll(self, found: object) -> None:
        assert isinstance(found, RollView)
        if self._window.findChild(RollDialog) is not None:
            return
        dialog = RollDialog(found, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.wanted.connect(lambda symbol: self._bridge.submit(Roll(symbol)))
        dialog.open()

    def _complain_of_bare_units(self, picture: Picture) -> None:
        bare = frozenset(it.symbol for it in picture.view.positions if it.protected < abs(it.quantity))
        if bare and bare != self._bare:
            sentence = f"{', '.join(sorted(bare))}: open units have no stop. Attach one, close them, or leave them as they are."
            self._banner.complain(sentence, "Attach stops", lambda: self._choose("attach"), "A stop three ATR away for each")
        self._bare = bare

    def _choose(self, choice: str) -> None:
        """What is done about every adopted unit without a stop."""
        if not self._bare:
            self._say("Every open unit has its stop.", "error")
        for symbol in sorted(self._bare):
            self._bridge.submit(ChooseProtection(symbol, choice))

    def leave(self, go: Callable[[], None]) -> None:
        """Goes at once where nothing stays behind at a venue; else the owner is asked first."""
        if self._picture is None or self._picture.view.venue is None:
            go()
        else:
            self._bridge.keep(self._look_and_leave(go))

    async def _look_and_leave(self, go: Callable[[], None]) -> None:
        """By the engine's picture of now: an order may have been placed since the last frame."""
        try:
            await self._bridge.refresh()
        except EngineStopped:
            go()
            return
        view = self._picture.view if self._picture is not None else None
        if view is None or view.venue is None or not stays(view):
            go()
        elif self._leaving is None:
            self._leaving = Leaving(view, view.venue, self._window)
            self._leaving.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self._leaving.left.connect(go)
            self._leaving.finished.connect(lambda _code: setattr(self, "_leaving", None))
            self._leaving.open()

    def _arm(self) -> None:
        venue = self._picture.view.venue if self._picture is not None else None
        if self._picture is None or venue is None or not venue.is_live:
            self._say("There is nothing to arm: this session trades on paper.", "error")
            return
        dialog = Arming(venue, self._picture.view.gauges, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.armed.connect(lambda name: self._bridge.submit(Arm(name)))
        dialog.open()

    def _ask_kill(self) -> None:
        venue = self._picture.view.venue if self._picture is not None else None
        if venue is None:
            self._say("The kill switch is for live sessions; HALT stops this one.", "error")
            return
        self._kill = KillSwitch(venue.is_live, self._window)
        self._kill.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._kill.thrown.connect(self._bridge.kill)
        self._kill.finished.connect(lambda _code: setattr(self, "_kill", None))
        self._kill.open()

    def _killed(self, report: object) -> None:
        assert isinstance(report, KillReport)
        if self._kill is not None:
            self._kill.show_report(report)
        tone = "good" if report.is_clean else "error"
        self._say(f"Kill switch: {report.state} after {report.seconds:.2f} s, {len(report.leftovers)} leftovers.", tone)
