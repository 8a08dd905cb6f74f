"""Folding into PostgreSQL: uses are merged here, by `session_buddy.live.merge`; the server moves the totals.

DuckDB merges in SQL, over temporary tables. Behind a pool those would be made and dropped with every fold,
and fill the server's catalogue; a batch costs the same few statements this way, whatever its size.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from session_buddy.live.merge import merge
from session_buddy.models.answers import Invocation
from session_buddy.models.events import SessionEvent, SkillEvent
from session_buddy.models.vocabulary import OUTCOMES
from session_buddy.storage.differences import tallies_of
from session_buddy.storage.folding import ROWS_AT_ONCE, Changes
from session_buddy.storage.postgres_database import PostgresConnection
from session_buddy.storage.postgres_sessions import session_rows
from session_buddy.storage.rows import event_of, invocation_of, naive, record_of

_MICROSECONDS = 1_000_000
_LONGEST = 1e12
_SUMMED = (
    "invocation_count",
    "completed_count",
    "failed_count",
    "abandoned_count",
    "reported_count",
    "inferred_count",
    "duration_count",
    "rating_count",
    "rating_sum",
)
_OF_SESSION = _SUMMED[:4]
_OF_OUTCOME = {outcome: f"{outcome}_count" for outcome in OUTCOMES}
_OF_SOURCE = {"reported": "reported_count", "inferred": "inferred_count"}
_CHANGED = (
    "invocation_id",
    "skill_name",
    "session_id",
    "user_id",
    "invoked_at",
    "outcome",
    "duration_seconds",
)


def fold_skill_events(connection: PostgresConnection, events: Sequence[SkillEvent], changes: Changes) -> None:
    """Apply skill events inside the caller's transaction."""
    for start in range(0, len(events), ROWS_AT_ONCE):
        _fold(connection, events[start : start + ROWS_AT_ONCE], changes)


def _fold(connection: PostgresConnection, events: Sequence[SkillEvent], changes: Changes) -> None:
    known = _told_before(connection, events)
    folded, foreign = known["event"], known["foreign"]
    new = [event for event in events if event.id not in folded and event.invocation_id not in foreign]
    if not new:
        return
    said = Counter(event.invocation_id for event in new)
    said.update(known["own"])
    said.update(known["superseded"])
    first = [event for event in new if said[event.invocation_id] == 1 and event.kind != "superseded"]
    if first:
        connection.run("insert_uses", rows=_as_rows(first))
        changes.new_invocations += len(first)
        changes.touched_skills.update(event.skill_name for event in first)
    if len(first) < len(new):
        alone = {event.invocation_id for event in first}
        more = [event for event in new if event.invocation_id not in alone]
        _fold_merged(connection, more, known["superseded"], changes)
    changes.new_events += len(new)
    connection.run("move_sessions", rows=as_json(session_rows(new)))


def _told_before(connection: PostgresConnection, events: Sequence[SkillEvent]) -> Mapping[str, set[UUID]]:
    """What the server knows of the events (`event`) and of their uses (`own`, `foreign`, `superseded`)."""
    known: dict[str, set[UUID]] = defaultdict(set)
    ids = (f'{{"id":"{event.id}","invocation_id":"{event.invocation_id}"}}' for event in events)
    for kind, found in connection.run("told_before", rows=f"[{','.join(ids)}]"):
        known[kind].add(found)
    return known


def _fold_merged(
    connection: PostgresConnection, new: Sequence[SkillEvent], superseded: set[UUID], changes: Changes
) -> None:
    """Apply events of uses of which more than one event tells."""
    connection.run("insert_skills", rows=as_json(sorted({event.skill_name for event in new})))
    said = {event.invocation_id for event in new if event.kind == "superseded"}
    if said:
        connection.run("insert_superseded", ids=as_json(said))
    gone = superseded | said
    before = invocations(connection, as_json({event.invocation_id for event in new}))
    told: dict[UUID, list[SkillEvent]] = defaultdict(list)
    for event in _older(connection, before):
        told[event.invocation_id].append(event)
    for event in new:
        told[event.invocation_id].append(event)
    after = {use: None if use in gone else merge(known_of) for use, known_of in told.items()}
    connection.run("insert_events", rows=_as_rows(new))
    write(connection, before, after, changes)


def fold_session_events(
    connection: PostgresConnection, events: Sequence[SessionEvent], changes: Changes
) -> None:
    """Apply beginnings and ends of sessions inside the caller's transaction."""
    if events:
        rows = as_json(event.model_dump(mode="json", exclude={"v"}) for event in events)
        changes.new_events += connection.run("insert_session_events", rows=rows)[0][0]
        connection.run("move_sessions", rows=as_json(session_rows(events)))


def invocations(connection: PostgresConnection, ids: str) -> dict[UUID, Invocation]:
    """The uses of a JSON list that this member wrote, as they are."""
    found = connection.records("own_invocations", ids=ids)
    return {row["invocation_id"]: invocation_of(row) for row in found}


def _older(connection: PostgresConnection, before: Mapping[UUID, Invocation]) -> Iterable[SkillEvent]:
    if not before:
        return []
    return [event_of(row) for row in connection.records("own_events", ids=as_json(before))]


