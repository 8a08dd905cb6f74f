"""Deleting what a request to forget covers, and what derives from it."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from session_buddy.storage.experiments import forget_outcomes
from session_buddy.storage.folding import Changes, move_totals
from session_buddy.storage.learning import learn
from session_buddy.storage.queries import sql
from session_buddy.storage.refusals import Refusals


@dataclass(frozen=True, slots=True)
class Request:
    """A row of `forgotten`. before: naive UTC, as the database holds it."""

    scope: str
    value: str
    before: datetime


def forget(connection: duckdb.DuckDBPyConnection, request: Request, refusals: Refusals) -> int:
    """Delete inside the caller's transaction; how many invocations went at this request so far.

    Asked a second time (a request is journaled too, and comes back with a fold), it deletes what has
    appeared since and gives the sum.
    """
    row = {"scope": request.scope, "value": request.value, "before": request.before}
    connection.execute(sql("record_request"), row)
    known_before = _count_invocations(connection)
    covered = {
        "scope": request.scope,
        "before": request.before,
        "names": _names(connection, request, refusals),
    }
    connection.execute(sql("stage_matching_events"), covered)
    connection.execute(sql("stage_matching_session_events"), covered)
    connection.execute(sql("delete_matching_exposures"), covered)
    _recompute(connection)
    forget_outcomes(connection, covered)
    connection.execute(sql("delete_matching_catalogue"), covered)
    connection.execute(sql("delete_matching_anomalies"), covered)
    connection.execute(sql("delete_matching_stage_runs"), covered)
    connection.execute(sql("delete_matching_gate_runs"), covered)
    learn(connection)
    connection.execute(sql("delete_empty_interactions"))
    removed = known_before - _count_invocations(connection)
    connection.execute(
        sql("add_to_request"), {"scope": request.scope, "value": request.value, "removed_count": removed}
    )
    rows: list[tuple[int]] = connection.execute(sql("removed_at_request"), row).fetchall()
    return rows[0][0] if rows else removed


def skills_without_a_trace(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Skills that only their own row in `skill_metrics`, and what was learned of them, still names."""
    return [row[0] for row in connection.execute(sql("skills_without_a_trace")).fetchall()]


def delete_what_names(connection: duckdb.DuckDBPyConnection, skills: list[str]) -> None:
    """Delete what references the skills; the caller deletes the skills in a later transaction."""
    names = "\n".join(skills)
    connection.execute(sql("delete_session_skills"), {"names": names})
    for table, column in connection.execute(sql("children_of_skills")).fetchall():
        connection.execute(
            # Both names come from the catalog of our own schema.
            f'DELETE FROM "{table}" WHERE "{column}" IN (SELECT unnest(string_split($names, chr(10))))',  # noqa: S608
            {"names": names},
        )


def delete_skills(connection: duckdb.DuckDBPyConnection, skills: list[str]) -> None:
    """Delete the parents' rows, once no child is left."""
    connection.execute(sql("delete_skills"), {"names": "\n".join(skills)})


def _names(connection: duckdb.DuckDBPyConnection, request: Request, refusals: Refusals) -> str:
    """The names that the request's hash stands for, one a line: a name has no line break."""
    if request.scope == "before":
        return ""
    statement = "known_sessions" if request.scope == "session" else "known_skills"
    known = (row[0] for row in connection.execute(sql(statement)).fetchall())
    return "\n".join(refusals.names_behind(request.value, known))


def _recompute(connection: duckdb.DuckDBPyConnection) -> None:
    """Take the matching events out, and make anew what derives from the rest."""
    connection.execute(sql("stage_nothing"))
    connection.execute(sql("stage_before_of_matching"))
    connection.execute(sql("delete_matching_events"))
    connection.execute(sql("delete_orphaned_superseded"))
    move_totals(connection, Changes())
    connection.execute(sql("delete_matching_session_events"))
    connection.execute(sql("delete_touched_sessions"))
    connection.execute(sql("stage_events_of_touched_sessions"))
    lines = [row[0] for row in connection.execute(sql("left_session_events")).fetchall()]
    connection.execute(sql("move_sessions"), {"session_events": "\n".join(lines)})
    connection.execute(sql("delete_skills_of_gone_sessions"))
    connection.execute(sql("delete_suggestions_of_gone_sessions"))


def _count_invocations(connection: duckdb.DuckDBPyConnection) -> int:
    rows: list[tuple[int]] = connection.execute(sql("count_invocations")).fetchall()
    return rows[0][0]
