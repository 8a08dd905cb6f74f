"""PostgreSQL's statements: made from those for DuckDB, all of them current, and all of them good."""

import re
from pathlib import Path

import pytest

from session_buddy.errors import StorageError
from session_buddy.storage.postgres_database import PostgresDatabase, named
from session_buddy.storage.queries import queries
from tests.support.postgres import TeamDatabases
from tests.support.programs import load_program

OF_DUCKDB_ALONE = {
    "fold.sql": "PostgreSQL merges the events of a use in Python (docs/adr/0009)",
    "fold_one.sql": "likewise",
    "forgetting.sql": "likewise",
    "learn_few.sql": "its server plans the statements for many in no time",
    "memory.sql": "what its server may use of memory is for whoever runs it",
}


@pytest.mark.slow
def test_what_is_committed_is_what_the_program_makes() -> None:
    program = load_program("scripts/postgres_sql.py")
    assert [path.name for path in program.not_current()] == []


@pytest.mark.slow
def test_every_statement_that_answers_for_duckdb_answers_for_postgresql() -> None:
    program = load_program("scripts/postgres_sql.py")
    folder = Path(program.SQL) / "queries"
    known = {
        name
        for file in folder.glob("*.sql")
        for name in re.findall(r"^-- (\w+) --$", file.read_text(), re.MULTILINE)
    }
    of_duckdb = {
        name
        for file in OF_DUCKDB_ALONE
        for name in re.findall(r"^-- (\w+) --$", (folder / file).read_text(), re.MULTILINE)
    }
    there = set(queries("postgres/queries"))
    assert known - of_duckdb - set(program.LEFT_OUT) <= there


@pytest.mark.slow
def test_the_server_understands_every_statement(team_databases: TeamDatabases) -> None:
    database = PostgresDatabase(team_databases.another(), "home")
    database.open()
    refused = {}
    for name in queries("postgres/queries"):
        text = re.sub(r"\$[a-z_]+", "NULL", named(name))
        if re.match(r"DO|DROP|CREATE|SET|SELECT pg_", text) or re.search(r"\b(change|path|pair)\b", text):
            continue  # of the transaction that stages something
        try:
            database.rows(f"EXPLAIN {text}")
        except StorageError as error:
            refused[name] = str(error)
    database.close()
    assert refused == {}
