"""Schema versions: up, down, the same as schema.sql, and what is refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from session_buddy.errors import MigrationError
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.migrations import Migrator, known_migrations, read_migrations
from session_buddy.storage.sql_files import sql_folder
from tests.storage.conftest import keyed_hash

NAMED_TABLES = {
    "skill_metrics_cache",
    "skill_time_series",
    "skill_anomalies",
    "skill_community_baselines",
    "skill_user_interactions",
    "skill_clusters",
    "skill_cluster_membership",
    "ab_test_configs",
    "ab_test_assignments",
    "ab_test_exposures",
    "ab_test_outcomes",
    "skill_categories",
    "skill_category_mapping",
    "skill_session_counts",
    "skill_dependencies",
    "skill_modalities",
}
NAMED_VIEWS = {
    "v_realtime_skill_dashboard",
    "v_skill_effectiveness_trend",
    "v_community_baseline_comparison",
    "v_skill_dependency_network",
    "v_ab_test_summary",
    "v_multimodal_skill_catalog",
    "v_workflow_phase_summary",
}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def catalog(connection: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Everything that makes up a schema, without what depends on when it was made."""
    parts = {
        "columns": "SELECT table_name, column_index, column_name, data_type, is_nullable, column_default "
        "FROM duckdb_columns() WHERE NOT internal ORDER BY ALL",
        "constraints": "SELECT table_name, constraint_type, expression, constraint_column_names, "
        "referenced_table, referenced_column_names FROM duckdb_constraints() ORDER BY ALL",
        "indexes": "SELECT table_name, index_name, is_unique, expressions FROM duckdb_indexes() ORDER BY ALL",
        "views": "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
        "tables": "SELECT table_name FROM duckdb_tables() ORDER BY ALL",
    }
    return {name: connection.execute(statement).fetchall() for name, statement in parts.items()}


def of_schema_file() -> dict[str, object]:
    with duckdb.connect() as fresh:
        fresh.execute((sql_folder() / "schema.sql").read_text(encoding="utf-8"))
        return catalog(fresh)


@pytest.mark.slow
def test_up_down_to_nothing_and_up_again_ends_in_schema_sql(connection: duckdb.DuckDBPyConnection) -> None:
    migrator = Migrator(connection)
    expected = of_schema_file()
    migrator.migrate()
    assert catalog(connection) == expected
    migrator.migrate(0)
    assert not any(catalog(connection).values())
    migrator.migrate()
    assert catalog(connection) == expected
    assert migrator.version() == migrator.newest == 4


@pytest.mark.slow
def test_every_step_down_restores_exactly_what_was_before(connection: duckdb.DuckDBPyConnection) -> None:
    migrator = Migrator(connection)
    before = []
    for version in range(5):
        migrator.migrate(version)
        before.append(catalog(connection))
    for version in reversed(range(4)):
        migrator.migrate(version)
        assert catalog(connection) == before[version]


def test_the_schema_has_what_was_asked_for(connection: duckdb.DuckDBPyConnection) -> None:
    Migrator(connection).migrate()
    tables = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    views = {row[0] for row in connection.execute("SELECT view_name FROM duckdb_views()").fetchall()}
    (indexes,) = connection.execute("SELECT count(*) FROM duckdb_indexes()").fetchone() or ()
    keys = connection.execute(
        "SELECT count(*) FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY' "
        "AND referenced_table = 'skill_metrics' AND referenced_column_names = ['skill_name']"
    ).fetchone()
    assert tables >= NAMED_TABLES
    assert views >= NAMED_VIEWS
    assert indexes >= 15
    assert keys is not None
    assert keys[0] >= 12


