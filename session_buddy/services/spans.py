"""Which uses of a skill a session has had of late, so that a report finds the one it speaks of."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from session_buddy.models.answers import Invocation
from session_buddy.models.events import SkillEvent, told_by_run

ATTACH_WITHIN = timedelta(minutes=10)
"""A report may speak of a span that closed this long ago; an older one is another use."""
SESSIONS_KEPT = 256


@dataclass(frozen=True, slots=True)
class _Span:
    skill_name: str
    invoked_at: datetime
    ended_at: datetime | None = None
    reported: bool = False


class _Session:
    """The spans of one session by skill, and those of them that no agent has reported on yet."""

    def __init__(self) -> None:
        self._spans: dict[UUID, _Span] = {}
        self._of_skill: dict[str, dict[UUID, _Span]] = {}
        self._unreported: dict[str, dict[UUID, _Span]] = {}

    def put(self, invocation_id: UUID, span: _Span) -> None:
        self.drop(invocation_id)
        self._spans[invocation_id] = span
        self._of_skill.setdefault(span.skill_name, {})[invocation_id] = span
        if not span.reported:
            self._unreported.setdefault(span.skill_name, {})[invocation_id] = span

    def drop(self, invocation_id: UUID) -> None:
        known = self._spans.pop(invocation_id, None)
        if known is not None:
            self._of_skill[known.skill_name].pop(invocation_id, None)
            self._unreported.get(known.skill_name, {}).pop(invocation_id, None)

    def get(self, invocation_id: UUID) -> _Span | None:
        return self._spans.get(invocation_id)

    def unreported(self, skill_name: str) -> Mapping[UUID, _Span]:
        """A long session has thousands of spans, and few that a report may still speak of."""
        return self._unreported.get(skill_name, {})

    def all_of(self, skill_name: str) -> Mapping[UUID, _Span]:
        return self._of_skill.get(skill_name, {})


class RecentSpans:
    """Spans by session, as the database knows them at a session's first look, from events after that."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def note(self, event: SkillEvent) -> None:
        """Take an acknowledged event into account."""
        spans = self._sessions.get(event.session_id)
        if spans is not None:
            _apply(spans, event)

    def knows(self, session_id: str) -> bool:
        """Whether the session has been looked at."""
        return session_id in self._sessions

    def learn(self, session_id: str, uses: Iterable[Invocation]) -> None:
        """Take what the database knows of a session."""
        spans = self._sessions[session_id] = _Session()
        for known in uses:
            spans.put(known.invocation_id, _kept(known))
        while len(self._sessions) > SESSIONS_KEPT:
            self._sessions.popitem(last=False)

    def attachable(
        self, session_id: str, skill_name: str, at: datetime, *, by_run: bool = False
    ) -> UUID | None:
        """The newest unreported span of the skill in the session that is open or closed recently.

        by_run: a run of a gate or stage tells of it, which the agent's own report does not preclude, nor
        an earlier run: a skill may try its gate many times. The session must be known.
        """
        spans = self._sessions[session_id]
        self._sessions.move_to_end(session_id)
        fitting = spans.all_of(skill_name) if by_run else spans.unreported(skill_name)
        candidates = [
            (span.invoked_at, invocation_id)
            for invocation_id, span in fitting.items()
            if _is_recent(span, at)
        ]
        return max(candidates)[1] if candidates else None


def _kept(known: Invocation) -> _Span:
    told = known.outcome_source == "reported"
    ended_at = known.ended_at
    if ended_at is None and known.source not in ("hook", "transcript", "import"):
        ended_at = known.invoked_at + timedelta(seconds=known.duration_seconds or 0.0)
    reported = told and not told_by_run(known.evidence)
    return _Span(known.skill_name, known.invoked_at, ended_at, reported)


def _apply(spans: _Session, event: SkillEvent) -> None:
    if event.kind == "superseded":
        spans.drop(event.invocation_id)
        return
    span = spans.get(event.invocation_id)
    if span is None:
        # What is told of without having been observed is over when it is told of.
        over = event.occurred_at if event.kind == "reported" else None
        span = _Span(event.skill_name, event.invoked_at or event.occurred_at, over)
    ended_at = event.ended_at or span.ended_at
    reported = span.reported or (event.kind == "reported" and not told_by_run(event.evidence))
    spans.put(event.invocation_id, replace(span, ended_at=ended_at, reported=reported))


def _is_recent(span: _Span, at: datetime) -> bool:
    return span.ended_at is None or at - span.ended_at < ATTACH_WITHIN
