"""Fault 62: a configuration or profile that says what there is not is refused with where it stands, and nothing is opened."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from engine.config import load
from engine.core.clock import SystemClock
from engine.core.errors import ConfigError
from engine.live.opening import live_session
from engine.profile import load_profile
from tests.live.rig import paper_request
from tests.peers.tws import Peer

PROFILES = [
    ("[venues.ib]\nprot = 7497\n", "venues.ib.prot = 7497 is not accepted: there is no such key"),
    ('[venues.ib]\nport = "many"\n', "venues.ib.port = 'many' is not accepted"),
    ("[venues.ib]\nport = 70000\n", "venues.ib.port = 70000 is not accepted"),
    ('[venues.ib]\nlive = "perhaps"\n', "venues.ib.live = 'perhaps' is not accepted"),
    ("[session]\npatience = -1\n", "session.patience = -1 is not accepted"),
    ("[sesion]\npatience = 1\n", "sesion = {'patience': 1} is not accepted: there is no such key"),
    ("[venues\n", "cannot be read as TOML"),
]
CONFIGURATIONS = [
    ("[limits]\ndaily_los = 0.01\n", "limits.daily_los = 0.01 is not accepted: there is no such key"),
    ('[limits]\ndaily_loss = "a lot"\n', "limits.daily_loss = 'a lot' is not accepted"),
    ("[limits]\norders_per_minute = 1.5\n", "limits.orders_per_minute = 1.5 is not accepted"),
    ("[limits]\ndrawdown = nan\n", "limits.drawdown = nan is not accepted"),
    ('[limits]\nday_zone = "Mars/Olympus"\n', "limits.day_zone = 'Mars/Olympus' is not accepted"),
    ("[limits.instruments.XAUUSD]\nsize = 1\n", "limits.instruments.XAUUSD.size = 1 is not accepted: there is no such key"),
    ("[account\n", "cannot be read as TOML"),
]


@pytest.mark.parametrize(("text", "sentence"), PROFILES)
def test_fault_62_a_profile_is_refused_with_the_path_of_what_is_wrong(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load_profile(path)
    assert sentence in str(refused.value)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(("text", "sentence"), CONFIGURATIONS)
def test_fault_62_a_configuration_is_refused_with_the_path_of_what_is_wrong(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert sentence in str(refused.value)
    assert str(path) in str(refused.value)


def test_fault_62_a_session_with_a_wrong_profile_connects_to_nobody_and_writes_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with asyncio.timeout(180), Peer(clock=SystemClock(), always_open=True) as peer:
            profile = tmp_path / "profile.toml"
            profile.write_text(f'[venues.ib]\nhost = "{peer.host}"\nport = {peer.port}\nacount = "U1"\n', "utf-8")
            request = replace(paper_request(tmp_path), feed="ib", broker="ib", profile=profile)
            faults: list[Exception] = []
            with pytest.raises(ConfigError, match=r"venues\.ib\.acount"):
                async with live_session(request, faults.append):
                    pass
            assert peer.received() == []
            assert [path.name for path in tmp_path.iterdir()] == ["profile.toml"]

    asyncio.run(play())


def test_fault_62_the_command_says_so_in_one_line_and_ends_with_2(tmp_path: Path, capsys: Any) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text("[session]\nhistory = 5\n", "utf-8")
    words = ["run", "--headless", "--feed", "ib", "--broker", "paper", "--profile", str(profile)]
    assert run([*words, "--db", str(tmp_path / "books.db")]) == 2
    said = capsys.readouterr().err.strip()
    assert f"{profile}: session.history = 5 is not accepted: there is no such key" in said
    assert "Traceback" not in said
