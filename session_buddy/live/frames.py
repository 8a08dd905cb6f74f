"""The messages of the feed, protocol version 1: what a client may send, and what the server sends.

`docs/api/WEBSOCKET_API.md` describes them; a test compares it with the schemas that these models give.
Times are UTC, RFC 3339 with `Z`; durations are seconds; rates are ratios 0..1; null means "nothing to
say yet". A client must pass over fields and message types that it does not know: later versions add some.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import from_json

from session_buddy.errors import InvalidInput
from session_buddy.models.answers import ActiveAnomaly
from session_buddy.models.events import Name, Timestamp
from session_buddy.models.problems import problems_of
from session_buddy.models.vocabulary import Origin, Outcome, OutcomeSource, WorkflowPhase

PROTOCOL_VERSION: Final = 1
MAX_MESSAGE_BYTES: Final = 65_536
MAX_SUBSCRIBED_SKILLS: Final = 50
TOP_SKILLS: Final = 50
"""Rows of one update at most: about 10 KB."""

ErrorCode = Literal[
    "invalid_json",
    "invalid_message",
    "unknown_type",
    "unsupported_version",
    "unauthenticated",
    "invalid_token",
    "too_many_subscriptions",
    "binary_not_supported",
]
WindowHours = Literal[1, 24]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1


class _Request(_Message):
    id: Annotated[str, StringConstraints(max_length=100)] | int | None = Field(
        default=None, description="repeated in the answer, so that it can be told from others"
    )


class Subscribe(_Request):
    """Ask for the updates of one skill, or of the most used ones (`skill_name` null)."""

    type: Literal["subscribe"]
    skill_name: Name | None = None
    events: bool = Field(default=False, description="also send each invocation as an `invocation` message")
    time_window_hours: WindowHours = Field(default=1, description="what the figures of updates are over")


class Unsubscribe(_Request):
    """End the updates of one skill, or all (`skill_name` null)."""

    type: Literal["unsubscribe"]
    skill_name: Name | None = None


class GetMetrics(_Request):
    """Ask once for the figures of one skill, or of all together (`skill_name` null)."""

    type: Literal["get_metrics"]
    skill_name: Name | None = None


class Ping(_Request):
    """Ask for a sign of life."""

    type: Literal["ping"]


class Authenticate(_Request):
    """Show a token, where no header could carry it; the answer is a second `hello`."""

    type: Literal["authenticate"]
    token: Annotated[str, StringConstraints(max_length=8192)]


ClientMessage = Subscribe | Unsubscribe | GetMetrics | Ping | Authenticate


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


class Hello(_Message):
    """The first message: who serves, how often it updates, and whether a token is still needed."""

    type: Literal["hello"] = "hello"
    version: str
    protocol: Literal[1] = 1
    update_interval: float = Field(description="seconds between updates")
    authenticated: bool
    timestamp: Timestamp


class UpdateData(BaseModel):
    """What an update holds."""

    top_skills: list[SkillRow]
    anomalies: list[ActiveAnomaly]
    active_sessions: int = Field(description="sessions with activity in the last hour that have not ended")
    time_window_hours: WindowHours


class MetricsUpdate(_Message):
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
    origin: Origin
    workflow_phase: WorkflowPhase
    invoked_at: Timestamp
    ended_at: Timestamp | None
    duration_seconds: float | None
    outcome: Outcome | None = Field(description="null while it goes on")
    outcome_source: OutcomeSource | None
    error_type: str | None
    rating: int | None


class InvocationMessage(_Message):
    """A use of a skill began, ended, or more is known of it; the same id may come several times."""

    type: Literal["invocation"] = "invocation"
    timestamp: Timestamp
    data: InvocationData


class SubscriptionConfirmed(_Message):
    """What the connection is subscribed to now."""

    type: Literal["subscription_confirmed"] = "subscription_confirmed"
    id: str | int | None
    skill_names: list[str] | None = Field(description="null: the most used skills; []: no updates")
    events: bool
    time_window_hours: WindowHours


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
    windows: list[WindowFigures]
    series: list[SeriesStep] = Field(description="steps of the last day in which something began")
    anomalies: list[ActiveAnomaly]
    recent: list[InvocationData] = Field(description="the latest uses, newest first")


class MetricsResponse(_Message):
    """The answer to `get_metrics`."""

    type: Literal["metrics_response"] = "metrics_response"
    id: str | int | None
    timestamp: Timestamp
    data: MetricsData


class Pong(_Message):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"
    id: str | int | None
    timestamp: Timestamp


class Error(_Message):
    """A message that could not be used; the connection lives on."""

    type: Literal["error"] = "error"
    id: str | int | None
    code: ErrorCode
    message: str


CLIENT_MESSAGES: Final[tuple[type[BaseModel], ...]] = (Subscribe, Unsubscribe, GetMetrics, Ping, Authenticate)
SERVER_MESSAGES: Final[tuple[type[BaseModel], ...]] = (
    Hello,
    MetricsUpdate,
    InvocationMessage,
    SubscriptionConfirmed,
    MetricsResponse,
    Pong,
    Error,
)


def type_of(model: type[BaseModel]) -> str:
    """What `type` says in the messages of a model."""
    name: str = get_args(model.model_fields["type"].annotation)[0]
    return name


_CLIENT_TYPES: Final = tuple(map(type_of, CLIENT_MESSAGES))
_CLIENT: Final[TypeAdapter[ClientMessage]] = TypeAdapter(
    Annotated[ClientMessage, Field(discriminator="type")]
)


class BadMessage(InvalidInput):
    """A client's message that cannot be used. code: for programs; id: of the message, if it had one."""

    def __init__(self, code: ErrorCode, message: str, request_id: str | int | None = None) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.request_id = request_id