def write(
    connection: PostgresConnection,
    before: Mapping[UUID, Invocation],
    after: Mapping[UUID, Invocation | None],
    changes: Changes,
) -> None:
    """Keep uses as they are now, and move every total by what that changes."""
    known = [use for use in after.values() if use is not None and use.invocation_id in before]
    new = [use for use in after.values() if use is not None and use.invocation_id not in before]
    gone = [use for use in before if after.get(use) is None]
    if gone:
        connection.run("delete_invocations", ids=as_json(gone))
    for statement, uses in (("update_invocations", known), ("insert_invocations", new)):
        if uses:
            connection.run(statement, rows=_as_rows(uses))
    pairs = [(before.get(use), after.get(use)) for use in {**before, **after}]
    _move_totals(connection, pairs)
    _queue(connection, pairs)
    changes.new_invocations += sum(was is None and now is not None for was, now in pairs)
    changes.touched_skills.update(known.skill_name for pair in pairs for known in pair if known is not None)


_Pairs = Sequence[tuple[Invocation | None, Invocation | None]]


def _move_totals(connection: PostgresConnection, pairs: _Pairs) -> None:
    """The totals of skills, what sessions did with each, and the tallies."""
    skills: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    sessions: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    tallies: dict[tuple[str, str, str], int] = defaultdict(int)
    for was, now in pairs:
        for use, sign in ((was, -1), (now, 1)):
            if use is not None:
                _add(skills[use.skill_name], use, sign)
                _add(sessions[use.session_id, use.skill_name], use, sign)
                for tally in tallies_of(use):
                    tallies[tally] += sign
    _move_skills(connection, skills, pairs)
    rows = [
        _summed(moved, _OF_SESSION) | {"session_id": session_id, "skill_name": skill_name}
        for (session_id, skill_name), moved in sorted(sessions.items())
    ]
    if rows:
        connection.run("move_session_skills", rows=as_json(rows))
    rows = [
        {"skill_name": skill_name, "dimension": dimension, "value": value, "invocation_count": moved}
        for (skill_name, dimension, value), moved in sorted(tallies.items())
        if moved
    ]
    if rows:
        connection.run("move_tallies", rows=as_json(rows))


def _move_skills(
    connection: PostgresConnection, totals: Mapping[str, Mapping[str, int]], pairs: _Pairs
) -> None:
    times: dict[str, list[datetime]] = defaultdict(list)
    shifted: set[str] = set()
    for was, now in pairs:
        if now is not None:
            times[now.skill_name].append(now.invoked_at)
        if was is not None and (
            now is None or (was.skill_name, was.invoked_at) != (now.skill_name, now.invoked_at)
        ):
            shifted.add(was.skill_name)
    rows = [
        _summed(moved, _SUMMED)
        | {
            "skill_name": skill_name,
            "first_invoked_at": naive(min(times[skill_name])) if times[skill_name] else None,
            "last_invoked_at": naive(max(times[skill_name])) if times[skill_name] else None,
        }
        for skill_name, moved in sorted(totals.items())
    ]
    if rows:
        connection.run("move_skills", rows=as_json(rows))
    if shifted:
        connection.run("recount_skill_times", rows=as_json(sorted(shifted)))


def _add(totals: dict[str, int], use: Invocation, sign: int) -> None:
    """What `differences` says of one use, without making anything for each: it is asked twice a use."""
    totals["invocation_count"] += sign
    if use.outcome is not None:
        totals[_OF_OUTCOME[use.outcome]] += sign
    if use.outcome_source is not None:
        totals[_OF_SOURCE[use.outcome_source]] += sign
    if use.duration_seconds is not None:
        totals["duration_count"] += sign
        totals["microseconds"] += sign * round(min(use.duration_seconds, _LONGEST) * _MICROSECONDS)
    if use.rating is not None:
        totals["rating_count"] += sign
        totals["rating_sum"] += sign * use.rating


def _summed(moved: Mapping[str, int], names: Iterable[str]) -> dict[str, Any]:
    microseconds = moved.get("microseconds", 0)
    whole, rest = divmod(abs(microseconds), _MICROSECONDS)
    seconds = f"{'-' if microseconds < 0 else ''}{whole}.{rest:06}"
    return {name: moved.get(name, 0) for name in names} | {"duration_sum": seconds}


def _queue(connection: PostgresConnection, pairs: _Pairs) -> None:
    """Leave what changed for the roll-ups; `insert_invocations` did so with what is new."""
    rows = []
    for was, now in pairs:
        if was is None:
            continue
        old, new = _counted(was), _counted(now)
        if old != new:
            rows += [{"sign": sign, **row} for sign, row in ((-1, old), (1, new)) if row is not None]
    if rows:
        connection.run("queue_changes", rows=as_json(rows))


def _counted(use: Invocation | None) -> dict[str, Any] | None:
    if use is None:
        return None
    row = {name: getattr(use, name) for name in _CHANGED}
    return row | {"invoked_at": naive(use.invoked_at), "rating": use.rating}


def _as_rows(values: Iterable[SkillEvent | Invocation]) -> str:
    """Events or invocations as a JSON list, by pydantic: a tenth of the time of doing so field by field.

    Times end in Z, which a column without a zone passes over; evidence is a list, of which a text column
    takes the JSON as it stands.
    """
    return f"[{','.join(map(_as_row, values))}]"


def _as_row(value: SkillEvent | Invocation) -> str:
    line = value.model_dump_json(exclude_none=True)
    if value.evidence and r"\u00" in line:
        # What PostgreSQL cannot hold is escaped on its way; within JSON kept as a text it already is.
        return json.dumps(record_of(value), default=str)
    return line


def as_json(values: Iterable[Any]) -> str:
    """Rows, names or ids as a JSON list."""
    return json.dumps(list(values), default=str)
