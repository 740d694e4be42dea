"""What is to be run, said in values: nothing heavy is imported here, so that the window is there before the engine is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.core.clock import Nanos, from_iso
from engine.core.errors import UserError
from engine.core.version import program_version
from engine.domain.instrument import Instrument
from engine.domain.market import Symbol, Timeframe
from engine.signals.desk import Mode

if TYPE_CHECKING:
    from engine.config import Config
    from engine.profile import Profile

VERSION = program_version()
"""Part of a run's identity: another version may decide otherwise."""

Progress = Callable[[float, str], None]


def silent(_share: float, _what: str) -> None:
    """A progress nobody watches."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded file as it is to be read; `timeframe` None is one of ticks, `clock` None is found from the file."""

    path: Path
    instrument: Instrument
    timeframe: Timeframe | None
    clock: str | None


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be run. `policy` is "model" or "sma_cross"; `models` the folder trained models are kept in.

    `replay` None runs the built-in simulated market, unless `feed` names a live one ("ib", "binance"): then `broker` is where
    orders go ("paper" or a venue), `profile` tells where these are, and `beside` are more instruments of it.
    `train_from` is "file" (the first share of it) or "db".
    `also` are recordings of other instruments, played beside `replay` on the same account. `apart` trains in a process of its
    own, for a session beside a window. `review` opens a finished run as it ended, to be looked at, instead of refusing it.
    `chosen` are settings of the limits that a command chose for this session alone, as (name, JSON); they are on record.
    """

    db: str
    models: Path
    instrument: Instrument
    timeframe: Timeframe
    config: Config
    replay: Path | None = None
    clock: str | None = None
    also: tuple[Recording, ...] = ()
    feed: str = ""
    broker: str = "paper"
    profile: Path | Profile | None = None
    beside: tuple[Instrument, ...] = ()
    policy: str = "model"
    model: Path | None = None
    train_from: str = "file"
    mode: Mode = Mode.AUTO
    seed: int = 7
    until: str | None = None
    new: bool = False
    apart: bool = False
    review: bool = False
    chosen: tuple[tuple[str, str], ...] = ()
    progress: Progress = silent

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What is traded, the instrument the session is opened for first."""
        others = (*(recording.instrument for recording in self.also), *self.beside)
        return (self.instrument.symbol, *(instrument.symbol for instrument in others))

    def alone(self, recording: Recording) -> Request:
        """The same request for one of `also` by itself."""
        return replace(self, instrument=recording.instrument, replay=recording.path, clock=recording.clock, also=())

    @property
    def learns_from_file(self) -> bool:
        """True when the recorded file's first share is what the model is trained on."""
        return self.policy == "model" and self.model is None and self.train_from == "file"


def replayed(request: Request, recording: Recording) -> Request:
    """The request with a recorded file as its market. Ticks are traded without a model where none is given.

    A run of it that is finished is opened as it ended.
    """
    trains = request.policy == "model" and request.model is None and request.train_from == "file"
    return replace(
        request,
        instrument=request.config.apply_to(recording.instrument),
        timeframe=recording.timeframe or Timeframe.of("M1"),
        replay=recording.path,
        clock=recording.clock,
        also=(),
        policy="sma_cross" if recording.timeframe is None and trains else request.policy,
        new=False,
        review=True,
    )


def source_of(text: str) -> str:
    """Where a model is trained from: "file" or "db"; UserError for another word."""
    if text not in ("file", "db"):
        raise UserError(f"--train-from {text!r} is not known; use file or db")
    return text


def mode_of(text: str) -> Mode:
    """The mode called `text` in any case; UserError for another word."""
    try:
        return Mode(text.upper())
    except ValueError:
        raise UserError(f"mode {text!r} is not known; use auto, confirm or manual") from None


def time_of(text: str) -> Nanos:
    """The moment an option names; UserError when it is no ISO time."""
    try:
        return from_iso(text)
    except ValueError:
        raise UserError(f"{text!r} is no ISO 8601 time such as 2020-07-01T12:00") from None
