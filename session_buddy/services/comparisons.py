"""Comparisons as answers, and in words that say what cannot be said."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from session_buddy.analytics.baselines import FEWEST_DECIDED, percentiles
from session_buddy.analytics.completion_trend import completion_trend
from session_buddy.analytics.duration_trend import duration_trend
from session_buddy.analytics.lift import FEWEST_TOGETHER, lift_of
from session_buddy.analytics.similar_users import Recommended
from session_buddy.analytics.taxonomy import Assigned
from session_buddy.models.answers_findings import (
    CollaborativeSkill,
    CommunityBaseline,
    Dependency,
    Direction,
    MeasureTrend,
)
from session_buddy.models.findings import Partner, Period, Placed, SkillUsage, UserSkill
from session_buddy.services.wording import number_of, rate

SIGNIFICANT: Final = 0.05
FEWEST_USES: Final = 10
_DAY = 86_400.0
_Z = 1.959964
Basis = Literal["similar_users", "popularity"]


def completion_of(periods: Sequence[Period]) -> MeasureTrend:
    """How the completion rate moved, in ratio a day."""
    decided = [period for period in periods if period.decided_count]
    count = sum(period.decided_count for period in decided)
    trend = completion_trend(
        [period.moment / _DAY for period in decided],
        [float(period.completed_count) for period in decided],
        [float(period.decided_count) for period in decided],
    )
    if trend is None:
        return _unknown(count)
    half = _Z * trend.standard_error
    return MeasureTrend(
        trend=_direction(trend.slope, trend.p_value),
        slope_per_day=trend.slope,
        lower=trend.slope - half,
        upper=trend.slope + half,
        p_value=trend.p_value,
        sample_count=count,
    )


def duration_of(periods: Sequence[Period]) -> MeasureTrend:
    """How durations moved, as a relative change a day; longer is declining."""
    count = sum(period.duration_count for period in periods)
    points: list[tuple[float, float]] = []
    for period in periods:
        moment = period.moment / _DAY
        if period.median_log_duration is not None and (not points or moment > points[-1][0]):
            points.append((moment, period.median_log_duration))
    trend = duration_trend([moment for moment, _ in points], [value for _, value in points])
    if trend is None:
        return _unknown(count)
    return MeasureTrend(
        trend=_direction(-trend.slope, trend.p_value),
        slope_per_day=_relative(trend.slope),
        lower=_relative(trend.lower),
        upper=_relative(trend.upper),
        p_value=trend.p_value,
        sample_count=count,
    )


def trend_message(skill_name: str, count: int, completion: MeasureTrend, duration: MeasureTrend) -> str:
    """A trend in words."""
    if completion.trend == "insufficient_data":
        return (
            f"{skill_name}: insufficient_data. {number_of(count, 'decided use')} in that window; "
            f"a trend needs {FEWEST_USES} or more, spread over time."
        )
    parts = [f"{skill_name}: completion is {completion.trend}, by {count} decided uses."]
    if completion.trend == "stable" and completion.lower is not None and completion.upper is not None:
        widest = 100 * max(abs(completion.lower), abs(completion.upper))
        parts.append(f"No trend shows; one of up to {widest:.2g} points a day could hide in so few uses.")
    words = {"improving": "Durations become shorter.", "declining": "Durations become longer."}
    parts.append(words.get(duration.trend, ""))
    return " ".join(filter(None, parts))


def dependency_of(partner: Partner, sessions: int) -> Dependency:
    """A pair of skills with its lift."""
    lift = lift_of(partner.both_count, partner.own_count, partner.other_count, sessions)
    return Dependency(
        skill_name=partner.skill_name,
        lift=lift.value,
        lower=lift.lower,
        upper=lift.upper,
        relationship=lift.relationship,
        certain=lift.certain,
        session_count=partner.both_count,
        before_count=partner.before_count,
        after_count=partner.after_count,
    )


def dependency_message(skill_name: str, own: int, sessions: int, found: Sequence[Dependency]) -> str:
    """Dependencies in words."""
    if own < FEWEST_TOGETHER:
        return (
            f"insufficient_data: {number_of(own, 'session')} used {skill_name}; what goes with it shows from "
            f"{FEWEST_TOGETHER} on."
        )
    certain = sum(other.certain for other in found)
    reach = f"{number_of(len(found), 'skill')} {'reaches' if len(found) == 1 else 'reach'} that lift"
    return f"{reach} in {number_of(sessions, 'session')}, {certain} of them certainly."


def recommended(skill: Recommended, basis: Basis) -> CollaborativeSkill:
    """A skill that others use, with the reason in words."""
    whose = "similar user" if basis == "similar_users" else "user"
    whose += "" if skill.user_count == 1 else "s"
    done = f"{skill.usage.completed} of {skill.usage.decided} decided uses completed"
    return CollaborativeSkill(
        skill_name=skill.skill_name,
        score=skill.score,
        reason=f"used by {skill.user_count} {whose}; {done}",
        user_count=skill.user_count,
        completion_rate=rate(skill.usage.completed, skill.usage.decided),
    )


def collaborative_message(basis: Basis, found: int, users: int, similar: int) -> str:
    """Why these, or why none."""
    if not found:
        return (
            f"insufficient_data: {users} user{'' if users == 1 else 's'} in this store, and no skill of "
            "others that this one does not use. get_community_baselines shows how skills go in all."
        )
    if basis == "popularity":
        return "Nobody here is similar enough; these are what most users use, by how often it completes."
    return f"From {similar} users with similar skills."


def places_of(usage: Sequence[SkillUsage]) -> dict[str, float]:
    """Percentile of each completion rate that rests on enough uses."""
    return percentiles(
        {
            skill.skill_name: skill.completed_count / skill.decided_count
            for skill in usage
            if skill.decided_count >= FEWEST_DECIDED
        }
    )


def baseline_of(skill: SkillUsage, places: Mapping[str, float], own: UserSkill | None) -> CommunityBaseline:
    """How a skill goes for everybody, with the user's own rate beside."""
    return CommunityBaseline(
        skill_name=skill.skill_name,
        invocation_count=skill.invocation_count,
        user_count=skill.user_count,
        session_count=skill.session_count,
        completion_rate=rate(skill.completed_count, skill.decided_count),
        percentile=places.get(skill.skill_name),
        p50_seconds=skill.p50_seconds,
        p95_seconds=skill.p95_seconds,
        mean_rating=skill.mean_rating,
        your_completion_rate=rate(own.completed_count, own.decided_count) if own else None,
    )


