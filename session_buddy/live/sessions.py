"""Which sessions are at work: the same rule as in SQL, kept up event by event.

A session is active if something happened in it lately and it has not ended, or went on after it had. A
report or a rating is no sign that it goes on: those may come long after.
"""

from typing import Final

from session_buddy.live.moments import microseconds
from session_buddy.live.selections import EVERYTHING, Selection
from session_buddy.models.answers import SessionSummary
from session_buddy.models.events import SessionEvent, SkillEvent

_KEPT: Final = 24 * 3_600_000_000
_UNOBSERVED: Final = ("reported", "rated", "superseded")


class _Session:
    __slots__ = ("agent", "ended_at", "last_activity_at", "last_observed_at", "project", "user_id")

    def __init__(self) -> None:
        self.last_activity_at = self.last_observed_at = self.ended_at = 0
        self.project: str | None = None
        self.agent: str | None = None
        self.user_id: str | None = None


class Sessions:
    """The sessions of the last day. Not thread-safe."""

    def __init__(self) -> None:
        self._known: dict[str, _Session] = {}

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()

    def load(self, summary: SessionSummary) -> None:
        """Take what the database knows of a session."""
        session = self._known.setdefault(summary.session_id, _Session())
        session.project = session.project or summary.project
        session.agent = session.agent or summary.agent
        last = microseconds(summary.last_activity_at)
        ended = 0 if summary.ended_at is None else microseconds(summary.ended_at)
        session.last_activity_at = max(session.last_activity_at, last)
        session.last_observed_at = max(session.last_observed_at, ended or last)
        session.ended_at = max(session.ended_at, ended)

    def belongs(self, session_id: str, user_id: str | None) -> None:
        """Take whose a session is, which its summary does not tell."""
        if user_id is not None:
            self._known.setdefault(session_id, _Session()).user_id = user_id

    def note(self, event: SkillEvent | SessionEvent) -> None:
        """Take one event."""
        session = self._known.setdefault(event.session_id, _Session())
        session.project = event.project or session.project
        session.agent = event.agent
        session.user_id = event.user_id or session.user_id
        at = microseconds(event.occurred_at)
        session.last_activity_at = max(session.last_activity_at, at)
        if event.kind not in _UNOBSERVED:
            session.last_observed_at = max(session.last_observed_at, at)
        if event.kind == "session_ended":
            session.ended_at = max(session.ended_at, at)

    def active(self, since: int, selection: Selection = EVERYTHING) -> int:
        """Sessions with activity at or after `since` (microseconds, UTC) that have not ended.

        selection: of those that worked in a folder last, of an agent, of a user.
        """
        return sum(
            1
            for session in self._known.values()
            if session.last_activity_at >= since
            and selection.project in (None, session.project)
            and selection.agent in (None, session.agent)
            and selection.user_id in (None, session.user_id)
            and (not session.ended_at or session.ended_at < session.last_observed_at)
        )

    def advance(self, now: int) -> None:
        """Let go of sessions without activity for a day at `now`."""
        bound = now - _KEPT
        old = [name for name, session in self._known.items() if session.last_activity_at < bound]
        for name in old:
            del self._known[name]
