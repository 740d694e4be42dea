"""`broker order`, `run --headless --feed` and `kill` as programs of their own, against the loopback TWS."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.config import AccountSection, Config, LimitsSection
from engine.core.clock import SystemClock
from engine.core.errors import UserError
from engine.domain.market import Timeframe
from engine.domain.shipped import shipped_instrument
from engine.profile import Profile, VenueSection
from engine.request import Request
from engine.services import ordering
from engine.signals.desk import Mode
from tests.keyrings import Desktop, keep_in
from tests.peers.tws.thread import Remote, in_thread

PHRASE = "passphrase=correct horse battery\n"
PATIENCE_S = 180
ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = pytest.mark.timeout(8 * PATIENCE_S)
"""Seven programs, one after the other, each with its own patience: on a busy machine they take minutes."""


@pytest.fixture
def tws(request: pytest.FixtureRequest) -> Iterator[Remote]:
    account = getattr(request, "param", "DU1234567")
    with in_thread(clock=SystemClock(), always_open=True, accounts=(account,)) as peer:
        peer.do(lambda it: it.quote("XAUUSD", "4000.00", "4000.30"))
        yield peer


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def ran(*words: object, said: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "main.py"), *map(str, words)]
        surroundings = _environment(tmp_path)
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, env=surroundings, check=False, input=said
        )

    return ran


def _environment(home: Path) -> dict[str, str]:
    return {**os.environ, "NICEGOLD_HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}


def order(tws: Remote, *words: object) -> list[object]:
    place = ["--broker", "ib", "--host", tws.host, "--port", tws.port, "--client-id", 3]
    what = ["--instrument", "XAUUSD", "--side", "buy", "--quantity", 1, "--sessions", "ignore", "--wait", 10, "--json"]
    return ["broker", "order", *place, *what, *words]


def said(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_bracket_is_filled_and_its_stop_and_target_stand_at_the_broker(tws: Remote, run: Run) -> None:
    found = said(run(*order(tws, "--type", "bracket", "--stop", "3980", "--target", "4050")))
    assert (found["state"], found["filled"], found["average_price"]) == ("FILLED", "1", "4000.300")
    assert [leg["state"] for leg in found["legs"]] == ["ACCEPTED", "ACCEPTED"]
    assert [fill["quantity"] for fill in found["fills"]] == ["1"]
    assert tws.look(lambda peer: peer.order(found["client_order_id"]).perm_id) == int(found["broker_order_id"])


def test_what_the_gate_denies_never_leaves(tws: Remote, run: Run) -> None:
    done = run(*order(tws, "--type", "limit", "--price", "8000"))
    assert done.returncode == 2
    assert done.stderr.startswith("nicegold: nothing was sent: ")
    assert tws.look(lambda peer: peer.received("placeOrder")) == []


@pytest.mark.parametrize("tws", ["U7654321"], indirect=True)
def test_an_account_with_money_wants_its_name_typed(tws: Remote, run: Run) -> None:
    keyless = run(*order(tws, "--live", "--arm", "U7654321"))
    assert "a book of an account with money is chained with a key, and there is none" in keyless.stderr
    begun = run("broker", "key", "--broker", "ib", "--vault", said=PHRASE)
    assert begun.returncode == 0, begun.stderr
    unarmed = run(*order(tws, "--live", "--wait", 0), said=PHRASE)
    assert unarmed.returncode == 2
    assert "not armed" in unarmed.stderr
    misspelt = run(*order(tws, "--live", "--arm", "U1111111"), said=PHRASE)
    assert "is not the account's name" in misspelt.stderr
    assert tws.look(lambda peer: peer.received("placeOrder")) == []
    assert said(run(*order(tws, "--live", "--arm", "U7654321"), said=PHRASE))["state"] == "FILLED"
    assert json.loads(run("audit", "head", "--json", said=PHRASE).stdout)["keyed"] is True
    assert "the passphrase was asked for and the input ended" in run("audit", "verify").stderr


@pytest.mark.parametrize("tws", ["U7654321"], indirect=True)
def test_what_only_its_owner_could_mend_is_said_at_once(tws: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in(Desktop({}), monkeypatch)
    monkeypatch.setattr(ordering, "READY_S", 100.0 * PATIENCE_S)
    venue = VenueSection(host=tws.host, port=tws.port, client_id=3, live=True, account="U7654321")
    wanted = Request(
        db=f"sqlite:///{(tmp_path / 'books.db').as_posix()}",
        models=tmp_path / "models",
        instrument=shipped_instrument("XAUUSD@ib"),
        timeframe=Timeframe.of("M1"),
        config=Config(account=AccountSection(), limits=LimitsSection(sessions="ignore")),
        policy="sma_cross",
        mode=Mode.MANUAL,
        feed="ib",
        broker="ib",
        profile=Profile(venues={"ib": venue}),
    )
    with pytest.raises(UserError, match="nothing was sent: live trading is not armed"):
        asyncio.run(asyncio.wait_for(ordering.send(wanted, ordering.Ticket("buy", "market", "1"), 0.0), PATIENCE_S))
    assert tws.look(lambda peer: peer.received("placeOrder")) == []


def test_a_session_without_a_window_is_killed_from_another_program_and_ends_in_order(
    tws: Remote, run: Run, tmp_path: Path
) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(f'[venues.ib]\nhost = "{tws.host}"\nport = {tws.port}\n[session]\nhistory_bars = 200\n')
    words = ["run", "--headless", "--feed", "ib", "--broker", "ib", "--instrument", "XAUUSD", "--profile", str(profile)]
    command = [sys.executable, str(ROOT / "main.py"), *words, "--policy", "sma_cross", "--mode", "manual", "--json"]
    session = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment(tmp_path))
    try:
        assert session.stderr is not None
        lines = iter(session.stderr.readline, "")
        assert next(line for line in lines if line.startswith("Ctrl+C ends it"))
        report = said(run("kill", "--json"))["sessions"][0]
        assert (report["state"], report["is_verified"], report["leftovers"]) == ("HALTED", True, [])
        session.send_signal(signal.SIGINT)
        out, _err = session.communicate(timeout=PATIENCE_S)
    finally:
        session.kill()
        session.wait()
    assert session.returncode == 0
    assert json.loads(out.splitlines()[-1])["trading_state"] == "HALTED"
    assert run("audit", "verify").returncode == 0
    assert run("kill").returncode == 2
