"""The window: panels in docks, bars above and below, and the commands that tie them together."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.acknowledgement import acknowledged, are_over, awaited
from app.banner import Banner
from app.bridge import Bridge
from app.commands import Commands
from app.dialogs.account import PaperAccount
from app.dialogs.limits import ChangeLimit
from app.dialogs.palette import Palette
from app.docking import Docking
from app.epilogue import how_it_ended
from app.faults import LOG, said
from app.focus import Focus
from app.notices import Notices
from app.panels import PANELS, Panel, Surroundings
from app.picture import Picture
from app.state import remembered
from app.venue_desk import VenueDesk, foreseen_money, market_badge
from app.welcome import reset_notes, welcome_back
from engine.domain.facts import Record
from engine.domain.intents import Flatten, Halt, Intent, Resume, SetMode
from engine.domain.market import Bars
from engine.domain.views import VenueView
from engine.host import MAX_SPEED, Opening
from engine.request import Recording
from widgets import icons, style
from widgets.format import Display
from widgets.theme import Theme, load
from widgets.toolbar.account_bar import AccountBar
from widgets.toolbar.replay_bar import ReplayBar
from widgets.toolbar.status_bar import StatusBar

EDGE = 2
"""Pixels of the line around the window that has the colour of the account and of the state of trading."""
DEFAULT_SPEED = 60.0
"""A minute bar a second: the market moves while one watches."""


class MainWindow(QMainWindow):
    """Composes the panels and shows them what the bridge brings. `quit` is called when the user closes the window."""

    def __init__(
        self, bridge: Bridge, theme: Theme, display: Display, quit_: Callable[[], None], speed: float, autoplay: bool = True
    ) -> None:
        super().__init__()
        self.bridge, self.theme, self.display = bridge, theme, display
        self._quit = quit_
        self.speed, self._autoplay = speed, autoplay
        self._welcomed = False
        self._memory = remembered("layout")
        self._was_finished = False
        self._picture: Picture | None = None
        self._faulted = False
        self._said_in: tuple[str, frozenset[str]] = ("", frozenset())
        self.reset_wanted: Callable[[Decimal], None] = lambda _balance: None
        self.fresh_wanted: Callable[[], None] = lambda: None
        self.renew_wanted: Callable[[], None] = lambda: None
        self.replay_wanted: Callable[[Recording], None] = lambda _recording: None
        self.kind = market_badge(bridge.request)
        self.money = foreseen_money(bridge.request)
        self._badges: tuple[str, ...] = (self.money, self.kind)
        self.setWindowTitle(f"NiceGold Terminal — {self.money} — {self.kind}")
        self.setWindowIcon(icons.app_icon())
        self.setAcceptDrops(True)
        self.commands = Commands(self)
        self.panels: dict[str, Panel] = {}
        self.notices = Notices(self)
        self._build_bars()
        self.venue_desk = VenueDesk(self, bridge, self.status, self.banner)
        around = Surroundings(self.bridge, self.theme, self.display, self._act, Focus(bridge.request.symbols, self))
        for place in PANELS:
            self.panels[place.name] = place.make(around)
        self.panels["imports"].replayed.connect(lambda recording: self.replay_wanted(recording))
        self.panels["instruments"].begun.connect(lambda: self.renew_wanted())
        self.panels["watchlist"].widget.terms_wanted.connect(self._edit_terms)
        self.panels["signals"].widget.focus_freed.connect(self.panels["chart"].widget.setFocus)
        self.docking = Docking(self.panels)
        self.docks = self.docking.docks
        self._lay_out()
        self._register()
        self._build_menu()
        self._connect()
        self._restore()
        style.apply(_application(), theme)
        self.panels["chart"].widget.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- building -----------------------------------------------------------------------------------------------------

    def _build_bars(self) -> None:
        self.account_bar = AccountBar(self.theme)
        self.account_bar.set_badges((self.money, self.kind))
        self.account_bar.show_mode(self.bridge.request.mode)
        self.account_bar.show_state("STARTING", "")
        self.replay_bar = ReplayBar(self.theme)
        self.replay_bar.set_display(self.display)
        self.replay_bar.show_speed(math.inf if self.speed >= MAX_SPEED else self.speed)
        self.status = StatusBar(self.theme)
        self.banner = Banner()
        self.menu_button = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu_button.setIcon(icons.icon("menu", self.theme, "text0"))
        self.menu_button.setIconSize(QSize(16, 16))
        self.menu_button.setToolTip("Menu (F10); all commands (Ctrl+K)")
        self.menu_button.setAccessibleName("Menu")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A layout nobody has touched follows the window's size."""
        super().resizeEvent(event)
        self.docking.follow()

    def _lay_out(self) -> None:
        self.account_bar.put_first(self.menu_button)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(0)
        foot.addWidget(self.replay_bar)
        self.replay_bar.setVisible(not self.bridge.request.feed)
        foot.addWidget(self.status, 1)
        self.edge = QWidget(objectName="edge")
        self.edge.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        style.set_role(self.edge, "account", self.money.lower())
        column = QVBoxLayout(self.edge)
        column.setContentsMargins(EDGE, EDGE, EDGE, EDGE)
        column.setSpacing(0)
        column.addWidget(self.account_bar)
        column.addWidget(self.banner)
        column.addWidget(self.docking, 1)
        column.addLayout(foot)
        self.setCentralWidget(self.edge)

    def _register(self) -> None:
        add, send = self.commands.add, self.bridge.submit
        add("new_order", "New order", "Trade", lambda: self._focus_ticket(), "F9")
        add("buy", "Buy ticket", "Trade", lambda: self._focus_ticket("buy"), "Ctrl+B")
        add("sell", "Sell ticket", "Trade", lambda: self._focus_ticket("sell"), "Ctrl+Shift+B")
        add("fill_ticket", "Order from the chart into the ticket", "Trade", self._fill_ticket)
        add("flatten", "Flatten: cancel all orders, close all positions", "Trade", lambda: send(Flatten()), "Ctrl+Shift+F")
        add("halt", "Halt: no new risk, cancel entries", "Trade", lambda: send(Halt(reason="owner")), "Ctrl+Shift+H")
        add("resume", "Resume trading", "Trade", lambda: send(Resume()))
        for mode in ("AUTO", "CONFIRM", "MANUAL"):
            add(f"mode_{mode.lower()}", f"Mode {mode}", "Trade", lambda mode=mode: send(SetMode(mode)))
        add("show_signals", "Go to the signal cards", "View", self._focus_cards, "Ctrl+J")
        self.venue_desk.register(self.commands)
        add("play_pause", "Play or pause the market", "Market", self._toggle, "Ctrl+Space")
        add("step", "Step one bar", "Market", self.bridge.step, "Ctrl+Right")
        add("faster", "Play faster", "Market", lambda: self.replay_bar.change_speed(1), "Ctrl+Up")
        add("slower", "Play slower", "Market", lambda: self.replay_bar.change_speed(-1), "Ctrl+Down")
        add("import", "Import history…", "Market", self._import, "Ctrl+O")
        add("paper_account", "Paper account: balance and reset", "Account", self._ask_account)
        add("limits", "Limits: change one…", "Account", self._ask_limits, "Ctrl+L")
        add("theme", "Switch between dark and light", "View", self._switch_theme, "Ctrl+T")
        add("reset_layout", "Reset the layout", "View", self._reset_layout)
        for place in PANELS:
            name = place.name
            add(f"show_{name}_panel", f"Show {place.title}", "View", lambda name=name: self._raise(name), place.shortcut)
        add("palette", "All commands", "Help", self._palette, "Ctrl+K")
        add("quit", "Quit", "Help", self.close, "Ctrl+Q")

    def _build_menu(self) -> None:
        menu, parts = QMenu(self), {}
        for command in self.commands.all():
            part = parts.get(command.menu) or parts.setdefault(command.menu, menu.addMenu(command.menu))
            part.addAction(self.commands.actions[command.name])
        self.menu_button.setMenu(menu)
        self.menu_button.setShortcut("F10")

    def _connect(self) -> None:
        bridge = self.bridge
        bridge.progressed.connect(self._progress)
        bridge.history.connect(self._foresee)
        bridge.opened.connect(self._opened)
        bridge.shown.connect(self._show)
        bridge.refused.connect(self._refused)
        bridge.done.connect(self._done)
        bridge.faulted.connect(self._fault)
        bridge.failed.connect(self._failed)
        self.account_bar.intent.connect(bridge.submit)
        self.replay_bar.play.connect(lambda: bridge.play(self.speed))
        self.replay_bar.pause.connect(bridge.pause)
        self.replay_bar.step.connect(bridge.step)
        self.replay_bar.speed_changed.connect(self._set_speed)

    # --- what the engine says -----------------------------------------------------------------------------------------

    def _progress(self, share: float, words: str) -> None:
        chart = self.panels["chart"].widget
        chart.set_empty_text(f"Getting ready: {words}", share)
        self.status.say(f"{words} ({100 * share:.0f} %)")

    def _foresee(self, before: Bars) -> None:
        """Paints the history at once; what is new fills in when the session is open."""
        for panel in self.panels.values():
            panel.foresee(before)
        QTimer.singleShot(0, self.bridge.has_seen)

    def _opened(self, opening: Opening) -> None:
        for panel in self.panels.values():
            panel.open(opening)
        if not self.bridge.request.feed:
            self.status.show_light("broker", "paper", "good", "Orders go to the simulated broker; no money is at stake")
        chained = f"chained without a key: {opening.unkeyed}" if opening.unkeyed else "chained with a key"
        kept = f"Every fact is kept in {self.bridge.request.db}, {chained}"
        self.status.show_light("journal", f"book {opening.book}", "good", kept)
        self.panels["chart"].widget.set_empty_text("Press Play (Ctrl+Space): the first bar appears here.")
        self.status.say("")
        LOG.say(f"session open: {opening.kind}, book {opening.book}, {len(opening.records)} facts", source="session")
        if opening.unkeyed and not opening.resumed:
            LOG.say(f"the book is {chained}", source="session")
        for doubt in opening.doubts:
            LOG.say(doubt, "warning", "session")
            self.status.say(doubt, "error")
        if self._autoplay and not opening.resumed and not self.bridge.request.feed:
            self.bridge.play(self.speed)

    def _show(self, picture: Picture) -> None:
        self._picture = picture
        frame, view = picture.frame, picture.view
        for panel in self.panels.values():  # those of closed docks too: what is left out once would be missing for good
            panel.show(picture)
        self.account_bar.show_account(view.account, view.gauges)
        self.account_bar.show_mode(view.mode)
        self._show_trading(view.state, view.state_reason)
        self._faulted = self._faulted and view.state != "ACTIVE"
        self.replay_bar.show_running(frame.playing)
        self.replay_bar.show_position(view.at, frame.played)
        self.status.show_time(view.at, self.display.zone)
        self.status.show_frame(self.bridge.frame_ms)
        if view.venue is None:
            word = "at its end" if frame.finished else "running" if frame.playing else "paused"
            self.status.show_light("feed", f"{self.kind} {word}", "good" if frame.playing else "warn")
        self._show_money(view.venue)
        self.venue_desk.show(picture)
        self.docking.show_waiting(len(view.cards))
        self.notices.show(picture)
        self._forgive_what_is_over(picture)
        self._say_where_it_stands(picture)

    def _show_money(self, venue: VenueView | None) -> None:
        """PAPER or LIVE, once it is known which."""
        money = "LIVE" if venue is not None and venue.is_live else "PAPER"
        badges = (money, "ARMED", self.kind) if venue is not None and venue.is_armed else (money, self.kind)
        if badges != self._badges:
            self.money, self._badges = money, badges
            self.account_bar.set_badges(badges)
            style.set_role(self.edge, "account", money.lower())

    def _forgive_what_is_over(self, picture: Picture) -> None:
        """Once an order has filled, or never will, it is no longer said to be in."""
        sentence, orders = self._said_in
        if orders and are_over(orders, picture.chronicle.orders):
            self._said_in = "", frozenset()
            if self.status.note.text() == sentence:
                self.status.say("")

    def _show_trading(self, state: str, reason: str) -> None:
        """ACTIVE, REDUCING or HALTED: on the bar, on the window's edge and in its title."""
        self.account_bar.show_state(state, reason)
        style.set_role(self.edge, "trading", state.lower())
        title = " — ".join(("NiceGold Terminal", self.money, self.kind, *([] if state == "ACTIVE" else [state])))
        if title != self.windowTitle():
            self.setWindowTitle(title)

    def _say_where_it_stands(self, picture: Picture) -> None:
        """Once: that the run is at its end, or what a run that goes on finds in its book."""
        if picture.frame.finished and not self._was_finished:
            self._was_finished = True
            self.account_bar.end()
            self.banner.tell(
                how_it_ended(picture),
                "Start afresh",
                self.fresh_wanted,
                "Run it again from its beginning, in a new book",
            )
        elif picture.opening.resumed and not self._welcomed and picture.view.venue is None:
            self.banner.tell(welcome_back(picture), "Go on", self._go_on, "Play the market on from where it stood")
        self._welcomed = True

    def _refused(self, _intent: object, sentence: str) -> None:
        self.status.say(sentence, "error")
        LOG.say(sentence, "warning", "refused")

    def _done(self, intent: Intent, records: Sequence[Record]) -> None:
        self.status.forgive()
        if sentence := acknowledged(intent, records, self.bridge.host.is_busy):
            self.status.say(sentence, "good")
            self._said_in = sentence, awaited(records)

    def _failed(self, error: BaseException) -> None:
        """The session never opened, or stopped: the window stays and says what to do."""
        sentence = f"{said(error, 'engine')} Then close this window and start again."
        self.status.show_light("feed", "stopped", "error")
        self.panels["chart"].widget.set_empty_text(sentence)
        self.banner.complain(sentence)

    def _fault(self, error: BaseException) -> None:
        """A command failed that should not: trading is halted once, the window stays alive."""
        self.banner.complain(f"{said(error, 'window')} Trading is halted; Resume takes that back.")
        if not self._faulted:
            self._faulted = True
            self.bridge.submit(Halt(reason="a fault in the program"))

    def _go_on(self) -> None:
        self.banner.hide()
        self.bridge.play(self.speed)

    # --- commands -----------------------------------------------------------------------------------------------------

    def _act(self, name: str) -> None:
        self.commands.run(name)

    def _edit_terms(self, symbol: str) -> None:
        """An instrument's terms, asked for in the watchlist."""
        self.panels["instruments"].choose(symbol)
        self._raise("instruments")

    def _raise(self, name: str) -> None:
        self.docking.raise_(name)
        self.panels[name].widget.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _focus_ticket(self, side: str = "") -> None:
        from engine.domain.order import Side

        self._raise("ticket")
        self.panels["ticket"].widget.focus(Side(side) if side else None)

    def _fill_ticket(self) -> None:
        order = getattr(self.panels["chart"], "requested", None)
        if order is not None:
            self._raise("ticket")
            self.panels["ticket"].widget.fill(order)

    def _focus_cards(self) -> None:
        self._raise("signals")
        self.panels["signals"].widget.focus_first()

    def _toggle(self) -> None:
        if self.replay_bar.state()["running"]:
            self.bridge.pause()
        else:
            self._go_on()

    def _set_speed(self, speed: float) -> None:
        self.speed = min(speed, MAX_SPEED)
        if self.bridge.host.is_busy:
            self.bridge.play(self.speed)

    def _import(self) -> None:
        self._raise("imports")
        self.panels["imports"].widget.browse()

    def _ask_account(self) -> None:
        account = self.bridge.request.config.account
        notes = reset_notes(self._picture, self.bridge.request.replay is not None)
        dialog = PaperAccount(account.balance, account.currency, notes, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.reset.connect(self.reset_wanted)
        dialog.open()

    def _ask_limits(self) -> None:
        if self._picture is None:
            self.status.say("The session is not open yet.", "error")
            return
        view = self._picture.view
        dialog = ChangeLimit(view.limits, view.waiting, self.bridge.request.symbols, self.display.zone, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.changed.connect(self.bridge.submit)
        dialog.open()

    def _switch_theme(self) -> None:
        self.set_theme(load("light" if self.theme.name == "dark" else "dark"))

    def set_theme(self, theme: Theme) -> None:
        """Dresses the whole window in `theme` and remembers it."""
        self.theme = theme
        style.apply(_application(), theme)
        for part in (self.account_bar, self.replay_bar, self.status, *self.panels.values()):
            part.set_theme(theme)
        self.menu_button.setIcon(icons.icon("menu", theme, "text0"))
        self._memory.set("theme", theme.name)

    def _palette(self) -> None:
        palette = Palette(self.commands, self)
        palette.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        palette.move(self.mapToGlobal(self.rect().center()) - palette.rect().center())
        palette.show()

    # --- layout and leaving -------------------------------------------------------------------------------------------

    def _reset_layout(self) -> None:
        self.docking.reset()

    def _restore(self) -> None:
        geometry = self._memory.get("geometry")
        if geometry and not self.restoreGeometry(QByteArray(base64.b64decode(geometry))):
            LOG.say("the remembered window size could not be used", "warning")
        for name, panel in self.panels.items():
            if hasattr(panel.widget, "restore_state") and (kept := self._memory.get(f"panel_{name}")):
                panel.widget.restore_state(kept)
        if not self.docking.restore(self._memory):
            LOG.say("the remembered layout could not be used", "warning")

    def remember(self) -> None:
        """Keeps size and layout for the next start."""
        self._memory.set("geometry", base64.b64encode(self.saveGeometry().data()).decode())
        for name, panel in self.panels.items():
            if hasattr(panel.widget, "save_state"):
                self._memory.set(f"panel_{name}", panel.widget.save_state())
        self.docking.remember(self._memory)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files may be dropped anywhere: they are histories."""
        if event.mimeData().hasUrls():
            self._raise("imports")
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.panels["imports"].widget.dropEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closing is asked for, not done: the session ends first, and what stays open at a venue is said before."""
        event.ignore()
        self.venue_desk.leave(self._quit)

    def state(self) -> dict[str, Any]:
        """What is to be seen, in plain values."""
        visible = {name: panel.state() for name, panel in self.panels.items() if self.docks[name].isVisible()}
        return {
            "title": self.windowTitle(),
            "size": [self.width(), self.height()],
            "theme": self.theme.name,
            "toolbar": self.account_bar.state(),
            "replay": self.replay_bar.state(),
            "status": self.status.state(),
            "banner": self.banner.text(),
            "tabs": {name: dock.windowTitle() for name, dock in self.docks.items() if not dock.isClosed()},
            "panels": visible,
        }


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application
