"""Backups while sessions go on, and back again: every fact, nothing thrown away, nothing that is not whole."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from pathlib import Path

import pytest

from app.cli import run
from engine.core.clock import DAY, HOUR, ManualClock
from engine.core.errors import StoreError, UserError
from engine.services.backups import folder_of, make_backup, put_back
from engine.session import open_session
from engine.storage import backup as storage_backup
from engine.storage.books import Books
from engine.storage.database import locate, open_books
from engine.storage.integrity import damage
from engine.storage.journal import SqlJournal, facts_sha256
from engine.storage.lock import hold
from engine.storage.market import open_market
from engine.storage.retention import backups, made_at, refuse_damaged, retain
from engine.storage.schedule import keep_backups
from tests.engine.storage.conftest import new_url
from tests.engine.storage.live import desk, locked
from tests.engine.storage.sessions import end, facts_of, finish, history, play, request
from tests.engine.storage.tampering import tamper
from tests.engine.storage.test_copying import fill_market, quiet
from tests.engine.storage.test_market import assert_same

NOON = 1_800_000_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """Books in a SQLite file, with a run in them that is not over."""
    url = f"sqlite:///{tmp_path}/books.db"
    play(url, history(tmp_path), 600)
    return url


def there(url: str) -> Path:
    path = locate(url).path
    assert path is not None
    return path


def made(url: str, folder: Path, at: int = NOON, keep: int | None = None) -> Path:
    return make_backup(url, folder, at, keep, True, quiet).backup.path


def spoil(path: Path) -> None:
    """Overwrites the middle of a file, page boundaries or not."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(b"\xa5" * (size // 3))


def edit(url: str) -> None:
    """Changes one figure of one fact, past the program."""
    with open_books(url) as database:
        tamper(database, "UPDATE facts SET at = at + 1, fact = replace(fact, at, at + 1) WHERE seq = 2")


# --- made -------------------------------------------------------------------------------------------------------------


def test_fault_51_a_hot_backup_restores_with_the_facts_of_its_moment(url: str, folder: Path, tmp_path: Path) -> None:
    fill_market(url)
    with open_books(url) as database, desk(database, tmp_path) as live:
        for number in range(1, 200):
            live.step(number, 3)
            if number == 100:
                live.ask("half")
                live.answered(1)
                path = made(url, folder)
        assert live.close() == ""
        whole = live.stored()
    target = f"sqlite:///{tmp_path}/again/books.db"
    restored = put_back(path, target, NOON, quiet)
    count = restored.books[0].facts
    assert 300 <= count <= 597
    with open_books(target) as database, closing(SqlJournal(database, 1)) as journal:
        assert restored.books[0].facts_sha256 == facts_sha256(database, 1)
        assert [record.seq for record in journal.records()] == list(range(1, count + 1))
        assert journal.last_seq() == count
    with open_market(url) as ours, open_market(target) as theirs:
        assert ours.coverage() == theirs.coverage()
        assert_same(theirs.read_bars("XAUUSD", "M1"), ours.read_bars("XAUUSD", "M1"))
    assert len(whole) == 597


def test_a_run_goes_on_from_its_restored_backup_to_the_same_end(file_url: str, folder: Path, tmp_path: Path) -> None:
    file = history(tmp_path)
    path = made(file_url, folder)
    undisturbed = finish(file_url, file)
    there(file_url).unlink()
    put_back(path, file_url, NOON, quiet)
    with closing(open_session(request(file_url, file))) as session:
        assert session.resumed
        assert end(session) == undisturbed


