"""The door into a running session: every address over real HTTP, at a real session on paper."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.core.clock import from_iso
from engine.domain import facts as f
from engine.domain.order import Role
from engine.live import door
from engine.live.control import HOST
from engine.signals.desk import Mode
from tests.catalogue.timed import LEVEL, timed
from tests.live.caller import Caller, calling
from tests.live.rig import GOLD, Desk, on_paper, played

BUY = {"instrument": GOLD, "side": "buy", "quantity": "2", "stop_loss": "3980"}
BID = {**BUY, "type": "limit", "price": "3990.00"}
TUESDAY = from_iso("2024-06-11T12:00:30")


async def _placed(desk: Desk, caller: Caller, key: str, **terms: Any) -> str:
    """A bid that works."""
    status, said = await caller.post("/v1/orders", {**BID, **terms}, key)
    assert status == 200, said
    await desk.until(lambda: desk.session.pipeline.register[said["order"]].state.value == "ACCEPTED")
    return str(said["order"])


async def _goes_on(desk: Desk, holds: Callable[[], object]) -> None:
    """The market goes on until it holds."""
    async with asyncio.timeout(20):
        while not holds():
            desk.feed.say(400_010, 400_040)
            await asyncio.sleep(0.01)


def _entries(desk: Desk) -> list[str]:
    return [order.id for order in desk.session.pipeline.register.orders.values() if order.role is Role.ENTRY]


def _asked(desk: Desk) -> list[tuple[str, str]]:
    """By whom, and with what key."""
    return [(fact.by, fact.key) for fact in desk.facts if isinstance(fact, f.IntentReceived)]


@played
async def test_the_state_tells_account_positions_orders_limits_and_the_venue(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        await desk.open_long()
        status, state = await caller.get("/v1/state")
        assert status == 200
        assert (state["book"], state["mode"], state["armed"]) == (desk.opened.book.id, "MANUAL", False)
        assert state["trading"] == {"state": "ACTIVE", "reason": ""}
        assert state["account"]["currency"] == "USD"
        (position,) = state["positions"]
        assert (position["instrument"], position["quantity"], position["protected"]) == (GOLD, "2", "2")
        assert position["stop"] == "3980.00"
        assert {order["role"] for order in state["orders"]} == {"stop", "target"}
        assert state["limits"]["leverage"] == "3"
        assert {gauge["name"] for gauge in state["limits_used"]} >= {"position", "daily_loss", "leverage"}
        assert (state["venue"]["is_ready"], state["venue"]["trouble"]) == (True, "")


@played
async def test_a_preview_is_the_gates_verdict_and_places_nothing(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        status, verdict = await caller.post("/v1/orders?preview=true", BID)
        assert (status, verdict["approved"], verdict["reasons"]) == (200, True, [])
        assert {line["name"] for line in verdict["limits"]} >= {"position", "leverage"}
        _, verdict = await caller.post("/v1/orders?preview=true", {**BID, "price": "8000"})
        assert not verdict["approved"]
        assert verdict["reasons"]
        assert _entries(desk) == _asked(desk) == []


@played
async def test_an_order_takes_the_same_way_as_the_windows_and_is_on_record_with_its_key(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        name = await _placed(desk, caller, "first", quantity=2)
        assert _asked(desk) == [("api", "first")]
        status, order = await caller.get(f"/v1/orders/{name}")
        assert status == 200
        assert (order["state"], order["quantity"], order["limit"], order["side"]) == ("ACCEPTED", "2", "3990.00", "buy")


@played
async def test_the_same_key_is_the_same_order_in_flight_and_afterwards(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        first, *others = await asyncio.gather(*(caller.post("/v1/orders", BID, "one") for _ in range(4)))
        assert others == [first] * 3
        assert _entries(desk) == [first[1]["order"]]
        await desk.until(lambda: desk.session.pipeline.register[first[1]["order"]].state.value == "ACCEPTED")
        assert await caller.post("/v1/orders", BID, "one") == first
        assert await caller.post("/v1/orders", {**BID, "price": 3990}, "one") == first  # the same order, spelled otherwise
        status, said = await caller.post("/v1/orders", {**BID, "quantity": 1}, "one")
        assert (status, "has come with another order" in said["error"]) == (409, True)
        assert _entries(desk) == [first[1]["order"]]


@played
async def test_a_key_is_known_after_a_restart(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        first = await caller.post("/v1/orders", BID, "one")
        denied = await caller.post("/v1/orders", {**BID, "price": "8000"}, "far")
    assert (first[0], denied[0]) == (200, 422)
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        assert await caller.post("/v1/orders", BID, "one") == first
        assert await caller.post("/v1/orders", {**BID, "price": "8000"}, "far") == denied
        assert (await caller.post("/v1/orders", {**BID, "quantity": 1}, "one"))[0] == 409
        assert [key for _, key in _asked(desk)] == ["one", "far"]


@played
async def test_an_order_that_cannot_be_recorded_is_not_sent_and_a_repeat_hears_the_same(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        lock = sqlite3.connect(folder / "books.db")
        try:
            lock.execute("BEGIN IMMEDIATE")
            first = await caller.post("/v1/orders", BID, "one")
        finally:
            lock.close()
        assert first[0] == 503
        assert "it could not be recorded, so nothing was sent" in first[1]["error"]
        await desk.until(lambda: not desk.session.journal.trouble)
        assert await caller.post("/v1/orders", BID, "one") == first
        assert not any(isinstance(fact, f.OrderSent) for fact in desk.facts)
        await _placed(desk, caller, "two")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({**BUY, "quantity": "NaN"}, "quantity: "),
        ({**BUY, "quantity": True}, "quantity: it is not a number"),
        ({**BUY, "quantity": "much"}, "quantity: it is not a number"),
        ({**BUY, "quantity": "0.5"}, "XAUUSD quantity 0.5 is not a multiple of the lot step 1; the nearest below is 0"),
        ({**BUY, "price": "3990.001"}, "XAUUSD price 3990.001 is not a multiple of the tick 0.01; the nearest below is 3990.00"),
        ({**BUY, "side": "hold"}, "side: should be 'buy' or 'sell'"),
        ({**BUY, "colour": "red"}, "colour: there is no such field"),
        ({"instrument": GOLD, "side": "buy"}, "quantity: it is missing"),
        ({**BUY, "instrument": "SILVER"}, "'SILVER' is not traded in this session; use one of XAUUSD"),
        ({**BUY, "expires": "soon"}, "expires = 'soon' is no time; write it as 2026-03-31T16:00:00Z"),
        ({**BUY, "targets": [{"price": 1}]}, "targets.0.quantity: it is missing"),
        ({**BUY, "trail_percent": "0.00001"}, "0.00001 % is finer than a ten-thousandth of a per cent"),
        ([], "the body is not a JSON object"),
    ],
)
def test_what_is_no_order_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: Any, sentence: str) -> None:
    async def play(folder: Path, patch: pytest.MonkeyPatch) -> None:
        async with on_paper(folder, patch) as desk, calling(folder) as caller:
            status, said = await caller.post("/v1/orders", body, "key")
            assert (status, said["error"][: len(sentence)]) == (400, sentence)
            assert _asked(desk) == []

    played(play)(tmp_path, monkeypatch)


@played
async def test_what_is_not_json_or_too_much_of_it_is_refused(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        headers = {**caller.headers, "Content-Type": "application/json"}

        async def sent(raw: bytes, **others: str) -> tuple[int, Any]:
            return await caller.ask("POST", "/v1/flatten", data=raw, headers={**headers, **others})

        status, said = await sent(b"{")
        assert (status, said["error"][:24]) == (400, "the body is not JSON: Ex")
        assert (await sent(b"[" * 60_000))[0] == 400
        assert await sent(b'{"a": NaN}') == (400, {"error": "the body is not JSON: NaN is no number"})
        assert await sent(b'{"a": 1, "a": 2}') == (400, {"error": "the body is not JSON: a field is given twice"})
        assert (await sent(b" " * (door.LARGEST + 1)))[0] == 413
        assert (await sent(b"{}", **{"Content-Type": "text/plain"}))[0] == 415
        assert (await sent(zlib.compress(b" " * 10 * door.LARGEST), **{"Content-Encoding": "deflate"}))[0] == 415
        assert _asked(desk) == []


@played
async def test_an_order_without_a_key_or_with_one_that_is_none_is_refused(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        for key in ("", "a" * 201, "a\tb"):
            status, said = await caller.post("/v1/orders", BID, key)
            assert (status, "Idempotency-Key" in said["error"]) == (400, True)
        assert _asked(desk) == []


@played
async def test_a_preview_that_is_misspelt_places_nothing(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        for asked in ("preveiw=true", "preview=yes", "preview=false&preview=true", "preview=true&for=me"):
            status, said = await caller.post(f"/v1/orders?{asked}", BID, "key")
            assert (status, said["error"].partition(";")[0]) == (400, f"?{asked} is not understood")
        assert _asked(desk) == []


@played
async def test_orders_are_changed_and_cancelled(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        name = await _placed(desk, caller, "one")
        assert (await caller.ask("PATCH", f"/v1/orders/{name}", json={"price": "3985.50", "quantity": 1}))[0] == 200
        order = desk.session.pipeline.register
        await desk.until(lambda: (order[name].limit, order[name].quantity) == (398_550, 1))
        status, said = await caller.ask("PATCH", f"/v1/orders/{name}", json={})
        assert (status, said["error"]) == (400, "nothing is to be changed; give quantity, price or limit")
        status, said = await caller.ask("DELETE", f"/v1/orders/{name}")
        assert [fact["kind"] for fact in said["facts"]][:2] == ["IntentReceived", "CancelRequested"]
        await desk.until(lambda: not order[name].is_live)
        status, said = await caller.ask("DELETE", f"/v1/orders/{name}")
        assert (status, said["error"]) == (422, f"order {name} is not working any more")
        for method in ("GET", "DELETE", "PATCH"):
            terms = {"json": {"price": 1}} if method == "PATCH" else {}
            assert await caller.ask(method, "/v1/orders/none", **terms) == (404, {"error": "this session knows no order none"})


@played
async def test_positions_are_closed_and_trading_is_halted_and_resumed(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        await desk.open_long()
        assert (await caller.post("/v1/flatten"))[0] == 200
        await _goes_on(desk, lambda: not desk.session.pipeline.ledger.position(GOLD))
        assert (await caller.post("/v1/halt", {"reason": "lunch"}))[0] == 200
        assert (await caller.get("/v1/state"))[1]["trading"] == {"state": "HALTED", "reason": "lunch"}
        assert (await caller.post("/v1/orders", BID, "one"))[0] == 422
        assert (await caller.post("/v1/resume", {"reason": "fed"}))[0] == 200
        assert (await caller.get("/v1/state"))[1]["trading"]["state"] == "ACTIVE"


@played
async def test_a_limit_is_tightened_at_once_and_loosened_only_with_a_reason(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        assert (await caller.post("/v1/limits", {"limit": "leverage", "value": 2}))[0] == 200
        assert (await caller.get("/v1/state"))[1]["limits"]["leverage"] == "2"
        status, said = await caller.post("/v1/limits", {"limit": "leverage", "value": "2.5"})
        assert (status, said["error"]) == (422, "leverage would be loosened from 2 to 2.5; say why")
        assert (await caller.post("/v1/limits", {"limit": "leverage", "value": "2.5", "reason": "a quiet week"}))[0] == 200
        _, state = await caller.get("/v1/state")
        assert [(it["limit"], it["value"], it["reason"]) for it in state["limits_waiting"]] == [
            ("leverage", "2.5", "a quiet week")
        ]
        assert state["limits"]["leverage"] == "2"
        assert (await caller.post("/v1/limits", {"limit": "order_lots", "value": "5", "instrument": "xauusd"}))[0] == 200
        own = (await caller.get("/v1/state"))[1]["limits_of_instruments"]
        assert own == [{"instrument": GOLD, "limit": "order_lots", "value": "5"}]


@played
async def test_what_does_not_apply_is_refused_in_the_sessions_own_words(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        refusals = [
            ("/v1/protection", {"instrument": GOLD, "choice": "attach"}, "nothing of XAUUSD was adopted without a stop"),
            ("/v1/reconnect", {}, "comes back by itself"),
            ("/v1/signals/S000001", {"answer": "accept"}, "signal S000001 does not wait any more"),
        ]
        for path, body, sentence in refusals:
            status, said = await caller.post(path, body)
            assert (status, sentence in said["error"]) == (422, True), said
        assert [by for by, _ in _asked(desk)] == ["api"] * 3


@pytest.mark.parametrize(
    ("body", "decision"),
    [
        ({"answer": "accept"}, "accepted"),
        ({"answer": "reject", "reason": "the news"}, "vetoed"),
        ({"answer": "override", "flip": True, "reason": "the trend"}, "flipped"),
        ({"answer": "override", "quantity": "1"}, "resized"),
    ],
)
def test_a_signal_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], decision: str) -> None:
    async def play(folder: Path, patch: pytest.MonkeyPatch) -> None:
        async with timed(folder, patch, TUESDAY, Mode.CONFIRM) as desk, calling(folder) as caller:
            await desk.minutes(LEVEL - 100, LEVEL + 900)
            await desk.seen(LEVEL + 900)
            (card,) = (await caller.get("/v1/state"))[1]["signals"]
            status, said = await caller.post(f"/v1/signals/{card['signal']}", body)
            assert status == 200, said
            (decided,) = desk.told(f.CardDecided)
            assert (decided.decision, decided.reason) == (decision, body.get("reason", ""))

    played(play)(tmp_path, monkeypatch)


@played
async def test_an_override_says_how(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch), calling(folder) as caller:
        for body in ({"answer": "override"}, {"answer": "accept", "flip": True}):
            status, said = await caller.post("/v1/signals/S000001", body)
            assert (status, said["error"]) == (400, "an override needs either flip or a quantity, and nothing else has one")
        status, said = await caller.post("/v1/signals/S000001", {"answer": "override", "quantity": 1})
        assert (status, said["error"]) == (422, "signal S000001 does not wait any more")


@played
async def test_the_kill_switch_reports_what_it_came_to(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        await _placed(desk, caller, "one")
        status, report = await caller.post("/v1/kill", {"drill": True})
        assert status == 200
        assert (report["state"], report["cancelled"], report["is_verified"], report["leftovers"]) == ("ACTIVE", 1, True, [])
        _, report = await caller.post("/v1/kill")
        assert (report["state"], report["drill"]) == ("HALTED", False)
        assert [fact.by for fact in desk.facts if isinstance(fact, f.KillSwitched)] == ["api", "api"]


@played
async def test_nobody_comes_in_who_does_not_know_the_word_or_comes_from_a_page(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        for headers, status in [
            ({}, 401),
            ({"Authorization": "Bearer guess"}, 401),
            ({"Authorization": caller.headers["Authorization"].replace("Bearer", "Basic")}, 401),
            ({"Authorization": "Bearer \xe9"}, 401),
            ({**caller.headers, "Host": "evil.example"}, 403),
            ({**caller.headers, "Host": f"evil.example:{caller.port}"}, 403),
            ({**caller.headers, "Origin": f"http://{HOST}:{caller.port}"}, 403),
        ]:
            for path in ("/v1/state", "/v1/nowhere"):
                assert (await caller.ask("GET", path, headers=headers))[0] == status
            assert (await caller.ask("POST", "/v1/kill", headers=headers, json={}))[0] == status
        assert (await caller.ask("OPTIONS", "/v1/orders"))[0] == 405
        assert _asked(desk) == []


@played
async def test_arming_is_not_done_from_here(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch), calling(folder) as caller:
        for path in ("/v1/arm", "/v2/state", "/"):
            assert (await caller.post(path, {"account": "paper"}))[0] == 404


@played
async def test_a_session_that_is_being_closed_opens_nothing_and_one_that_is_over_does_nothing(
    folder: Path, patch: pytest.MonkeyPatch
) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        await desk.ready()
        name = await _placed(desk, caller, "before")
        desk.session.is_leaving = True
        assert (await caller.post("/v1/orders", BID, "before"))[1]["order"] == name
        assert (await caller.post("/v1/orders?preview=true", BID))[0] == 503
        status, said = await caller.post("/v1/orders", BID, "one")
        assert (status, said["error"]) == (503, "the session is being closed; nothing was done")
        assert (await caller.post("/v1/resume"))[0] == 503
        assert (await caller.get("/v1/state"))[0] == 200
        assert (await caller.post("/v1/kill"))[0] == 200
        desk.session.has_ended = True
        assert (await caller.post("/v1/kill"))[1]["error"] == "the session is over; nothing was done"
        assert _asked(desk)[:2] == [("api", "before"), ("api", "")]
        assert _entries(desk) == [name]


@played
async def test_a_request_that_never_arrives_whole_is_given_up(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(door, "READ_S", 0.05)
    async with on_paper(folder, patch), calling(folder) as caller:
        reader, writer = await asyncio.open_connection(HOST, caller.port)
        head = [f"Host: {HOST}:{caller.port}", f"Authorization: {caller.headers['Authorization']}", "Content-Length: 10"]
        writer.write("\r\n".join(["POST /v1/kill HTTP/1.1", *head, "", "{"]).encode())
        assert b"408" in await reader.readline()
        writer.close()
        await writer.wait_closed()


@played
async def test_a_connection_on_which_nothing_is_said_is_closed(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(door, "SILENT_S", 0.05)
    async with on_paper(folder, patch), calling(folder) as caller:
        reader, writer = await asyncio.open_connection(HOST, caller.port)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


@played
async def test_more_connections_than_a_few_are_turned_away_and_taken_again_later(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(door, "MOST", 2)
    patch.setattr(door, "SILENT_S", 3_600.0)
    async with on_paper(folder, patch), calling(folder) as caller:
        head = f"Host: {HOST}:{caller.port}\r\nAuthorization: {caller.headers['Authorization']}\r\n\r\n"

        async def asked() -> bytes:
            """The first line of the answer to somebody new, empty where there is none."""
            try:
                reader, writer = await asyncio.open_connection(HOST, caller.port)
                others.append(writer)
                writer.write(f"GET /v1/state HTTP/1.1\r\n{head}".encode())
                return await reader.readline()
            except ConnectionError:
                return b""

        others: list[asyncio.StreamWriter] = []
        assert [await asked() for _ in range(3)] == [b"HTTP/1.1 200 OK\r\n"] * 2 + [b""]
        for writer in others:
            writer.close()
        async with asyncio.timeout(20):
            while not await asked():
                others[-1].close()
                await asyncio.sleep(0.01)
        others[-1].close()


async def _spoken_to(peer: socket.socket) -> None:
    """Speaks to it for as long as it is there."""
    async with asyncio.timeout(20):
        while True:
            with suppress(BlockingIOError):
                peer.send(b".")
            await asyncio.sleep(0.005)


@played
async def test_whoever_does_not_read_its_answers_holds_up_no_end(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(door, "LEAVE_S", 0.05)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.setblocking(False)
        async with on_paper(folder, patch), calling(folder) as caller:
            await asyncio.get_running_loop().sock_connect(deaf, (HOST, caller.port))
            head = f"Host: {HOST}:{caller.port}\r\nAuthorization: {caller.headers['Authorization']}\r\n\r\n"
            refused = 0
            while refused < 40:  # the door takes nothing any more, for it cannot get rid of its answers
                try:
                    deaf.send(f"GET /v1/state HTTP/1.1\r\n{head}".encode() * 50)
                    refused = 0
                except BlockingIOError:
                    refused += 1
                await asyncio.sleep(0.005 if refused else 0)
        with pytest.raises(ConnectionError):
            await _spoken_to(deaf)


@played
async def test_a_bug_in_an_answer_is_reported_and_the_session_goes_on(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:

        def broken() -> None:
            raise ZeroDivisionError("a mistake")

        with patch.context() as broken_for_now:
            broken_for_now.setattr(desk.session, "picture", broken)
            status, said = await caller.get("/v1/state")
        assert (status, "ZeroDivisionError" in said["error"]) == (500, True)
        assert [str(fault) for fault in desk.faults] == ["a mistake"]
        assert (await caller.get("/v1/state"))[0] == 200


@played
async def test_every_kind_of_order_becomes_the_intent_of_the_window(folder: Path, patch: pytest.MonkeyPatch) -> None:
    async with on_paper(folder, patch) as desk, calling(folder) as caller:
        common = {"instrument": "xauusd", "side": "sell", "quantity": 4}
        for number, (body, intent) in enumerate(
            [
                (
                    {"type": "stop_limit", "price": "3980", "limit": "3979.50", "tif": "GTD", "expires": "2099-01-01T00:00:00Z"},
                    {"price": 398_000, "limit": 397_950, "tif": "GTD", "expires": from_iso("2099-01-01T00:00:00Z")},
                ),
                ({"type": "trailing", "trail": "12.5", "reduce_only": True}, {"trail": 1_250, "reduce_only": True}),
                ({"type": "trailing", "trail_percent": 0.25}, {"trail_ppm": 2_500}),
                (
                    {"type": "limit", "price": 4010, "post_only": True, "stop_loss": 4020.5, "stop_trail_percent": "1"},
                    {"price": 401_000, "post_only": True, "stop_loss": 402_050, "stop_trail_ppm": 10_000},
                ),
                (
                    {"stop_loss": "4020", "stop_trail": 5, "targets": [{"price": "3990", "quantity": 1}]},
                    {"type": "market", "stop_loss": 402_000, "stop_trail": 500, "targets": [[399_000, 1]]},
                ),
                ({"type": "limit", "price": "4010", "take_profit": "3990"}, {"price": 401_000, "take_profit": 399_000}),
            ]
        ):
            status, _ = await caller.post("/v1/orders", {**common, **body}, f"key {number}")
            assert status in (200, 422)  # what the gate says of it is not the question here
            asked = json.loads([fact.intent for fact in desk.facts if isinstance(fact, f.IntentReceived)][-1])
            wanted = {"kind": "SubmitOrder", "symbol": GOLD, "side": "sell", "quantity": 4, "type": body.get("type"), **intent}
            assert {name: asked[name] for name in wanted} == wanted
