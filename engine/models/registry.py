"""Models on disk: a folder with the manifest and the texts it vouches for. Nothing in it can run: no pickle, no code."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from engine.core.errors import ModelError
from engine.models.learners import LEARNERS, learner_of
from engine.models.manifest import FILE_NAME, FORMAT, TrainedModel, canonical
from engine.models.serving import ForestPredictor

_NEEDED = ("format", "kind", "files", "features", "calibration", "training", "suggested_threshold", "drift", "metrics")


def save(model: TrainedModel, folder: str | Path) -> Path:
    """Writes the model to its own folder below `folder`, named by instrument, timeframe and hash; returns that folder.

    The folder appears whole or not at all. A model that is already there is left as it is.
    """
    manifest = model.manifest
    place = Path(folder) / f"{manifest['instrument']}-{manifest['timeframe']}-{model.sha256[:12]}"
    if place.exists():
        if _intact(place, model):
            return place
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".model-", dir=place.parent))
    try:
        for name, content in {**model.files, FILE_NAME: canonical(manifest)}.items():
            with (making / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        making.chmod(0o755)
        making.rename(place)
    except OSError:
        shutil.rmtree(making, ignore_errors=True)
        if not _intact(place, model):
            raise
    return place


def load(path: str | Path) -> ForestPredictor:
    """The model in folder `path` (or of that manifest file), ready to serve. ModelError when anything does not match."""
    model = read(path)
    try:
        return ForestPredictor(model)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the manifest in {path} lacks something ({error!r}); train the model again") from error


def read(path: str | Path) -> TrainedModel:
    """The stored model, every hash verified before any of it is parsed. ModelError says what is wrong and where."""
    folder = Path(path)
    folder = folder.parent if folder.name == FILE_NAME else folder
    manifest = _manifest(folder / FILE_NAME)
    files = {}
    for name in learner_of(manifest["kind"]).files:
        content = _bytes(folder / name)
        if sha256(content).hexdigest() != manifest["files"][name]:
            raise ModelError(f"{folder / name} is not the file its manifest vouches for; restore it or train the model again")
        files[name] = content
    return TrainedModel(manifest, files)


def _intact(place: Path, model: TrainedModel) -> bool:
    try:
        return read(place).sha256 == model.sha256
    except ModelError:
        return False


def _manifest(path: Path) -> dict[str, Any]:
    content = _bytes(path)
    try:
        manifest = json.loads(content)
    except ValueError as error:
        raise ModelError(f"{path} is not a model manifest ({error}); give the folder of a trained model") from error
    if not isinstance(manifest, dict) or any(name not in manifest for name in _NEEDED):
        raise ModelError(f"{path} is not a model manifest; give the folder of a trained model")
    if manifest["format"] != FORMAT:
        raise ModelError(f"{path} has format {manifest['format']}, this program reads format {FORMAT}; train the model again")
    if manifest["kind"] not in LEARNERS:
        raise ModelError(f"{path} is of the kind {manifest['kind']!r}, which this program cannot serve; train the model again")
    files = learner_of(manifest["kind"]).files
    if set(manifest["files"]) != set(files):
        raise ModelError(f"{path} names other files than {' and '.join(files)}; train the model again")
    if canonical(manifest) != content:
        raise ModelError(f"{path} was edited by hand; restore it or train the model again")
    return manifest


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}); give the folder of a trained model") from error
