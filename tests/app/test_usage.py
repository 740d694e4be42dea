"""A command that was not written as it has to be is answered with one sentence and code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import run

ORDER = ["broker", "order", "--broker", "ib", "--instrument", "XAUUSD"]
BUY = [*ORDER, "--side", "buy", "--quantity", "1"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["broker", "check", "--broker", "ib", "--port", "x"],
            "--port 'x' is not a whole number; see main.py broker check --help",
        ),
        (
            ["broker", "check", "--broker", "ib", "--timeout", "x"],
            "--timeout 'x' is not a number; see main.py broker check --help",
        ),
        (["broker", "check"], "missing option '--broker'; see main.py broker check --help"),
        (["kill", "--book", "x"], "--book 'x' is not a whole number; see main.py kill --help"),
        (["kill", "now"], "got unexpected extra argument(s) (now); see main.py kill --help"),
        (["session", "cancel"], "missing argument 'order'; see main.py session cancel --help"),
        (["nonsense"], "no such command 'nonsense'; see main.py --help"),
        (
            ["broker", "check", "--broker", "ib", "--port", "99999"],
            "--port 99999 is out of range: it should be less than or equal to 65535",
        ),
        ([*BUY, "--client-id", "-1"], "--client-id -1 is out of range: it should be greater than or equal to 0"),
        ([*BUY, "--timeout", "nan"], "--timeout nan is out of range: it should be less than or equal to 120"),
        ([*BUY, "--wait", "nan"], "--wait nan is no number of seconds; give 0 or more"),
        ([*BUY, "--type", "swap"], "--type 'swap' is not known; use market, limit, stop or bracket"),
        ([*BUY, "--tif", "week"], "--tif 'WEEK' is not known; use GTC, DAY, IOC or FOK"),
        ([*BUY, "--type", "limit"], "a limit order needs its limit; give --price"),
        ([*BUY, "--price", "4000"], "a market order has no price; leave --price out, or give --type limit"),
        ([*ORDER, "--side", "hold", "--quantity", "1"], "--side 'hold' is not known; use buy or sell"),
        (["kill"], "no live session is running here; what works at the broker has to be cancelled there, or by a session of it"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NICEGOLD_HOME", str(tmp_path))
    assert run(words) == 2
    assert capsys.readouterr() == ("", f"nicegold: {sentence}\n")