def test_an_orphan_row_is_refused_by_every_foreign_key(connection: duckdb.DuckDBPyConnection) -> None:
    Migrator(connection).migrate()
    connection.execute("INSERT INTO skill_metrics (skill_name) VALUES ('known'), ('known too')")
    connection.execute("INSERT INTO skill_clusters VALUES (1, 'l', 'm', 1, 0, now())")
    connection.execute("INSERT INTO skill_categories VALUES ('c', 'd', TRUE)")
    orphans = {
        "skill_tally": "('nobody', 'error_type', 'E', 1)",
        "skill_catalogue": "('nobody', 'user', '', 'd', TRUE, now(), uuid())",
        "skill_metrics_cache (skill_name, window_hours, updated_at)": "('nobody', 1, now())",
        "skill_time_series (skill_name, bucket_start)": "('nobody', now())",
        "skill_anomalies": "(uuid(), 'nobody', 'pattern_shift', 'volume', '', 1, 0, 3, 9, now(), NULL, NULL)",
        "skill_community_baselines": "('nobody', 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, now())",
        "skill_user_interactions": "('u', 'nobody', 1, 1, 1, 0, 0, now())",
        "skill_cluster_membership": "(1, 'nobody', 0.5)",
        "skill_category_mapping": "('nobody', 'c', 1, 'rule', NULL)",
        "skill_session_counts": "('nobody', 1, 1)",
        "skill_dependencies": "('known', 'nobody', 1, 0, 0, now())",
        "skill_modalities": "('nobody', 'text', 1, 'rule', NULL)",
        "skill_suggestions": "(uuid(), 1, 'nobody', 's', NULL, 'markov', 1, 1, NULL, NULL, now(), NULL)",
        "ab_test_exposures": "(uuid(), 'no test', 'u', 'control', 's', now(), FALSE)",
        "ab_test_assignments": "('no test', 'u', 'control', 's', 0.5, now())",
    }
    for table, values in orphans.items():
        with pytest.raises(duckdb.ConstraintException, match="foreign key"):
            connection.execute(f"INSERT INTO {table} VALUES {values}")


def _v3_with_rows(path: Path, rows: int) -> dict[str, list[tuple[object, ...]]]:
    """A database of version 3 as an earlier program would have left it; returns what must be kept."""
    with duckdb.connect(str(path)) as connection:
        Migrator(connection).migrate(3)
        connection.execute(
            "INSERT INTO skill_metrics (skill_name, invocation_count) SELECT 's' || r, 1 FROM range(50) t(r)"
        )
        connection.execute(
            """
            INSERT INTO skill_invocation BY NAME
            SELECT md5(r::VARCHAR)::UUID AS invocation_id, 's' || r % 50 AS skill_name,
                'x' || r // 9 AS session_id,
                'claude-code' AS agent, 'main' AS thread, 'agent' AS origin, 'hook' AS source,
                TIMESTAMP '2026-01-01' + to_seconds(r) AS invoked_at, r / 7 AS duration_seconds,
                'completed' AS outcome, TRUE AS completed, 'q' || r AS query_text, 'setup' AS workflow_phase
            FROM range(?) t(r)
            """,
            [rows],
        )
        connection.execute(
            """
            INSERT INTO skill_event BY NAME
            SELECT invocation_id AS id, 'recorded' AS kind, 20 AS authority, invoked_at AS occurred_at,
                * EXCLUDE (completed)
            FROM skill_invocation
            """
        )
        return _fingerprints(connection)


def _fingerprints(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: connection.execute(
            f"SELECT count(*), bit_xor(hash(t)), sum(hash(t) >> 8) FROM {table} AS t"
        ).fetchall()
        for table in ("skill_event", "skill_invocation", "skill_metrics", "skill_tally")
    }


