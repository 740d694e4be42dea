"""Where the program keeps its files."""

import subprocess
import sys
from pathlib import Path

import pytest

from app import paths
from engine.core.errors import UserError


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    return (tmp_path / "home").resolve()


def test_one_variable_moves_every_folder(home):
    assert [paths.data_dir(), paths.cache_dir(), paths.log_dir(), paths.config_file()] == [
        home / "data", home / "cache", home / "log", home / "config.toml",
    ]  # fmt: skip


def test_folders_are_made_when_they_are_asked_for_and_the_configuration_is_not(home):
    assert paths.data_dir().is_dir()
    assert paths.log_dir().is_dir()
    assert not paths.config_file().exists()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_what_is_kept_is_for_its_owner_only(home):
    assert paths.data_dir().stat().st_mode & 0o077 == 0


def test_the_default_books_are_a_sqlite_file_among_the_data(home):
    assert paths.default_books_url() == f"sqlite:///{(home / 'data' / 'books.db').as_posix()}"


def test_a_relative_home_does_not_move_with_the_working_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(paths.HOME_VARIABLE, "here")
    assert paths.data_dir() == tmp_path.resolve() / "here" / "data"


def test_a_folder_that_cannot_be_made_is_a_sentence_with_the_remedy(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"cannot be made .*set NICEGOLD_HOME"):
        paths.data_dir()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="XDG folders")
def test_without_the_variable_the_desktop_decides(tmp_path):
    code = "from app import paths; print(paths.data_dir(), paths.cache_dir(), paths.config_file(), sep='\\n')"
    environment = {
        "XDG_DATA_HOME": f"{tmp_path}/d",
        "XDG_CACHE_HOME": f"{tmp_path}/c",
        "XDG_CONFIG_HOME": f"{tmp_path}/o",
        "HOME": str(tmp_path),
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines() == [
        f"{tmp_path}/d/NiceGold Terminal", f"{tmp_path}/c/NiceGold Terminal", f"{tmp_path}/o/NiceGold Terminal/config.toml",
    ]  # fmt: skip
