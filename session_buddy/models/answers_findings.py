"""What the product answers about what it found: anomalies, trends, dependencies, baselines, similar users.

The rules of `models.answers` hold: ratios 0..1, seconds, UTC, `None` where there is nothing to say.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from session_buddy.models.answers import Rate
from session_buddy.models.events import Frozen
from session_buddy.models.vocabulary import AnomalyType, Measure, Modality

Direction = Literal["improving", "declining", "stable", "insufficient_data"]


class Anomaly(Frozen):
    """Something that left its baseline."""

    skill_name: str
    anomaly_type: AnomalyType
    measure: Measure = Field(description="values: ratio, seconds, or uses a day (an hour by zscore)")
    method: str
    baseline_value: float
    observed_value: float
    deviation_score: float = Field(description="standard errors from the baseline")
    sample_count: int
    detected_at: datetime
    resolved_at: datetime | None
    resolution: str | None
    status: Literal["active", "resolved", "computed"] = Field(
        description="computed: found just now in what was recorded, never raised live"
    )


class AnomalyReport(Frozen):
    """Answer of `detect_anomalies`."""

    method: str
    threshold: float
    since: datetime
    anomalies: list[Anomaly]
    anomalies_total: int
    skills_checked: int
    skills_without_baseline: int = Field(description="too few earlier uses to compare with")
    message: str


class MeasureTrend(Frozen):
    """How one measure moved."""

    trend: Direction
    slope_per_day: float | None = Field(description="ratio, or relative change of the duration, per day")
    lower: float | None
    upper: float | None
    p_value: float | None
    sample_count: int


class SkillTrend(Frozen):
    """Answer of `get_skill_trend`."""

    skill_name: str
    days: float
    trend: Direction
    slope: float | None = Field(description="completion rate per day")
    confidence: float = Field(description="1 - p-value of no trend")
    completion_rate: Rate | None
    completion: MeasureTrend
    duration: MeasureTrend
    message: str


class Dependency(Frozen):
    """A skill that is used in the same sessions."""

    skill_name: str
    lift: float
    lower: float
    upper: float
    relationship: str
    certain: bool = Field(description="interval apart from 1, and 5 sessions or more")
    session_count: int = Field(description="sessions with both")
    before_count: int = Field(description="times it came directly before")
    after_count: int


class SkillDependencies(Frozen):
    """Answer of `get_skill_dependencies`."""

    skill_name: str
    session_count: int
    sessions_total: int
    dependencies: list[Dependency]
    message: str


class CollaborativeSkill(Frozen):
    """A skill that others use."""

    skill_name: str
    score: float
    reason: str
    user_count: int
    completion_rate: Rate | None


class CollaborativeRecommendations(Frozen):
    """Answer of `get_collaborative_recommendations`."""

    basis: Literal["similar_users", "popularity", "insufficient_data"]
    similar_user_count: int
    user_count: int
    recommendations: list[CollaborativeSkill]
    message: str


class CommunityBaseline(Frozen):
    """How a skill goes for everybody."""

    skill_name: str
    invocation_count: int
    user_count: int
    session_count: int
    completion_rate: Rate | None
    percentile: float | None = Field(description="share of skills with a lower rate; 10 decided uses needed")
    p50_seconds: float | None
    p95_seconds: float | None
    mean_rating: float | None
    your_completion_rate: Rate | None


class CommunityBaselines(Frozen):
    """Answer of `get_community_baselines`."""

    baselines: list[CommunityBaseline]
    skills_total: int
    user_count: int
    message: str


class SkillKind(Frozen):
    """What kind of skill one is. category_by, modality_by: a rule over its words, or the user."""

    skill_name: str
    category: str | None
    category_by: Literal["rule", "user"] | None
    modality: Modality | None
    modality_by: Literal["rule", "user"] | None
    categories: list[str]
