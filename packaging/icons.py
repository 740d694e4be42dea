"""The program's icon in the forms that desktops want, rendered from resources/icons/nicegold.svg by Qt."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from payload import ROOT

DRAWING = ROOT / "resources/icons/nicegold.svg"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512, 1024)
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_KINDS = {16: b"icp4", 32: b"icp5", 64: b"icp6", 128: b"ic07", 256: b"ic08", 512: b"ic09", 1024: b"ic10"}


def render(sizes: Iterable[int] = SIZES) -> dict[int, bytes]:
    """The drawing as PNG bytes, square, by edge in pixels. ValueError where Qt cannot draw SVG."""
    from PySide6.QtCore import QBuffer, QIODevice, QSize
    from PySide6.QtGui import QImageReader

    made = {}
    for size in sizes:
        reader = QImageReader(str(DRAWING))
        reader.setScaledSize(QSize(size, size))
        picture, buffer = reader.read(), QBuffer()
        if picture.isNull():
            raise ValueError(f"{DRAWING.name} could not be drawn: {reader.errorString()}")
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        picture.save(buffer, "PNG")
        made[size] = bytes(buffer.data().data())
    return made


def ico(pictures: dict[int, bytes]) -> bytes:
    """Windows' icon file: a directory of PNG pictures."""
    chosen = [(size, pictures[size]) for size in ICO_SIZES]
    offset = 6 + 16 * len(chosen)
    directory, body = struct.pack("<HHH", 0, 1, len(chosen)), b""
    for size, picture in chosen:
        edge = size % 256  # zero says 256
        directory += struct.pack("<BBBBHHII", edge, edge, 0, 0, 1, 32, len(picture), offset + len(body))
        body += picture
    return directory + body


def icns(pictures: dict[int, bytes]) -> bytes:
    """macOS' icon file: chunks of PNG pictures, each named by its size."""
    body = b"".join(kind + struct.pack(">I", 8 + len(pictures[size])) + pictures[size] for size, kind in ICNS_KINDS.items())
    return b"icns" + struct.pack(">I", 8 + len(body)) + body


def write(folder: Path) -> dict[int, bytes]:
    """Writes nicegold.ico and nicegold.icns into `folder`; the pictures by size."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = render()
    (folder / "nicegold.ico").write_bytes(ico(pictures))
    (folder / "nicegold.icns").write_bytes(icns(pictures))
    return pictures
