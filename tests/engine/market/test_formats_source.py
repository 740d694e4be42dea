from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from engine.core.errors import DataError
from engine.market.formats import open_source

TEXT = b"2024.05.06,10:00,1900,1901,1899,1900,7\n"


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        gzip.compress(TEXT),
        zipped(inner=TEXT),
        zipped(inner=TEXT, **{"__MACOSX/._inner": b"junk"}),
        b"\xef\xbb\xbf" + TEXT,
        TEXT.decode().encode("utf-16"),
        gzip.compress(TEXT.decode().encode("utf-16")),
    ],
    ids=["plain", "gzip", "zip", "zip from a mac", "utf-8 mark", "utf-16", "utf-16 in gzip"],
)
def test_a_file_is_unpacked_by_its_content_whatever_it_is_called(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "history.dat"
    path.write_bytes(content)
    opened = open_source(path)
    assert opened.text == TEXT
    assert opened.sha256 == hashlib.sha256(content).hexdigest()


def test_the_inner_name_is_the_member_s_or_the_name_without_gz(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(**{"folder/20140505_xauusd.csv": TEXT}))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(TEXT))
    assert open_source(tmp_path / "a.zip").name == "20140505_xauusd.csv"
    assert open_source(tmp_path / "b.csv.gz").name == "b.csv"


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: zipped(inner=text)], ids=["gzip", "zip"])
def test_a_bomb_is_refused_before_it_is_unpacked_whole(tmp_path: Path, pack) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(pack(b"0" * 5_000_000))
    assert path.stat().st_size < 10_000
    with pytest.raises(DataError, match="unpacks to more than 1,000,000 bytes"):
        open_source(path, limit=1_000_000)


def test_a_plain_file_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_bytes(b"0" * 2_000)
    with pytest.raises(DataError, match="2,000 bytes are more than the 1,000"):
        open_source(path, limit=1_000)


@pytest.mark.parametrize(("members", "what"), [({}, "0 files"), ({"a.csv": TEXT, "b.csv": TEXT}, r"2 files \(a.csv, b.csv\)")])
def test_a_zip_of_none_or_several_files_is_refused(tmp_path: Path, members: dict[str, bytes], what: str) -> None:
    path = tmp_path / "some.zip"
    path.write_bytes(zipped(**members))
    with pytest.raises(DataError, match=what):
        open_source(path)


@pytest.mark.parametrize(
    "content",
    [gzip.compress(TEXT * 1000)[:-30], zipped(inner=TEXT)[:40], b"\x1f\x8bnonsense"],
    ids=["cut gzip", "cut zip", "no gzip"],
)
def test_a_damaged_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be unpacked"):
        open_source(path)


def test_text_that_only_begins_like_utf_16_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(b"\xff\xfea")
    with pytest.raises(DataError, match="begins like UTF-16"):
        open_source(path)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(DataError, match="cannot be opened"):
            open_source(path)
