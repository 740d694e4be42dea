"""Backups as their owner sees them: made, only so many kept, put back in their place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.core.clock import Nanos
from engine.services.audits import key_of
from engine.storage.backup import make_backup as make_backup
from engine.storage.books import BookRow
from engine.storage.chain import is_keyed
from engine.storage.restore import Restored, restore
from engine.storage.retention import folder_of as folder_of
from engine.storage.tally import Progress


def put_back(file: Path, url: str, at: Nanos, progress: Progress, unlock: Callable[[], None] = lambda: None) -> Restored:
    """Puts a backup in the place that `url` names, once it is found whole. Raises as `restore`.

    `unlock` is called before the key of a book that has one is looked for, which may lie in a vault.
    """

    def key(book: BookRow) -> bytes | None:
        if is_keyed(book.seal):
            unlock()
        return key_of(book)

    return restore(file, url, at, key, progress)
