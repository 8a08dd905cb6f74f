"""What the product answers: the same values for the agent (MCP), a person (CLI) and `--json`.

Rates are ratios 0..1 and always carry an interval and their denominator; durations are seconds; times
are UTC. `None` means that there is nothing to say yet, never zero.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from session_buddy.models.events import Evidence, Frozen
from session_buddy.models.vocabulary import Origin, Outcome, OutcomeSource, Source, WorkflowPhase


class Recorded(Frozen):
    """Acknowledgement of one write: it is on the disk."""

    invocation_id: UUID
    duplicate: bool = Field(description="true if this request key was recorded before; nothing was added")
    attached: bool = Field(description="true if it reports on an invocation that was already observed")
    message: str


class Ingested(Frozen):
    """What became of a batch of tool calls handed over by a hook."""

    skill_calls: int
    events_recorded: int


class Rate(Frozen):
    """A proportion with its Wilson score interval."""

    value: float = Field(ge=0, le=1)
    lower: float = Field(ge=0, le=1)
    upper: float = Field(ge=0, le=1)
    confidence: float = 0.95
    denominator: int = Field(ge=1)


class Durations(Frozen):
    """Active seconds per invocation."""

    p50_seconds: float
    p95_seconds: float
    mean_seconds: float
    sample_count: int
    relative_error: float = Field(description="bound on the error of p50 and p95; 0 if they are exact")


class ValueCount(Frozen):
    """How often one value (an error type, a workflow phase) occurred."""

    value: str
    invocation_count: int


class SkillMetrics(Frozen):
    """How one skill went in a window."""

    skill_name: str
    invocation_count: int
    completed_count: int
    failed_count: int
    abandoned_count: int
    open_count: int = Field(description="invocations whose outcome is not known yet")
    completion_rate: Rate | None = Field(description="completed / (completed + failed + abandoned)")
    duration: Durations | None
    reported_count: int = Field(description="outcomes that an agent or a person reported")
    inferred_count: int = Field(description="outcomes inferred from evidence in the transcript")
    errors: list[ValueCount]
    phases: list[ValueCount]
    rating_mean: float | None
    rating_count: int
    first_invoked_at: datetime | None
    last_invoked_at: datetime | None


class MetricsReport(Frozen):
    """Answer of `get_skill_metrics`."""

    window: str = Field(description="'all time' or the range that was asked for")
    since: datetime | None
    until: datetime | None
    skills: list[SkillMetrics]
    skills_total: int = Field(description="skills in the window; more than listed if the list was cut")
    never_used: list[str] = Field(
        description="installed skills without an invocation, when all were asked for"
    )
    message: str


class Invocation(Frozen):
    """One use of a skill."""

    invocation_id: UUID
    skill_name: str
    session_id: str
    agent: str
    thread: str
    origin: Origin
    source: Source
    project: str | None
    user_id: str | None
    parent_invocation_id: UUID | None
    invoked_at: datetime
    ended_at: datetime | None
    duration_seconds: float | None
    outcome: Outcome | None
    completed: bool | None
    outcome_source: OutcomeSource | None
    evidence: tuple[Evidence, ...]
    error_type: str | None
    tool_call_count: int | None
    tool_error_count: int | None
    rating: int | None
    note: str | None
    workflow_phase: WorkflowPhase
    workflow_step: str | None
    query_text: str | None
    query_hash: str | None
    query_length: int | None


class SessionAnalytics(Frozen):
    """Answer of `get_session_analytics`."""

    session_id: str
    agent: str | None
    project: str | None
    started_at: datetime | None
    ended_at: datetime | None
    invocation_count: int
    skill_count: int
    completed_count: int
    failed_count: int
    abandoned_count: int
    open_count: int
    completion_rate: Rate | None
    duration_seconds: float = Field(description="sum of the active seconds of all invocations")
    effectiveness_score: float | None = Field(
        description="0..100 (docs/reference/effectiveness.md); none below 3 decided invocations"
    )
    workflow_path: list[str] = Field(description="phases in order, repeats in a row merged")
    skill_path: list[str] = Field(description="skills in order of invocation")
    invocations: list[Invocation]
    message: str


class TopSkill(Frozen):
    """One row of the real-time list; the names are the feed's."""

    skill_name: str
    invocation_count: int
    completed_count: int
    completion_rate: float | None
    avg_duration: float | None
    p95_duration: float | None
    last_invocation_at: datetime


class ActiveAnomaly(Frozen):
    """An anomaly that has not been resolved; the names are the feed's."""

    skill_name: str
    anomaly_type: Literal["performance_drop", "performance_spike", "pattern_shift"]
    baseline_value: float
    observed_value: float
    deviation_score: float
    detected_at: datetime


class RealTimeMetrics(Frozen):
    """Answer of `get_real_time_metrics`."""

    timestamp: datetime
    time_window_hours: float
    top_skills: list[TopSkill]
    anomalies: list[ActiveAnomaly]
    active_sessions: int
    message: str


class Rated(Frozen):
    """Acknowledgement of a rating."""

    invocation_id: UUID
    skill_name: str
    rating: int
    duplicate: bool
    message: str


class SkillDescription(Frozen):
    """Answer of `describe_skill`: the catalogue's entry beside its use."""

    skill_name: str
    installed: bool
    description: str | None
    scopes: list[str]
    category: str | None
    modality: str | None
    invocation_count: int
    completion_rate: Rate | None
    last_invoked_at: datetime | None
    often_before: list[ValueCount]
    often_after: list[ValueCount]
    message: str


class SessionSummary(Frozen):
    """One line of the list of sessions."""

    session_id: str
    agent: str | None
    project: str | None
    started_at: datetime | None
    last_activity_at: datetime
    ended_at: datetime | None
    invocation_count: int
    completed_count: int
    failed_count: int
    abandoned_count: int


class FoldSummary(Frozen):
    """The last fold: when, what, how long."""

    finished_at: datetime | None
    event_count: int
    seconds: float
    events_per_second: float | None

    @classmethod
    def of(cls, finished_at: datetime, event_count: int, seconds: float) -> "FoldSummary":
        """A fold that has just finished."""
        rate = event_count / seconds if seconds > 0 else None
        return cls(finished_at=finished_at, event_count=event_count, seconds=seconds, events_per_second=rate)


class AgentWindow(Frozen):
    """An agent's window that the leader serves, its own included."""

    pid: int | None
    version: str
    since: datetime
    project: str | None = Field(description="the folder that it was started in")


class Status(Frozen):
    """Answer of `session-buddy status`, as far as the leader knows it."""

    version: str
    pid: int
    home: str
    leading_since: datetime
    relays_connected: int = Field(description="windows that the leader serves, its own included")
    windows: list[AgentWindow] = Field(description="those windows, the longest connected first")
    pending_events: int = Field(description="acknowledged events that the database does not have yet")
    unread_bytes: int = Field(description="bytes of journals not read yet; large only during an import")
    rejected_lines: int
    quarantined_lines: int
    last_fold: FoldSummary
    schema_version: int | None = Field(description="absent while the database does not answer")
    unanswered: str | None = Field(default=None, description="why the database does not answer")
    counts: dict[str, int]
    archive_bytes: int
    notices: list[str] = Field(description="what a person should know, each with its remedy")
