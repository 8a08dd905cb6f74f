"""The sessions of some events: minima and maxima, which the statement `move_sessions` adds to the known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from session_buddy.models.events import SessionEvent, SkillEvent
from session_buddy.storage.rows import naive

_SAID_LATER = ("reported", "rated", "superseded")


def session_rows(events: Iterable[SkillEvent | SessionEvent]) -> list[dict[str, Any]]:
    """A row for each session of some events."""
    return rows_of(
        {
            "kind": event.kind,
            "session_id": event.session_id,
            "occurred_at": naive(event.occurred_at),
            "agent": event.agent,
            "project": event.project,
            "user_id": event.user_id,
            "reason": getattr(event, "reason", None),
        }
        for event in events
    )


def rows_of(facts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same from rows of the logs; a fact is of a skill unless its kind says otherwise."""
    by_session: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for fact in facts:
        by_session[fact["session_id"]].append(fact)
    return [_session(name, by_session[name]) for name in sorted(by_session)]


def _session(session_id: str, facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    placed = [(fact["occurred_at"], fact["project"]) for fact in facts if fact["project"] is not None]
    project_at, project = min(placed, default=(None, None))
    ends = [
        (fact["occurred_at"], fact.get("reason") or "") for fact in facts if fact["kind"] == "session_ended"
    ]
    ended_at, end_reason = max(ends, default=(None, None))
    moments: list[datetime] = [fact["occurred_at"] for fact in facts]
    return {
        "session_id": session_id,
        "agent": max(fact["agent"] for fact in facts),
        "project": project,
        "project_at": project_at,
        "user_id": max((fact["user_id"] for fact in facts if fact["user_id"] is not None), default=None),
        "started_at": min(
            (fact["occurred_at"] for fact in facts if fact["kind"] == "session_started"), default=None
        ),
        "ended_at": ended_at,
        "end_reason": end_reason,
        "first_activity_at": min(moments),
        "last_activity_at": max(moments),
        "last_observed_at": max(
            (fact["occurred_at"] for fact in facts if fact["kind"] not in _SAID_LATER), default=None
        ),
    }
