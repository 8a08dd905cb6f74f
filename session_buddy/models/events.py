"""What a journal holds, one JSON object a line.

Every user-visible write is one of these events, so every table can be derived from the journals again
(`session-buddy rebuild`). Names are the columns' names. Times are UTC with microseconds; durations are
seconds. Absent fields are left out of the line.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter

from session_buddy.models.experiment_events import (
    ExperimentCreated,
    ExperimentEnded,
    OutcomeTold,
    StrategyEvent,
)
from session_buddy.models.fields import (
    BUILT_AT_FIRST_USE,
    SKILL_NAME_LIMIT,
    Count,
    Finite,
    Frozen,
    JournalEvent,
    Name,
    Seconds,
    ShortText,
    Timestamp,
)
from session_buddy.models.runs import GateEvent, StageEvent
from session_buddy.models.vocabulary import (
    AUTHORITY_REPORTED,
    AnomalyType,
    EventKind,
    Measure,
    Modality,
    Origin,
    Outcome,
    OutcomeSource,
    Source,
    WorkflowPhase,
)

__all__ = [
    "SKILL_NAME_LIMIT",
    "AnomalyEvent",
    "AnyEvent",
    "CatalogueEvent",
    "CategorisedEvent",
    "Evidence",
    "EvidenceKind",
    "ExperimentCreated",
    "ExperimentEnded",
    "Finite",
    "ForgottenEvent",
    "Frozen",
    "GateEvent",
    "JournalEvent",
    "Name",
    "OutcomeTold",
    "Seconds",
    "SessionEvent",
    "ShortText",
    "SkillEvent",
    "StageEvent",
    "StrategyEvent",
    "SuggestedEvent",
    "SuggestedSkill",
    "Timestamp",
    "TranscriptReady",
    "parse_event",
    "to_line",
]

EvidenceKind = Literal[
    "turn_ended",
    "next_skill",
    "next_prompt",
    "session_ended",
    "interrupted",
    "unknown_skill",
    "load_failed",
    "rejected",
    "check_passed",
    "check_failed",
    "tool_errors",
    "agent_report",
    "rating",
    "subagents_waited_for",
]


class Evidence(Frozen):
    """One observation inside a span on which an inferred outcome rests."""

    kind: EvidenceKind
    detail: ShortText | None = None
    count: Count | None = None


def told_by_run(evidence: Sequence[Evidence] | None) -> bool:
    """Whether a run of a gate or stage tells of the use, not the agent: each may, and both of one use."""
    return bool(evidence) and any(
        found.kind == "agent_report" and found.detail in ("gate", "ci") for found in evidence or ()
    )


class SkillEvent(JournalEvent):
    """Something that is known about one invocation.

    `started` and `ended` are observed by hooks or read from transcripts; `reported` is what an agent or
    person said of it; `rated` a rating; `recorded` a whole invocation from an export or another tool;
    `superseded` says that this is no use of its own: a report stood alone until the transcript showed
    which span it was about, and now counts there.
    Where several events speak of one field, the higher `authority` wins, then the later `occurred_at`,
    then the greater `id`: the order of arrival never matters.
    """

    kind: EventKind
    invocation_id: UUID
    skill_name: Name
    session_id: Name
    source: Source
    authority: int = Field(ge=0, le=100)
    agent: Name = "claude-code"
    thread: Name = "main"
    origin: Origin = "agent"
    project: ShortText | None = None
    user_id: ShortText | None = None
    parent_invocation_id: UUID | None = None
    invoked_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    duration_seconds: Seconds | None = None
    outcome: Outcome | None = None
    outcome_source: OutcomeSource | None = None
    evidence: tuple[Evidence, ...] | None = None
    error_type: ShortText | None = None
    tool_call_count: Count | None = None
    tool_error_count: Count | None = None
    rating: int | None = Field(default=None, ge=1, le=5)
    note: ShortText | None = None
    workflow_phase: WorkflowPhase | None = None
    workflow_step: ShortText | None = None
    query_text: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    query_hash: ShortText | None = None
    query_length: Count | None = None

    @property
    def began(self) -> datetime:
        """When the use began, as far as this event knows."""
        return self.invoked_at or self.occurred_at


def rating_with(event: SkillEvent, event_id: UUID, rating: int) -> SkillEvent:
    """The rating, 1 to 5, that was given together with what `event` tells."""
    return SkillEvent(
        kind="rated",
        id=event_id,
        invocation_id=event.invocation_id,
        skill_name=event.skill_name,
        session_id=event.session_id,
        source=event.source,
        authority=AUTHORITY_REPORTED,
        agent=event.agent,
        project=event.project,
        occurred_at=event.occurred_at,
        rating=rating,
        note=event.note,
    )


class SessionEvent(JournalEvent):
    """A session began or ended."""

    kind: Literal["session_started", "session_ended"]
    session_id: Name
    agent: Name = "claude-code"
    project: ShortText | None = None
    user_id: ShortText | None = None
    reason: ShortText | None = None


class TranscriptReady(JournalEvent):
    """A hook says that a session's transcript has grown; the leader reads on from where it was.

    A signal, not a fact: a rebuild passes over it, because what was read was journaled as events.
    """

    kind: Literal["transcript_ready"]
    session_id: Name
    transcript_path: str
    hook: ShortText | None = None


class CatalogueEvent(JournalEvent):
    """A skill was found installed, with what its `SKILL.md` says of itself; or it was removed."""

    kind: Literal["skill_installed", "skill_removed"]
    skill_name: Name
    description: Annotated[str, StringConstraints(max_length=4_000)] = ""
    scope: Literal["user", "project", "plugin"]
    project: ShortText | None = None


class AnomalyEvent(JournalEvent):
    """A skill left its baseline, or is back. Both events hold all of it, so that their order never matters.

    baseline_value, observed_value: a ratio 0..1, seconds, or invocations a day, by the measure.
    deviation_score: standard errors from the baseline, negative below it. sample_count: invocations behind
    the observed value.
    """

    kind: Literal["anomaly_raised", "anomaly_resolved"]
    anomaly_id: UUID
    skill_name: Name
    anomaly_type: AnomalyType
    measure: Measure
    method: ShortText
    baseline_value: Finite
    observed_value: Finite
    deviation_score: Finite
    sample_count: Count
    detected_at: Timestamp
    resolved_at: Timestamp | None = None
    resolution: ShortText | None = None

    @property
    def began(self) -> datetime:
        """When it was seen first."""
        return self.detected_at


class CategorisedEvent(JournalEvent):
    """The user said what kind of work a skill does, or on what, where the rules guess wrong."""

    kind: Literal["skill_categorised"]
    skill_name: Name
    category: ShortText | None = None
    modality: Modality | None = None


class SuggestedSkill(Frozen):
    """One place of a suggestion. propensity: how likely the skill was to stand there, exploring included."""

    skill_name: Name
    score: Annotated[float, Field(ge=0, le=1)]
    propensity: Annotated[float, Field(gt=0, le=1)]


class SuggestedEvent(JournalEvent):
    """Skills were suggested in a session, the best first; `id` names the suggestion.

    What was made of it follows from the session's next use, so it is not an event of its own.
    Where an experiment chose the strategy, this is also the exposure of a unit to its group, which had that
    group with probability `assignment_propensity`; it is told even if the strategy had nothing to suggest.
    """

    kind: Literal["suggested"]
    session_id: Name
    user_id: ShortText | None = None
    strategy: Name
    skills: Annotated[tuple[SuggestedSkill, ...], Field(max_length=100)]
    test_name: Name | None = None
    group_name: Name | None = None
    unit_id: Name | None = None
    assignment_propensity: Annotated[float, Field(gt=0, le=1)] | None = None


class ForgottenEvent(JournalEvent):
    """The user asked to forget: events of that scope that occurred before `before` never count again.

    `value` is the keyed hash of the session id or skill name (empty for scope `before`), so that the
    request itself keeps nothing of what was forgotten.
    """

    kind: Literal["forgotten"]
    scope: Literal["session", "skill", "before"]
    value: str
    before: Timestamp


AnyEvent = Annotated[
    SkillEvent
    | SessionEvent
    | TranscriptReady
    | CatalogueEvent
    | SuggestedEvent
    | AnomalyEvent
    | CategorisedEvent
    | ExperimentCreated
    | ExperimentEnded
    | OutcomeTold
    | StrategyEvent
    | StageEvent
    | GateEvent
    | ForgottenEvent,
    Field(discriminator="kind"),
]
_ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyEvent, config=ConfigDict(defer_build=BUILT_AT_FIRST_USE))


def parse_event(line: str | bytes) -> "AnyEvent":
    """One journal line as an event.

    Raises:
        pydantic.ValidationError: the line is no JSON object, of an unknown kind, or has a bad field.
    """
    event: AnyEvent = _ADAPTER.validate_json(line)
    return event


def to_line(event: JournalEvent) -> str:
    """The event as one line of JSON without the newline; `parse_event` gives it back."""
    return event.model_dump_json(exclude_none=True)
