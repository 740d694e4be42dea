"""The doctor finds what must be mended, and shows no secret while it does."""

import re
import socket
import sqlite3
import sys
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest

from engine.core.clock import HOUR, SystemClock, from_iso
from engine.core.errors import StoreError
from engine.core.installation import mending
from engine.services import doctor, installed
from engine.services.doctor import Finding, diagnose, healthy
from engine.services.installed import MODULES, libraries, pinned_versions
from engine.services.timekeeping import clock, kernel_unsynchronised, time_zones
from engine.storage.database import open_books

PROJECT = Path(__file__).parents[3] / "pyproject.toml"


def opened(url: str) -> None:
    open_books(url).close()


def named(findings: list[Finding], name: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.name == name]
    return finding


def test_a_sound_installation_has_nothing_to_mend(tmp_path):
    findings = diagnose(f"sqlite:///{tmp_path / 'books.db'}", tmp_path, open_database=opened)
    assert [finding for finding in findings if finding.ok is False] == []
    assert [finding.name for finding in findings] == [
        "python", "libraries", "optional libraries", "data folder", "disk space", "database", "keyring", "clock", "time zones",
        "kernel cache",
    ]  # fmt: skip
    assert healthy(findings)


def test_what_must_be_mended_has_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    findings = diagnose(f"sqlite:///{tmp_path}/file/books.db", tmp_path / "file" / "data", open_database=opened)
    broken = [finding for finding in findings if finding.ok is False]
    assert {"data folder", "database"} <= {finding.name for finding in broken}
    assert all(finding.remedy for finding in broken)
    assert not healthy(findings)


def test_the_applications_own_checks_come_last_and_may_fail_without_harm(tmp_path):
    def broken() -> Finding:
        raise OSError("no such device")

    findings = diagnose("books.db", tmp_path, checks=[lambda: Finding("display", None, "no display"), broken])
    assert findings[-2] == Finding("display", None, "no display")
    assert findings[-1].ok is False
    assert "OSError: no such device" in findings[-1].sentence


def test_a_missing_library_is_named_without_importing_any():
    found = libraries({"no-such-thing": "no_such_thing", "numba": "numba"})
    assert found.missing == ("no-such-thing",)


def test_a_version_other_than_the_pinned_one_is_named(tmp_path):
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\ndependencies = ["numpy==0.1", "rich>=1", "psycopg[binary]==0.2 ; python_version > \'3\'"]\n')
    found = libraries({"numpy": "numpy", "rich": "rich", "psycopg": "psycopg"}, project)
    assert [text.split(" ")[0] for text in found.differing] == ["numpy", "psycopg"]
    assert all(text.endswith(("(0.1)", "(0.2)")) for text in found.differing)


def test_without_the_project_file_only_presence_is_told(tmp_path):
    found = libraries({"numpy": "numpy"}, tmp_path / "pyproject.toml")
    assert (found.pinned, found.differing) == (False, ())


def test_the_doctor_knows_every_library_the_project_asks_for():
    assert set(MODULES) == set(pinned_versions(PROJECT))


def test_the_libraries_finding_says_what_is_wrong(monkeypatch):
    monkeypatch.setattr(doctor, "libraries", lambda: libraries({"no-such-thing": "no_such_thing"}))
    assert doctor.libraries_found().sentence == "missing: no-such-thing"


