"""Faults 46 to 52: books that are full, locked, damaged, migrated, on a server that restarts, opened twice, restored, changed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import pytest

from engine.core.clock import SystemClock
from engine.core.errors import StoreError, UserError
from engine.domain import facts as f
from engine.domain.intents import CancelOrder, ClosePosition, SubmitOrder
from engine.domain.order import Role
from engine.services.audits import verify_book
from engine.services.backups import put_back
from engine.services.databases import downgrade
from engine.storage.backup import make_backup
from engine.storage.database import Database, locate, open_books
from engine.storage.migrate import BOOKS, version
from tests.catalogue.crash_child import REFUSED, Life, start
from tests.catalogue.invariants import intended
from tests.catalogue.rig import GOLD, Desk, at_tws, played, session_at
from tests.catalogue.test_crash import died, forks, life_at_tws
from tests.engine.storage.tampering import tamper
from tests.engine.storage.test_live_faults import is_waiting, no_file_grows_beyond, wait_for_a_standby, wait_for_nobody
from tests.peers.tws import Peer
from tests.postgres import Server, server

__all__ = ["forks"]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="programs are forked from a server, which Windows cannot")


def _quiet(_share: float, _words: str) -> None:
    """Nobody watches."""


def _backup(desk_folder: Path) -> Path:
    now = SystemClock().now()
    return make_backup(_db(desk_folder), desk_folder / "backups", now, None, False, _quiet).backup.path


def _db(folder: Path) -> str:
    return f"sqlite:///{(folder / 'books.db').as_posix()}"


async def _held(desk: Desk, quantity: int = 2) -> None:
    """Has bought so much more, and all of it has its stop."""
    wanted = desk.position + quantity
    desk.buy(quantity)
    await _is_protected(desk, wanted)


async def _is_protected(desk: Desk, quantity: int) -> None:
    await desk.until(lambda: desk.position == quantity and desk.session.pipeline.protection.at_venue(GOLD) == quantity)


def _sent(peer: Peer) -> int:
    return len(peer.received("placeOrder"))


# --- 46 ---------------------------------------------------------------------------------------------------------------


@played
async def test_fault_46_while_the_database_is_locked_no_entry_is_sent_and_a_close_is(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        await _held(desk)
        before = _sent(peer)
        with closing(sqlite3.connect(folder / "books.db")) as lock:
            lock.execute("BEGIN IMMEDIATE")
            name = desk.buy()
            await desk.until(lambda: desk.state(name) == "REJECTED")
            assert "could not be recorded" in desk.facts(f.OrderRejected)[-1].reason
            assert _sent(peer) == before
            assert "cannot be recorded" in desk.do(SubmitOrder(GOLD, "buy", "market", 2, stop_loss=398_000))[-1].reason
            desk.do(ClosePosition(GOLD))
            await desk.until(lambda: desk.position == 0)
            assert _sent(peer) == before + 1
            assert name not in desk.wire.seen
        await desk.ready()
        await _held(desk)


@played
async def test_fault_46_while_the_disk_is_full_no_entry_is_sent(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        with no_file_grows_beyond((folder / "books.db-wal").stat().st_size):
            name = desk.buy()
            await desk.until(lambda: desk.state(name) == "REJECTED")
            assert "could not be recorded" in desk.facts(f.OrderRejected)[0].reason
            assert _sent(peer) == 0
        await desk.until(lambda: not desk.session.journal.trouble)
        await desk.ready()
        await _held(desk)


# --- 47, 51, 52 -------------------------------------------------------------------------------------------------------


@played
async def test_fault_47_damaged_books_ask_nothing_of_the_venue_and_their_backup_goes_on_with_what_happened_since(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        await _held(desk)
        backup = _backup(folder)
        await _held(desk, 1)
        cancelled = desk.buy(1, type="limit", price=399_000)
        await desk.until(lambda: desk.state(cancelled) == "ACCEPTED")
        desk.do(CancelOrder(cancelled))
        await desk.until(lambda: desk.state(cancelled) == "CANCELLED")
    books = folder / "books.db"
    whole = books.read_bytes()
    books.write_bytes(whole[:8192] + bytes(8192) + whole[16384:])
    damaged, before = books.read_bytes(), _sent(peer)
    with pytest.raises(UserError, match=rf"is damaged .* was left as it is; main.py db restore {backup}"):
        async with at_tws(peer, folder):
            pass
    assert books.read_bytes() == damaged
    assert _sent(peer) == before
    put_back(backup, _db(folder), SystemClock().now(), _quiet)
    assert any(path.read_bytes() == damaged for path in folder.glob("books*") if path.is_file())
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        assert [fact.quantity for fact in desk.facts(f.OrderFilled)] == [2, 1]
        assert [order.id for order in desk.session.pipeline.register.all_live() if order.role is Role.EXTERNAL]
        name = desk.buy()
        await desk.until(lambda: desk.state(name) == "FILLED" and desk.session.pipeline.protection.at_venue(GOLD) >= 4)
    assert set(Counter(order.ref for order in peer.orders).values()) == {1}


@played
async def test_fault_51_a_backup_made_while_a_session_trades_is_restored_and_gone_on_with(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        await _held(desk)
        resting = desk.buy(1, type="limit", price=399_000)
        await desk.until(lambda: desk.state(resting) == "ACCEPTED")
        backing_up = asyncio.create_task(asyncio.to_thread(_backup, folder))
        while not backing_up.done():
            desk.do(SubmitOrder(GOLD, "buy", "limit", 1, price=399_100, stop_loss=398_000))
            await asyncio.sleep(0.01)
        facts = desk.session.journal.last_seq()
    other = folder / "other"
    other.mkdir()
    restored = put_back(await backing_up, _db(other), SystemClock().now(), _quiet)
    assert 0 < restored.books[0].facts < facts
    async with at_tws(peer, other) as desk:
        await desk.ready()
        assert desk.state(resting) == "ACCEPTED"
        await _is_protected(desk, 2)
        assert len(list(desk.session.pipeline.register.all_live())) == len(peer.venue.broker.working())
        await _held(desk, 1)
    assert set(Counter(order.ref for order in peer.orders).values()) == {1}


@pytest.fixture
def traded(tmp_path: Path) -> str:
    """The books of a session that traded."""

    @played
    async def trade(peer: Peer, folder: Path) -> None:
        async with at_tws(peer, folder) as desk:
            await desk.ready()
            await _held(desk)

    trade(tmp_path)
    return _db(tmp_path)


CHANGES = {
    "edited": ("UPDATE facts SET fact = replace(fact, '\"quantity\":2', '\"quantity\":1') WHERE seq = ?", "fact {} "),
    "deleted": ("DELETE FROM facts WHERE seq = ?", "fact {} "),
    "cut": ("DELETE FROM facts WHERE seq >= ?", "facts {} to "),
}


@pytest.mark.parametrize("change", CHANGES)
def test_fault_52_a_record_of_a_session_that_was_changed_is_found_out_and_where(change: str, traded: str) -> None:
    assert verify_book(traded, None, None).clean
    statement, where = CHANGES[change]
    with open_books(traded) as database:
        ((filled,),) = database.rows("SELECT min(seq) FROM facts WHERE kind = 'OrderFilled'")
        tamper(database, statement, (filled,))
    verdict = verify_book(traded, None, None)
    assert not verdict.clean
    assert verdict.broken == filled
    assert where.format(filled) in f"{verdict.sentence} "


def test_fault_52_a_record_whose_tail_was_cut_is_not_gone_on_with(traded: str, tmp_path: Path) -> None:
    with open_books(traded) as database:
        tamper(database, "DELETE FROM facts WHERE seq > (SELECT facts - 2 FROM books)")

    @played
    async def go_on(peer: Peer, folder: Path) -> None:
        with pytest.raises(UserError, match="was changed outside this program"):
            async with session_at_tws(peer, folder):
                pass
        assert _sent(peer) == 0

    go_on(tmp_path)


def session_at_tws(peer: Peer, folder: Path) -> AbstractAsyncContextManager[Desk]:
    """As `at_tws`, for one whose books are known not to be whole."""
    life = life_at_tws(peer, folder, "never")
    return session_at(folder, life.broker, {life.broker: life.venue}, life.instrument)


# --- 48, 50 -----------------------------------------------------------------------------------------------------------


@needs_fork
@pytest.mark.xdist_group("crash")
@played
async def test_fault_48_a_session_killed_in_the_migration_of_its_books_leaves_the_old_ones_and_the_next_one_goes_on(
    peer: Peer, folder: Path
) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        await _held(desk)
    known = intended(_db(folder))
    downgrade(_db(folder), "books:0002", force=True)
    await died(life_at_tws(peer, folder, "in a migration"))
    assert _schema(folder) == "0002"
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        await _is_protected(desk, 2)
    assert intended(_db(folder)) == known
    assert _schema(folder) == BOOKS.head


def _schema(folder: Path) -> str | None:
    with Database(locate(_db(folder))) as database:
        return version(database, BOOKS)


@played
async def test_fault_48_a_session_refuses_books_of_a_newer_program(peer: Peer, folder: Path) -> None:
    open_books(_db(folder)).close()
    with Database(locate(_db(folder))) as database:
        database.rows("UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="has schema 9999 and this program knows only up to"):
        async with at_tws(peer, folder):
            pass
    assert _schema(folder) == "9999"
    assert _sent(peer) == 0


@needs_fork
@pytest.mark.xdist_group("crash")
@played
async def test_fault_50_a_second_program_on_the_same_books_is_refused_and_the_first_goes_on(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        second = life_at_tws(peer, folder, "never", "buy")
        venue = second.venue.model_copy(update={"client_id": 2})
        process = start(Life(folder, second.broker, venue, second.instrument, second.acts))
        await desk.until(lambda: not process.is_alive())
        assert process.exitcode == REFUSED
        process.close()
        assert "is open in another program" in (folder / "refused").read_text()
        assert _sent(peer) == 0
        await _held(desk)


# --- 49 ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that may be restarted under nobody else's feet."""
    with server() as started:
        yield started


