"""The configuration: defaults here, overrides from a TOML file; an unknown key or a wrong type is refused with its path."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from engine.core.errors import ConfigError
from engine.domain.instrument import Instrument, cash
from engine.domain.limits import Limits
from engine.models.learners import LEARNERS

Fraction = Decimal


class Section(BaseModel):
    """Base of all sections: frozen, and no key beside those named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountSection(Section):
    """The paper account."""

    name: str = Field("paper", min_length=1, max_length=40)
    currency: str = "USD"
    balance: Decimal = Field(Decimal(100_000), gt=0, le=1_000_000_000)


class LimitsSection(Section):
    """Caps as fractions of equity; see engine.domain.limits.

    `correlation` and its half-life are told in a run's description only where they are not the usual ones.
    """

    position: Fraction = Field(Decimal("0.05"), gt=0, le=100)
    position_basis: Literal["risk", "notional"] = "risk"
    daily_loss: Fraction = Field(Decimal("0.02"), gt=0, le=1)
    worst_day_soft: Fraction = Field(Decimal("0.02"), gt=0, le=1)
    worst_day_hard: Fraction = Field(Decimal("0.12"), gt=0, le=1)
    open_risk: Fraction = Field(Decimal("0.10"), gt=0, le=1)
    leverage: Decimal = Field(Decimal(3), gt=0, le=500)
    drawdown: Fraction = Field(Decimal("0.15"), gt=0, le=1)
    correlation: Fraction = Field(Decimal("0.7"), ge=0, le=1, exclude_if=lambda share: share == Decimal("0.7"))
    correlation_half_life: int = Field(240, ge=10, le=100_000, exclude_if=lambda bars: bars == 240)
    orders_per_minute: int = Field(60, ge=1)
    duplicate_window_s: int = Field(1, ge=0)

    @model_validator(mode="after")
    def _shares(self) -> LimitsSection:
        """Five per cent is 0.05; a loss of more than all equity is no limit."""
        if self.position_basis == "risk" and self.position > 1:
            raise ValueError("position is a share of equity, such as 0.05 for 5 %; above 1 only with position_basis = 'notional'")
        return self

    def limits(self) -> Limits:
        return Limits(**{name: getattr(self, name) for name in type(self).model_fields})


class ModelSection(Section):
    """The model's policy; distances in ATR.

    `threshold` "auto" takes what training suggests: the probability that a `signal_rate` share of bars comes over (by default
    2 % of a recorded file's bars, 20 % of the simulated market's, which has more to find). `learner` is the library that fits the
    trees; it says so in a run's description only where it is not the usual one, so that runs keep their names.
    """

    learner: str = Field("lightgbm", exclude_if=lambda name: name == "lightgbm")
    threshold: Literal["auto"] | float = "auto"
    stop_atr: float = Field(1.5, gt=0, le=50)
    reward_risk: float = Field(1.5, gt=0, le=50)
    horizon: int = Field(60, ge=1, le=10_000)
    signal_rate: float | None = Field(None, gt=0, lt=1)
    risk_per_trade: Fraction = Field(Decimal("0.001"), gt=0, le=1)
    train_share: float = Field(0.4, gt=0.05, lt=0.95)

    @field_validator("learner")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in LEARNERS:
            raise ValueError(f"use one of {', '.join(LEARNERS)}")
        return name


class SmaCrossSection(Section):
    """The moving-average cross. `lots` is the fixed size of its trades."""

    fast: int = Field(10, ge=2)
    slow: int = Field(50, ge=3)
    stop_fraction: float = Field(0.005, gt=0, lt=1)
    reward_risk: float = Field(2.0, gt=0, le=50)
    lots: Decimal = Field(Decimal("0.01"), gt=0)


class SignalsSection(Section):
    """For every policy: bars between two signals of a side, and bars a card waits."""

    cooldown: int = Field(5, ge=0)
    expiry: int = Field(30, ge=1)


class BrokerSection(Section):
    """The simulated broker.

    `slippage` ticks on market and stop fills, `through` ticks a limit must be passed by, `fill_lots` the most one quote fills
    of an order (0 = all of it).
    """

    slippage: int = Field(2, ge=0)
    through: int = Field(0, ge=0)
    fill_lots: Decimal = Field(Decimal(0), ge=0)


class InstrumentSection(Section):
    """Terms of one instrument that differ from the listed ones. Money in the instrument's currency per lot."""

    spread: int | None = Field(None, ge=0)
    commission_per_lot: Decimal | None = Field(None, ge=0)
    financing_long_per_lot: Decimal | None = None
    financing_short_per_lot: Decimal | None = None


class Config(Section):
    """Everything a session can be told beside its inputs."""

    account: AccountSection = AccountSection()
    limits: LimitsSection = LimitsSection()
    signals: SignalsSection = SignalsSection()
    model: ModelSection = ModelSection()
    sma_cross: SmaCrossSection = SmaCrossSection()
    broker: BrokerSection = BrokerSection()
    instruments: dict[str, InstrumentSection] = {}

    def apply_to(self, instrument: Instrument) -> Instrument:
        """The instrument with the terms this configuration gives it."""
        section = self.instruments.get(instrument.symbol)
        if section is None:
            return instrument
        given: dict[str, Any] = {
            "spread": section.spread,
            "commission": _per_step(section.commission_per_lot, instrument),
            "financing_long": _per_step(section.financing_long_per_lot, instrument),
            "financing_short": _per_step(section.financing_short_per_lot, instrument),
        }
        return replace(instrument, **{name: value for name, value in given.items() if value is not None})


def _per_step(per_lot: Decimal | None, instrument: Instrument) -> int | None:
    return None if per_lot is None else cash(per_lot * instrument.lot_step)


def load(path: Path | None = None) -> Config:
    """The configuration of the TOML file at `path`; the defaults for None. ConfigError names the file, the key and the remedy."""
    if path is None:
        return Config()
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"configuration file {path} does not exist; give an existing TOML file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"configuration file {path} cannot be read as TOML: {error}") from error
    return parse(values, str(path))


def parse(values: dict[str, Any], where: str) -> Config:
    """The configuration `values` make. ConfigError as in `load`."""
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        given = first.get("input")
        hint = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
        raise ConfigError(f"{where}: {key} = {given!r} is not accepted: {hint}") from error
