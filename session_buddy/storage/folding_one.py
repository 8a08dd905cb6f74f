"""Folding one event at a time, for the few that arrive while somebody waits for an answer.

DuckDB takes 40 ms to plan the statements that fold a batch, whatever its size. One event needs a dozen
single-row statements that it plans in a fraction of a millisecond each, so up to `FEW` events go this way.
The rule is the same, by `session_buddy.live.merge`; the tests send random batches both ways.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import duckdb

from session_buddy.live.merge import merge
from session_buddy.models.answers import Invocation
from session_buddy.models.events import SkillEvent
from session_buddy.storage.differences import difference, tallies_of
from session_buddy.storage.folding import Changes
from session_buddy.storage.learning import queue_use
from session_buddy.storage.queries import sql
from session_buddy.storage.rows import event_of, invocation_of, naive, record_of

FEW = 4
"""From here on, planning the statements of a batch once costs less than planning these for each event."""


def fold_one(connection: duckdb.DuckDBPyConnection, event: SkillEvent, changes: Changes) -> None:
    """Apply one skill event inside the caller's transaction."""
    use = {"invocation_id": event.invocation_id}
    if _rows(connection, "event_is_known", {"id": event.id}):
        return
    if not _rows(connection, "skill_is_known", {"skill_name": event.skill_name}):
        connection.execute(sql("insert_skill"), {"skill_name": event.skill_name})
    superseded = bool(_rows(connection, "invocation_is_superseded", use))
    if event.kind == "superseded" and not superseded:
        connection.execute(sql("insert_superseded_invocation"), use)
        superseded = True
    found = _rows(connection, "invocation_by_id", use)
    before = invocation_of(found[0]) if found else None
    older = [event_of(row) for row in _rows(connection, "events_of_invocation", use)] if before else []
    after = None if superseded else merge([*older, event])
    connection.execute(sql("insert_event"), record_of(event))
    _write_invocation(connection, before, after)
    _move_totals(connection, before, after)
    queue_use(connection, before, after)
    _move_session(connection, event)
    changes.new_events += 1
    changes.new_invocations += before is None and after is not None
    changes.touched_skills.update(known.skill_name for known in (before, after) if known is not None)


def _write_invocation(
    connection: duckdb.DuckDBPyConnection, before: Invocation | None, after: Invocation | None
) -> None:
    if after is not None:
        statement = "insert_invocation" if before is None else "update_invocation"
        connection.execute(sql(statement), record_of(after))
    elif before is not None:
        connection.execute(sql("delete_invocation"), {"invocation_id": before.invocation_id})


def _move_totals(
    connection: duckdb.DuckDBPyConnection, before: Invocation | None, after: Invocation | None
) -> None:
    """Move the totals of the skills and sessions that the use counts for now, and counted for before."""
    both = (before, after)
    for skill_name in sorted({known.skill_name for known in both if known is not None}):
        was, is_now = (known if known and known.skill_name == skill_name else None for known in both)
        row = difference(was, is_now) | {"skill_name": skill_name}
        row["invoked_at"] = naive(is_now.invoked_at) if is_now else None
        connection.execute(sql("move_skill"), row)
        if was and (is_now is None or is_now.invoked_at != was.invoked_at):
            connection.execute(sql("recount_skill_times"), {"skill_names": skill_name})
    places = {(known.session_id, known.skill_name) for known in both if known is not None}
    for session_id, skill_name in sorted(places):
        was, is_now = (
            known if known and (known.session_id, known.skill_name) == (session_id, skill_name) else None
            for known in both
        )
        moved = difference(was, is_now)
        row = {name: moved[name] for name in _OF_SESSION}
        row |= {"session_id": session_id, "skill_name": skill_name}
        _move(connection, "move_session_skill", "insert_session_skill", row)
    _move_tallies(connection, before, after)


_OF_SESSION = (
    "invocation_count",
    "completed_count",
    "failed_count",
    "abandoned_count",
    "duration_now",
    "duration_before",
)


def _move_tallies(
    connection: duckdb.DuckDBPyConnection, before: Invocation | None, after: Invocation | None
) -> None:
    tallies = Counter(tallies_of(after))
    tallies.subtract(Counter(tallies_of(before)))
    for (skill_name, dimension, value), moved in sorted(tallies.items()):
        if moved:
            row = {
                "skill_name": skill_name,
                "dimension": dimension,
                "value": value,
                "difference": moved,
            }
            _move(connection, "move_tally", "insert_tally", row)


def move_offsets(connection: duckdb.DuckDBPyConnection, offsets: Mapping[str, int]) -> None:
    """Store how far each journal is folded."""
    for journal, folded_bytes in offsets.items():
        row = {"journal": journal, "folded_bytes": folded_bytes}
        _move(connection, "move_journal_offset", "insert_journal_offset", row)


def _move(connection: duckdb.DuckDBPyConnection, update: str, insert: str, row: Mapping[str, object]) -> None:
    """Update a row by its key; insert it if there is none. An upsert takes DuckDB four times as long."""
    changed: list[tuple[int]] = connection.execute(sql(update), row).fetchall()
    if not changed[0][0]:
        connection.execute(sql(insert), row)


def _move_session(connection: duckdb.DuckDBPyConnection, event: SkillEvent) -> None:
    """The event's session, by the minima and maxima of the statement `move_sessions`."""
    moment = naive(event.occurred_at)
    observed = moment if event.kind not in ("reported", "rated", "superseded") else None
    found = _rows(connection, "session_by_id", {"session_id": event.session_id})
    row: dict[str, Any] = {
        "session_id": event.session_id,
        "agent": event.agent,
        "project": event.project,
        "project_at": moment if event.project is not None else None,
        "user_id": event.user_id,
        "first_activity_at": moment,
        "last_activity_at": moment,
        "last_observed_at": observed,
    }
    if not found:
        connection.execute(sql("insert_session"), row)
        return
    known = found[0]
    row["agent"] = max(known["agent"], event.agent)
    row["project_at"], row["project"] = _earliest(known, row)
    for name in ("user_id", "last_activity_at", "last_observed_at"):
        row[name] = max((value for value in (known[name], row[name]) if value is not None), default=None)
    row["first_activity_at"] = min(known["first_activity_at"], moment)
    connection.execute(sql("update_session"), row)


def _earliest(known: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[datetime | None, str | None]:
    """Where the session began: the project of its earliest event that names one."""
    places = [
        (place["project_at"], place["project"]) for place in (known, row) if place["project_at"] is not None
    ]
    return min(places, default=(None, None))


def _rows(
    connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]
) -> list[dict[str, Any]]:
    cursor = connection.execute(sql(name), parameters)
    columns = [column[0] for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
