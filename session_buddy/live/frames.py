"""What the server of the feed sends, protocol version 1; `session_buddy.live.requests` is what it is sent.

`docs/api/WEBSOCKET_API.md` describes the messages; a test compares it with the schemas that these models
give. Times are UTC, RFC 3339 with `Z`; durations are seconds; rates are ratios 0..1; null means "nothing to
say yet". A client must pass over fields and message types that it does not know: later versions add some.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from session_buddy.live.experiment_rows import ExperimentRow
from session_buddy.live.requests import (
    CLIENT_MESSAGES,
    PROTOCOL_VERSION,
    ErrorCode,
    Message,
    WindowHours,
    type_of,
)
from session_buddy.models.answers import ActiveAnomaly
from session_buddy.models.events import Timestamp
from session_buddy.models.vocabulary import Origin, Outcome, OutcomeSource, WorkflowPhase

TOP_SKILLS: Final = 50
"""Rows of one update at most: about 10 KB."""


class SkillRow(BaseModel):
    """One skill in a window."""

    skill_name: str
    invocation_count: int
    completed_count: int
    decided_count: int = Field(description="uses whose outcome is known: what the rate is over")
    completion_rate: float | None = Field(ge=0, le=1, description="completed / decided")
    avg_duration: float | None
    p95_duration: float | None
    last_invocation_at: Timestamp


class Hello(Message):
    """The first message: who serves, how often it updates, and whether a token is still needed."""

    type: Literal["hello"] = "hello"
    version: str
    protocol: Literal[1] = 1
    update_interval: float = Field(description="seconds between updates")
    authenticated: bool
    timestamp: Timestamp


OfProject = Annotated[str | None, Field(description="the folder whose uses these are; null: all")]
OfAgent = Annotated[str | None, Field(description="the agent whose uses these are; null: all")]
OfUser = Annotated[
    str | None, Field(description="the user whose uses these are, as hashed in exports; null: all")
]


class SelectedFigures(BaseModel):
    """Whose uses figures are of."""

    project: OfProject
    agent: OfAgent
    user_id: OfUser


class UpdateData(BaseModel):
    """What an update holds."""

    top_skills: list[SkillRow]
    anomalies: list[ActiveAnomaly]
    active_sessions: int = Field(description="sessions with activity in the last hour that have not ended")
    time_window_hours: WindowHours
    project: OfProject
    agent: OfAgent
    user_id: OfUser
    experiments: list[ExperimentRow] = Field(description="empty in updates of chosen skills")


class MetricsUpdate(Message):
    """The figures of the subscribed skills, every interval."""

    type: Literal["metrics_update"] = "metrics_update"
    timestamp: Timestamp
    data: UpdateData


class InvocationData(BaseModel):
    """What is known of one use of a skill."""

    invocation_id: str
    skill_name: str
    session_id: str
    project: str | None
    agent: str
    user_id: str | None
    origin: Origin
    workflow_phase: WorkflowPhase
    invoked_at: Timestamp
    ended_at: Timestamp | None
    duration_seconds: float | None
    outcome: Outcome | None = Field(description="null while it goes on")
    outcome_source: OutcomeSource | None
    error_type: str | None
    rating: int | None


class InvocationMessage(Message):
    """A use of a skill began, ended, or more is known of it; the same id may come several times."""

    type: Literal["invocation"] = "invocation"
    timestamp: Timestamp
    data: InvocationData


class SubscriptionConfirmed(Message):
    """What the connection is subscribed to now."""

    type: Literal["subscription_confirmed"] = "subscription_confirmed"
    id: str | int | None
    skill_names: list[str] | None = Field(description="null: the most used skills; []: no updates")
    events: bool
    time_window_hours: WindowHours
    project: OfProject
    agent: OfAgent
    user_id: OfUser


class WindowFigures(BaseModel):
    """The figures of one window."""

    time_window_hours: WindowHours
    invocation_count: int
    completed_count: int
    decided_count: int
    completion_rate: float | None
    avg_duration: float | None
    p50_duration: float | None
    p95_duration: float | None


class SeriesStep(BaseModel):
    """What began in five minutes."""

    began_at: Timestamp
    invocation_count: int
    completed_count: int
    failed_count: int


class MetricsData(BaseModel):
    """The figures of one skill, or of all together."""

    skill_name: str | None
    project: OfProject
    agent: OfAgent
    user_id: OfUser
    windows: list[WindowFigures]
    series: list[SeriesStep] = Field(description="steps of the last day in which something began")
    anomalies: list[ActiveAnomaly]
    recent: list[InvocationData] = Field(description="the latest uses, newest first")
    projects: list[str] = Field(description="projects with a use in the last day, most used first")
    agents: list[str] = Field(description="agents with a use in the last day, most used first")
    users: list[str] = Field(description="users with a use in the last day, most used first")


class MetricsResponse(Message):
    """The answer to `get_metrics`."""

    type: Literal["metrics_response"] = "metrics_response"
    id: str | int | None
    timestamp: Timestamp
    data: MetricsData


class Pong(Message):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"
    id: str | int | None
    timestamp: Timestamp


class Error(Message):
    """A message that could not be used; the connection lives on."""

    type: Literal["error"] = "error"
    id: str | int | None
    code: ErrorCode
    message: str


SERVER_MESSAGES: Final[tuple[type[BaseModel], ...]] = (
    Hello,
    MetricsUpdate,
    InvocationMessage,
    SubscriptionConfirmed,
    MetricsResponse,
    Pong,
    Error,
)


def encode(message: BaseModel) -> str:
    """A message as it goes over the wire."""
    return message.model_dump_json()


def encode_update(
    timestamp: str,
    rows: Iterable[str],
    anomalies: str,
    active_sessions: int,
    hours: WindowHours,
    selection: str,
    experiments: str = "[]",
) -> str:
    """A `metrics_update` of parts that are encoded already: rows change seldom, updates go out each second.

    rows: encoded `SkillRow`s. anomalies, experiments: encoded lists of `ActiveAnomaly` and `ExperimentRow`.
    selection: an encoded `SelectedFigures`.
    """
    return (
        f'{{"v":{PROTOCOL_VERSION},"type":"metrics_update","timestamp":"{timestamp}",'
        f'"data":{{"top_skills":[{",".join(rows)}],"anomalies":{anomalies},'
        f'"active_sessions":{active_sessions},"time_window_hours":{hours},{selection[1:-1]},'
        f'"experiments":{experiments}}}}}'
    )


def schemas() -> dict[str, dict[str, Any]]:
    """Message type -> JSON schema."""
    return {type_of(model): model.model_json_schema() for model in (*CLIENT_MESSAGES, *SERVER_MESSAGES)}