def test_an_older_python_is_not_one_it_was_tested_with(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    assert doctor.python().sentence == "Python 3.10.1 is not one this program was tested with"


def test_a_full_disk_is_a_fault_and_a_nearly_full_one_a_warning(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    for free, ok in ((100_000_000, False), (1_000_000_000, None), (9_000_000_000, True)):
        monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _path, free=free: usage(10, 0, free))
        assert doctor.space(tmp_path / "not" / "yet").ok is ok


def test_books_of_a_newer_version_or_not_books_at_all_are_a_fault(tmp_path):
    (tmp_path / "books.db").write_bytes(b"this is a letter, not a database" * 40)
    found = doctor.database(f"sqlite:///{tmp_path / 'books.db'}", opened)
    assert found.ok is False
    assert str(tmp_path / "books.db") in found.sentence


def test_books_that_another_program_has_locked_are_a_fault(tmp_path):
    url = f"sqlite:///{tmp_path / 'books.db'}"

    def locked(_url: str) -> None:
        with (
            closing(sqlite3.connect(tmp_path / "books.db", timeout=0)) as mine,
            closing(sqlite3.connect(tmp_path / "books.db")) as other,
        ):
            other.execute("BEGIN EXCLUSIVE")
            mine.execute("CREATE TABLE t (a)")

    found = doctor.database(url, locked)
    assert found.ok is False
    assert "locked" in found.sentence


def test_a_postgresql_server_that_does_not_answer_is_named_without_the_password():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    found = doctor.database(f"postgresql://trader:pa55word@127.0.0.1:{port}/books", opened)
    assert found.sentence == f"no PostgreSQL server answers at 127.0.0.1:{port}"


def test_the_password_of_a_database_is_never_shown():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"postgresql://trader:pa55word@127.0.0.1:{server.getsockname()[1]}/books"

        def refuse(given: str) -> None:
            raise StoreError(f"{given}: the password pa55word was refused")

        found = doctor.database(url, refuse)
    assert found.ok is False
    assert "pa55word" not in found.sentence
    assert "trader:***@" in found.sentence


class Ring:
    """A keyring backend from somewhere else."""


@pytest.mark.parametrize(
    ("module", "ok", "word"),
    [
        ("keyring.backends.fail", None, "there is none"),
        ("keyring.backends.null", None, "there is none"),
        ("keyrings.alt.file", False, "keyrings.alt.file is not trusted"),
        ("keyring.backends.SecretService", True, "SecretService"),
        ("keyring.backends.macOS", True, "macOS"),
    ],
)
def test_only_keyrings_that_keep_secrets_encrypted_are_trusted(monkeypatch, module, ok, word):
    import keyring

    backend = type("Keyring", (Ring,), {"__module__": module})
    monkeypatch.setattr(keyring, "get_keyring", backend)
    found = doctor.keyring()
    assert found.ok is ok
    assert word in found.sentence


def test_a_chain_of_keyrings_is_as_good_as_its_worst(monkeypatch):
    import keyring

    good = type("Keyring", (), {"__module__": "keyring.backends.kwallet"})()
    bad = type("PlaintextKeyring", (), {"__module__": "keyrings.alt.file"})()
    for backends, ok in (([good], True), ([good, bad], False)):
        chain = type("ChainerBackend", (), {"__module__": "keyring.backends.chainer", "backends": backends})
        monkeypatch.setattr(keyring, "get_keyring", chain)
        assert doctor.keyring().ok is ok


class Watch(SystemClock):
    """A system clock that stands `wrong` ns beside the true one."""

    def __init__(self, wrong: int) -> None:
        self._wrong = wrong

    def now(self) -> int:
        return super().now() + self._wrong


def test_a_clock_that_is_right_and_synchronised_is_well(tmp_path):
    assert clock(tmp_path, Watch(0), lambda: False).ok is True


def test_a_clock_before_the_files_it_wrote_is_wrong(tmp_path):
    behind = from_iso("2026-01-02") - SystemClock().now()
    (tmp_path / "books.db").write_text("")
    found = clock(tmp_path, Watch(behind), lambda: False)
    assert found.ok is False
    assert "there are files from" in found.sentence


def test_a_clock_that_was_moved_while_the_program_ran_is_told(tmp_path):
    found = clock(tmp_path, Watch(HOUR), lambda: False)
    assert found.ok is None
    assert re.search(r"was moved by (3599\.9|3600\.[01]) s", found.sentence)


def test_a_clock_that_nothing_synchronises_is_told(tmp_path):
    found = clock(tmp_path, Watch(0), lambda: True)
    assert found.ok is None
    assert "synchronised" in found.sentence


def test_the_kernel_can_be_asked_about_its_clock():
    assert kernel_unsynchronised() in (True, False)


def test_the_zones_of_the_trading_day_are_known(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert time_zones() == Finding("time zones", True, "zone database found; times are shown in Europe/Berlin")


def test_a_kernel_cache_in_a_temporary_folder_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    monkeypatch.setattr(doctor.tempfile, "gettempdir", lambda: str(tmp_path))
    assert doctor.kernel_cache().ok is None


def test_a_kernel_cache_that_cannot_be_written_is_a_fault(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    found = doctor.kernel_cache()
    assert found.ok is False
    assert "NUMBA_CACHE_DIR" in found.remedy


def test_an_optional_library_that_is_missing_is_a_note_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(installed.OPTIONAL, "a-library-nobody-has", ("dreams", "dreaming"))
    found = doctor.optional_libraries()
    assert found.ok is None
    assert found.sentence == "a-library-nobody-has is not installed, which dreaming would need"
    assert found.remedy == "uv sync --extra dreams"


def test_a_package_is_mended_by_installing_it_again(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert mending() == "install the package of NiceGold Terminal again"
    assert mending("catboost") == "install the package of NiceGold Terminal that holds it"
