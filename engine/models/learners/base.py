"""What a learner is: a library that fits trees to labelled rows, and the words it stores them in.

Its trees are served by our own kernels (`engine.models.trees`), so its library is needed for training only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from engine.core.errors import UserError
from engine.core.installation import mending
from engine.domain.market import Floats
from engine.models.options import TrainOptions
from engine.models.trees import Forest


class Booster(Protocol):
    """A fitted model of one side."""

    def raw(self, rows: Floats) -> Floats:
        """Log-odds of `rows` (n, k), one thread."""

    def text(self) -> bytes:
        """The model in its library's own text; the same bytes for the same rows, labels, options and seed."""

    def gain(self) -> Floats:
        """How much each feature taught, in any unit."""


class Fitter(Protocol):
    """Rows prepared once and fitted for several labels."""

    def fit(self, label: Floats) -> Booster:
        """A booster for `label` (0.0 or 1.0 a row)."""


@dataclass(frozen=True, slots=True)
class Learner:
    """`name` stands in the configuration and the manifest, `distribution` is its library's.

    `library` imports it; call that by `load`. `extra` installs it where it is optional. `files` are the names of the long and
    the short model's texts. `fitter` makes a Fitter of rows, options and seed. `parse` turns a text and the number of features
    into trees, checked; ModelError for anything else.
    """

    name: str
    distribution: str
    library: Callable[[], Any]
    files: tuple[str, str]
    fitter: Callable[[Floats, TrainOptions, int], Fitter]
    parse: Callable[[str, int], Forest]
    extra: str = ""

    def versions(self) -> dict[str, str]:
        """Versions of what takes part in training and decides its numbers. UserError where the library is not installed."""
        try:
            return {name: version(name) for name in (self.distribution, "numpy")}
        except PackageNotFoundError:
            raise self._missing() from None

    def load(self) -> Any:
        """The library. UserError where it is not installed."""
        try:
            return self.library()
        except ModuleNotFoundError as error:
            raise self._missing() from error

    def _missing(self) -> UserError:
        return UserError(
            f'model.learner = "{self.name}" needs the library {self.distribution}, which is not installed; '
            f'{mending(self.extra)}, or set model.learner = "lightgbm"'
        )
