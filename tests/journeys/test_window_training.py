"""The first start: a model is trained in a process of its own, the window shows how far it is, and can be closed meanwhile."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from app.bridge import Bridge
from tests.app.rig import OPENING_S, Desk, live, request


def workers() -> list[str]:
    return [process.name for process in multiprocessing.active_children()]


def note(desk: Desk) -> str:
    return str(desk.window.status.state()["note"])


def test_a_model_is_trained_on_the_first_start_and_its_signals_say_why(qapp, home: Path) -> None:
    wanted = request(home, policy="model")
    notes: list[str] = []

    def listen(desk: Desk) -> None:
        desk.bridge.progressed.connect(lambda _share, _words: notes.append(note(desk)))

    async def first(desk: Desk) -> None:
        listen(desk)
        await desk.until(lambda: "fold" in note(desk), "the training's progress", OPENING_S)
        assert workers() == ["nicegold-worker"]
        assert "fold" in desk.panel("chart").model.empty_text
        await desk.opened()
        assert workers() == []
        card = await desk.play(lambda: next(iter(desk.panel("signals").cards.values()), None), "a signal of the model")
        shown = card.state()
        assert 0 < float(shown["probability"]) < 1
        assert len(shown["why"]) > 1

    async def again(desk: Desk) -> None:
        listen(desk)
        await desk.opened()

    live(wanted, first)
    assert any("%" in said for said in notes)
    notes.clear()
    live(wanted, again)
    assert not any("fold" in said for said in notes)


def test_closing_during_the_training_ends_its_process(qapp, home: Path) -> None:
    async def scenario(desk: Desk) -> None:
        bridge: Bridge = desk.bridge
        await desk.until(lambda: "features" in note(desk) or "fold" in note(desk), "a training", OPENING_S)
        desk.window.close()
        await desk.until(lambda: desk.terminal.window is None, "the window to go")
        assert bridge.opening is None
        assert workers() == []

    live(request(home, policy="model"), scenario)
    assert list(home.glob("models/*/*/manifest.json")) == []
