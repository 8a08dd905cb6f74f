"""One invocation from everything that is known of it.

The same rule stands in SQL (`storage`), which folds; this one serves answers about events that are
acknowledged but not folded yet. A test holds the two equal over random events in random order.

An event is *observed* if a hook, a transcript or another program saw the use happen, and a *report* if
somebody said so afterwards (`reported`, `rated`). Where several speak of one thing, the greatest
(authority, occurred_at, id) wins, so the order of arrival never matters:

- identity (skill, session, thread, project...) and `invoked_at`: an observed event before a report;
- `outcome` with its source, evidence and error type: together from one event;
- `duration_seconds` and `ended_at`: an observed one before a reported one, since the clock is a better
  witness of time than an agent, while an agent is a better witness of success;
- `rating` with its note: the latest `rated` event.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from session_buddy.models.answers import Invocation
from session_buddy.models.events import SkillEvent

_REPORTS = ("reported", "rated")
_T = TypeVar("_T")


def _strength(event: SkillEvent) -> tuple[int, Any, str]:
    return (event.authority, event.occurred_at, str(event.id))


def merge(events: Iterable[SkillEvent]) -> Invocation | None:
    """The invocation that the events, all of one `invocation_id`, tell of; None if it was superseded."""
    known = sorted(events, key=_strength, reverse=True)
    if len(known) == 1 and known[0].kind != "superseded":
        return _of_one(known[0])
    if not known or any(event.kind == "superseded" for event in known):
        return None
    observed = [event for event in known if event.kind not in _REPORTS]
    reports = [event for event in known if event.kind in _REPORTS]
    witnesses = [*observed, *reports]
    outcome = next((event for event in known if event.outcome is not None), None)
    rated = max((event for event in known if event.rating is not None), key=_recency, default=None)
    first = witnesses[0]
    invoked_at = _first(witnesses, lambda event: event.invoked_at)
    return Invocation(
        invocation_id=first.invocation_id,
        skill_name=first.skill_name,
        session_id=first.session_id,
        agent=first.agent,
        thread=first.thread,
        origin=first.origin,
        source=first.source,
        project=_first(witnesses, lambda event: event.project),
        user_id=_first(witnesses, lambda event: event.user_id),
        parent_invocation_id=_first(witnesses, lambda event: event.parent_invocation_id),
        invoked_at=invoked_at if invoked_at is not None else min(event.occurred_at for event in known),
        ended_at=_first(witnesses, lambda event: event.ended_at),
        duration_seconds=_first(witnesses, lambda event: event.duration_seconds),
        outcome=outcome.outcome if outcome else None,
        completed=outcome.outcome == "completed" if outcome else None,
        outcome_source=outcome.outcome_source if outcome else None,
        evidence=(outcome.evidence or ()) if outcome else (),
        error_type=outcome.error_type if outcome else None,
        tool_call_count=_first(witnesses, lambda event: event.tool_call_count),
        tool_error_count=_first(witnesses, lambda event: event.tool_error_count),
        rating=rated.rating if rated else None,
        note=rated.note if rated else _first(known, lambda event: event.note),
        workflow_phase=_first(known, lambda event: event.workflow_phase) or "unknown",
        workflow_step=_first(known, lambda event: event.workflow_step),
        query_text=_first(known, lambda event: event.query_text),
        query_hash=_first(known, lambda event: event.query_hash),
        query_length=_first(known, lambda event: event.query_length),
    )


def _of_one(event: SkillEvent) -> Invocation:
    """The same where one event is all that is known, as of most that is imported: a fifth of the time."""
    return Invocation(
        invocation_id=event.invocation_id,
        skill_name=event.skill_name,
        session_id=event.session_id,
        agent=event.agent,
        thread=event.thread,
        origin=event.origin,
        source=event.source,
        project=event.project,
        user_id=event.user_id,
        parent_invocation_id=event.parent_invocation_id,
        invoked_at=event.invoked_at if event.invoked_at is not None else event.occurred_at,
        ended_at=event.ended_at,
        duration_seconds=event.duration_seconds,
        outcome=event.outcome,
        completed=event.outcome == "completed" if event.outcome is not None else None,
        outcome_source=event.outcome_source if event.outcome is not None else None,
        evidence=(event.evidence or ()) if event.outcome is not None else (),
        error_type=event.error_type if event.outcome is not None else None,
        tool_call_count=event.tool_call_count,
        tool_error_count=event.tool_error_count,
        rating=event.rating,
        note=event.note,
        workflow_phase=event.workflow_phase or "unknown",
        workflow_step=event.workflow_step,
        query_text=event.query_text,
        query_hash=event.query_hash,
        query_length=event.query_length,
    )


def _recency(event: SkillEvent) -> tuple[Any, str]:
    return (event.occurred_at, str(event.id))


def _first(events: Sequence[SkillEvent], field: Callable[[SkillEvent], _T | None]) -> _T | None:
    return next((value for event in events if (value := field(event)) is not None), None)
