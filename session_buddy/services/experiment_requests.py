"""What an experiment is asked to be, and what it costs: checked, completed, planned from the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from session_buddy.analytics.experiments.metrics import METRICS
from session_buddy.analytics.experiments.planning import FEWEST_UNITS, Plan, plan, rate_variance
from session_buddy.analytics.experiments.sums import GroupSums
from session_buddy.analytics.suggesting.strategies import STRATEGIES
from session_buddy.errors import InvalidInput
from session_buddy.models.answers_experiments import ExperimentPlan
from session_buddy.models.experiment_events import ABTestConfig
from session_buddy.models.problems import problems_of, shown
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.vocabulary import ExperimentMethod, ExperimentMetric, ExperimentUnit
from session_buddy.services.experiment_reading import arms, effect_of

LOOKED_BACK: Final = timedelta(days=28)
_USUAL_EFFECT: Final[Mapping[str, float]] = {"rate": 0.1, "seconds": 0.2, "rating": 0.3}
"""The difference that an experiment is planned for where none is named."""
_USUAL_VARIANCE: Final[Mapping[str, float]] = {"rate": rate_variance(0.8), "seconds": 1.0, "rating": 1.0}
"""Of a unit, where the record is too young to tell."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody says of an experiment; None leaves it as it is, or to the default of `ABTestConfig`."""

    test_name: str
    control_strategy: str | None = None
    treatment_strategy: str | None = None
    further_strategies: Sequence[str] | None = None
    description: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    min_sample_size: int | None = None
    metrics: Sequence[ExperimentMetric] | None = None
    assignment_ratio: float | None = None
    unit: ExperimentUnit | None = None
    method: ExperimentMethod | None = None
    minimum_detectable_effect: float | None = None
    promote_winner: bool | None = None

    def given(self) -> dict[str, Any]:
        """What was said beside the name."""
        names = (field.name for field in fields(self) if field.name != "test_name")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def config(self, now: datetime, users: int) -> ABTestConfig:
        """The configuration of a new experiment. users: of the record, which the unit follows from.

        Raises:
            InvalidInput: it cannot be one; the sentence says why.
        """
        if self.control_strategy is None or self.treatment_strategy is None:
            raise InvalidInput(
                f"There is no experiment {shown(self.test_name)}. To begin it, give control_strategy and "
                f"treatment_strategy (--control and --treatment), two of: {', '.join(STRATEGIES)}."
            )
        unit = "user" if users >= 2 * FEWEST_UNITS else "session"
        values = {"start_date": now, "unit": unit, **self.given(), "test_name": self.test_name}
        config = checked(values)
        if config.end_date is not None and config.end_date <= now:
            raise InvalidInput("end_date: lies in the past; an experiment needs time to come.")
        return config

    def check_same(self, config: ABTestConfig) -> None:
        """Raises `InvalidInput` if what was said is not what the experiment of that name is."""
        known = config.model_dump()
        for name, value in self.given().items():
            there, here = (tuple(one) if isinstance(one, list) else one for one in (known[name], value))
            if there != here:
                raise InvalidInput(
                    f"{shown(self.test_name)} is the name of another experiment: its {name} is "
                    f"{shown(there)}, not {shown(here)}. An experiment cannot be changed; leave that out to "
                    "read it, or take another name."
                )


@dataclass(frozen=True, slots=True)
class Told:
    """An outcome that somebody tells. metric: None for the one that decides."""

    test_name: str
    value: float
    metric: ExperimentMetric | None = None
    skill_name: str | None = None
    request_key: str | None = None


def checked(values: Mapping[str, Any]) -> ABTestConfig:
    """A configuration whose strategies exist; `InvalidInput` says what is wrong with another one."""
    try:
        config = ABTestConfig.model_validate(values)
    except ValidationError as error:
        raise InvalidInput(problems_of(error)) from error
    for strategy in config.strategies:
        if strategy not in STRATEGIES:
            raise InvalidInput(
                f"There is no strategy {shown(strategy)}; use two or more of: {', '.join(STRATEGIES)}."
            )
    return config


def planned(config: ABTestConfig, store: SkillsStorageProtocol, now: datetime) -> tuple[Plan, ExperimentPlan]:
    """How large an experiment has to be, from what its metric did in the last weeks; and in an answer."""
    metric = METRICS[config.metric]
    past = store.experiments.past(config.metric, config.unit, now - LOOKED_BACK, now)
    sums = GroupSums(*past.totals[1:])
    known = sums.units >= FEWEST_UNITS and sums.variance > 0
    effect = config.minimum_detectable_effect or _USUAL_EFFECT[metric.kind]
    rate = _units_per_day(sums.units, past.began_at, now)
    made = plan(
        sums.variance if known else _USUAL_VARIANCE[metric.kind],
        effect_of(metric, effect) or effect,
        [arm.share for arm in arms(config)],
        method=config.method,
        units_per_day=rate,
    )
    answer = ExperimentPlan(
        metric=config.metric,
        unit=config.unit,
        method=config.method,
        baseline=metric.shown(sums.mean) if sums.outcomes else None,
        minimum_detectable_effect=effect,
        units=made.units,
        fixed_units=made.fixed_units,
        units_per_day=rate,
        days=made.days,
        based_on_units=sums.units,
        estimates=[],
        message=_in_words(config, made, sums, effect, rate, known=known),
    )
    return made, answer


def _units_per_day(units: int, began_at: datetime | None, now: datetime) -> float | None:
    if began_at is None or not units:
        return None
    return units / max(1.0, (now - began_at).total_seconds() / 86_400)


def _in_words(
    config: ABTestConfig, made: Plan, sums: GroupSums, effect: float, rate: float | None, *, known: bool
) -> str:
    metric = METRICS[config.metric]
    size = metric.difference_in_words(effect_of(metric, effect) or effect).lstrip("+")
    said = (
        f"To find a difference of {size} in {config.metric}, about {made.units:,} {config.unit}s are "
        f"needed in all groups together ({made.fixed_units:,} for a single look at the end)."
    )
    if rate is None:
        said += (
            f" No {config.unit} of the last 28 days has such an outcome, so how long that takes is unknown."
        )
    else:
        said += f" At {rate:.1f} {config.unit}s a day that takes {made.days:,.0f} days."
    if not known:
        said += " The record is too young to know how much outcomes vary; usual values were assumed."
    elif sums.outcomes:
        said += f" So far it is {metric.in_words(sums.mean)} over {sums.units:,} {config.unit}s."
    return said
