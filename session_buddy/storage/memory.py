"""How much memory a database may use: what the setting says at first, more where that is too little."""

import logging
import os
import threading
from typing import Final

import duckdb

from session_buddy.storage.queries import sql

_UNITS: Final = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_log = logging.getLogger(__name__)


class MemoryLimit:
    """Doubles the limit of an open database whose work does not fit. Thread-safe.

    DuckDB keeps in memory what it has touched of an index until it is closed, so what a fold needs grows with
    the record: over ten million uses a batch of 5,000 takes more than 320 MB, and would fail for ever.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, most: int | None = None) -> None:
        """connection: to the database, used here only. most: bytes, by default half of the machine's."""
        [(text,)] = connection.execute(sql("memory_limit")).fetchall()
        amount, unit = str(text).split()
        self.now = int(float(amount) * _UNITS[unit])
        """Bytes."""
        self._most = most or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
        self._connection = connection
        self._lock = threading.Lock()

    def raise_beyond(self, limit: int) -> bool:
        """Give more than `limit`, in bytes, which was too little; False if there is no more to give."""
        with self._lock:
            if self.now > limit:
                return True
            more = min(2 * limit, self._most)
            if more <= limit:
                return False
            self._connection.execute(f"SET memory_limit = '{more}B'")
            _log.warning(
                "the database's work does not fit into %d MB, so it may use %d MB from now on; "
                "set memory_limit to begin with more",
                round(limit / 1e6),
                round(more / 1e6),
            )
            self.now = more
            return True

    def close(self) -> None:
        """Close its connection: while one is open, so is the database."""
        self._connection.close()
