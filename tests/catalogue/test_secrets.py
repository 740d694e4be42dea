"""Faults 63 and 64: where secrets may lie, and that they are nowhere else."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.errors import KeyringLocked

from engine.brokers.secrets import KEY_VARIABLE, SECRET_VARIABLE, find_key, store_key
from engine.core.errors import NiceGoldError, UserError
from engine.core.log import crash_log, logger, start_log
from engine.domain import facts as f
from engine.services.sheets import write_sheet
from engine.storage.backup import make_backup
from tests.catalogue.rig import PAXG, at_exchange, minutes, session_at
from tests.peers.exchange import Exchange
from tests.peers.faults import Answer

pytestmark = pytest.mark.xdist_group("ccxt")

CANARY_KEY, CANARY_SECRET = "canary-key-2b7e151628aed2a6", "canary-secret-abf7158809cf4f3c"


class Desktop:
    """A keyring of the desktop; `trouble` is what it says instead."""

    __module__ = "keyring.backends.SecretService"

    def __init__(self, held: Mapping[str, str], trouble: Exception | None = None) -> None:
        self.held = dict(held)
        self._trouble = trouble

    def get_password(self, _service: str, name: str) -> str | None:
        if self._trouble is not None:
            raise self._trouble
        return self.held.get(name)

    def set_password(self, _service: str, name: str, value: str) -> None:
        if self._trouble is not None:
            raise self._trouble
        self.held[name] = value


class PlainFile(Desktop):
    """A backend that keeps secrets as they are."""

    __module__ = "keyrings.alt.file"


HELD = {"binance-key": CANARY_KEY, "binance-secret": CANARY_SECRET}
VAULTS = [
    pytest.param(lambda: PlainFile(HELD), "no keyring that keeps secrets encrypted", id="absent"),
    pytest.param(lambda: Desktop(HELD, KeyringLocked("locked")), "the keyring is locked", id="locked"),
]


def trading(exchange: Exchange, scenario: Callable[[], Awaitable[None]]) -> None:
    """Plays a scenario with the exchange running and quoting gold."""
    importlib.import_module("ccxt.pro")

    async def play() -> None:
        async with asyncio.timeout(180), exchange:
            exchange.history("PAXGUSDT", minutes(200))
            await exchange.quote("PAXGUSDT", "4000.00", "4000.10", depth=100)
            await scenario()

    asyncio.run(play())


@pytest.mark.parametrize(("vault", "sentence"), VAULTS)
def test_fault_63_without_an_unlocked_keyring_nothing_is_traded_and_no_other_place_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vault: Callable[[], Desktop], sentence: str
) -> None:
    for name in (KEY_VARIABLE, SECRET_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(keyring, "get_keyring", vault)
    exchange = Exchange(key=CANARY_KEY, secret=CANARY_SECRET)

    async def scenario() -> None:
        venue = _venue(exchange)
        with pytest.raises(NiceGoldError, match=sentence):
            async with session_at(tmp_path, "binance", {"binance": venue}, PAXG):
                pass
        assert not [request for request in exchange.requests if request.key]

    trading(exchange, scenario)
    assert _written_with_a_canary(tmp_path) == []


@pytest.mark.parametrize(("vault", "sentence"), VAULTS)
def test_fault_63_a_key_that_cannot_be_kept_encrypted_is_kept_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vault: Callable[[], Desktop], sentence: str
) -> None:
    backend = vault()
    backend.held = {}
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=sentence):
        store_key("binance", CANARY_KEY, CANARY_SECRET)
    assert backend.held == {}
    assert list(tmp_path.rglob("*")) == []


def test_fault_64_a_canary_secret_is_in_nothing_that_a_session_in_trouble_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, CANARY_KEY)
    monkeypatch.setenv(SECRET_VARIABLE, CANARY_SECRET)
    exchange = Exchange(key=CANARY_KEY, secret=CANARY_SECRET)
    log = start_log(tmp_path / "logs", level="DEBUG")

    async def scenario() -> None:
        async with at_exchange(exchange, tmp_path) as desk:
            await desk.ready()
            name = desk.buy(1_000)
            await desk.until(lambda: desk.state(name) == "FILLED" and desk.session.pipeline.protection.at_venue(PAXG) >= 999)
            exchange.faults.on("POST order", Answer(502, f"<html>{CANARY_SECRET} is what a proxy echoes</html>"))
            desk.buy(1_000, type="limit", price=399_000)
            await desk.until(lambda: desk.facts(f.OrderUnknown))
            await desk.until(lambda: desk.facts(f.OrderRejected))
            exchange.faults.on("GET account", Answer(500, f"garbage {CANARY_KEY}"))
            await desk.session.keeper.reconcile()
            exchange.drop_sockets()
            await desk.session.keeper.reconcile()
            try:
                raise RuntimeError(f"a bug that has {CANARY_SECRET} and {CANARY_KEY} in its sentence")
            except RuntimeError as error:
                crash_log(tmp_path / "logs", error)
            said.append(f"{desk.session.broker!r} {desk.session.feed!r} {desk.opened!r} {desk.session.picture()!r}")
        assert {request.key for request in exchange.asked("POST order")} == {CANARY_KEY}

    said: list[str] = []
    try:
        trading(exchange, scenario)
    finally:
        log.close()
        logging.getLogger().setLevel(logging.WARNING)
    db = f"{tmp_path}/books.db"
    for table in ("facts", "orders", "fills"):
        write_sheet(db, None, table, tmp_path / f"{table}.csv", None, overwrite=False)
    make_backup(db, tmp_path / "backups", 1_800_000_000_000_000_000, None, False, lambda _share, _words: None)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"books.db", "orders.csv", "facts.csv"} <= {path.name for path in written}
    assert [path for path in written if path.suffix == ".log" and path.stat().st_size]
    assert _written_with_a_canary(tmp_path) == []
    out = capfd.readouterr()
    assert not any(word in text for word in (CANARY_KEY, CANARY_SECRET) for text in (out.out, out.err, *said))


def test_fault_64_a_secret_of_the_keyring_is_struck_out_of_logs_and_crash_reports_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.core.log._hidden", set())
    monkeypatch.setattr(keyring, "get_keyring", lambda: Desktop(HELD))
    assert find_key("binance", {}, loopback=False).key is not None
    log = start_log(tmp_path)
    try:
        logger("broker").warning(f"refused: {CANARY_SECRET}", why=[f"of {CANARY_KEY}"])
        try:
            raise RuntimeError(f"a bug that has {CANARY_SECRET} and {CANARY_KEY} in its sentence")
        except RuntimeError as error:
            report = crash_log(tmp_path, error)
    finally:
        log.close()
        logging.getLogger().setLevel(logging.WARNING)
    assert _written_with_a_canary(tmp_path) == []
    assert "a bug that has *** and *** in its sentence" in report.read_text("utf-8")
    assert "refused: ***" in log.path.read_text("utf-8")


def _venue(exchange: Exchange) -> Any:
    from engine.profile import VenueSection

    return VenueSection(url=exchange.rest_url, ws_url=exchange.socket_url, timeout=2.0)


def _written_with_a_canary(folder: Path) -> list[Path]:
    """The files below that have a secret in them, in any of the usual spellings of its letters."""
    spellings = [word.encode(code) for word in (CANARY_KEY, CANARY_SECRET) for code in ("utf-8", "utf-16-le", "utf-16-be")]
    return [path for path in folder.rglob("*") if path.is_file() and any(it in path.read_bytes() for it in spellings)]
