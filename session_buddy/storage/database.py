"""One open DuckDB database: a connection that writes, and a cursor for each thread that reads.

While a database is open, nothing else in the process may open its file, not even to copy it: DuckDB's lock is
a POSIX one, and closing any descriptor of the file drops it.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb

from session_buddy.errors import StorageError
from session_buddy.storage.failures import explained

_MEMORY = ":memory:"
_OFTEN = "4MB"
_SELDOM = "32MB"
"""WAL sizes at which DuckDB checkpoints. After a crash the WAL is replayed commit by commit, which takes
long for many small ones, so usually it stays short; in a bulk load each commit would rewrite every index."""
_BULK_ROWS = 1_000
_MOST_THREADS = 4  # folds and answers are small; more threads only take cores from the agent's own work


class Database:
    """A DuckDB file, or memory. Reading is for any thread, writing for one at a time."""

    def __init__(self, path: str | None, memory_limit: str) -> None:
        """path: of the file, or None or ':memory:'. memory_limit: as DuckDB writes it, "512MB"."""
        self.path = path or _MEMORY
        self._memory_limit = memory_limit
        self._writer: duckdb.DuckDBPyConnection | None = None
        self._cursors: list[duckdb.DuckDBPyConnection] = []
        self._local = threading.local()
        self._lock = threading.Lock()
        self._checkpoints = _OFTEN

    @property
    def writer(self) -> duckdb.DuckDBPyConnection:
        """The connection that writes; `StorageError` if the database is not open."""
        if self._writer is None:
            raise StorageError(f"The database {self.path} is not open.")
        return self._writer

    def open(self) -> None:
        """Open the file, make it if there is none, readable by its owner only."""
        if self._writer is not None:
            return
        with explained(self.path):
            self._writer = duckdb.connect(self.path, config=self._config())
        if self.path != _MEMORY:
            # chmod goes by name and opens nothing.
            os.chmod(self.path, 0o600)

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "memory_limit": self._memory_limit,
            "threads": max(1, min(_MOST_THREADS, os.cpu_count() or 1)),
            "autoinstall_known_extensions": "false",
            "allocator_background_threads": "true",  # gives freed memory back while a bulk load goes on
            "preserve_insertion_order": "false",
            "wal_autocheckpoint": _OFTEN,
        }
        if self.path != _MEMORY:
            config["temp_directory"] = f"{self.path}.tmp"
        return config

    def close(self) -> None:
        """Close every connection; DuckDB writes a checkpoint with the last one."""
        with self._lock:
            cursors, self._cursors = self._cursors, []
        writer, self._writer = self._writer, None
        self._local = threading.local()
        if writer is None:
            return
        with explained(self.path):
            for cursor in cursors:
                cursor.close()
            writer.close()

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A cursor of the calling thread, made at its first use."""
        writer = self.writer
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = writer.cursor()
            self._local.cursor = cursor
            with self._lock:
                self._cursors.append(cursor)
        return cursor

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one long reading, which sees everything as it was when it began."""
        cursor = self.writer.cursor()
        try:
            with explained(self.path):
                cursor.execute("BEGIN")
                yield cursor
        finally:
            cursor.close()

    def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a statement, read by this thread."""
        with explained(self.path):
            return self.reader().execute(statement, parameters).fetchall()

    def records(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """The same with the columns' names."""
        with explained(self.path):
            cursor = self.reader().execute(statement, parameters)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The writer in a transaction: committed if the block ends, rolled back if it raises."""
        writer = self.writer
        with explained(self.path):
            writer.execute("BEGIN")
            try:
                yield writer
            except BaseException:
                self._roll_back(writer)
                raise
            writer.execute("COMMIT")

    def expect(self, rows: int) -> None:
        """Say how many rows the next transaction writes: one of a bulk load does not checkpoint by itself."""
        setting = _SELDOM if rows >= _BULK_ROWS else _OFTEN
        if setting != self._checkpoints:
            with explained(self.path):
                self.writer.execute(f"SET wal_autocheckpoint = '{setting}'")
            self._checkpoints = setting

    def _roll_back(self, writer: duckdb.DuckDBPyConnection) -> None:
        try:
            writer.execute("ROLLBACK")
        except duckdb.TransactionException:
            return  # DuckDB ended the transaction itself when its statement failed
