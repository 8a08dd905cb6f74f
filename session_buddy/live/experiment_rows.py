"""Experiments as the feed shows them."""

from collections.abc import Iterable

from pydantic import BaseModel, Field, TypeAdapter

from session_buddy.models.answers_experiments import Experiment
from session_buddy.models.vocabulary import (
    ExperimentDecision,
    ExperimentMetric,
    ExperimentStatus,
    ExperimentUnit,
)


class ExperimentGroup(BaseModel):
    """One group of an experiment, and for a treatment its difference from control."""

    group_name: str
    strategy: str
    unit_count: int
    outcome_count: int
    value: float | None = Field(description="rate, mean rating, or geometric mean of seconds")
    difference: float | None = Field(description="from control; of durations relative")
    lower: float | None = Field(description="the interval, valid at every look")
    upper: float | None


class ExperimentRow(BaseModel):
    """An experiment that is at work, or ended in the last 14 days."""

    test_name: str
    status: ExperimentStatus
    decision: ExperimentDecision
    winner_strategy: str | None
    promoted: bool
    metric: ExperimentMetric
    unit: ExperimentUnit
    conclusion: str = Field(description="in words, with numbers")
    groups: list[ExperimentGroup]


_ROWS: TypeAdapter[list[ExperimentRow]] = TypeAdapter(list[ExperimentRow])


def encoded_experiments(experiments: Iterable[Experiment]) -> str:
    """A list of `ExperimentRow` as it goes over the wire."""
    return _ROWS.dump_json([_row(test) for test in experiments]).decode()


def _row(test: Experiment) -> ExperimentRow:
    differences = {one.group_name: one for one in test.differences}
    groups = []
    for group in test.groups:
        one = differences.get(group.group_name)
        groups.append(
            ExperimentGroup(
                group_name=group.group_name,
                strategy=group.strategy,
                unit_count=group.unit_count,
                outcome_count=group.outcome_count,
                value=group.value,
                difference=one.difference if one else None,
                lower=one.lower if one else None,
                upper=one.upper if one else None,
            )
        )
    return ExperimentRow(
        test_name=test.test_name,
        status=test.status,
        decision=test.decision,
        winner_strategy=test.winner_strategy,
        promoted=test.promoted,
        metric=test.metric,
        unit=test.unit,
        conclusion=test.conclusion,
        groups=groups,
    )
