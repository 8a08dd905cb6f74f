"""What goes wrong with the file, each as one sentence that says what to do."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from session_buddy.errors import DamagedDatabase, MigrationError, StorageError
from session_buddy.models.values import Batch, Window
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.storage.conftest import keyed_hash
from tests.support.events import recorded


def filled(path: Path) -> DuckDBStore:
    store = DuckDBStore(str(path), keyed_hash)
    store.open()
    store.fold(Batch(tuple(recorded(f"u{number}", number) for number in range(50))))
    return store


def _truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(5_000)


def _overwrite(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def _blank_headers(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [_truncate, _overwrite, _blank_headers])
def test_a_damaged_file_is_told_with_its_remedy(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "store.duckdb"
    filled(path).close()
    damage(path)
    store = DuckDBStore(str(path), keyed_hash)
    with pytest.raises(DamagedDatabase, match=r"store\.duckdb is damaged.*session-buddy rebuild"):
        store.open()
    store.close()
    path.unlink()
    filled(path).close()


@pytest.mark.slow
def test_a_database_of_a_newer_version_is_refused_and_let_go(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    store = filled(path)
    store._database.writer.execute("INSERT INTO skill_migrations VALUES (9, 'later', 'c', now())")
    store.close()
    with pytest.raises(MigrationError, match=r"schema version 9.*above 4"):
        DuckDBStore(str(path), keyed_hash).open()
    opened_as_it_is = DuckDBStore(str(path), keyed_hash)
    opened_as_it_is.open_as_it_is()
    assert opened_as_it_is.migrations()[-1].version == 9
    opened_as_it_is.close()


@pytest.mark.slow
def test_a_database_that_another_process_holds_is_told_with_that_process(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    holding = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StorageError, match=rf"in use by another process.*{holder.pid}"):
            DuckDBStore(str(path), keyed_hash).open()
        holder.stdin.close()
        holder.wait()


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        DuckDBStore(str(tmp_path / "nowhere" / "store.duckdb"), keyed_hash).open()


def test_a_closed_store_says_that_it_is_closed() -> None:
    store = DuckDBStore(None, keyed_hash)
    with pytest.raises(StorageError, match="not open"):
        store.all_totals()


@pytest.mark.slow
def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    filled(path).close()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.slow
def test_a_fold_that_fails_changes_nothing_and_the_next_one_works(tmp_path: Path) -> None:
    store = filled(tmp_path / "store.duckdb")
    store._database.writer.execute("DROP TABLE journal_offset")
    with pytest.raises(StorageError):
        store.fold(Batch((recorded("new", 99),), {"journal": 10}))
    assert store.totals("review").invocation_count == 50
    assert store.counts()["skill_event"] == 50
    store._database.writer.execute(
        "CREATE TABLE journal_offset (journal VARCHAR PRIMARY KEY, folded_bytes BIGINT)"
    )
    assert store.fold(Batch((recorded("new", 99),), {"journal": 10})).new_events == 1
    assert dict(store.journal_offsets()) == {"journal": 10}
    store.close()


@pytest.mark.slow
def test_a_kill_in_the_middle_of_folding_loses_no_committed_batch(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    program = """
import os, sys
from hashlib import sha256
from session_buddy.models.values import Batch, Window
from tests.storage.conftest import keyed_hash
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.support.events import recorded
store = DuckDBStore(sys.argv[1], keyed_hash)
store.open()
for number in range(5):
    store.fold(Batch((recorded(f"u{number}", number),), {"journal": number + 1}))
os._exit(9)
"""
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", program, str(path)], cwd=root, timeout=60)
    assert result.returncode == 9
    store = DuckDBStore(str(path), keyed_hash)
    store.open()
    assert store.totals("review").invocation_count == 5
    assert dict(store.journal_offsets()) == {"journal": 5}
    store.close()


@pytest.mark.slow
def test_one_long_reading_too_many_is_refused_and_the_next_goes_on(tmp_path: Path) -> None:
    store = filled(tmp_path / "store.duckdb")
    readings = []

    def begin_a_hundred() -> None:
        for _ in range(100):
            reading = store.invocations(Window(), batch_size=1)
            next(iter(reading))
            readings.append(reading)

    with pytest.raises(StorageError, match="try again when one has ended"):
        begin_a_hundred()
    assert store.connections().in_use == len(readings) > 1
    assert len(list(readings.pop())) == 49
    assert len([row for rows in store.invocations(Window()) for row in rows]) == 50
    store.close()
