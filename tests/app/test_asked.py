"""Secrets from a pipe: named lines in any order, others in the order they are asked for."""

from __future__ import annotations

import sys
from io import StringIO

import pytest

from app import asked as asking
from app.asked import asked
from engine.core.errors import UserError


@pytest.fixture(autouse=True)
def _nothing_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_set_aside", {})


def piped(monkeypatch: pytest.MonkeyPatch, text: str, *names: str) -> list[str]:
    monkeypatch.setattr(sys, "stdin", StringIO(text))
    return [asked(name, "never shown") for name in names]


@pytest.mark.parametrize(
    "text",
    [
        "passphrase=open sesame\nkey=abc\nsecret=x=y\n",
        "secret=x=y\r\nkey=abc\r\npassphrase=open sesame\r\n",
        "key=abc\nopen sesame\nsecret=x=y",
        "open sesame\nabc\nx=y\n",
    ],
)
def test_named_lines_are_taken_in_any_order_and_others_as_they_are_asked_for(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert piped(monkeypatch, text, "passphrase", "key", "secret") == ["open sesame", "abc", "x=y"]


def test_a_passphrase_that_is_not_asked_for_is_not_taken_for_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert piped(monkeypatch, "passphrase=open sesame\nkey=abc\nsecret=def\n", "key", "secret") == ["abc", "def"]


@pytest.mark.parametrize("text", ["", "key=abc\n"])
def test_a_pipe_that_ends_too_soon_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(UserError, match="the secret was asked for and the input ended; give it as the line secret="):
        piped(monkeypatch, text, "secret")


def test_without_terminal_and_pipe_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UserError, match="no terminal to ask for the passphrase on"):
        asked("passphrase", "never shown")
