"""A PostgreSQL of our own for the tests: started in a temporary folder when first asked for, stopped at the session's end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CANDIDATES = [
    *(Path(folder) for folder in [os.environ.get("PGBIN")] if folder),
    *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
    *sorted(Path("/opt/homebrew/opt").glob("postgresql@*/bin"), reverse=True),
]
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
shared_buffers = 32MB
max_connections = 40
"""
ASKED_FOR_A_PASSWORD = "host all keeper 127.0.0.1/32 scram-sha-256\n"
"""Nobody else is."""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a private, empty PostgreSQL."""
    with private_server() as url:
        yield url


@dataclass(frozen=True)
class Server:
    """A PostgreSQL of our own at `url`."""

    url: str
    control: Callable[..., None]

    def restart(self) -> None:
        """Ends every connection, and takes new ones when it returns."""
        self.control("-m", "fast", "-w", "-t", "60", "restart")


@contextmanager
def private_server() -> Iterator[str]:
    """A PostgreSQL that lives as long as the context; its URL. Skips, or fails in CI, where none is installed."""
    with server() as started:
        yield started.url


@contextmanager
def server() -> Iterator[Server]:
    """As `private_server`, one that can be restarted."""
    programs = _programs()
    if programs is None:
        _refuse("PostgreSQL is not installed, so the books are tested on SQLite only; install the package postgresql")
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="nicegold-postgres-"))
    if owner is not None:
        shutil.chown(folder, owner)
    data, port = folder / "data", _free_port()
    try:
        _run(owner, [programs / "initdb", "-D", data, "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"])
        with (data / "postgresql.conf").open("a") as file:
            file.write(f"{CONFIGURATION}port = {port}\n")
        known = data / "pg_hba.conf"
        known.write_text(f"{ASKED_FOR_A_PASSWORD}{known.read_text()}")

        def control(*words: str) -> None:
            _run(owner, [programs / "pg_ctl", "-D", data, "-l", folder / "log", *words])

        control("-w", "-t", "60", "start")
        try:
            yield Server(f"postgresql://tester@127.0.0.1:{port}/postgres", control)
        finally:
            control("-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    """The folder with initdb and pg_ctl."""
    found = shutil.which("initdb")
    on_path = [Path(found).parent] if found else []
    return next((folder for folder in [*CANDIDATES, *on_path] if shutil.which(str(folder / "initdb"))), None)


def _refuse(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _owner() -> str | None:
    """The user PostgreSQL must run as when the tests run as root, which it refuses."""
    if os.name == "nt" or os.geteuid() != 0:
        return None
    import pwd  # not on Windows

    if "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        _refuse("PostgreSQL refuses to run as root and there is no user postgres; run the tests as another user")
    return "postgres"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(owner: str | None, command: Sequence[str | Path]) -> None:
    words = [str(word) for word in command]
    if owner is not None:
        words = ["setpriv", f"--reuid={owner}", f"--regid={owner}", "--clear-groups", "--", *words]
    with tempfile.TemporaryFile("w+") as said:  # not a pipe: the server would keep it open
        done = subprocess.run(words, cwd=tempfile.gettempdir(), stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
        said.seek(0)
        assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}: {said.read()}"
