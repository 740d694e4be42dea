"""For the server that programs are forked from, and for nobody else: what each would do once when it begins is done already."""

from __future__ import annotations

import importlib
from tempfile import TemporaryDirectory

import numpy as np

from engine.domain.market import Bars
from engine.features.live import FeatureBuilder
from engine.storage.database import open_books

for _library in ("ccxt.pro", "ib_async", "tests.catalogue.crash_child"):
    importlib.import_module(_library)
_price = np.full(2, 4_000.0)
FeatureBuilder().warm(Bars(np.arange(2), _price, _price, _price, _price, _price, _price))
with TemporaryDirectory() as _folder:
    open_books(f"sqlite:///{_folder}/books.db").close()
