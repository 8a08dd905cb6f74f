"""What a client of the feed may send, protocol version 1; `session_buddy.live.frames` is what it gets."""

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import from_json

from session_buddy.errors import InvalidInput
from session_buddy.models.events import Name, ShortText
from session_buddy.models.problems import problems_of

PROTOCOL_VERSION: Final = 1
MAX_MESSAGE_BYTES: Final = 65_536
MAX_SUBSCRIBED_SKILLS: Final = 50

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


class Message(BaseModel):
    """What every message has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1


class _Request(Message):
    id: Annotated[str, StringConstraints(max_length=100)] | int | None = Field(
        default=None, description="repeated in the answer, so that it can be told from others"
    )


_OfProject = Annotated[ShortText | None, Field(description="only uses in this folder; null: in all")]
_OfAgent = Annotated[ShortText | None, Field(description="only uses by this agent; null: by all")]
_OfUser = Annotated[ShortText | None, Field(description="only uses of this user; null: of all")]


class Subscribe(_Request):
    """Ask for the updates of one skill, or of the most used ones (`skill_name` null)."""

    type: Literal["subscribe"]
    skill_name: Name | None = None
    events: bool = Field(default=False, description="also send each invocation as an `invocation` message")
    time_window_hours: WindowHours = Field(default=1, description="what the figures of updates are over")
    project: _OfProject = None
    agent: _OfAgent = None
    user_id: _OfUser = None


class Unsubscribe(_Request):
    """End the updates of one skill, or all (`skill_name` null)."""

    type: Literal["unsubscribe"]
    skill_name: Name | None = None


class GetMetrics(_Request):
    """Ask once for the figures of one skill, or of all together (`skill_name` null)."""

    type: Literal["get_metrics"]
    skill_name: Name | None = None
    project: _OfProject = None
    agent: _OfAgent = None
    user_id: _OfUser = None


class Ping(_Request):
    """Ask for a sign of life."""

    type: Literal["ping"]


class Authenticate(_Request):
    """Show a token, where no header could carry it; the answer is a second `hello`."""

    type: Literal["authenticate"]
    token: Annotated[str, StringConstraints(max_length=8192)]


ClientMessage = Subscribe | Unsubscribe | GetMetrics | Ping | Authenticate


CLIENT_MESSAGES: Final[tuple[type[BaseModel], ...]] = (Subscribe, Unsubscribe, GetMetrics, Ping, Authenticate)


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