@pytest.mark.parametrize("rows", [1_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_v3_database_migrates_with_every_row_kept(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "old.duckdb"
    kept = _v3_with_rows(path, rows)
    assert kept["skill_invocation"][0][0] == rows
    store = DuckDBStore(str(path), keyed_hash)
    store.open()
    assert store.counts()["skill_invocation"] == rows
    assert _fingerprints(store._database.writer) == kept
    store.migrate(3)
    assert _fingerprints(store._database.writer) == kept
    store.close()


@pytest.mark.slow
def test_rows_survive_the_way_down_to_the_first_version_and_up(connection: duckdb.DuckDBPyConnection) -> None:
    migrator = Migrator(connection)
    migrator.migrate()
    connection.execute("INSERT INTO skill_metrics (skill_name, invocation_count) VALUES ('a', 3)")
    connection.execute(
        "INSERT INTO skill_invocation BY NAME SELECT uuid() AS invocation_id, 'a' AS skill_name, "
        "'s' AS session_id, 'c' AS agent, 'main' AS thread, 'agent' AS origin, 'hook' AS source, "
        "now() AS invoked_at, 'q' AS query_text, 'setup' AS workflow_phase FROM range(3)"
    )
    migrator.migrate(1)
    migrator.migrate()
    assert connection.execute(
        "SELECT count(*), max(workflow_phase), max(query_text) FROM skill_invocation"
    ).fetchall() == [(3, "unknown", None)]
    assert connection.execute("SELECT * FROM skill_tally").fetchall() == [
        ("a", "workflow_phase", "unknown", 3)
    ]


def test_the_status_tells_every_version_applied_or_not(connection: duckdb.DuckDBPyConnection) -> None:
    migrator = Migrator(connection)
    migrator.migrate(2)
    status = migrator.status()
    assert [(known.version, known.applied_at is not None) for known in status] == [
        (1, True),
        (2, True),
        (3, False),
        (4, False),
    ]
    assert all(known.checksum == known.applied_checksum for known in status[:2])
    assert status[3].name == "phase4_extensions"


def test_a_migration_that_fails_leaves_nothing_behind(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "V1__first__up.sql").write_text("CREATE TABLE one (a INTEGER); SELECT no_such_function();")
    (tmp_path / "V1__first__down.sql").write_text("DROP TABLE one;")
    with pytest.raises(duckdb.Error):
        Migrator(connection, read_migrations(tmp_path)).migrate()
    assert not any(catalog(connection).values())


def test_a_database_of_a_newer_version_is_refused_naming_both(connection: duckdb.DuckDBPyConnection) -> None:
    Migrator(connection).migrate()
    connection.execute("INSERT INTO skill_migrations VALUES (7, 'from_the_future', 'c', now())")
    with pytest.raises(MigrationError, match=r"schema version 7.*above 4.*rebuild"):
        Migrator(connection).migrate()
    assert Migrator(connection).status()[-1].version == 7


def test_a_migration_that_changed_after_it_was_applied_is_refused(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    Migrator(connection).migrate()
    connection.execute("UPDATE skill_migrations SET checksum = 'other' WHERE version = 2")
    with pytest.raises(MigrationError, match=r"V2 \(query_text\) has changed.*rebuild"):
        Migrator(connection).migrate()


def test_an_unknown_migration_is_refused(connection: duckdb.DuckDBPyConnection) -> None:
    Migrator(connection).migrate()
    connection.execute("UPDATE skill_migrations SET name = 'other' WHERE version = 3")
    with pytest.raises(MigrationError, match=r"'other' applied as V3"):
        Migrator(connection).migrate()


@pytest.mark.parametrize("target", [-1, 5])
def test_a_version_that_does_not_exist_is_refused(connection: duckdb.DuckDBPyConnection, target: int) -> None:
    with pytest.raises(MigrationError, match="from 0 to 4"):
        Migrator(connection).migrate(target)


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["V1__a__up.sql"], "lacks a direction"),
        (["V2__a__up.sql", "V2__a__down.sql"], "numbered 1, 2, 3"),
        (["V1__a__up.sql", "V1__a__down.sql", "V1__b__up.sql", "V1__b__down.sql"], "numbered 1, 2, 3"),
        (["notes.txt"], "not named like a migration"),
    ],
)
def test_a_folder_with_gaps_or_strangers_is_refused(tmp_path: Path, names: list[str], complaint: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=complaint):
        read_migrations(tmp_path)


def test_checksums_cover_both_directions() -> None:
    first = known_migrations()[0]
    assert replace(first, down=first.down + " ").checksum != first.checksum
    assert replace(first, up=first.up + " ").checksum != first.checksum
