"""What the store must say of a set of events, counted from nothing with the pure functions of `live`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from session_buddy.live.merge import merge
from session_buddy.live.totals import add_invocation
from session_buddy.models.answers import Invocation
from session_buddy.models.events import SessionEvent, SkillEvent
from session_buddy.models.values import SkillTotals
from session_buddy.storage.duckdb_store import DuckDBStore


def invocations_of(events: Iterable[SkillEvent]) -> dict[UUID, Invocation]:
    by_use: dict[UUID, list[SkillEvent]] = defaultdict(list)
    for event in {event.id: event for event in events}.values():
        by_use[event.invocation_id].append(event)
    merged = {use: merge(known) for use, known in by_use.items()}
    return {use: invocation for use, invocation in merged.items() if invocation is not None}


def totals_of(invocations: Iterable[Invocation]) -> dict[str, SkillTotals]:
    totals: dict[str, SkillTotals] = {}
    for invocation in invocations:
        known = totals.get(invocation.skill_name, SkillTotals(invocation.skill_name))
        totals[invocation.skill_name] = add_invocation(known, invocation)
    return totals


def session_skills_of(invocations: Iterable[Invocation]) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for invocation in invocations:
        row = counts[invocation.session_id, invocation.skill_name]
        row[0] += 1
        for position, outcome in enumerate(("completed", "failed", "abandoned"), start=1):
            row[position] += invocation.outcome == outcome
    return {key: (row[0], row[1], row[2], row[3]) for key, row in counts.items()}


def sessions_of(events: Sequence[SkillEvent | SessionEvent]) -> dict[str, tuple[object, ...]]:
    """(agent, project, user, started, ended, reason, first, last, last observed activity) by session."""
    return {
        name: _session([event for event in events if event.session_id == name])
        for name in {event.session_id for event in events}
    }


def _session(events: Sequence[SkillEvent | SessionEvent]) -> tuple[object, ...]:
    placed = [(event.occurred_at, event.project) for event in events if event.project is not None]
    ends = [
        (event.occurred_at, event.reason or "")
        for event in events
        if isinstance(event, SessionEvent) and event.kind == "session_ended"
    ]
    moments = [event.occurred_at for event in events]
    return (
        max(event.agent for event in events),
        min(placed)[1] if placed else None,
        max((event.user_id for event in events if event.user_id), default=None),
        min((event.occurred_at for event in events if event.kind == "session_started"), default=None),
        *(max(ends) if ends else (None, None)),
        min(moments),
        max(moments),
        max(
            (event.occurred_at for event in events if event.kind not in ("reported", "rated", "superseded")),
            default=None,
        ),
    )


def session_skill_rows(store: DuckDBStore) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    rows = store._database.rows(
        "SELECT session_id, skill_name, invocation_count, completed_count, failed_count, abandoned_count "
        "FROM session_skills WHERE invocation_count <> 0 OR completed_count <> 0 OR duration_sum <> 0"
    )
    return {(row[0], row[1]): row[2:] for row in rows}
