"""Opens a history file as it lies on disk: plain, gzip or a zip with one member."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.core.errors import DataError
from engine.market.formats.wanted import ANYTHING, Wanted

MAX_BYTES = 1 << 30
"""The largest text that is unpacked: about 18 million rows; beyond it, a file is taken for a mistake or an attack."""

HEAD = 4096


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text as UTF-8 bytes without byte order mark. `name` is the inner file's name, `sha256` of the bytes on disk.

    `wanted` is what to take from files that hold several things or do not say what they hold.
    """

    path: Path
    name: str
    text: bytes
    sha256: str
    wanted: Wanted = ANYTHING

    @property
    def head(self) -> bytes:
        return self.text[:HEAD]


def open_source(path: str | Path, limit: int = MAX_BYTES, wanted: Wanted = ANYTHING) -> Source:
    """Read `path`, unpacked by its content and not by its name. DataError when it cannot be read or exceeds `limit` bytes."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > limit:
            raise DataError(f"{path.name}: {size:,} bytes are more than the {limit:,} that can be read; split the file")
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error.strerror or error}); check the path") from error
    name, text = _unpack(path, raw, limit)
    return Source(path, name, _utf8(path, text), hashlib.sha256(raw).hexdigest(), wanted)


def _unpack(path: Path, raw: bytes, limit: int) -> tuple[str, bytes]:
    try:
        if raw.startswith(b"\x1f\x8b"):
            name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
            with gzip.open(io.BytesIO(raw)) as file:
                return name, _read(path, file, limit)
        if raw.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                member = _only_member(path, archive)
                with archive.open(member) as file:
                    return Path(member).name, _read(path, file, limit)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise DataError(f"{path.name}: cannot be unpacked ({error}); fetch or pack the file again") from error
    return path.name, raw


def _only_member(path: Path, archive: zipfile.ZipFile) -> str:
    members = [info.filename for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        listed = ", ".join(members[:5]) + (", ..." if len(members) > 5 else "")
        raise DataError(f"{path.name}: holds {len(members)} files ({listed or 'none'}) where one is meant; import each by itself")
    return members[0]


def _read(path: Path, file: IO[bytes] | gzip.GzipFile, limit: int) -> bytes:
    """Never unpacks more than one byte past `limit`, whatever sizes the archive declares."""
    text = file.read(limit + 1)
    if len(text) > limit:
        raise DataError(f"{path.name}: unpacks to more than {limit:,} bytes; split the file")
    return text


def _utf8(path: Path, text: bytes) -> bytes:
    """MetaTrader on Windows writes UTF-16 with a byte order mark; others a UTF-8 one."""
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return text.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            raise DataError(f"{path.name}: begins like UTF-16 text but is not; save it as UTF-8") from error
    return text.removeprefix(b"\xef\xbb\xbf")
