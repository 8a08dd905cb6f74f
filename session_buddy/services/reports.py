"""What an agent or a person may say of one use of a skill."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationError

from session_buddy.errors import InvalidInput
from session_buddy.models.events import Frozen, Name, ShortText, SkillEvent, Timestamp
from session_buddy.models.fields import ReportedSeconds
from session_buddy.models.problems import problems_of
from session_buddy.models.vocabulary import Outcome, WorkflowPhase

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far in the future a time may lie: clocks of two machines differ by less."""
EARLIEST = datetime.fromisoformat("2020-01-01T00:00:00+00:00")


class InvocationReport(Frozen):
    """What an agent or a person says of one use of a skill.

    The legacy form, `skill_name`, `completed` and `duration_seconds` alone, is enough.
    """

    skill_name: Name
    completed: bool | None = None
    outcome: Outcome | None = None
    duration_seconds: ReportedSeconds | None = None
    error_type: ShortText | None = None
    workflow_phase: WorkflowPhase | None = None
    workflow_step: ShortText | None = None
    query: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    note: ShortText | None = None
    rating: int | None = Field(default=None, ge=1, le=5)
    session_id: Name | None = None
    project: ShortText | None = None
    invoked_at: Timestamp | None = None
    invocation_id: UUID | None = None
    request_key: Name | None = None

    @classmethod
    def checked(cls, **fields: object) -> "InvocationReport":
        """A report from unchecked fields; `InvalidInput` says what to change."""
        try:
            return cls.model_validate({name: value for name, value in fields.items() if value is not None})
        except ValidationError as error:
            raise InvalidInput(problems_of(error)) from None

    def decided(self) -> Outcome | None:
        """The outcome that `outcome` or `completed` states; `InvalidInput` if they contradict."""
        if self.completed is None:
            return self.outcome
        if self.outcome is None:
            return "completed" if self.completed else "failed"
        if self.completed != (self.outcome == "completed"):
            raise InvalidInput(
                f"completed={str(self.completed).lower()} contradicts outcome={self.outcome!r}; "
                "give one of them, or make them agree."
            )
        return self.outcome

    def check_time(self, now: datetime) -> None:
        """Refuse, with `InvalidInput`, a beginning that cannot have been."""
        if self.invoked_at is None:
            return
        if self.invoked_at > now + CLOCK_TOLERANCE:
            raise InvalidInput(
                f"invoked_at {self.invoked_at.isoformat()} lies in the future; give the time it began."
            )
        if self.invoked_at < EARLIEST:
            raise InvalidInput(
                f"invoked_at {self.invoked_at.isoformat()} is before any coding agent; check the year."
            )


def standing_alone(event: SkillEvent) -> SkillEvent:
    """A report that is a use of its own began, at the latest, as long ago as it says it took."""
    if event.invoked_at is not None:
        return event
    began = event.occurred_at - timedelta(seconds=min(event.duration_seconds or 0.0, 86_400.0 * 365))
    return event.model_copy(update={"invoked_at": began})


def acknowledgement(event: SkillEvent, *, attached: bool) -> str:
    """One line for whoever reported. attached: it was about a use that had been observed."""
    what = f"{event.skill_name}: {event.outcome or 'use'} recorded"
    return f"{what} for the use that was observed." if attached else f"{what}."
