"""The packages' makers, on a program of three files instead of the frozen one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "packaging"))

from build import Job  # noqa: E402  # the path is made first

EPOCH = 1_780_000_000
PICTURES = dict.fromkeys((16, 24, 32, 48, 64, 128, 256, 512), b"a picture")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """What the makers are given; the program says its version and brings two libraries of this machine."""
    frozen, out = tmp_path / "dist/nicegold", tmp_path / "out"
    internal = frozen / "_internal"
    internal.mkdir(parents=True)
    out.mkdir()
    (frozen / "nicegold").write_text("#!/bin/sh\necho it runs\n", "ascii")
    (frozen / "nicegold").chmod(0o755)
    for name in ("libxcb-cursor.so.0", "libpython3.11.so.1.0"):
        (internal / name).write_bytes(b"a library")
    return Job(frozen, out, tmp_path / "work", "9.8.7", ["parquet"], PICTURES, EPOCH)
