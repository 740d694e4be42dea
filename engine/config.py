"""The configuration: defaults here, overrides from a TOML file; an unknown key or a wrong type is refused with its path."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer, field_validator, model_validator

from engine.brokers.sim.terms import SimTerms
from engine.brokers.sim.venues import VENUES
from engine.core.clock import SECOND
from engine.core.errors import ConfigError, UserError
from engine.domain.definition import Minute, Zone
from engine.domain.instrument import Instrument, Steps, cash
from engine.domain.limit_rules import MayWarn, Measured, check
from engine.domain.limits import USUAL_ACTIONS, USUAL_SOFT, Limits
from engine.domain.news import NO_NEWS, NewsCalendar
from engine.domain.protection import ProtectionTerms
from engine.models.learners import LEARNERS
from engine.risk.news import load_news

Fraction = Decimal


class Section(BaseModel):
    """Base of all sections: frozen, and no key beside those named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountSection(Section):
    """The paper account."""

    name: str = Field("paper", min_length=1, max_length=40)
    currency: str = "USD"
    balance: Decimal = Field(Decimal(100_000), gt=0, le=1_000_000_000)


Action = Literal["warn", "reduce_only", "cancel_entries", "close_worst", "flatten", "halt"]


def _usual(value: Any) -> dict[str, Any]:
    """A field that a run's description holds only where it is not the usual `value`, so that runs keep their names."""
    return {"default": value, "exclude_if": lambda given: given == value}


class NewsSection(Section):
    """The calendar around whose announcements nothing is opened; see engine.risk.news. Minutes where the file says none."""

    file: Path
    importance: Literal["low", "medium", "high"] = "medium"
    before_min: int = Field(5, ge=0, le=10_080)
    after_min: int = Field(15, ge=0, le=10_080)

    @field_serializer("file")
    def _hashed(self, _file: Path) -> str:
        """A run is told apart by what the calendar says, not by where it lies."""
        return self.calendar().sha256

    def calendar(self) -> NewsCalendar:
        return load_news(self.file, self.importance, self.before_min, self.after_min)


class InstrumentLimits(Section):
    """Limits that one instrument has of its own, "none" for none; what is left out is the account's."""

    position: Fraction | None = None
    margin_rate: Fraction | None = None
    order_lots: Decimal | None = None
    order_notional: Decimal | None = None
    collar: Fraction | None = None
    duplicate_window_s: int | None = None
    soft: dict[Literal["position"], Fraction] = {}

    def limits(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in self.model_fields_set if name != "soft"}
        return own | {f"soft.{name}": cap for name, cap in self.soft.items()}


