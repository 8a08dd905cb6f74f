"""PostgreSQL answers what is asked often by an index, and folds by one, however long the log is."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from uuid import UUID

import pytest

from session_buddy.models.values import Window
from session_buddy.storage import rows
from session_buddy.storage.postgres_database import named
from session_buddy.storage.postgres_store import PostgresStore
from session_buddy.storage.queries import parse_queries
from session_buddy.storage.sql_files import sql_folder
from tests.storage.conftest import keyed_hash, opened
from tests.support.events import START
from tests.support.postgres import TeamDatabases

pytestmark = pytest.mark.slow
USES = 200_000
LARGE = ("skill_event", "skill_invocation", "session_skills", "agent_session", "session_event")
FILL = (
    "INSERT INTO skill_metrics (skill_name) SELECT 'skill-' || n FROM generate_series(0, 199) AS n",
    f"""
    INSERT INTO skill_invocation (
        invocation_id, skill_name, session_id, agent, thread, origin, source, project, user_id, invoked_at,
        duration_seconds, outcome, completed, outcome_source, workflow_phase
    )
    SELECT
        CAST(md5('use' || n) AS UUID), 'skill-' || n % 200, 'session-' || n / 4, 'claude-code', 'main',
        'agent', 'hook', '/p/' || n % 40, 'user-' || n / 4 % 100,
        TIMESTAMP '2026-03-02' + n * INTERVAL '20 s', 30,
        'completed', TRUE, 'inferred', 'unknown'
    FROM generate_series(0, {USES - 1}) AS n""",
    """
    INSERT INTO skill_event (
        id, kind, invocation_id, occurred_at, skill_name, session_id, source, authority, agent, thread,
        origin, invoked_at, outcome, outcome_source
    )
    SELECT
        invocation_id, 'recorded', invocation_id, invoked_at, skill_name, session_id, source, 20, agent,
        thread, origin, invoked_at, outcome, outcome_source
    FROM skill_invocation""",
    """
    INSERT INTO agent_session (session_id, agent, first_activity_at, last_activity_at)
    SELECT session_id, 'claude-code', min(invoked_at), max(invoked_at)
    FROM skill_invocation
    GROUP BY session_id
    """,
    """
    INSERT INTO session_skills (
        session_skill_id, session_id, skill_name, invocation_count, completed_count, failed_count,
        abandoned_count, duration_sum
    )
    SELECT CAST(md5(session_id || chr(10) || skill_name) AS UUID), session_id, skill_name, 1, 1, 0, 0, 30
    FROM skill_invocation
    ON CONFLICT DO NOTHING""",
    "ANALYZE",
)
_LAST = START + timedelta(seconds=20 * USES)
_HOUR = {
    **rows.bounds(Window(_LAST - timedelta(hours=1), _LAST)),
    "project": None,
    "agent": None,
    "user_id": None,
}
_ID = UUID("00000000-0000-8000-8000-000000000001")
_IDS = json.dumps([str(_ID)])
HOT: Mapping[str, Mapping[str, object]] = {
    "told_before": {"rows": json.dumps([{"id": str(_ID), "invocation_id": str(_ID)}])},
    "own_invocations": {"ids": _IDS},
    "own_events": {"ids": _IDS},
    "sessions_known": {"rows": json.dumps(["session-7"])},
    "invocation_by_id": {"invocation_id": _ID},
    "invocation_of_event": {"id": _ID},
    "events_of_invocations": {"invocation_ids": _IDS},
    "invocations_of_session": {"session_id": "session-7"},
    "summary_of_session": {"session_id": "session-7"},
    "first_activity_of_session": {"session_id": "session-7"},
    "latest_sessions": {"limit": 20},
    "latest_invocation_of_skill": {"skill_name": "skill-7", "session_id": None},
    "window_totals_of_skill": {**_HOUR, "skill_name": "skill-7"},
    "window_totals_of_all_skills": _HOUR,
    "window_totals_of_every_skill": _HOUR,
    "top_skills": {**_HOUR, "limit": 10},
    "count_active_sessions": _HOUR,
    "invocations_in_window": _HOUR,
    "periods_of_skill": {**_HOUR, "skill_name": "skill-7", "parts": 12},
    "count_decided": {**_HOUR, "skill_name": "skill-7"},
    "latest_uses": {"skill_names": "skill-7", "count": 400},
    "past_uses": {"limit": 1_000},
    "superseded_since": {"since": _HOUR["since"]},
    "skills_of_agent": {"agent": "claude-code"},
    "latest_activity": {},
    "unfinished_sessions": {"since": _HOUR["since"], "most": 20},
    "uses_by_id": {"invocation_ids": _IDS},
    "recount_skill_times": {"rows": json.dumps(["skill-7"])},
    "delete_invocations": {"ids": _IDS},
    "beginnings_of_batches": {**_HOUR, "batch_size": 1_000},
    "update_invocations": {"rows": json.dumps([{"invocation_id": str(_ID)}])},
    "attribute_suggestions": {"session_ids": "session-7"},
    "observed_outcomes": {"session_ids": "session-7"},
    "latest_suggestions": {"limit": 100},
}
SELDOM = {
    "count_rows": "counts the log, for `status`",
    "sums_of_past": "reads a month, when an experiment is planned",
    "fixes_of_gates": "reads all runs of gates, and their uses by session or time",
    "stage_paths": "reads sessions that a learning staged; bench.team sees its plan",
    "recount_user_times": "after a use went or moved; likewise",
}
_LOGS = re.compile(
    r"(FROM|JOIN|UPDATE|USING)\s+((skill|team|own)_(event|invocation)|session_skills|agent_session|session_event"
    r"|v_session_summary)\b"
)
_MAINTENANCE = ("forgetting", "schema", "team")


def test_whatever_reads_a_log_is_asked_by_an_index_or_seldom() -> None:
    read = {
        name
        for path in (sql_folder() / "postgres" / "queries").glob("*.sql")
        if path.stem not in _MAINTENANCE
        for name, query in parse_queries(path.read_text("utf-8")).items()
        if _LOGS.search(query.sql)
    }
    assert read - HOT.keys() == SELDOM.keys()


@pytest.fixture(scope="module")
def large(team_databases: TeamDatabases) -> Iterator[PostgresStore]:
    with opened(PostgresStore(team_databases.another(), keyed_hash)) as store:
        assert isinstance(store, PostgresStore)
        for statement in FILL:
            store.database.rows(statement)
        yield store


@pytest.mark.parametrize("name", HOT)
def test_what_is_asked_often_reads_no_whole_table(large: PostgresStore, name: str) -> None:
    plan = "\n".join(row[0] for row in large.database.rows(f"EXPLAIN {named(name)}", HOT[name]))
    whole = [table for table in LARGE if f"Seq Scan on {table} " in plan]
    assert not whole, plan
    assert "Index" in plan, plan
