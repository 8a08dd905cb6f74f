"""Deleting from PostgreSQL what a request to forget covers: what this member wrote, never another's."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from session_buddy.live.merge import merge
from session_buddy.models.events import SkillEvent
from session_buddy.storage.experiments import forget_outcomes
from session_buddy.storage.folding import Changes
from session_buddy.storage.forgetting import Request
from session_buddy.storage.learning import learn
from session_buddy.storage.postgres_database import PostgresConnection
from session_buddy.storage.postgres_folding import as_json, invocations, write
from session_buddy.storage.postgres_sessions import rows_of
from session_buddy.storage.refusals import Refusals
from session_buddy.storage.rows import event_of


def forget(connection: PostgresConnection, request: Request, refusals: Refusals) -> int:
    """Delete inside the caller's transaction; how many invocations went at this request so far."""
    wish = {"scope": request.scope, "value": request.value}
    connection.run("record_request", **wish, before=request.before)
    known_before = _count(connection)
    names = as_json(_names(connection, request, refusals))
    covered = {"scope": request.scope, "before": request.before, "rows": names}
    events = connection.run("matching_events", **covered)
    session_events = connection.run("matching_session_events", **covered)
    connection.run("delete_matching_exposures", **covered)
    _delete_uses(connection, [row[0] for row in events], {row[1] for row in events})
    connection.run("delete_session_events", ids=as_json(row[0] for row in session_events))
    _renew_sessions(connection, {row[-1] for row in (*events, *session_events)})
    forget_outcomes(connection, covered)
    connection.run("delete_matching_catalogue", **covered)
    connection.run("delete_matching_anomalies", **covered)
    connection.run("delete_matching_stage_runs", **covered)
    connection.run("delete_matching_gate_runs", **covered)
    connection.run("unstage_changes")
    learn(connection)
    connection.run("delete_empty_interactions")
    connection.run("add_to_request", **wish, removed_count=known_before - _count(connection))
    found = connection.run("removed_at_request", **wish, before=request.before)
    return int(found[0][0]) if found else 0


def delete_traceless_skills(connection: PostgresConnection) -> None:
    """Let go of the names of forgotten skills, and of all that was learned of them."""
    skills = as_json(row[0] for row in connection.run("skills_without_a_trace"))
    if skills == "[]":
        return
    connection.run("delete_session_skills", rows=skills)
    for table, column in connection.run("children_of_skills"):
        connection.execute(
            # Both names come from the catalogue of our own schema.
            f'DELETE FROM {table} WHERE "{column}" IN '  # noqa: S608
            "(SELECT json_array_elements_text(CAST($rows AS JSON)))",
            {"rows": skills},
        )
    connection.run("delete_skills", rows=skills)


def _names(connection: PostgresConnection, request: Request, refusals: Refusals) -> Sequence[str]:
    if request.scope == "before":
        return []
    known = connection.run("known_sessions" if request.scope == "session" else "known_skills")
    return refusals.names_behind(request.value, (row[0] for row in known))


def _delete_uses(connection: PostgresConnection, events: Sequence[UUID], uses: set[UUID]) -> None:
    """Take events out, and make anew what derives from the rest of their uses."""
    ids = as_json(uses)
    before = invocations(connection, ids)
    connection.run("delete_events", ids=as_json(events))
    connection.run("delete_orphaned_superseded", ids=ids)
    left: dict[UUID, list[SkillEvent]] = defaultdict(list)
    for row in connection.records("own_events", ids=as_json(before)):
        left[row["invocation_id"]].append(event_of(row))
    after = {use: merge(events_of) for use, events_of in left.items()}
    write(connection, before, after, Changes())


def _renew_sessions(connection: PostgresConnection, sessions: set[str]) -> None:
    """Sessions that lost something, from what is left of them."""
    names = as_json(sorted(sessions))
    left = connection.records("events_of_sessions", rows=names)
    left += connection.records("session_events_of_sessions", rows=names)
    connection.run("delete_sessions", rows=names)
    if left:
        connection.run("move_sessions", rows=as_json(rows_of(left)))
    connection.run("delete_skills_of_gone_sessions", rows=names)
    connection.run("delete_suggestions_of_gone_sessions", rows=names)


def _count(connection: PostgresConnection) -> int:
    return int(connection.run("count_invocations")[0][0])
