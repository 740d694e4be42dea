"""The files a Linux desktop looks for: the menu's entry and the icons, below a `share` folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from icons import DRAWING
from payload import ROOT

ENTRY = ROOT / "packaging/linux/nicegold.desktop"
SIZES = (16, 24, 32, 48, 64, 128, 256, 512)


def write_share(share: Path, pictures: dict[int, bytes]) -> None:
    """Fills `share` (applications, icons/hicolor) with the entry, the drawing and its pictures by size."""
    (share / "applications").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ENTRY, share / "applications/nicegold.desktop")
    for size in SIZES:
        place = share / f"icons/hicolor/{size}x{size}/apps"
        place.mkdir(parents=True, exist_ok=True)
        (place / "nicegold.png").write_bytes(pictures[size])
    drawing = share / "icons/hicolor/scalable/apps"
    drawing.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DRAWING, drawing / "nicegold.svg")
