"""Where the program keeps its files. NICEGOLD_HOME puts all of them below one folder (portable use, tests)."""

from __future__ import annotations

import os
from pathlib import Path

from engine.core.errors import UserError

APP_NAME = "NiceGold Terminal"
HOME_VARIABLE = "NICEGOLD_HOME"
BOOKS_FILE = "books.db"
CONFIG_FILE = "config.toml"


def data_dir() -> Path:
    """The folder of books, market data and models; made when missing. UserError when it cannot be."""
    return _folder("data")


def cache_dir() -> Path:
    """The folder of what can be computed again; made when missing. UserError when it cannot be."""
    return _folder("cache")


def log_dir() -> Path:
    """The folder of logs and crash reports; made when missing. UserError when it cannot be."""
    return _folder("log")


def config_file() -> Path:
    """The user's configuration; its folder is made when missing, the file is not."""
    return _folder("config") / CONFIG_FILE


def default_books_url() -> str:
    """The URL of the books that are used when the user names none."""
    return f"sqlite:///{(data_dir() / BOOKS_FILE).as_posix()}"


def _folder(kind: str) -> Path:
    folder = _place(kind)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the {kind} folder {folder} cannot be made ({error.strerror or error}); "
            f"set {HOME_VARIABLE} to a folder you can write to"
        ) from error
    return folder


def _place(kind: str) -> Path:
    home = os.environ.get(HOME_VARIABLE, "")
    if home:
        base = Path(home).expanduser().resolve()
        return base if kind == "config" else base / kind
    from platformdirs import PlatformDirs

    dirs = PlatformDirs(APP_NAME, appauthor=False)
    places = {"data": dirs.user_data_path, "cache": dirs.user_cache_path, "log": dirs.user_log_path}
    return places.get(kind, dirs.user_config_path)
