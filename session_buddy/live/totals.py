"""Adding one invocation to totals: what SQL does in a fold, for events that are not folded yet."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from session_buddy.live.merge import merge
from session_buddy.live.sketch import bucket_of
from session_buddy.models.answers import Invocation
from session_buddy.models.events import SkillEvent
from session_buddy.models.values import SkillTotals

_Value = TypeVar("_Value")


def add_use(skill_name: str, totals: SkillTotals | None, events: Sequence[SkillEvent]) -> SkillTotals | None:
    """The totals of a skill with the use that these events make, if they make one of that skill."""
    invocation = merge(events)
    if invocation is None or invocation.skill_name != skill_name:
        return totals
    return add_invocation(totals or SkillTotals(skill_name), invocation)


def add_invocation(totals: SkillTotals, invocation: Invocation) -> SkillTotals:
    """The totals with one more invocation, which they must not hold already."""
    seconds = invocation.duration_seconds
    outcome = invocation.outcome
    moments = [invocation.invoked_at]
    return replace(
        totals,
        invocation_count=totals.invocation_count + 1,
        completed_count=totals.completed_count + (outcome == "completed"),
        failed_count=totals.failed_count + (outcome == "failed"),
        abandoned_count=totals.abandoned_count + (outcome == "abandoned"),
        reported_count=totals.reported_count + (invocation.outcome_source == "reported"),
        inferred_count=totals.inferred_count + (invocation.outcome_source == "inferred"),
        duration_count=totals.duration_count + (seconds is not None),
        duration_sum=totals.duration_sum + (seconds or 0.0),
        rating_count=totals.rating_count + (invocation.rating is not None),
        rating_sum=totals.rating_sum + (invocation.rating or 0),
        first_invoked_at=min([*moments, *([totals.first_invoked_at] if totals.first_invoked_at else [])]),
        last_invoked_at=max([*moments, *([totals.last_invoked_at] if totals.last_invoked_at else [])]),
        duration_buckets=_counted(totals.duration_buckets, None if seconds is None else bucket_of(seconds)),
        errors=_counted(totals.errors, invocation.error_type),
        phases=_counted(totals.phases, invocation.workflow_phase),
    )


def _counted(counts: Mapping[_Value, int], value: _Value | None) -> Mapping[_Value, int]:
    if value is None:
        return counts
    return {**counts, value: counts.get(value, 0) + 1}
