"""The same record in a DuckDB file and on a PostgreSQL server, made by SQL: folding it would take hours.

DuckDB makes it, as for `bench.answers`, with suggestions, experiments and runs besides; the server copies
what DuckDB writes down, so both hold the very same rows.
"""

import time
from pathlib import Path

from bench.answers import ROLL_UPS
from bench.findings import FILL
from bench.team_work import hashed
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.postgres_database import PostgresConnection
from session_buddy.storage.postgres_store import PostgresStore
from tests.support.postgres import PostgresServer

LARGE = ("skill_event", "skill_invocation", "session_skills")
"""Tables whose indexes are made when their rows are there."""
FIRST = ("skill_metrics", "ab_test_configs", "skill_categories")
"""Tables that others reference."""
LEFT_OUT = ("skill_migrations", "journal_offset", "folding_home", "forgotten", "skill_change")
FURTHER = """
INSERT INTO skill_event (id, kind, invocation_id, occurred_at, skill_name, session_id, source, authority,
    agent, thread, origin, user_id, invoked_at, duration_seconds, outcome, outcome_source)
SELECT
    CAST(
        format('{:012x}', epoch_ms(invoked_at)) || right(replace(CAST(uuid() AS VARCHAR), '-', ''), 20)
        AS UUID
    ),
    'recorded', invocation_id, invoked_at, skill_name, session_id, source, 20, agent, thread,
    origin, user_id, invoked_at, duration_seconds, outcome, outcome_source
FROM skill_invocation;
INSERT INTO skill_catalogue
SELECT skill_name, 'user', '', 'What ' || skill_name || ' says of itself', TRUE,
    make_timestamp(epoch_us(now())), uuid()
FROM skill_metrics WHERE skill_name < 'skill-200';
INSERT INTO ab_test_configs (test_name, control_strategy, treatment_strategy, further_strategies, unit,
    metric, metrics, method, assignment_ratio, min_sample_size, planned_sample_size, start_date,
    created_at, status, status_at)
SELECT 'order', 'markov', 'popular', '[]', 'session', 'completion_rate',
    '["completion_rate","acceptance_rate"]', 'sequential', 0.5, 100, 1000, began, began, 'running', began
FROM (SELECT make_timestamp(epoch_us(now())) - INTERVAL 60 DAYS AS began);
INSERT INTO skill_suggestions
WITH occasion AS (
    SELECT invocation_id, skill_name, session_id, user_id, invoked_at,
        row_number() OVER (ORDER BY invoked_at) AS number
    FROM skill_invocation USING SAMPLE 2 PERCENT (bernoulli, 7)
)
SELECT o.invocation_id, p.range,
    CASE p.range WHEN 1 THEN o.skill_name ELSE format('skill-{:03}', p.range) END,
    o.session_id, o.user_id, CASE number % 2 WHEN 0 THEN 'markov' ELSE 'popular' END, 1.0 / p.range, 0.9,
    CASE WHEN number % 4 < 2 THEN 'order' END,
    CASE WHEN number % 4 < 2 THEN CASE number % 2 WHEN 0 THEN 'control' ELSE 'treatment' END END,
    o.invoked_at - INTERVAL 1 SECOND,
    CASE WHEN p.range = 1 THEN o.invocation_id END
FROM occasion AS o, range(1, 4) AS p;
INSERT INTO ab_test_assignments
SELECT DISTINCT ON (session_id) 'order', session_id, group_name, strategy, 0.5, suggested_at
FROM skill_suggestions WHERE test_name IS NOT NULL;
INSERT INTO ab_test_exposures
SELECT s.suggestion_id, 'order', s.session_id, a.group_name, s.session_id, s.suggested_at,
    s.suggested_at < make_timestamp(epoch_us(now())) - INTERVAL 1 HOUR
FROM skill_suggestions AS s INNER JOIN ab_test_assignments AS a ON a.unit_id = s.session_id
WHERE s.position = 1 AND s.test_name IS NOT NULL;
INSERT INTO ab_test_outcomes
SELECT uuid(), 'order', unit_id, group_name, exposure_id, session_id, NULL, exposure_id, metric,
    CASE WHEN random() < 0.9 THEN 1 ELSE 0 END, 'observed', exposed_at
FROM ab_test_exposures, (VALUES ('completion_rate'), ('acceptance_rate')) AS m (metric);
INSERT INTO pipeline_stage_runs (run_id, pipeline_name, stage, workflow_phase, started_at, duration_seconds,
    recorded_at, outcome, session_id, agent, project, user_id, source)
SELECT uuid(), 'pipeline-' || number % 20, ['build', 'test', 'lint', 'deploy'][1 + number // 20 % 4],
    'execution', invoked_at, exp(3 + random()), invoked_at, CASE WHEN random() < 0.9 THEN 'completed' ELSE
    'failed' END, session_id, agent, '/p/' || number % 40, user_id, 'ci'
FROM (SELECT *, row_number() OVER (ORDER BY invoked_at) AS number
    FROM skill_invocation USING SAMPLE 1 PERCENT (bernoulli, 8));
INSERT INTO quality_gate_runs (run_id, tool, phase, workflow_phase, started_at, duration_seconds, recorded_at,
    outcome, failed_checks, check_count, failed_count, session_id, agent, project, user_id, source)
SELECT uuid(), 'crackerjack', ['fast_hooks', 'tests', 'comprehensive_hooks'][1 + number % 3], 'verification',
    invoked_at, 20, invoked_at, CASE WHEN good THEN 'completed' ELSE 'failed' END,
    CASE WHEN good THEN '[]' ELSE '["ruff","mypy"]' END, 5, CASE WHEN good THEN 0 ELSE 2 END, session_id,
    agent, '/p/' || number % 40, user_id, 'crackerjack'
FROM (SELECT *, random() < 0.8 AS good, row_number() OVER (ORDER BY invoked_at) AS number
    FROM skill_invocation USING SAMPLE 1 PERCENT (bernoulli, 9))"""


