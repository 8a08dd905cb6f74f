"""Every store that has to pass the conformance suite; a further one joins by one more entry."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.storage.duckdb_store import DuckDBStore


def keyed_hash(text: str) -> str:
    return sha256(b"key of the tests" + text.encode()).hexdigest()


STORES: dict[str, Callable[[Path], SkillsStorageProtocol]] = {
    "duckdb file": lambda folder: DuckDBStore(str(folder / "store.duckdb"), keyed_hash),
    "duckdb memory": lambda _folder: DuckDBStore(":memory:", keyed_hash),
}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SkillsStorageProtocol]:
    with opened(STORES[request.param](tmp_path)) as opened_store:
        yield opened_store


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