def parse_client_message(text: str) -> ClientMessage:
    """One message of a client.

    Raises:
        BadMessage: with the code and the sentence of the `error` that answers it.
    """
    try:
        document = from_json(text)
    except ValueError as error:
        raise BadMessage("invalid_json", "The message is no JSON; send one JSON object.") from error
    if not isinstance(document, dict):
        raise BadMessage("invalid_message", "The message is no JSON object; send one with a `type`.")
    request_id = _request_id(document.get("id"))
    if document.get("v", PROTOCOL_VERSION) != PROTOCOL_VERSION:
        raise BadMessage(
            "unsupported_version", f"This server speaks version {PROTOCOL_VERSION} only.", request_id
        )
    if document.get("type") not in _CLIENT_TYPES:
        raise BadMessage("unknown_type", f"`type` must be one of: {', '.join(_CLIENT_TYPES)}.", request_id)
    try:
        return _CLIENT.validate_python(document)
    except ValidationError as error:
        raise BadMessage("invalid_message", problems_of(error), request_id) from error


def _request_id(value: object) -> str | int | None:
    if isinstance(value, str):
        return value[:100]
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


def encode(message: BaseModel) -> str:
    """A message as it goes over the wire."""
    return message.model_dump_json()


def encode_update(
    timestamp: str, rows: Iterable[str], anomalies: str, active_sessions: int, hours: WindowHours
) -> str:
    """A `metrics_update` of parts that are encoded already: rows change seldom, updates go out each second.

    rows: encoded `SkillRow`s. anomalies: an encoded list of `ActiveAnomaly`.
    """
    return (
        f'{{"v":{PROTOCOL_VERSION},"type":"metrics_update","timestamp":"{timestamp}",'
        f'"data":{{"top_skills":[{",".join(rows)}],"anomalies":{anomalies},'
        f'"active_sessions":{active_sessions},"time_window_hours":{hours}}}}}'
    )


def schemas() -> dict[str, dict[str, Any]]:
    """Message type -> JSON schema."""
    return {type_of(model): model.model_json_schema() for model in (*CLIENT_MESSAGES, *SERVER_MESSAGES)}
