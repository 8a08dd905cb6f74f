"""Which uses of a skill a session has had of late, so that a report finds the one it speaks of."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from session_buddy.models.events import SkillEvent
from session_buddy.models.protocols import SkillsStorageProtocol

ATTACH_WITHIN = timedelta(minutes=10)
"""A report may speak of a span that closed this long ago; an older one is another use."""
SESSIONS_KEPT = 256


@dataclass(frozen=True, slots=True)
class _Span:
    skill_name: str
    invoked_at: datetime
    ended_at: datetime | None = None
    reported: bool = False


class RecentSpans:
    """Spans by session, from the database at a session's first look, from events after that."""

    def __init__(self, storage: SkillsStorageProtocol) -> None:
        """storage must be open."""
        self._storage = storage
        self._sessions: OrderedDict[str, dict[UUID, _Span]] = OrderedDict()

    def note(self, event: SkillEvent) -> None:
        """Take an acknowledged event into account."""
        spans = self._sessions.get(event.session_id)
        if spans is not None:
            _apply(spans, event)

    def knows(self, session_id: str) -> bool:
        """Whether the session has been looked at; the first look is at the database alone."""
        return session_id in self._sessions

    def attachable(self, session_id: str, skill_name: str, at: datetime) -> UUID | None:
        """The newest unreported span of the skill in the session that is open or closed recently."""
        spans = self._session(session_id)
        candidates = [
            (span.invoked_at, invocation_id)
            for invocation_id, span in spans.items()
            if span.skill_name == skill_name and not span.reported and _is_recent(span, at)
        ]
        return max(candidates)[1] if candidates else None

    def _session(self, session_id: str) -> dict[UUID, _Span]:
        spans = self._sessions.get(session_id)
        if spans is None:
            spans = {
                known.invocation_id: _Span(
                    known.skill_name, known.invoked_at, known.ended_at, known.outcome_source == "reported"
                )
                for known in self._storage.session_invocations(session_id)
            }
            self._sessions[session_id] = spans
            while len(self._sessions) > SESSIONS_KEPT:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(session_id)
        return spans


def _apply(spans: dict[UUID, _Span], event: SkillEvent) -> None:
    if event.kind == "superseded":
        spans.pop(event.invocation_id, None)
        return
    span = spans.get(event.invocation_id)
    if span is None:
        span = _Span(event.skill_name, event.invoked_at or event.occurred_at)
    spans[event.invocation_id] = replace(
        span,
        ended_at=event.ended_at or span.ended_at,
        reported=span.reported or event.kind == "reported",
    )


def _is_recent(span: _Span, at: datetime) -> bool:
    return span.ended_at is None or at - span.ended_at < ATTACH_WITHIN
