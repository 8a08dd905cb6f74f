"""A PostgreSQL server through a pool of connections: statements by name, and one transaction that writes.

Nothing is left on a connection after a transaction (no prepared statement, no setting, no temporary table),
so PgBouncer may hand every transaction to another one.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from session_buddy.errors import StorageError
from session_buddy.models.values import Connections
from session_buddy.storage.connections import Done
from session_buddy.storage.postgres_address import address_of
from session_buddy.storage.postgres_failures import ServerGone, explain, explained, silent
from session_buddy.storage.postgres_text import adapt, escaped_json
from session_buddy.storage.postgres_watch import Ended, Watch, check_alive
from session_buddy.storage.queries import Statement, queries

POOL_SIZE = 6
WAIT_SECONDS = 2.0
"""How long whoever asks waits for the pool, before it is asked for a reason."""
REST_SECONDS = 2.0
"""How long a server that did not answer is left alone: whoever asks meanwhile hears so at once."""
_PARAMETER = re.compile(r"\$([a-z_]+)")
_JSON_PARAMETERS = frozenset({"rows", "events", "ids", "invocation_ids"})

_NO_CONNECTION = (PoolTimeout, PoolClosed, TooManyRequests)
_Raw = psycopg.Connection[tuple[Any, ...]]

# The pool tells every attempt; what matters is told once, by whoever hears of it.
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)


def named(name: str) -> str:
    """The text of a statement for PostgreSQL; `KeyError` for an unknown name."""
    return queries("postgres/queries")[name].sql


@cache
def _ready(text: str) -> str:
    """A statement as psycopg wants it."""
    return _PARAMETER.sub(r"%(\1)s", text.replace("%", "%%"))


class PostgresResult:
    """What a statement gave, in the way of DuckDB: of a changing one, how many rows it changed."""

    def __init__(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> None:
        self._cursor = cursor

    @property
    def description(self) -> list[Any] | None:
        """A sequence for each column, its name first."""
        return self._cursor.description

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        if self._cursor.description is None:
            return [(self._cursor.rowcount,)]
        return self._cursor.fetchall()

    def fetchmany(self, size: int) -> list[Any]:
        """The next rows."""
        return self._cursor.fetchmany(size)


class PostgresConnection:
    """One connection for as long as a transaction or one reading takes."""

    def __init__(self, raw: _Raw, home: str) -> None:
        """home: of whom the statements that ask for it speak."""
        self._raw = raw
        self._home = home

    def execute(self, query: str, parameters: Mapping[str, object] | None = None) -> PostgresResult:
        """Run a statement; one of `queries.sql` in PostgreSQL's own words."""
        text = named(query.name) if isinstance(query, Statement) else query
        names = set(_PARAMETER.findall(text))
        if not names:
            return PostgresResult(self._raw.execute(text.encode()))
        given = {"home": self._home, **(parameters or {})}
        values = {name: given[name] for name in names}
        for name in names & _JSON_PARAMETERS:
            values[name] = escaped_json(str(values[name]))
        return PostgresResult(self._raw.execute(_ready(text).encode(), values))

    def text(self, name: str) -> str:
        """The text of a statement that PostgreSQL alone has."""
        return named(name)

    def run(self, name: str, **parameters: object) -> list[Any]:
        """Run a statement that PostgreSQL alone has."""
        return self.execute(named(name), parameters).fetchall()

    def records(self, name: str, **parameters: object) -> list[dict[str, Any]]:
        """The same with the columns' names."""
        result = self.execute(named(name), parameters)
        columns = [column[0] for column in result.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


class PostgresDatabase:
    """A server's database. Reading is for any thread, writing for one at a time."""

    def __init__(self, url: str, home: str) -> None:
        """url: as libpq takes it. home: what tells this machine's journals from those of others.

        Raises:
            ConfigurationError: libpq cannot read the URL.
        """
        self._conninfo, self.path = address_of(url)
        self._home = home
        self._pool: ConnectionPool[_Raw] | None = None
        self._lock = threading.Lock()
        self._gone: tuple[float, StorageError] | None = None
        self._lent = 0
        self._prepare: Callable[[], None] = lambda: None
        self._begin: Callable[[PostgresConnection], None] = lambda _: None
        self._unproven = True
        self._proving = threading.Lock()
        self._watch = Watch(self._connected_directly)

    def open(self) -> None:
        """Begin to hold connections; the first is made when something is asked."""
        with self._lock:
            if self._pool is None:
                self._pool = ConnectionPool(
                    self._conninfo,
                    min_size=0,
                    max_size=POOL_SIZE,
                    timeout=WAIT_SECONDS,
                    max_idle=60.0,
                    reconnect_timeout=1.0,
                    kwargs={"autocommit": True, "prepare_threshold": None},
                    configure=lambda raw: adapt(raw.adapters),
                    check=check_alive,
                    open=True,
                )

    def close(self) -> None:
        """Let every connection go."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            self._watch.close()
            pool.close(timeout=0.5)

    def end(self, seconds: float) -> None:
        """Let nobody wait for the server for longer than so many seconds from now on, until it is closed."""
        self._watch.end(seconds)

    def connections(self) -> Connections:
        """How many connections are lent now, and how many there may be; asks the server nothing."""
        return Connections(in_use=self._lent, limit=POOL_SIZE)

    def prepare_use(
        self,
        prepare: Callable[[], None],
        begin: Callable[[PostgresConnection], None] = lambda _: None,
    ) -> None:
        """Call `prepare` before each use, `begin` in a transaction's turn; what they raise the user gets."""
        self._prepare = prepare
        self._begin = begin

    @contextmanager
    def connection(self) -> Iterator[PostgresConnection]:
        """A connection out of the pool, which commits every statement."""
        self._prepare()
        with self.unprepared() as connection:
            yield connection

    @contextmanager
    def unprepared(self) -> Iterator[PostgresConnection]:
        """The same for who prepares."""
        pool = self._pool
        if pool is None:
            raise StorageError(f"The team's store {self.path} is not open.")
        self.raise_if_gone()
        raw, own = self._connected(pool)
        with self._lock:
            self._lent += 1
        try:
            with explained(self.path), self._watch.over(raw):
                yield PostgresConnection(raw, self._home)
        except ServerGone as error:
            self._note_gone(error)
            raise
        finally:
            with self._lock:
                self._lent -= 1
            if own:
                raw.close()
            else:
                pool.putconn(raw)

    def _connected(self, pool: ConnectionPool[_Raw]) -> tuple[_Raw, bool]:
        """(a connection, whether it is none of the pool's): the pool waits ever longer after each failure."""
        if self._unproven:
            self._prove()
        try:
            found: tuple[_Raw, bool] = pool.getconn(), False
        except Ended:  # the server went, and may be there again
            self._unproven = True
            return self._connected(pool)
        except _NO_CONNECTION:
            found = self._connected_directly(), True
        self._gone = None
        return found

    def _prove(self) -> None:
        """See at once, and why, if there is no server; who asks meanwhile hears what was known last."""
        gone = self._gone
        if not self._proving.acquire(blocking=gone is None) and gone is not None:
            raise gone[1]
        try:
            self.raise_if_gone()
            self._connected_directly().close()
            self._unproven = False
        finally:
            self._proving.release()

    def raise_if_gone(self) -> None:
        """Raise at once what somebody was told a moment ago."""
        if self._watch.ended:
            raise StorageError(f"The team's store {self.path} is being left; what is recorded is kept.")
        if self._gone is not None and time.monotonic() - self._gone[0] < REST_SECONDS:
            raise self._gone[1]

    def not_yet(self) -> None:
        """The server has not answered by now: whoever asks before it does hears so at once."""
        if self._gone is None and self._unproven:
            self._gone = (time.monotonic(), silent(self.path))

    def _note_gone(self, error: StorageError) -> None:
        self._gone = (time.monotonic(), error)
        self._unproven = True

    def _connected_directly(self) -> _Raw:
        """A connection of its own; raises why there is none, which the pool does not tell."""
        try:
            raw = psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            found = explain(error, self.path)
            self._note_gone(found)
            raise found from None
        adapt(raw.adapters)
        return raw

    def with_enough_memory(self, work: Callable[[], Done]) -> Done:
        """What `work` returns: a server has what whoever runs it gave it."""
        return work()

    def rows(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a statement."""
        with self.connection() as connection:
            return connection.execute(statement, parameters).fetchall()

    def records(self, statement: str, parameters: Mapping[str, object] | None = None) -> list[dict[str, Any]]:
        """The same with the columns' names."""
        with self.connection() as connection:
            result = connection.execute(statement, parameters)
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    @contextmanager
    def transaction(self) -> Iterator[PostgresConnection]:
        """Committed if the block ends, rolled back if it raises; one machine has its turn at a time."""
        with self.connection() as connection:
            connection.execute("BEGIN")
            try:
                connection.run("limit_turn")
                connection.run("take_turn")
                self._begin(connection)
                yield connection
            except BaseException:
                self._roll_back(connection)
                raise
            connection.execute("COMMIT")

    def _roll_back(self, connection: PostgresConnection) -> None:
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            return  # the connection is gone, and the server rolls back by itself

    @contextmanager
    def snapshot(self) -> Iterator[PostgresConnection]:
        """A connection for one long reading, which sees everything as it was when it began."""
        with self.connection() as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield connection
            finally:
                self._roll_back(connection)
