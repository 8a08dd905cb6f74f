"""Cursors to read with: each is lent for one statement, and there are never more than a fixed number.

One of its own for each thread would be simpler, but threads come and go with every call of the command
line, and a cursor that outlives its thread is a connection that nobody uses and everybody pays for.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


class CursorPool:
    """Cursors of one open database. Thread-safe."""

    def __init__(self, limit: int) -> None:
        """limit: cursors at most; who wants one more waits until one is given back."""
        self._places = threading.BoundedSemaphore(limit)
        self._lock = threading.Lock()
        self._free: list[duckdb.DuckDBPyConnection] = []
        self._lent: list[duckdb.DuckDBPyConnection] = []

    @property
    def in_use(self) -> int:
        """Cursors that are lent now."""
        return len(self._lent)

    @contextmanager
    def taken(self, database: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of `database`, for one statement whose rows are fetched before it is given back."""
        with self._places:
            with self._lock:
                cursor = self._free.pop() if self._free else database.cursor()
                self._lent.append(cursor)
            try:
                yield cursor
            finally:
                with self._lock:
                    others = [other for other in self._lent if other is not cursor]
                    if len(others) < len(self._lent):  # not so if the database was closed meanwhile
                        self._free.append(cursor)
                    self._lent = others

    def close(self) -> None:
        """Close every cursor, those that are lent too; the next `taken` begins anew."""
        with self._lock:
            cursors, self._free, self._lent = self._free + self._lent, [], []
        for cursor in cursors:
            cursor.close()
