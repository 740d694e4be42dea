"""A profile: where a live session finds its brokers and feeds, and as whom. Names and addresses only; no secrets."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from engine.config import Section
from engine.core.errors import ConfigError, UserError
from engine.market.contracts import Contract
from engine.ports.venue import VenueAddress


class VenueSection(Section):
    """One venue; see engine.ports.venue.VenueAddress."""

    host: str = ""
    port: int = Field(0, ge=0, le=65_535)
    client_id: int = Field(1, ge=0)
    account: str = ""
    live: bool = False
    url: str = ""
    ws_url: str = ""
    timeout: float = Field(10.0, gt=0, le=120)
    sandbox: bool = False
    consent: bool = False
    read_only: bool = False
    ticks: bool = False

    def address(self, broker: str) -> VenueAddress:
        """The venue's address under the name that --broker and --feed take."""
        return VenueAddress(
            broker,
            self.host,
            self.port,
            self.client_id,
            self.account,
            self.live,
            self.url,
            self.ws_url,
            self.timeout,
            self.sandbox,
            self.consent,
            self.read_only,
            self.ticks,
        )


class InstrumentSection(Section):
    """Of a future: which contract is dealt in, and what becomes of a position when its contract is left.

    `month` is Z25, 202512 or the last day of trading; "" is the one in front. A contract is left `days` business days before its
    first notice, as its definition says where that is not given; from `warn_days` before on it is said. `roll`: "auto" closes the
    old contract and opens the new one on the day, "ask" waits for the owner's word, "off" leaves it to the owner altogether.
    """

    month: str = ""
    roll: Literal["ask", "auto", "off"] = "ask"
    days: int | None = Field(None, ge=0, le=120)
    warn_days: int = Field(5, ge=0, le=40)

    @field_validator("month")
    @classmethod
    def _known(cls, month: str) -> str:
        try:
            return Contract.of(month).code if month else ""
        except UserError as error:
            raise ValueError(str(error)) from error


class SessionSection(Section):
    """How a live session keeps watch. Seconds. `heartbeat` is how often TWS is asked whether it is there."""

    patience: float = Field(10.0, gt=0, le=120)
    reconcile_every: float = Field(60.0, ge=1)
    look_every: float = Field(1.0, gt=0)
    heartbeat: float = Field(15.0, gt=0, le=120)
    history_bars: int = Field(6_000, ge=200, le=100_000)


class Profile(Section):
    """`name` is part of the book's identity: another profile keeps another book. `venues` by broker name, `instruments` by
    symbol."""

    name: str = Field("live", min_length=1, max_length=40)
    venues: dict[str, VenueSection] = Field(default_factory=dict)
    instruments: dict[str, InstrumentSection] = Field(default_factory=dict)
    session: SessionSection = SessionSection()

    def venue(self, broker: str) -> VenueSection:
        """The venue of this name; the usual address where the profile does not mention it."""
        return self.venues.get(broker.lower(), VenueSection())

    def instrument(self, symbol: str) -> InstrumentSection:
        """What is said of the instrument; as usual where it is not mentioned."""
        return self.instruments.get(symbol, InstrumentSection())


def load_profile(path: Path | Profile | None) -> Profile:
    """The profile of the TOML file at `path`, one that is made already, or the usual one for None.

    ConfigError names the file, the key and the remedy.
    """
    if path is None or isinstance(path, Profile):
        return path or Profile()
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"profile {path} does not exist; give an existing TOML file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"profile {path} cannot be read as TOML: {error}") from error
    try:
        return Profile.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        hint = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
        raise ConfigError(f"{path}: {key} = {first.get('input')!r} is not accepted: {hint}") from error