@pytest.mark.xdist_group("postgres")
def test_fault_49_a_server_restarted_in_the_middle_of_a_commit_of_a_live_session_has_everything_once(
    own: Server, tmp_path: Path
) -> None:
    """The commit of the intent waits for a standby that never comes: it is on the disk, and its answer is lost with the link."""
    import psycopg

    @played
    async def play(peer: Peer, folder: Path) -> None:
        async with at_tws(peer, folder, db=own.url) as desk:
            await desk.ready()
            await _held(desk)
            with psycopg.connect(own.url, autocommit=True) as admin:
                await asyncio.to_thread(wait_for_a_standby, admin)
                name = desk.buy(1, type="limit", price=399_000)
                await desk.until(lambda: is_waiting(admin))
            await asyncio.to_thread(own.restart)
            with psycopg.connect(own.url, autocommit=True) as admin:
                wait_for_nobody(admin)
            await desk.until(lambda: desk.state(name) == "REJECTED")
            assert "could not be recorded" in desk.facts(f.OrderRejected)[-1].reason
            assert name not in desk.wire.seen
            await desk.until(lambda: not desk.session.journal.trouble)
            await desk.ready()
            await _held(desk)
        async with at_tws(peer, folder, db=own.url) as desk:
            await desk.ready()
            await _is_protected(desk, 4)
            assert [fact.order for fact in desk.facts(f.OrderIntended)].count(name) == 1
            assert desk.state(name) == "REJECTED"

    play(tmp_path)
