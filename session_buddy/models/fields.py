"""What every value and every journal event is made of: types of fields, and their base classes."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import VERSION, AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

SKILL_NAME_LIMIT = 200
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"


def _to_utc(value: datetime) -> datetime:
    # A million events are parsed in an import, nearly all in UTC already; `replace` is three times as fast.
    return value.replace(tzinfo=UTC) if not value.utcoffset() else value.astimezone(UTC)


Timestamp = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant, kept in UTC."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=SKILL_NAME_LIMIT, pattern=_PRINTABLE)]
"""A skill's name as the agent calls it, `plugin:skill` kept; or a session's id."""
Finite = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
ReportedSeconds = Annotated[Seconds, Field(le=366 * 86_400)]
"""What is told to have lasted longer than a year is a mistake, and would be in every mean from then on."""
Count = Annotated[int, Field(ge=0, le=2_147_483_647)]
"""A number of things, which every store can hold."""
ShortText = Annotated[str, StringConstraints(max_length=500)]


BUILT_AT_FIRST_USE: Final = tuple(int(part) for part in VERSION.split(".")[:2]) >= (2, 14)
"""Whether models build their validators when they are first used: a start needs few of them.

Older versions of pydantic have no lock around that, and we make values in many threads.
"""


class Frozen(BaseModel):
    """Base of all values: immutable, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=BUILT_AT_FIRST_USE)


class JournalEvent(Frozen):
    """What all lines have: version of the line's format, identity, when it happened."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a newer version may add fields

    v: Literal[1] = 1
    id: UUID
    occurred_at: Timestamp

    @property
    def began(self) -> datetime:
        """When what it tells of began."""
        return self.occurred_at
