"""Tools that answer from what was learned: anomalies, trends, dependencies, baselines, similar users."""

from typing import Annotated, Literal

from pydantic import Field

from session_buddy.models.answers_findings import (
    AnomalyReport,
    CollaborativeRecommendations,
    CommunityBaselines,
    SkillDependencies,
    SkillTrend,
)
from session_buddy.models.events import Name
from session_buddy.serve.service_tool import Call
from session_buddy.serve.tools.reporting import Days, Hours, Limit

Threshold = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_PATIENCE_SECONDS = 0.1  # a model waits for a first answer no longer than for any other
Lift = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def detect_anomalies(
    call: Call,
    *,
    threshold: Annotated[Threshold, Field(description="least |deviation_score|")] = 2.0,
    time_window_hours: Hours = 24.0,
    method: Annotated[
        Literal["cusum", "zscore"], Field(description="zscore reads single hours; many are chance")
    ] = "cusum",
) -> AnomalyReport:
    """Skills that left their own baseline: completion dropped, durations grew or spiked, use jumped."""
    return call.services.finder.anomalies(threshold, time_window_hours, method, _PATIENCE_SECONDS)


def get_skill_trend(call: Call, *, skill_name: Name, days: Days = 7.0) -> SkillTrend:
    """Whether a skill gets better or worse: completion and duration, with slope and confidence."""
    return call.services.comparer.trend(skill_name, days)


def get_collaborative_recommendations(
    call: Call,
    *,
    user_id: Annotated[Name | None, Field(description="as hashed in exports; default: this user")] = None,
    limit: Limit = 5,
) -> CollaborativeRecommendations:
    """Skills that similar users of this store use and this user does not; else popular ones."""
    return call.services.comparer.collaborative(user_id, limit)


def get_community_baselines(call: Call, *, limit: Limit = 20) -> CommunityBaselines:
    """How skills go for all users of this store, each skill's percentile, and your own rate beside."""
    return call.services.comparer.baselines(limit)


def get_skill_dependencies(
    call: Call,
    *,
    skill_name: Name,
    limit: Limit = 10,
    min_lift: Annotated[Lift, Field(description="1 is chance")] = 1.5,
) -> SkillDependencies:
    """Skills used in the same sessions as this one more than chance would have it, and in which order."""
    return call.services.comparer.dependencies(skill_name, limit, min_lift)
