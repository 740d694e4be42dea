"""`broker check` at an exchange, and where its key comes from."""

from __future__ import annotations

import json
import logging
import sys
from io import StringIO
from pathlib import Path

import pytest
from keyring.errors import InitError, KeyringLocked, NoKeyringError

from app.cli import run
from engine.brokers.secrets import find_key, is_trusted
from engine.core.errors import UserError
from engine.core.log import start_log
from tests.keyrings import Chain, Desktop, PlainFile, Ring, keep_in
from tests.peers.exchange import KEY, SECRET, Exchange
from tests.peers.exchange.aside import Aside

pytestmark = pytest.mark.xdist_group("ccxt")


WHOLE = {"binance-key": "ring-key-577215", "binance-secret": "ring-secret-664901"}


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NICEGOLD_API_KEY", "NICEGOLD_API_SECRET"):
        monkeypatch.delenv(name, raising=False)


def check(peer: Aside, *more: str) -> int:
    url, ws_url = peer.do(lambda it: (it.rest_url, it.socket_url))
    return run(["broker", "check", "--broker", "binance", "--url", url, "--ws-url", ws_url, "--json", *more])


def test_the_command_prints_one_object_with_what_stands_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NICEGOLD_API_KEY", KEY)
    monkeypatch.setenv("NICEGOLD_API_SECRET", SECRET)

    def trade(exchange: Exchange) -> None:
        exchange.place("PAXGUSDT", "BUY", "MARKET", "0.5")
        exchange.place("PAXGUSDT", "BUY", "LIMIT", "0.5", price="3800.00", timeInForce="GTC")

    with Aside() as peer:
        peer.do(lambda it: it.quote("PAXGUSDT", 3900, 3901))
        peer.do(trade)
        assert check(peer) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    shown = json.loads(last)
    assert {"connected", "server", "accounts", "cash", "positions", "open_orders", "executions"} <= shown.keys()
    assert (shown["connected"], shown["is_live"], shown["accounts"], shown["positions"]) == (True, False, ["354937868"], [])
    assert {it["currency"]: it["total"] for it in shown["cash"]}["PAXG"] == "10.4995"
    assert [(it["symbol"], it["limit"]) for it in shown["open_orders"]] == [("PAXGUSDT", "3800.00000000")]
    assert [(it["symbol"], it["price"]) for it in shown["executions"]] == [("PAXGUSDT", "3901.00000000")]
    assert lines[0].startswith("connected to Binance spot at http://127.0.0.1:")


@pytest.mark.usefixtures("no_variables")
def test_fault_63_without_a_keyring_what_is_public_is_shown_and_why_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_in(PlainFile(WHOLE), monkeypatch)
    with Aside() as peer:
        peer.do(lambda it: it.quote("PAXGUSDT", 3900, 3901))
        assert check(peer) == 0
        assert peer.do(lambda it: {asked.key for asked in it.requests}) == {None}
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (shown["connected"], shown["accounts"], shown["cash"]) == (True, [], [])
    assert any("no keyring that keeps secrets encrypted" in note for note in shown["notes"])
    assert "PAXGUSDT 3900.00 bid, 3901.00 ask" in shown["notes"]


@pytest.mark.usefixtures("no_variables")
def test_a_refusal_is_one_sentence_and_exit_code_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NICEGOLD_API_KEY", KEY)
    monkeypatch.setenv("NICEGOLD_API_SECRET", "another-secret-299792458")
    with Aside() as peer:
        assert check(peer) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert "the secret does not belong to the key" in told.err


def test_fault_64_a_key_of_the_keyring_appears_in_no_log_at_any_level(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, no_variables: None
) -> None:
    keep_in(Desktop(WHOLE), monkeypatch)
    log = start_log(tmp_path, level="DEBUG")
    try:
        with Aside(Exchange(key=WHOLE["binance-key"], secret=WHOLE["binance-secret"])) as peer:
            assert check(peer, "--live") == 0
            peer.do(lambda it: it.storm(None))
            peer.do(lambda it: it.revoke_key())
            assert check(peer, "--live") == 2
    finally:
        log.close()
        logging.getLogger().setLevel(logging.WARNING)
    told = capsys.readouterr()
    written = log.path.read_text("utf-8") if log.path.exists() else ""
    assert not any(secret in text for secret in WHOLE.values() for text in (told.out, told.err, written))
    assert "LIVE" in told.out


