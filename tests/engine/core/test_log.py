"""The log keeps what happened and strikes out what must not be kept."""

import io
import json
import logging
import subprocess
import sys

import pytest

from engine.core.log import FILE_NAME, crash_log, logger, start_log


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setenv("NICEGOLD_API_IB_SECRET", "hunter2-hunter2")
    monkeypatch.setenv("NICEGOLD_API_SHORT", "abc")
    console = io.StringIO()
    root_level = logging.getLogger().level
    started = start_log(tmp_path / "logs", console=console)
    yield started, console
    started.close()
    logging.getLogger().setLevel(root_level)


def lines(started) -> list[dict]:
    return [json.loads(line) for line in started.path.read_text(encoding="utf-8").splitlines()]


def test_an_event_is_one_line_of_json_with_its_time_and_fields(log):
    started, _ = log
    logger("broker").info("order sent", order="A1", quantity=3)
    (line,) = lines(started)
    assert line["at"].endswith("Z")
    assert {name: line[name] for name in ("event", "level", "logger", "order", "quantity")} == {
        "event": "order sent", "level": "info", "logger": "broker", "order": "A1", "quantity": 3,
    }  # fmt: skip


def test_the_console_shows_warnings_as_plain_lines_and_leaves_the_rest_to_the_file(log):
    started, console = log
    logger("feed").info("tick")
    logger("feed").warning("feed is stale", symbol="XAUUSD")
    assert console.getvalue().rstrip().endswith("warning feed feed is stale symbol=XAUUSD")
    assert len(lines(started)) == 2


@pytest.mark.parametrize(
    "field", ["api_key", "apiKey", "secret", "token", "password", "passphrase", "Authorization", "key", "x-key"]
)
def test_fields_that_hold_secrets_are_struck_out(log, field):
    started, _ = log
    logger("broker").info("connected", settings={field: "very secret", "host": "localhost"})
    assert lines(started)[0]["settings"] == {field: "***", "host": "localhost"}


def test_fields_that_only_sound_like_secrets_are_kept(log):
    started, _ = log
    logger("app").info("pressed", keyboard="de", hotkey_name="F9", monkey="yes")
    assert {"keyboard": "de", "hotkey_name": "F9", "monkey": "yes"}.items() <= lines(started)[0].items()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("login with hunter2-hunter2 failed", "login with *** failed"),
        ("cannot open postgresql://trader:pa55@db/books", "cannot open postgresql://trader:***@db/books"),
        ("GET /x?apiKey=abcdef&symbol=XAU", "GET /x?apiKey=***&symbol=XAU"),
        ("{'Authorization': 'Bearer abc.def'}", "{'Authorization': 'Bearer ***'}"),
        ("abc is too short to be a secret", "abc is too short to be a secret"),
    ],
)
def test_secrets_are_struck_out_of_text(log, text, written):
    started, _ = log
    logger("app").info(text, nested=[text])
    assert (lines(started)[0]["event"], lines(started)[0]["nested"]) == (written, [written])


def test_what_libraries_log_themselves_is_redacted_too(log):
    started, console = log
    logging.getLogger("exchange.http").warning("sent %s", {"password": "x1y2z3", "proxy": "hunter2-hunter2"})
    line = lines(started)[0]
    assert line["logger"] == "exchange.http"
    assert "x1y2z3" not in str(line) + console.getvalue()
    assert "hunter2" not in str(line) + console.getvalue()


def failure(sentence: str) -> Exception:
    try:
        raise RuntimeError(sentence)
    except RuntimeError as error:
        return error


def test_an_exception_is_logged_with_its_traceback(log):
    started, console = log
    logger("app").error("bug", exc_info=failure("hunter2-hunter2 refused"))
    line = lines(started)[0]
    assert "Traceback" in line["exception"]
    assert "RuntimeError: *** refused" in line["exception"]
    assert "RuntimeError: *** refused" in console.getvalue()


def test_a_crash_gets_a_file_of_its_own_without_secrets(log, tmp_path):
    path = crash_log(tmp_path / "crashes", failure("token=abcdef"))
    text = path.read_text(encoding="utf-8")
    assert path.parent == tmp_path / "crashes"
    assert "in failure" in text
    assert text.endswith("RuntimeError: token=***\n")


def test_a_full_file_is_rotated(log, monkeypatch):
    started, _ = log
    monkeypatch.setattr(started.handlers[0], "maxBytes", 300)
    for number in range(10):
        logger("app").info("line", number=number)
    assert (started.path.parent / f"{FILE_NAME}.1").exists()
    assert lines(started)[-1]["number"] == 9


def test_importing_the_log_does_not_import_structlog():
    code = "import sys, engine.core.log; sys.exit('structlog' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