def test_the_books_are_written_while_a_backup_is_being_made(file_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the copy and its check the session commits; the backup has the moment of its copy."""
    before = facts_of(file_url)
    complaint = storage_backup.complaint

    def meanwhile(raw: object) -> str:
        finish(file_url, there(file_url).parent / "XAUUSD_M1.csv")
        return complaint(raw)  # type: ignore[arg-type]  # only its words are looked at

    monkeypatch.setattr(storage_backup, "complaint", meanwhile)
    path = make_backup(file_url, folder, NOON, None, False, quiet).backup.path
    assert facts_of(f"sqlite:///{path}") == before != facts_of(file_url)


def test_a_backup_is_made_while_another_program_holds_the_write_lock(file_url: str, folder: Path) -> None:
    with open_books(file_url) as database, locked(database, Books(database).list()[0]):
        path = made(file_url, folder)
    assert facts_of(f"sqlite:///{path}") == facts_of(file_url)


def test_a_backup_is_one_file_for_the_books_and_one_for_market_data(url: str, folder: Path, tmp_path: Path) -> None:
    fill_market(url)
    play(url, history(tmp_path), 300)
    path = made(url, folder)
    assert sorted(each.name for each in folder.iterdir()) == [path.name, f"{path.stem}.market.db"]
    assert made_at(path) == NOON
    assert damage(path) == ""


def test_market_data_are_left_out_where_the_books_are_enough(url: str, folder: Path, tmp_path: Path) -> None:
    fill_market(url)
    play(url, history(tmp_path), 300)
    backup = make_backup(url, folder, NOON, None, False, quiet).backup
    assert backup.market is None
    assert list(folder.iterdir()) == [backup.path]


def test_a_damaged_database_makes_no_backup(file_url: str, folder: Path) -> None:
    spoil(there(file_url))
    with pytest.raises(StoreError, match=r"is damaged|could not be copied"):
        made(file_url, folder)
    assert list(folder.iterdir()) == []


def test_books_with_facts_missing_make_no_backup(file_url: str, folder: Path) -> None:
    with open_books(file_url) as database:
        database.rows("UPDATE books SET facts = facts + 1")
    with pytest.raises(StoreError, match=r"book 1 says it has \d+ facts and has \d+, up to fact"):
        made(file_url, folder)
    assert list(folder.iterdir()) == []


def test_books_that_are_not_there_make_no_backup(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match=r"none.db does not exist; name the database to back up"):
        made(f"sqlite:///{tmp_path}/none.db", folder)


def test_a_folder_that_cannot_be_made_is_named(file_url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/backups cannot hold a backup: Not a directory; name another folder with --to"):
        made(file_url, tmp_path / "file" / "backups")


def test_what_a_killed_backup_left_is_removed_by_a_later_one(file_url: str, folder: Path) -> None:
    old, recent = (made(file_url, folder, NOON - age) for age in (2 * DAY, HOUR))
    old, recent = (path.rename(folder / f"{path.name}.part.db") for path in (old, recent))
    made(file_url, folder)
    assert not old.exists()
    assert recent.exists()


# --- kept -------------------------------------------------------------------------------------------------------------


def test_only_the_newest_are_kept_and_foreign_files_are_left_alone(file_url: str, folder: Path) -> None:
    fill_market(file_url)
    paths = [made(file_url, folder, NOON + number * HOUR) for number in range(4)]
    other = folder / "books-of-mine.db"
    other.write_bytes(b"mine")
    assert retain(locate(file_url), folder, 2) == [paths[1], paths[0]]
    assert backups(locate(file_url), folder) == [paths[3], paths[2]]
    assert other.exists()
    assert len(list(folder.glob("*.market.db"))) == 2
    assert retain(locate(file_url), folder, 0) == [paths[2]]


def test_backups_of_two_databases_in_one_folder_do_not_count_together(file_url: str, folder: Path, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path}/books-two.db"
    open_books(other).close()
    ours, theirs = made(file_url, folder), made(other, folder)
    assert backups(locate(file_url), folder) == [ours]
    assert backups(locate(other), folder) == [theirs]
    assert backups(locate(file_url), tmp_path / "none") == []


def on_schedule(url: str, folder: Path, clock: ManualClock, keep: int, until: int) -> list[str]:
    """What the schedule said, until it said so much."""
    said: list[str] = []

    async def schedule() -> None:
        done = asyncio.Event()

        def told(sentence: str) -> None:
            said.append(sentence)
            clock.set(clock.now() + DAY)
            if len(said) == until:
                done.set()

        task = asyncio.create_task(keep_backups(url, folder, clock, told, DAY, keep, pause=0))
        await asyncio.wait_for(done.wait(), 60)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(schedule())
    return said


def test_a_schedule_makes_backups_when_they_are_due_and_keeps_so_many(file_url: str, folder: Path) -> None:
    said = on_schedule(file_url, folder, ManualClock(NOON), 2, 3)
    assert all(sentence.startswith("backed up to") for sentence in said)
    assert [made_at(path) for path in backups(locate(file_url), folder)] == [NOON + 2 * DAY, NOON + DAY]


def test_a_schedule_says_what_stands_in_the_way(tmp_path: Path, folder: Path) -> None:
    said = on_schedule(f"sqlite:///{tmp_path}/none.db", folder, ManualClock(NOON), 2, 1)
    assert said == [f"no backup could be made: {tmp_path}/none.db does not exist; name the database to back up with --db"]


def test_backups_lie_beside_a_file_and_with_the_data_for_a_server(tmp_path: Path) -> None:
    assert folder_of(f"sqlite:///{tmp_path}/x/books.db", tmp_path) == tmp_path / "x" / "backups"
    assert folder_of("postgresql://host/gold", tmp_path) == tmp_path / "backups"


# --- put back ---------------------------------------------------------------------------------------------------------


def test_what_was_there_is_put_aside_whole(file_url: str, folder: Path, tmp_path: Path) -> None:
    fill_market(file_url)
    path, before = made(file_url, folder), facts_of(file_url)
    after = finish(file_url, tmp_path / "XAUUSD_M1.csv")
    (tmp_path / "books.db.book1.spool").write_bytes(b"spooled")
    restored = put_back(path, file_url, NOON, quiet)
    names = [each.name for each in restored.aside]
    stem = "books.before-restore-20270115T080000000000Z"
    assert names == [f"{stem}.market.db", f"{stem}.db", f"{stem}.db.book1.spool"]
    assert facts_of(file_url) == before
    assert facts_of(f"sqlite:///{restored.aside[1]}") == after
    assert not list(tmp_path.glob(".restore*"))


@pytest.mark.xdist_group("postgres")
def test_a_backup_goes_back_to_a_server_that_is_empty_and_to_no_other(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, file_url: str, folder: Path
) -> None:
    target = new_url("postgresql", request, tmp_path_factory)
    path = made(file_url, folder)
    assert put_back(path, target, NOON, quiet).books[0].facts_sha256 == facts_of(file_url) == facts_of(target)
    with pytest.raises(UserError, match="is not empty: it has books"):
        put_back(path, target, NOON, quiet)


def test_a_restore_is_refused_while_a_book_is_held_and_changes_nothing(file_url: str, folder: Path) -> None:
    path = made(file_url, folder)
    with open_books(file_url) as database:
        lock = hold(database, 1)
        kept = there(file_url).read_bytes()
        with pytest.raises(UserError, match=r"book 1 of .* is open in another program"):
            put_back(path, file_url, NOON, quiet)
        assert there(file_url).read_bytes() == kept
        lock.release()
    put_back(path, file_url, NOON, quiet)


def test_a_restore_over_a_damaged_file_is_refused_while_its_book_is_held(file_url: str, folder: Path) -> None:
    path = made(file_url, folder)
    with open_books(file_url) as database:
        lock = hold(database, 1)
    there(file_url).write_bytes(b"x" * 5000)
    with pytest.raises(UserError, match="is open in another program"):
        put_back(path, file_url, NOON, quiet)
    lock.release()
    put_back(path, file_url, NOON, quiet)


@pytest.mark.parametrize("bad", ["damaged", "foreign", "edited", "torn"])
def test_a_backup_that_is_not_whole_is_refused_and_changes_nothing(file_url: str, folder: Path, tmp_path: Path, bad: str) -> None:
    path, kept = made(file_url, folder), facts_of(file_url)
    if bad == "damaged":
        spoil(path)
    elif bad == "foreign":
        path.write_bytes(b"this is no database, whatever its name says")
    elif bad == "torn":
        path.write_bytes(path.read_bytes()[:-4096])
    else:
        edit(f"sqlite:///{path}")
    with pytest.raises(UserError, match="give another backup"):
        put_back(path, file_url, NOON, quiet)
    assert facts_of(file_url) == kept
    assert not list(tmp_path.glob("*before-restore*"))


def test_the_database_itself_is_no_backup_of_it(file_url: str) -> None:
    with pytest.raises(UserError, match="is the database itself"):
        put_back(there(file_url), file_url, NOON, quiet)


def test_a_backup_that_is_not_there_is_refused(file_url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.db does not exist; main.py db backup makes backups"):
        put_back(tmp_path / "none.db", file_url, NOON, quiet)


# --- damaged ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["middle", "head", "cut"])
def test_fault_47_a_damaged_file_is_refused_left_as_it_is_and_its_newest_backup_offered(
    file_url: str, folder: Path, where: str
) -> None:
    facts = facts_of(file_url)
    older, newest = made(file_url, folder, NOON), made(file_url, folder, NOON + HOUR)
    path = there(file_url)
    refuse_damaged(file_url, folder)
    if where == "middle":
        spoil(path)
    elif where == "head":
        path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    kept = path.read_bytes()
    with pytest.raises(UserError) as refusal:
        refuse_damaged(file_url, folder)
    said = str(refusal.value)
    assert f"{path} is damaged (" in said
    assert (
        f"was left as it is; main.py db restore {newest} --db {path} puts the backup of 2027-01-15T09:00:00Z in its place" in said
    )
    assert path.read_bytes() == kept
    assert run(["db", "restore", str(newest), "--db", str(path)]) == 0
    refuse_damaged(file_url, folder)
    assert facts_of(file_url) == facts
    aside = path.parent.glob("books.before-restore-*.db")
    assert [each.read_bytes() for each in aside] == [kept]
    assert older.exists()


def test_fault_47_without_a_backup_the_refusal_says_where_it_looked(file_url: str, folder: Path) -> None:
    spoil(there(file_url))
    with pytest.raises(UserError, match=r"backups has no backup of it; if there is one elsewhere, main.py db restore FILE"):
        refuse_damaged(file_url, folder)


def test_a_file_that_is_not_there_yet_is_not_damaged(tmp_path: Path, folder: Path) -> None:
    refuse_damaged(f"sqlite:///{tmp_path}/none.db", folder)


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_the_commands_say_what_they_did(file_url: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = there(file_url)
    assert run(["db", "backup", "--db", str(path), "--books-only", "--json"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert Path(first["path"]).parent == path.parent / "backups"
    assert run(["db", "backup", "--db", str(path), "--keep", "1", "--json"]) == 0
    second = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert second["removed"] == [first["path"]]
    assert run(["db", "restore", second["path"], "--db", str(path), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["books"][0]["facts_sha256"] == facts_of(file_url)
    assert len(said["aside"]) == 1
