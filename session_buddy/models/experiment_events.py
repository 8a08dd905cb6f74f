"""Events of experiments: created, ended, an outcome told, and which strategy is the default."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from session_buddy.models.fields import Count, Finite, Frozen, JournalEvent, Name, Timestamp
from session_buddy.models.vocabulary import (
    ExperimentDecision,
    ExperimentMethod,
    ExperimentMetric,
    ExperimentStatus,
    ExperimentUnit,
)

MOST_FURTHER: Final = 6
"""Strategies beside the two, so that the groups are at most eight."""
Description = Annotated[str, StringConstraints(max_length=2_000)]


class ABTestConfig(Frozen):
    """One experiment: strategies that suggest the next skill, compared on real use.

    test_name: also decides, alone, which unit is in which group. metrics: the first decides, all are
    reported. min_sample_size: outcomes that each group must have before a verdict. assignment_ratio: share of
    the units that are not in the control group; further groups share it equally. unit: who is assigned, and
    counts once. minimum_detectable_effect: the smallest difference worth finding, a difference of rates or
    ratings, or for durations a relative one. promote_winner: let a winner be the default strategy by itself.
    """

    test_name: Name
    description: Description = ""
    control_strategy: Name
    treatment_strategy: Name
    further_strategies: Annotated[tuple[Name, ...], Field(max_length=MOST_FURTHER)] = ()
    start_date: Timestamp
    end_date: Timestamp | None = None
    min_sample_size: Annotated[int, Field(ge=1, le=10_000_000)] = 100
    metrics: Annotated[tuple[ExperimentMetric, ...], Field(min_length=1, max_length=4)] = ("completion_rate",)
    assignment_ratio: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.5
    unit: ExperimentUnit = "session"
    method: ExperimentMethod = "sequential"
    minimum_detectable_effect: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    promote_winner: bool = False
    status: ExperimentStatus = "running"

    @field_validator("metrics")
    @classmethod
    def _each_once(cls, metrics: tuple[ExperimentMetric, ...]) -> tuple[ExperimentMetric, ...]:
        if len(set(metrics)) < len(metrics):
            raise ValueError("name each metric once; the first one decides.")
        return metrics

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.end_date is not None and self.end_date <= self.start_date:
            raise ValueError("end_date must be later than start_date.")
        if len(set(self.strategies)) < len(self.strategies):
            raise ValueError("the strategies of an experiment must differ from each other.")
        if self.method == "fixed_horizon" and self.further_strategies:
            raise ValueError(
                "fixed_horizon compares two strategies; leave the further ones or the method out."
            )
        return self

    @property
    def strategies(self) -> tuple[str, ...]:
        """Control's first."""
        return (self.control_strategy, self.treatment_strategy, *self.further_strategies)

    @property
    def metric(self) -> ExperimentMetric:
        """The one that decides."""
        return self.metrics[0]

    def runs_at(self, moment: datetime) -> bool:
        """Whether the dates include a moment."""
        return self.start_date <= moment and (self.end_date is None or moment < self.end_date)


class ExperimentCreated(JournalEvent):
    """An experiment began. planned_sample_size: units in all groups, for which its intervals are tightest."""

    kind: Literal["experiment_created"]
    test_name: Name
    config: ABTestConfig
    planned_sample_size: Annotated[Count, Field(ge=1)]


class ExperimentEnded(JournalEvent):
    """An experiment assigns nobody any more; the first end of a name counts.

    status: `completed` if it came to its own end, with or without a winner, else `stopped`. decision, winner
    (a group): what could be concluded then.
    """

    kind: Literal["experiment_ended"]
    test_name: Name
    status: Literal["completed", "stopped"]
    reason: Description
    decision: ExperimentDecision
    winner: Name | None = None


class OutcomeTold(JournalEvent):
    """Somebody told an outcome that cannot be seen from the record. value: 0 or 1, seconds, or 1 to 5."""

    kind: Literal["experiment_outcome"]
    test_name: Name
    unit_id: Name
    metric: ExperimentMetric
    value: Finite
    session_id: Name | None = None
    skill_name: Name | None = None


class StrategyEvent(JournalEvent):
    """Another strategy is the default from now on: promoted, or put back after a promotion."""

    kind: Literal["strategy_promoted", "strategy_reverted"]
    strategy: Name
    replaced_strategy: Name
    test_name: Name | None = None
    reason: Description