def baselines_message(skills: int, placed: int, users: int) -> str:
    """Baselines in words."""
    if not skills:
        return "Nothing has been recorded yet."
    parts = [f"{number_of(skills, 'skill')} of {number_of(users, 'user')}."]
    if placed < skills:
        parts.append(
            f"With fewer than {FEWEST_DECIDED} decided uses, {number_of(skills - placed, 'skill')} had "
            "insufficient_data for a percentile."
        )
    return " ".join(parts)


def placed(guesses: Mapping[str, Assigned | None]) -> list[Placed]:
    """What the rules say, where they say anything."""
    return [
        Placed(name, guess.value, guess.confidence, "rule")
        for name, guess in guesses.items()
        if guess is not None
    ]


def _direction(slope: float, p_value: float) -> Direction:
    if p_value >= SIGNIFICANT or slope == 0:
        return "stable"
    return "improving" if slope > 0 else "declining"


def _unknown(count: int) -> MeasureTrend:
    return MeasureTrend(
        trend="insufficient_data",
        slope_per_day=None,
        lower=None,
        upper=None,
        p_value=None,
        sample_count=count,
    )


def _relative(log_slope: float) -> float:
    """A slope of logarithms as a relative change; a factor beyond all reason stays finite."""
    return math.expm1(min(log_slope, 50.0))
