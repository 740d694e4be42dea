"""`session`: what the window of a running session could do, from another program's command line."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from app.cli import run
from engine.domain import facts as f
from engine.domain.intents import SubmitOrder
from engine.signals.desk import Mode
from tests.catalogue.timed import LEVEL, timed
from tests.live.rig import GOLD, Desk, on_paper, played
from tests.live.test_door import TUESDAY

BID = SubmitOrder(GOLD, "buy", "limit", 2, price=399_000, stop_loss=398_000)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command line looks for sessions."""
    monkeypatch.setenv("NICEGOLD_HOME", str(tmp_path))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


async def command(*words: str) -> tuple[int, str]:
    """Exit code, and what was printed."""
    out = io.StringIO()

    def ran() -> int:
        with redirect_stdout(out), redirect_stderr(out):
            return run(["session", *words])

    return await asyncio.to_thread(ran), out.getvalue()


async def said(*words: str) -> Any:
    code, text = await command(*words, "--json")
    assert code == 0, text
    return json.loads(text.splitlines()[-1])


@asynccontextmanager
async def trading(home: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    async with on_paper(home, patch) as desk:
        await desk.ready()
        yield desk


def commanded(scenario: Callable[[Path, pytest.MonkeyPatch], Any]) -> Callable[[Path, pytest.MonkeyPatch], None]:
    """A test of a scenario in the folder where the command line looks."""

    def test(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        played(scenario)(home, monkeypatch)

    test.__name__ = scenario.__name__
    return test


async def _bid(desk: Desk) -> str:
    facts = desk.do(BID)
    name = next(fact.order for fact in facts if isinstance(fact, f.OrderIntended))
    await desk.until(lambda: desk.session.pipeline.register[name].state.value == "ACCEPTED")
    return name


@commanded
async def test_the_state_is_shown_in_lines_and_as_json(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with trading(folder, patch) as desk:
        await desk.open_long()
        name = await _bid(desk)
        code, text = await command("state")
        lines = text.splitlines()
        assert (code, lines[1]) == (0, "trading is ACTIVE")
        assert lines[0] == f"book {desk.opened.book.id} at paper (PAPER), prices from ticker, MANUAL"
        assert any(line.startswith("  position   2 XAUUSD at 4000.") and "stop 3980.00" in line for line in lines)
        assert f"  order      {name} entry buy 2 XAUUSD limit limit 3990.00, filled 0, ACCEPTED" in lines
        assert (await said("state"))["book"] == desk.opened.book.id


@commanded
async def test_limits_are_shown_tightened_and_loosened(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with trading(folder, patch):
        assert "              leverage  3\n" in (await command("limits"))[1]
        assert await command("limits", "leverage", "2") == (0, "leverage is 2, and was 3\n")
        assert await command("limits", "leverage", "2.5") == (
            2,
            "nicegold: leverage would be loosened from 2 to 2.5; say why with --reason\n",
        )
        code, text = await command("limits", "leverage", "2.5", "--reason", "a quiet week")
        assert (code, text.startswith("leverage becomes 2.5 at "), text.endswith("and is 2 until then\n")) == (0, True, True)
        assert [it["value"] for it in (await said("limits"))["limits_waiting"]] == ["2.5"]
        assert await command("limits", "leverage", "2") == (0, "leverage: what was asked for and waited is withdrawn\n")
        assert await command("limits", "order_lots", "5", "--instrument", "xauusd") == (
            0,
            "order_lots for XAUUSD is 5, and was none\n",
        )
        assert await command("limits", "leverage") == (
            2,
            "nicegold: leverage needs a value, such as main.py session limits leverage 2\n",
        )


@commanded
async def test_orders_are_changed_and_cancelled(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with trading(folder, patch) as desk:
        name, register = await _bid(desk), desk.session.pipeline.register
        assert (await said("change", name, "--price", "3985.5", "--quantity", "1"))["order"] == name
        await desk.until(lambda: (register[name].limit, register[name].quantity) == (398_550, 1))
        assert await command("change", name) == (
            2,
            "nicegold: nothing is to be changed; give --quantity, --price or --limit\n",
        )
        assert (await said("cancel", name))["order"] == name
        await desk.until(lambda: not register[name].is_live)
        assert await command("cancel", name) == (2, f"nicegold: order {name} is not working any more\n")
        assert await command("cancel", "a/b") == (2, "nicegold: this session knows no order a/b\n")
        assert {fact.by for fact in desk.facts if isinstance(fact, f.IntentReceived)} == {"owner", "command line"}


@commanded
async def test_trading_is_halted_resumed_and_flattened(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with trading(folder, patch) as desk:
        await desk.open_long()
        await _bid(desk)
        code, text = await command("flatten")
        assert code == 0
        assert text.endswith("; being closed: 1 position\n")
        assert await command("halt", "--reason", "lunch") == (0, "trading is HALTED\n")
        assert "trading is HALTED: lunch" in (await command("state"))[1]
        assert await command("resume", "--reason", "fed") == (0, "trading goes on\n")
        assert desk.session.pipeline.guard.state == "ACTIVE"
        assert (await command("halt", "--flatten"))[1].startswith("trading is HALTED\n")


@commanded
async def test_a_signal_is_answered(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with timed(folder, patch, TUESDAY, Mode.CONFIRM) as desk:
        await desk.minutes(LEVEL - 100, LEVEL + 900)
        (card,) = (await said("state"))["signals"]
        assert await command("signal", card["signal"], "override") == (
            2,
            "nicegold: override needs either --flip or --quantity, and nothing else has one\n",
        )
        assert await command("signal", card["signal"], "reject", "--reason", "news") == (0, f"{card['signal']}: reject\n")
        assert [(fact.decision, fact.reason) for fact in desk.told(f.CardDecided)] == [("vetoed", "news")]


@commanded
async def test_what_does_not_apply_is_one_sentence_and_code_2(folder: Path, patch: pytest.MonkeyPatch) -> None:
    assert await command("state") == (
        2,
        "nicegold: no live session is running here; begin one with main.py run --feed, or in the window\n",
    )
    async with trading(folder, patch) as desk:
        for words, sentence in [
            (["protect", "XAUUSD", "attach"], "nothing of XAUUSD was adopted without a stop; there is nothing to choose"),
            (["protect", "XAUUSD", "hold"], "choice 'hold' is not known; use attach, leave or close"),
            (["protect", "silver", "leave"], "'silver' is not traded in this session; use one of XAUUSD"),
            (["reconnect"], "paper comes back by itself; there is nothing to be said"),
            (["reconnect", "--port", "70000"], "--port 70000 is no port; give one from 1 to 65535"),
            (["state", "--book", "99"], "no live session with book 99 is running here"),
            (["signal", "S000001", "maybe"], "answer 'maybe' is not known; use accept, reject or override"),
        ]:
            code, text = await command(*words)
            assert (code, text.startswith(f"nicegold: {sentence}")) == (2, True), text
        other = folder / "session-1-77.json"
        [mine] = folder.glob("session-*.json")
        told = json.loads(mine.read_text())
        other.write_text(json.dumps({**told, "book": 77}))
        code, text = await command("state")
        assert (code, "name one of them with --book" in text) == (2, True)
        assert (await said("state", "--book", str(desk.opened.book.id)))["book"] == desk.opened.book.id
        other.write_text(json.dumps({**told, "book": 77, "port": 1}))
        assert (await said("state"))["book"] == desk.opened.book.id
        assert not other.exists()
