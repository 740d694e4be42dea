"""A model's manifest: everything known about it in one JSON text, whose hash names the model.

Nothing in it depends on when or where training ran: the same bars, options, seed and libraries give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

FORMAT = 1
FILE_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model as trained and as stored: the manifest and the boosters' texts by file name."""

    manifest: dict[str, Any]
    files: dict[str, bytes]

    @property
    def sha256(self) -> str:
        """SHA-256 over the manifest's canonical bytes, which hold the hash of every file."""
        return hashlib.sha256(canonical(self.manifest)).hexdigest()

    @property
    def suggested_threshold(self) -> float:
        """The probability from which on to signal, as learned from out-of-fold predictions."""
        return float(self.manifest["suggested_threshold"])


def canonical(manifest: dict[str, Any]) -> bytes:
    """The manifest as stored and hashed: keys sorted, one a line, ASCII."""
    return (json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=True, allow_nan=False) + "\n").encode()


def file_hashes(files: dict[str, bytes]) -> dict[str, str]:
    """SHA-256 of every file by its name."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
