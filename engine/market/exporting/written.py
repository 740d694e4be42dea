"""Files of exported bars: read back before they are trusted, put in place whole or not at all."""

from __future__ import annotations

import gzip
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from engine.core.errors import UserError
from engine.domain.market import Bars
from engine.market.exporting.base import Exporter, Order
from engine.market.formats import Source, Wanted
from engine.market.importing import bars_of


def read_back(exporter: Exporter, order: Order, data: bytes) -> Bars:
    """The bars that the format's own reader finds in `data`; no row for each that it would refuse."""
    name = f"export{exporter.suffix}"
    parsed = exporter.reader.parse(Source(Path(name), name, data, "", Wanted(order.instrument.symbol, order.timeframe)))
    utc = parsed.at if parsed.clock == "UTC" else order.clock.to_utc(parsed.at)
    return bars_of(parsed, np.ones(len(utc), np.bool_), utc, order.instrument)


def write(path: Path, data: bytes, overwrite: bool) -> None:
    """Puts `data` at `path`, packed where its name ends in .gz. UserError when something is there, or it cannot be written."""
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists; name another file, or give --force to replace it")
    data = gzip.compress(data, mtime=0) if path.suffix.lower() == ".gz" else data
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(data)
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise UserError(f"{path}: cannot be written ({error.strerror or error}); name another place") from error