def test_fault_63_a_keyring_that_is_absent_or_locked_is_one_sentence_and_no_other_place_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for vault, sentence in (
        (Desktop({}, KeyringLocked("locked")), "the keyring is locked"),
        (Desktop({}, InitError("no bus")), "the keyring is locked or does not answer"),
        (Desktop({}, NoKeyringError("none")), "does not answer"),
        (Desktop({}, ConnectionResetError()), "does not answer"),
        (PlainFile(WHOLE), "there is no keyring that keeps secrets encrypted"),
        (Chain(Desktop(WHOLE), PlainFile(WHOLE)), "there is no keyring that keeps secrets encrypted"),
        (Desktop({}), "the keyring holds no key for binance; store one: main.py broker key --broker binance"),
    ):
        keep_in(vault, monkeypatch)
        found = find_key("binance", {"NICEGOLD_API_KEY": KEY, "NICEGOLD_API_SECRET": SECRET}, loopback=False)
        assert found.key is None
        assert sentence in found.why


def test_a_key_comes_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in(Chain(Desktop({**WHOLE, "binance-password": "word"})), monkeypatch)
    key = find_key("binance", {}, loopback=True).key
    assert key is not None
    assert (key.key, key.secret, key.password, key.is_for_tests) == (*WHOLE.values(), "word", False)
    assert is_trusted(Desktop({}))
    assert not is_trusted(Chain())


def test_the_key_of_a_test_exchange_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in(Desktop({**WHOLE, "binance-sandbox-key": "test-key", "binance-sandbox-secret": "test-secret"}), monkeypatch)
    keys = [find_key("binance", {}, loopback=False, sandbox=sandbox).key for sandbox in (False, True)]
    assert [key and key.key for key in keys] == [WHOLE["binance-key"], "test-key"]


def test_variables_count_towards_a_loopback_host_only(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in(Desktop(WHOLE), monkeypatch)
    given = {"NICEGOLD_API_KEY": KEY, "NICEGOLD_API_SECRET": SECRET}
    near, far = (find_key("binance", given, loopback=loopback).key for loopback in (True, False))
    assert near is not None
    assert far is not None
    assert (near.key, near.is_for_tests) == (KEY, True)
    assert (far.key, far.is_for_tests) == (WHOLE["binance-key"], False)


def test_half_a_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_in(Desktop({"binance-key": "only"}), monkeypatch)
    with pytest.raises(UserError, match="only half of the key for binance"):
        find_key("binance", {}, loopback=False)
    with pytest.raises(UserError, match="NICEGOLD_API_KEY and NICEGOLD_API_SECRET belong together"):
        find_key("binance", {"NICEGOLD_API_KEY": KEY}, loopback=True)


def test_a_key_is_stored_from_a_pipe_and_found_again_and_a_sandboxs_key_is_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_in(Desktop({}), monkeypatch)
    monkeypatch.setattr(sys, "stdin", StringIO("pipe-key-1414\npipe-secret-2236\nword\n"))
    assert run(["broker", "key", "--broker", "OKX", "--password"]) == 0
    found = find_key("okx", {}, loopback=False).key
    assert found is not None
    assert (found.key, found.secret, found.password) == ("pipe-key-1414", "pipe-secret-2236", "word")
    assert find_key("okx", {}, loopback=False, sandbox=True).key is None
    monkeypatch.setattr(sys, "stdin", StringIO("test-key\ntest-secret\n"))
    assert run(["broker", "key", "--broker", "okx", "--sandbox"]) == 0
    other = find_key("okx", {}, loopback=False, sandbox=True).key
    assert other is not None
    assert other.key == "test-key"
    told = capsys.readouterr()
    assert "pipe-" not in told.out + told.err


@pytest.mark.parametrize(
    ("vault", "typed", "sentence"),
    [
        (PlainFile({}), "key\nsecret\n", "there is no keyring that keeps secrets encrypted"),
        (Desktop({}, KeyringLocked("locked")), "key\nsecret\n", "the keyring is locked"),
        (Desktop({}), "key\n", "the secret was asked for and the input ended"),
        (Desktop({}), "key\n\n", "one of them is empty"),
    ],
    ids=["plain text", "locked", "half", "an empty line"],
)
def test_fault_63_a_key_that_cannot_be_kept_safely_is_kept_nowhere(
    vault: Ring, typed: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_in(vault, monkeypatch)
    monkeypatch.setattr(sys, "stdin", StringIO(typed))
    assert run(["broker", "key", "--broker", "binance"]) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert (told.out, vault.held) == ("", {})