class LimitsSection(Section):
    """Caps as fractions of equity; see engine.domain.limits."""

    position: Fraction = Field(Decimal("0.05"), gt=0, le=100)
    position_basis: Literal["risk", "notional"] = "risk"
    daily_loss: Fraction = Field(Decimal("0.02"), gt=0, le=1)
    worst_day_soft: Fraction = Field(Decimal("0.02"), gt=0, le=1)
    worst_day_hard: Fraction = Field(Decimal("0.12"), gt=0, le=1)
    open_risk: Fraction = Field(Decimal("0.10"), gt=0, le=1)
    leverage: Decimal = Field(Decimal(3), gt=0, le=500)
    drawdown: Fraction = Field(Decimal("0.15"), gt=0, le=1)
    correlation: Fraction = Field(ge=0, le=1, **_usual(Decimal("0.7")))
    correlation_half_life: int = Field(ge=10, le=100_000, **_usual(240))
    orders_per_minute: int = Field(60, ge=1)
    duplicate_window_s: int = Field(1, ge=0)
    day_zone: Zone = Field(**_usual("America/New_York"))
    day_minute: Minute = Field(**_usual(17 * 60))
    margin: Fraction = Field(**_usual(Decimal(1)))
    margin_rate: Fraction | None = Field(**_usual(None))
    value_at_risk: Fraction | None = Field(**_usual(None))
    expected_shortfall: Fraction | None = Field(**_usual(None))
    confidence: Fraction = Field(ge=Decimal("0.5"), lt=1, **_usual(Decimal("0.99")))
    var_method: Literal["historical", "parametric", "larger"] = Field(**_usual("larger"))
    var_bars: int = Field(ge=100, le=10_000, **_usual(500))
    order_lots: Decimal | None = Field(**_usual(None))
    order_notional: Decimal | None = Field(**_usual(None))
    collar: Fraction | None = Field(**_usual(None))
    account: Literal["margin", "cash"] = Field(**_usual("margin"))
    sessions: Literal["listed", "ignore"] = Field(**_usual("listed"))
    self_match: bool = Field(**_usual(True))
    allowed: tuple[str, ...] = Field(**_usual(()))
    losing_streak: int | None = Field(**_usual(None))
    override_losses: int | None = Field(**_usual(None))
    override_window_min: int = Field(**_usual(240))
    cool_off_min: int = Field(**_usual(60))
    loosen_after_min: int = Field(**_usual(24 * 60))
    news: NewsSection | None = Field(**_usual(None))
    soft: dict[Measured, Fraction] = Field(**_usual({}))
    only_warn: tuple[MayWarn, ...] = Field(**_usual(()))
    actions: dict[Measured, tuple[Action, ...]] = Field(**_usual({}))
    instruments: dict[str, InstrumentLimits] = Field(**_usual({}))

    @model_validator(mode="after")
    def _shares(self) -> LimitsSection:
        """Five per cent is 0.05; a loss of more than all equity is no limit."""
        if self.position_basis == "risk" and self.position > 1:
            raise ValueError("position is a share of equity, such as 0.05 for 5 %; above 1 only with position_basis = 'notional'")
        try:
            check(self.limits())
        except UserError as error:
            raise ValueError(str(error)) from error
        return self

    def limits(self) -> Limits:
        """The limits these are. ConfigError where the news calendar cannot be read."""
        given: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        given["soft"] = {**USUAL_SOFT, **self.soft}
        given["actions"] = {**USUAL_ACTIONS, **self.actions}
        given["news"] = NO_NEWS if self.news is None else self.news.calendar()
        given["instruments"] = {symbol: section.limits() for symbol, section in self.instruments.items()}
        return Limits(**given)


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
    """The simulated broker, in replays and on live prices.

    `slippage` ticks on market and stop fills where no book is known, `through` ticks a limit must be passed by, `fill_lots` the
    most one quote fills of an order (0 = all of it). `sizes`: no more is filled than a quote shows (on live prices always).
    `queue`: "trades" serves a limit order in its turn when others trade at its price, "sizes" also counts a smaller size shown
    as traded. `latency_ms`: what is asked takes effect so much later. `venue`: whose commissions, financing and short selling
    ("" as each instrument says; see engine.brokers.sim.venues); `maker_ppm` and `taker_ppm` (millionths of the notional) and
    `min_commission` (an order) replace what that venue charges. What came later is told in a run's description only where it is
    not the usual.
    """

    slippage: int = Field(2, ge=0)
    through: int = Field(0, ge=0)
    fill_lots: Decimal = Field(Decimal(0), ge=0)
    sizes: bool = Field(False, exclude_if=lambda it: it is False)
    queue: Literal["", "trades", "sizes"] = Field("", exclude_if=lambda it: not it)
    latency_ms: int = Field(0, ge=0, le=60_000, exclude_if=lambda it: it == 0)
    venue: str = Field("", exclude_if=lambda it: not it)
    maker_ppm: int | None = Field(None, ge=-10_000, le=100_000, exclude_if=lambda it: it is None)
    taker_ppm: int | None = Field(None, ge=-10_000, le=100_000, exclude_if=lambda it: it is None)
    min_commission: Decimal | None = Field(None, ge=0, le=1_000, exclude_if=lambda it: it is None)

    @field_validator("venue")
    @classmethod
    def _listed(cls, name: str) -> str:
        if name not in VENUES:
            raise ValueError(f"use one of {', '.join(filter(None, VENUES))}, or leave it out")
        return name

    def terms(self, fill_steps: Steps) -> SimTerms:
        """How the venue deals; `fill_lots` as lot steps."""
        given: dict[str, Any] = {
            "maker_ppm": self.maker_ppm,
            "taker_ppm": self.taker_ppm,
            "least": None if self.min_commission is None else cash(self.min_commission),
        }
        venue = replace(VENUES[self.venue], **{name: value for name, value in given.items() if value is not None})
        latency = self.latency_ms * (SECOND // 1_000)
        return SimTerms(self.slippage, self.through, fill_steps, self.sizes, self.queue, latency, venue)


class ProtectionSection(Section):
    """What is done about open units without a stop; see engine.execution.protection."""

    policy: Literal["repair", "close"] = "repair"
    within_s: float = Field(30, ge=1, le=600)
    attempts: int = Field(3, ge=1, le=20)
    pause_s: float = Field(2, gt=0, le=60)

    def terms(self) -> ProtectionTerms:
        return ProtectionTerms(self.policy, round(self.within_s * SECOND), self.attempts, round(self.pause_s * SECOND))


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
    protection: ProtectionSection = Field(ProtectionSection(), exclude_if=lambda it: it == ProtectionSection())
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
