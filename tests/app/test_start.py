"""What is asked for is what is opened, with a display or without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.asked import NotAsked
from app.vault import unlock_for
from app.venue_desk import foreseen_money
from engine.config import Config
from engine.core.clock import SystemClock
from engine.domain.market import Timeframe
from engine.domain.shipped import shipped_instrument
from engine.profile import Profile, VenueSection
from engine.request import Request
from engine.services.bookkeeping import list_books
from tests.peers.tws.thread import in_thread

ROOT = Path(__file__).parents[2]
PATIENCE_S = 180


@pytest.mark.timeout(2 * PATIENCE_S)
@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows always have a display")
def test_without_a_display_a_live_session_runs_on_the_console_and_never_a_simulated_one(tmp_path: Path) -> None:
    profile, books = tmp_path / "profile.toml", tmp_path / "books.db"
    kept = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    surroundings = {**kept, "NICEGOLD_HOME": str(tmp_path), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    with in_thread(clock=SystemClock(), always_open=True, accounts=("DU1234567",)) as tws:
        tws.do(lambda it: it.quote("XAUUSD", "4000.00", "4000.30"))
        profile.write_text(f'[venues.ib]\nhost = "{tws.host}"\nport = {tws.port}\n[session]\nhistory_bars = 200\n')
        words = ["--feed", "ib", "--broker", "ib", "--profile", profile, "--policy", "sma_cross", "--db", books]
        session = subprocess.Popen(
            [sys.executable, ROOT / "main.py", *words],
            stderr=subprocess.PIPE,
            text=True,
            env=surroundings,
            stdin=subprocess.DEVNULL,
        )
        try:
            assert session.stderr is not None
            lines: list[str] = []
            for line in session.stderr:
                lines.append(line)
                if line.startswith("Ctrl+C ends it"):
                    break
            session.send_signal(signal.SIGINT)
            session.communicate(timeout=PATIENCE_S)
        finally:
            session.kill()
            session.wait()
    assert session.returncode == 0, lines
    assert lines[0].startswith("No window: there is no display")
    assert "book 1 (ib prices, ib, PAPER, CONFIRM)\n" in lines
    assert "signals wait for their owner: main.py session signal answers them\n" in lines
    assert [book.kind for book in list_books(f"sqlite:///{books}")] == ["live ib"]


@pytest.mark.parametrize(("said", "money"), [("live = true", "LIVE"), ("live = false", "PAPER"), ("liv = true", "PAPER")])
def test_a_window_that_starts_shows_what_the_profile_says_is_at_stake(tmp_path: Path, said: str, money: str) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(f"[venues.ib]\n{said}\n")
    gold = shipped_instrument("XAUUSD")
    request = Request("sqlite://", tmp_path, gold, Timeframe.of("M1"), Config(), feed="ib", broker="ib", profile=profile)
    assert foreseen_money(request) == money
    assert foreseen_money(replace(request, broker="paper")) == "PAPER"


@pytest.mark.parametrize("live", [False, True])
def test_from_a_menu_a_paper_session_starts_with_its_vault_closed_and_one_with_money_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live: bool
) -> None:
    def nobody() -> None:
        raise NotAsked("there is no terminal")

    monkeypatch.setattr("app.vault.unlock", nobody)
    profile = Profile(venues={"ib": VenueSection(live=live)})
    gold = shipped_instrument("XAUUSD")
    request = Request("sqlite://", tmp_path, gold, Timeframe.of("M1"), Config(), feed="ib", broker="ib", profile=profile)
    if live:
        with pytest.raises(NotAsked):
            unlock_for(request)
    else:
        unlock_for(request)
