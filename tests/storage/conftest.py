"""Every store that has to pass the conformance suite; a further one joins by one more entry."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.postgres_store import PostgresStore
from tests.support.postgres import TeamDatabases, running


def keyed_hash(text: str) -> str:
    return sha256(b"key of the tests" + text.encode()).hexdigest()


def _on_postgres(_folder: Path, request: pytest.FixtureRequest) -> SkillsStorageProtocol:
    databases: TeamDatabases = request.getfixturevalue("team_databases")
    return PostgresStore(databases.another(), keyed_hash)


STORES: dict[str, Callable[[Path, pytest.FixtureRequest], SkillsStorageProtocol]] = {
    "duckdb file": lambda folder, _request: DuckDBStore(str(folder / "store.duckdb"), keyed_hash),
    "duckdb memory": lambda _folder, _request: DuckDBStore(":memory:", keyed_hash),
    "postgres": _on_postgres,
}
_QUICK = ("duckdb memory",)


@pytest.fixture(
    params=[pytest.param(name, marks=() if name in _QUICK else pytest.mark.slow) for name in sorted(STORES)]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SkillsStorageProtocol]:
    with opened(STORES[request.param](tmp_path, request)) as opened_store:
        yield opened_store


@pytest.fixture(scope="session")
def team_databases(postgres_binaries: Path) -> Iterator[TeamDatabases]:
    """A PostgreSQL server, and a new database with the newest schema for each that asks."""
    with running(postgres_binaries) as server:
        yield TeamDatabases(server, keyed_hash)


@pytest.fixture
def duckdb_store(tmp_path: Path) -> Iterator[DuckDBStore]:
    made = DuckDBStore(str(tmp_path / "store.duckdb"), keyed_hash)
    with opened(made):
        yield made


@contextmanager
def opened(made: SkillsStorageProtocol) -> Iterator[SkillsStorageProtocol]:
    made.open()
    try:
        yield made
    finally:
        made.close()
