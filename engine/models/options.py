"""What a training run can be told."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from engine.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Barriers of the labels (which are the policy's stop and target), validation and booster.

    `stop_atr` is the stop distance in ATRs, the target lies `reward_risk` times as far, a trade is given up after `horizon`
    bars. `signal_rate` is the share of bars that the suggested threshold lets through. `embargo` bars lie between
    training and test rows of a fold. `learner` is one of engine.models.learners. `source` says in words where the bars came from.
    """

    stop_atr: float = 1.5
    reward_risk: float = 1.5
    horizon: int = 60
    signal_rate: float = 0.02
    folds: int = 4
    embargo: int = 60
    rounds: int = 100
    leaves: int = 15
    learning_rate: float = 0.05
    learner: str = "lightgbm"
    source: str = ""

    def __post_init__(self) -> None:
        checks = {
            "stop_atr": self.stop_atr > 0,
            "reward_risk": self.reward_risk > 0,
            "horizon": self.horizon >= 1,
            "signal_rate": 0 < self.signal_rate < 1,
            "folds": 2 <= self.folds <= 20,
            "embargo": self.embargo >= 0,
            "rounds": 1 <= self.rounds <= 5_000,
            "leaves": 2 <= self.leaves <= 64,
            "learning_rate": 0 < self.learning_rate <= 1,
        }
        for name, good in checks.items():
            if not good:
                raise ConfigError(
                    f"training option {name} cannot be {getattr(self, name)}; see its range in engine/models/options.py"
                )

    @property
    def break_even(self) -> float:
        """The probability of the target at which a trade neither gains nor loses, costs aside."""
        return 1.0 / (1.0 + self.reward_risk)

    def as_dict(self) -> dict[str, float | int | str]:
        """What makes a difference to the model: everything but `source`; the learner is the manifest's kind."""
        return {name: value for name, value in asdict(self).items() if name not in ("source", "learner")}
