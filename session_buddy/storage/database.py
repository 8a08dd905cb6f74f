"""One open DuckDB database: a connection that writes, and cursors that read, never more than a fixed number.

While a database is open, nothing else in the process may open its file, not even to copy it: DuckDB's lock is
a POSIX one, and closing any descriptor of the file drops it.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any

import duckdb

from session_buddy.errors import OutOfMemory, StorageError
from session_buddy.models.values import Connections
from session_buddy.storage.connections import Done
from session_buddy.storage.cursors import CursorPool
from session_buddy.storage.failures import explained
from session_buddy.storage.memory import MemoryLimit

_MEMORY = ":memory:"
_OFTEN = 4_000_000
"""Bytes of WAL from which on a commit is followed by a checkpoint: after a crash the WAL is replayed commit
by commit, which takes long for many small ones. DuckDB's own bound is no use here: it adds what it guesses
that the commit writes, 16 KB for each column of each 2,048 rows in which one is updated. Over a million uses
it took commits of 20 KB for 4 MB, and followed each by a checkpoint of half a second."""
_SELDOM = "128MB"
"""DuckDB's own bound, for bulk loads: in one each checkpoint writes every index anew, and compresses again
what it appends to: at 32 MB that was a third of the work."""
_BULK_ROWS = 1_000
_READERS = 16
_LONG_READINGS = 4
_THREADS = max(1, min(4, os.cpu_count() or 1))
"""Answers are small; more threads only take cores from the agent's own work."""
_BULK_THREADS = 1
"""A batch is too small for several: each takes memory of its own, 70 MB with two, and none of the time."""


class Database:
    """A DuckDB file, or memory. Reading is for any thread, writing for one at a time."""

    def __init__(self, path: str | None, memory_limit: str) -> None:
        """path: of the file, or None or ':memory:'. memory_limit: at first, as DuckDB writes it: "512MB"."""
        self.path = path or _MEMORY
        self._memory_limit = memory_limit
        self._memory: MemoryLimit | None = None
        self._writer: duckdb.DuckDBPyConnection | None = None
        self._readers = CursorPool(_READERS)
        self._long_readings = threading.BoundedSemaphore(_LONG_READINGS)
        self._long_count = 0
        self._lock = threading.Lock()
        self._is_writing = False
        self._bulk = False

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
            self._memory = MemoryLimit(self._writer.cursor())
        if self.path != _MEMORY:
            # chmod goes by name and opens nothing.
            os.chmod(self.path, 0o600)

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "memory_limit": self._memory_limit,
            "threads": _THREADS,
            "autoinstall_known_extensions": "false",
            "allocator_background_threads": "true",  # gives freed memory back while a bulk load goes on
            "preserve_insertion_order": "false",
            "wal_autocheckpoint": _SELDOM,
        }
        if self.path != _MEMORY:
            config["temp_directory"] = f"{self.path}.tmp"
        return config

    def close(self) -> None:
        """Close every connection; DuckDB writes a checkpoint with the last one."""
        writer, self._writer = self._writer, None
        memory, self._memory = self._memory, None
        if writer is None:
            return
        with explained(self.path):
            if memory is not None:
                memory.close()
            self._readers.close()
            writer.close()

    def connections(self) -> Connections:
        """How many cursors are at work now, and how many there may be."""
        at_work = self._readers.in_use + self._long_count + self._is_writing
        return Connections(in_use=at_work, limit=_READERS + _LONG_READINGS + 1)

    @contextmanager
    def snapshot(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one long reading, which sees everything as it was when it began.

        Raises:
            StorageError: there are as many long readings as there may be.
        """
        writer = self.writer
        if not self._long_readings.acquire(blocking=False):
            raise StorageError(
                f"{_LONG_READINGS} long readings (exports) are at work; try again when one has ended."
            )
        with self._lock:
            self._long_count += 1
        try:
            with explained(self.path), closing(writer.cursor()) as cursor:
                cursor.execute("BEGIN")
                yield cursor
        finally:
            with self._lock:
                self._long_count -= 1
            self._long_readings.release()

    def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a statement."""

        def read() -> list[tuple[Any, ...]]:
            with explained(self.path), self._readers.taken(self.writer) as cursor:
                return cursor.execute(statement, parameters).fetchall()

        return self.with_enough_memory(read)

    def records(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """The same with the columns' names."""

        def read() -> list[dict[str, Any]]:
            with explained(self.path), self._readers.taken(self.writer) as cursor:
                cursor.execute(statement, parameters)
                names = [column[0] for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return self.with_enough_memory(read)

    def with_enough_memory(self, work: Callable[[], Done]) -> Done:
        """What `work` returns; done again with more memory as long as it was too little and there is more."""
        while True:
            memory = self._memory
            limit = memory.now if memory else 0
            try:
                return work()
            except OutOfMemory:
                if not (memory and memory.raise_beyond(limit)):
                    raise

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The writer in a transaction: committed if the block ends, rolled back if it raises."""
        writer = self.writer
        with explained(self.path):
            writer.execute("BEGIN")
            self._is_writing = True
            try:
                yield writer
            except BaseException:
                self._roll_back(writer)
                raise
            else:
                writer.execute("COMMIT")
                self._checkpoint_if_long(writer)
            finally:
                self._is_writing = False

    def _checkpoint_if_long(self, writer: duckdb.DuckDBPyConnection) -> None:
        if self._bulk or self.path == _MEMORY:
            return
        try:
            length = os.stat(f"{self.path}.wal").st_size
        except FileNotFoundError:
            return
        if length >= _OFTEN:
            # Somebody else is writing, or memory is short: the next commit comes soon.
            with suppress(duckdb.TransactionException, duckdb.OutOfMemoryException):
                writer.execute("CHECKPOINT")

    def expect(self, rows: int) -> None:
        """Say how many rows the next transaction writes: in a bulk load, time and memory go other ways."""
        bulk = rows >= _BULK_ROWS
        if bulk != self._bulk:
            with explained(self.path):
                self.writer.execute(f"SET threads = {_BULK_THREADS if bulk else _THREADS}")
            self._bulk = bulk

    def _roll_back(self, writer: duckdb.DuckDBPyConnection) -> None:
        try:
            writer.execute("ROLLBACK")
        except duckdb.TransactionException:
            return  # DuckDB ended the transaction itself when its statement failed
