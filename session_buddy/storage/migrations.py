"""Schema versions: applied in order, each with its record in one transaction.

Files are `sql/migrations/V<version>__<name>__up.sql` with a `__down.sql` that restores exactly what was
before. The record holds a checksum of both, so a file that changed after it was applied is noticed.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources.abc import Traversable

from session_buddy.errors import MigrationError
from session_buddy.models.values import MigrationStatus
from session_buddy.storage.connections import Connection
from session_buddy.storage.queries import sql
from session_buddy.storage.sql_files import sql_folder

_FILE = re.compile(r"V(?P<version>\d+)__(?P<name>\w+?)__(?P<direction>up|down)\.sql")
_REMEDY = (
    "Or move the database file away and run `session-buddy rebuild`, which makes it again from the journals."
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One schema version and how to get there and back."""

    version: int
    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        """SHA-256 over both directions."""
        return hashlib.sha256(f"{self.up}\0{self.down}".encode()).hexdigest()


def read_migrations(folder: Traversable) -> Sequence[Migration]:
    """The migrations of a folder, in order.

    Raises:
        MigrationError: a version or a direction is missing, or a file is named otherwise.
    """
    found: dict[tuple[int, str], dict[str, str]] = {}
    for file in folder.iterdir():
        parts = _FILE.fullmatch(file.name)
        if parts is None:
            raise MigrationError(f"{file.name} is not named like a migration (V1__name__up.sql).")
        texts = found.setdefault((int(parts["version"]), parts["name"]), {})
        texts[parts["direction"]] = file.read_text(encoding="utf-8")
    ordered = sorted(found)
    if [version for version, _ in ordered] != list(range(1, len(ordered) + 1)):
        raise MigrationError(
            "Migrations are numbered 1, 2, 3 and so on, each once; install session-buddy again."
        )
    for (version, name), texts in found.items():
        if set(texts) != {"up", "down"}:
            raise MigrationError(f"V{version} ({name}) lacks a direction; install session-buddy again.")
    return [Migration(version, name, **found[version, name]) for version, name in ordered]


@cache
def known_migrations() -> Sequence[Migration]:
    """The migrations of this program."""
    return tuple(read_migrations(sql_folder() / "migrations"))


@dataclass(frozen=True, slots=True)
class _Applied:
    name: str
    checksum: str
    applied_at: datetime


class Migrator:
    """Moves one database between schema versions."""

    def __init__(
        self,
        connection: Connection,
        migrations: Sequence[Migration] | None = None,
        remedy: str = f"Use the session-buddy that made this database. {_REMEDY}",
        take_turn: Callable[[], object] = lambda: None,
    ) -> None:
        """migrations: those of the embedded store unless others are given.

        remedy: what to do where the database is not what this program knows. take_turn: waits, inside a
        transaction, until no other process migrates or writes.
        """
        self._take_turn = take_turn
        self._connection = connection
        self._remedy = remedy
        self._migrations = known_migrations() if migrations is None else migrations

    @property
    def newest(self) -> int:
        """The newest version that this program knows."""
        return len(self._migrations)

    def version(self) -> int:
        """The version of the database; 0 if it is empty."""
        return max(self._applied(), default=0)

    def status(self) -> Sequence[MigrationStatus]:
        """Every version known here or applied there."""
        applied = self._applied()
        known = [
            _status(migration.version, migration.name, migration.checksum, applied.get(migration.version))
            for migration in self._migrations
        ]
        beyond = [
            _status(version, record.name, "", record)
            for version, record in sorted(applied.items())
            if version > self.newest
        ]
        return known + beyond

    def verify(self) -> None:
        """See that what was applied is what this program knows.

        Raises:
            MigrationError: the database is newer, or a migration is unknown or has changed.
        """
        applied = self._applied()
        version = max(applied, default=0)
        if version > self.newest:
            raise MigrationError(
                f"The database has schema version {version}, and this session-buddy knows none above "
                f"{self.newest}: a newer one made it. {self._remedy}"
            )
        for migration in self._migrations[:version]:
            record = applied.get(migration.version)
            if record is None or record.name != migration.name:
                found = "nothing" if record is None else repr(record.name)
                raise MigrationError(
                    f"The database has {found} applied as V{migration.version}, "
                    f"where this session-buddy knows {migration.name!r}. {self._remedy}"
                )
            if record.checksum != migration.checksum:
                raise MigrationError(
                    f"Migration V{migration.version} ({migration.name}) has changed since it was applied. "
                    f"{self._remedy}"
                )

    def migrate(self, target: int | None = None) -> None:
        """Go up or down to a version, by default up to the newest.

        Raises:
            MigrationError: there is no such version, or as `verify`.
        """
        target = self.newest if target is None else target
        if not 0 <= target <= self.newest:
            raise MigrationError(f"There is no schema version {target}; give one from 0 to {self.newest}.")
        self.verify()
        version = self.version()
        for migration in self._migrations[version:target]:
            with self._transaction():
                if self.version() < migration.version:  # another may have done it while this one waited
                    self._apply(migration)
        for migration in reversed(self._migrations[target:version]):
            with self._transaction():
                if self.version() >= migration.version:
                    self._revert(migration)

    def recreate(self, keep: Sequence[str] = ()) -> None:
        """Make every table anew and empty, in one transaction; the rows of the tables in `keep` stay.

        DuckDB refuses to delete a parent and its children in one transaction, but drops them.
        """
        self.verify()
        with self._transaction():
            for table in keep:
                self._connection.execute(f'CREATE OR REPLACE TEMP TABLE kept_{table} AS FROM main."{table}"')
            for migration in reversed(self._migrations):
                self._revert(migration)
            for migration in self._migrations:
                self._apply(migration)
            for table in keep:
                self._connection.execute(f'INSERT INTO main."{table}" BY NAME FROM kept_{table}')
                self._connection.execute(f"DROP TABLE kept_{table}")

    def _apply(self, migration: Migration) -> None:
        self._connection.execute(migration.up)
        self._connection.execute(
            sql("record_migration"),
            {
                "version": migration.version,
                "name": migration.name,
                "checksum": migration.checksum,
                "applied_at": datetime.now(UTC).replace(tzinfo=None),
            },
        )

    def _revert(self, migration: Migration) -> None:
        # The first migration drops the record with the table that it stands in.
        self._connection.execute(sql("unrecord_migration"), {"version": migration.version})
        self._connection.execute(migration.down)

    def _applied(self) -> Mapping[int, _Applied]:
        if not self._connection.execute(sql("has_migrations")).fetchall():
            return {}
        rows = self._connection.execute(sql("applied_migrations")).fetchall()
        return {row[0]: _Applied(row[1], row[2], row[3].replace(tzinfo=UTC)) for row in rows}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            self._take_turn()
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _status(version: int, name: str, checksum: str, record: _Applied | None) -> MigrationStatus:
    return MigrationStatus(
        version=version,
        name=name,
        applied_at=record.applied_at if record else None,
        checksum=checksum,
        applied_checksum=record.checksum if record else None,
    )
