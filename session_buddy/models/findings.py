"""What is learned from the record, between storage and services, and the protocol of who keeps it.

Times are aware and UTC, durations are seconds, rates are ratios 0..1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from session_buddy.models.values import Window
from session_buddy.models.vocabulary import AnomalyType, Measure


@dataclass(frozen=True, slots=True)
class DecidedUse:
    """An invocation whose outcome is known, as the detectors see it. at: when it ended, or began."""

    skill_name: str
    at: datetime
    completed: bool
    duration_seconds: float | None
    key: str
    session_id: str


@dataclass(frozen=True, slots=True)
class KeptAnomaly:
    """A row of `skill_anomalies`."""

    anomaly_id: UUID
    skill_name: str
    anomaly_type: AnomalyType
    measure: Measure
    method: str
    baseline_value: float
    observed_value: float
    deviation_score: float
    sample_count: int
    detected_at: datetime
    resolved_at: datetime | None
    resolution: str | None


@dataclass(frozen=True, slots=True)
class HourlyMeasure:
    """Mean and standard deviation of the hours before, None where there are too few."""

    hours: int
    mean: float | None
    deviation: float | None


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a skill beside its hours before. Durations are in ln(1 + seconds)."""

    skill_name: str
    begins_at: datetime
    invocation_count: int
    decided_count: int
    completed_count: int
    duration_count: int
    log_duration_sum: float
    completion: HourlyMeasure
    duration: HourlyMeasure
    volume: HourlyMeasure


@dataclass(frozen=True, slots=True)
class HoursAsked:
    """Which hours are asked for: those since with a measure `threshold` standard deviations from its mean.

    The mean is that of the skill's hours from `baseline_since` to `since`; completion may lie on either side
    of it, duration and volume above it. least_hours: with fewer before, no measure is judged. limit: of the
    hours that are given.
    """

    since: datetime
    baseline_since: datetime
    threshold: float
    least_hours: int
    limit: int


@dataclass(frozen=True, slots=True)
class DeviatingHours:
    """Hours by how far they deviate, then newest first, then by skill; beside what was looked at.

    anomaly_count: measures that deviate, in all hours. skill_count: skills with a use since and one in the
    hours before. unready_count: those of them with fewer decided hours before than are needed.
    """

    hours: Sequence[Hour]
    anomaly_count: int
    skill_count: int
    unready_count: int


@dataclass(frozen=True, slots=True)
class Period:
    """Some consecutive decided invocations of a skill. moment: mean time, in seconds since 1970."""

    moment: float
    decided_count: int
    completed_count: int
    duration_count: int
    median_log_duration: float | None


@dataclass(frozen=True, slots=True)
class Partner:
    """A skill that met another in a session. Counts are sessions; before and after: direct neighbours."""

    skill_name: str
    both_count: int
    own_count: int
    other_count: int
    before_count: int
    after_count: int


@dataclass(frozen=True, slots=True)
class SkillUsage:
    """How a skill goes for everybody. p50, p95: from the duration sketch, within 1 %."""

    skill_name: str
    user_count: int
    session_count: int
    invocation_count: int
    decided_count: int
    completed_count: int
    mean_duration_seconds: float | None
    p50_seconds: float | None
    p95_seconds: float | None
    mean_rating: float | None


@dataclass(frozen=True, slots=True)
class PopularSkill:
    """How many users a skill has, and how it goes for them."""

    skill_name: str
    user_count: int
    decided_count: int
    completed_count: int


@dataclass(frozen=True, slots=True)
class UserSkill:
    """How a skill goes for one user."""

    user_id: str
    skill_name: str
    decided_count: int
    completed_count: int


@dataclass(frozen=True, slots=True)
class SimilarUser:
    """A user who shares skills with another."""

    user_id: str
    shared_count: int
    skill_count: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A skill in a category or with a modality, with how sure that is and who says so."""

    skill_name: str
    value: str
    confidence: float
    assigned_by: Literal["rule", "user"]


@dataclass(frozen=True, slots=True)
class KeptCluster:
    """Skills that are used alike. strengths: member -> 0..1."""

    label: str
    cohesion: float
    strengths: Mapping[str, float]


class FindingsStorageProtocol(Protocol):
    """The tables of what is learned. Every reading method brings its roll-ups up to the last fold first."""

    def learn(self) -> bool:
        """Bring the roll-ups up to what is folded; False if they were."""

    def uses(self, invocation_ids: Sequence[UUID]) -> Sequence[DecidedUse]:
        """Those of the invocations that are decided, by `invoked_at`."""

    def latest_uses(self, skill_names: Sequence[str], count: int) -> Sequence[DecidedUse]:
        """The latest `count` decided uses of each of the skills, all by `invoked_at`."""

    def skills_used_since(self, since: datetime) -> Sequence[str]:
        """Skills with a use in the hour of `since` or later."""

    def anomalies(self, since: datetime) -> Sequence[KeptAnomaly]:
        """Anomalies that last, or were raised or resolved since; newest first."""

    def deviating_hours(self, asked: HoursAsked) -> DeviatingHours:
        """The hours that deviate most from the same skill's hours before."""

    def periods(self, skill_name: str, window: Window, parts: int) -> Sequence[Period]:
        """The decided uses in a window, cut into at most `parts` parts of equal size, in order."""

    def count_decided(self, skill_name: str, window: Window) -> int:
        """Decided uses of a skill in a window."""

    def count_sessions(self, skill_name: str | None = None) -> int:
        """Sessions that used a skill, or any."""

    def partners(self, skill_name: str) -> Sequence[Partner]:
        """Every skill that met this one in a session, by name."""

    def pair_similarities(self, least_sessions: int) -> Mapping[tuple[str, str], float]:
        """Jaccard index of the sessions of two skills, of pairs that met in so many sessions."""

    def count_users(self) -> int:
        """Users there are."""

    def users_like(self, user_id: str, limit: int) -> Sequence[SimilarUser]:
        """Users who share a skill with this one, by Jaccard index descending, then id."""

    def skills_of_users(self, user_ids: Sequence[str], unlike: Sequence[str] = ()) -> Sequence[UserSkill]:
        """What these users use and those of `unlike` do not, by user and name."""

    def popular(self) -> Sequence[PopularSkill]:
        """How many users each skill has, by name."""

    def usage(self, detailed: int) -> Sequence[SkillUsage]:
        """How every used skill goes, by invocations descending, then name.

        Sessions, p50 and p95 only of the first `detailed` of them; 0 and None beyond.
        """

    def descriptions(self) -> Mapping[str, str]:
        """Every skill, used or installed, with what it says of itself."""

    def categories(self) -> Sequence[Placed]:
        """Category of each skill that has one."""

    def modalities(self) -> Sequence[Placed]:
        """Modality of each skill that has one."""

    def clusters(self) -> Sequence[KeptCluster]:
        """The clusters as they were kept last."""

    def baselines_due(self, at: datetime, age: timedelta) -> bool:
        """Whether this home is to make baselines, clusters and kinds anew at a time.

        False where it may only read, or another home of the store made them less than `age` before.
        """

    def keep_baselines(
        self, usage: Sequence[SkillUsage], percentiles: Mapping[str, float], at: datetime
    ) -> None:
        """Replace the community baselines."""

    def keep_clusters(self, clusters: Sequence[KeptCluster], method: str, at: datetime) -> None:
        """Replace the clusters."""

    def keep_taxonomy(
        self, built_in: Mapping[str, str], categories: Sequence[Placed], modalities: Sequence[Placed]
    ) -> None:
        """Keep what rules say of skills; what a user said stays."""
