"""What the product answers about experiments.

The rules of `models.answers` hold: ratios 0..1, seconds, UTC, `None` where there is nothing to say.
A difference is treatment less control: of rates and ratings as they are, of durations relative.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from session_buddy.models.events import Frozen
from session_buddy.models.vocabulary import (
    ExperimentDecision,
    ExperimentMethod,
    ExperimentMetric,
    ExperimentStatus,
    ExperimentUnit,
)


class GroupReading(Frozen):
    """One group, in one metric."""

    group_name: str
    strategy: str
    share: float = Field(description="intended share of the units")
    unit_count: int = Field(description="units in the group so far")
    measured_unit_count: int = Field(description="of them with an outcome")
    outcome_count: int
    value: float | None = Field(description="rate, mean rating, or geometric mean of seconds")


class Difference(Frozen):
    """A treatment less control."""

    group_name: str
    difference: float
    lower: float | None
    upper: float | None
    p_value: float = Field(description="valid at every look")
    proven: bool


class MetricReading(Frozen):
    """A further metric, which decides nothing."""

    metric: ExperimentMetric
    groups: list[GroupReading]
    differences: list[Difference]


class Experiment(Frozen):
    """Answer of `run_ab_test`."""

    test_name: str
    created: bool
    status: ExperimentStatus
    decision: ExperimentDecision
    winner: str | None
    winner_strategy: str | None
    conclusion: str
    message: str
    metric: ExperimentMetric
    unit: ExperimentUnit
    method: ExperimentMethod
    groups: list[GroupReading]
    differences: list[Difference]
    confidence: float
    further_metrics: list[MetricReading]
    min_sample_size: int
    planned_unit_count: int
    further_unit_count: int | None
    further_days: float | None
    assignment_p_value: float
    promote_winner: bool
    promoted: bool
    default_strategy: str
    description: str
    created_at: datetime
    start_date: datetime
    end_date: datetime | None
    ended_at: datetime | None


class ExperimentStopped(Frozen):
    """Answer of `stop_ab_test`."""

    test_name: str
    status: ExperimentStatus
    decision: ExperimentDecision = Field(description="what could be concluded by then")
    conclusion: str
    message: str


class ExperimentList(Frozen):
    """All experiments, and the trail of the default strategy."""

    experiments: list[Experiment]
    default_strategy: str
    trail: list["DefaultChange"]


class DefaultChange(Frozen):
    """Another strategy became the default."""

    kind: Literal["promoted", "reverted"]
    strategy: str
    replaced_strategy: str
    test_name: str | None
    reason: str
    at: datetime


class DefaultStrategy(Frozen):
    """Answer of a promotion or of taking one back."""

    change: DefaultChange | None
    default_strategy: str
    message: str


class OutcomeRecorded(Frozen):
    """Answer of `record_ab_outcome`."""

    outcome_id: UUID
    test_name: str
    group_name: str
    metric: ExperimentMetric
    value: float
    message: str


class ExperimentPlan(Frozen):
    """How large an experiment has to be, and how long it would take."""

    metric: ExperimentMetric
    unit: ExperimentUnit
    method: ExperimentMethod
    baseline: float | None = Field(description="rate, mean rating, or geometric mean of seconds, so far")
    minimum_detectable_effect: float
    units: int = Field(description="of all groups together")
    fixed_units: int = Field(description="for one look at the end")
    units_per_day: float | None
    days: float | None
    based_on_units: int = Field(description="units of the last days that it was planned from")
    estimates: list["PolicyEstimate"]
    message: str


class PolicyEstimate(Frozen):
    """What a strategy would have done where others suggested."""

    strategy: str
    value: float | None = Field(description="share of suggestions whose first skill is used next")
    lower: float | None
    upper: float | None
    logged_value: float | None = Field(description="the same of what was suggested")
    suggestion_count: int
    message: str