def fill(folder: Path, count: int, server: PostgresServer, store: PostgresStore) -> None:
    """Put so many uses of the last 90 days into the DuckDB file of a folder, and into a team's store."""
    began = time.monotonic()
    made = DuckDBStore(str(folder / "store.duckdb"), hashed, memory_limit="6GB")
    made.open()
    writer = made._database.writer  # noqa: SLF001 - the bench fills what only folds fill
    for statement in f"{FILL};{ROLL_UPS};{FURTHER}".split(";"):
        writer.execute(statement, {"count": count} if "$count" in statement else None)
    print(f"DuckDB's store is made, {time.monotonic() - began:.0f} s", flush=True)
    load = server.folder / "load"
    load.mkdir(exist_ok=True)
    server.own(load)
    with store.database.connection() as connection:
        tables = [row[0] for row in connection.run("tables_to_clear") if row[0] not in LEFT_OUT]
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '1GB'")
        for table in sorted(tables, key=lambda name: name not in FIRST):
            indexes = _without_indexes(connection, table) if table in LARGE else []
            path = load / table
            names = ", ".join(_columns(connection, made, table))
            writer.execute(f"COPY (SELECT {names} FROM {table}) TO '{path}' (FORMAT csv, HEADER false)")
            connection.execute(f"COPY {table} ({names}) FROM '{path}' (FORMAT csv)")
            path.unlink()
            for index in indexes:
                connection.execute(index)
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("RESET ALL")
    made.close()
    print(f"PostgreSQL's is filled, {time.monotonic() - began:.0f} s", flush=True)


def _columns(connection: PostgresConnection, made: DuckDBStore, table: str) -> list[str]:
    """Those that both know; PostgreSQL adds who wrote a row."""
    known = {row[0] for row in made._database.writer.execute(f"DESCRIBE {table}").fetchall()}  # noqa: SLF001
    asked = (
        "SELECT attname FROM pg_attribute "
        f"WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    return [row[0] for row in connection.execute(asked).fetchall() if row[0] in known]


def _without_indexes(connection: PostgresConnection, table: str) -> list[str]:
    """Drop the indexes of a table; the statements that make them again."""
    again = []
    keys = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE conrelid = '{table}'::regclass AND contype = 'p'"
    )
    for name, definition in connection.execute(keys).fetchall():
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
    indexes = f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename = '{table}'"
    for name, definition in connection.execute(indexes).fetchall():
        connection.execute(f"DROP INDEX {name}")
        again.append(definition)
    return again
