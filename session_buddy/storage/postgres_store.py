"""A team's store: `SkillsStorageProtocol` on a PostgreSQL server that several machines fold into.

A server that cannot be reached does not keep a leader from starting: what is recorded waits in the journals,
and whoever asks hears why there is no answer.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache

from session_buddy.errors import MigrationError, StorageError
from session_buddy.models.protocols import KeyedHash
from session_buddy.models.values import (
    Batch,
    Dimensions,
    FoldResult,
    ForgetRequest,
    Lines,
    MigrationStatus,
    SkillTotals,
    Window,
)
from session_buddy.storage import folding, learning, postgres_folding, postgres_forgetting, rows
from session_buddy.storage.answers import StoredAnswers
from session_buddy.storage.experiments import StoredExperiments
from session_buddy.storage.forgetting import Request
from session_buddy.storage.migrations import Migration, Migrator, read_migrations
from session_buddy.storage.postgres_database import PostgresConnection, PostgresDatabase, named
from session_buddy.storage.postgres_findings import PostgresFindings
from session_buddy.storage.queries import sql
from session_buddy.storage.refusals import Refusals
from session_buddy.storage.runs import StoredRuns, fold_runs
from session_buddy.storage.sharing import Sharing
from session_buddy.storage.sql_files import sql_folder
from session_buddy.storage.suggesting import fold_suggestions

LEARN_AT_ONCE = 20_000
"""Skill events after which a leader moves the roll-ups, so that a long import leaves no backlog of them."""
LOOK_SECONDS = 5.0
"""How old what is known of the schema may be when something is asked; who writes looks each time."""
OPEN_SECONDS = 1.0
"""How long a start waits for the server."""
_UPDATE = (
    "Update session-buddy on this machine. Nothing is lost: what is recorded stays in the journals, and is "
    "folded once that is done."
)
_REMEDY = "The owner of the team's store runs `session-buddy team init`."


class PostgresStore(StoredAnswers):
    """The derived tables of a team; `SkillsStorageProtocol` says what each method promises."""

    def __init__(self, url: str, keyed_hash: KeyedHash, sharing: Sharing | None = None) -> None:
        """url: as libpq takes it. sharing: what of the home's events is folded; everything if not given.

        keyed_hash: of this home; it recognises what must not come back.

        Raises:
            ConfigurationError: the URL cannot be used.
        """
        self._home = keyed_hash("the home itself")[:32]
        self._database: PostgresDatabase = PostgresDatabase(url, self._home)
        self._refusals = Refusals(keyed_hash)
        self._sharing = sharing or Sharing((), everything=True)
        self._writing = threading.RLock()
        self._unlearned = 0
        self._verified_at: float | None = None
        self.findings = PostgresFindings(self._database, self._writing)
        self.runs = StoredRuns(self._database)
        self.experiments = StoredExperiments(self._database, self._writing, lambda: self.findings.may_write)

    def open(self) -> None:
        """Open, and migrate what is one's own.

        Whatever is wrong with the server or its schema keeps no leader from starting, which has to record:
        everybody who asks the store hears of it, and it is looked at again each time. A server that has not
        answered after a second is not waited for.
        """
        self.open_as_it_is()
        self._database.prepare_use(self._verify, self._look)
        looking = threading.Thread(target=self._verify_quietly, name="session-buddy-open", daemon=True)
        looking.start()
        looking.join(OPEN_SECONDS)
        if looking.is_alive():
            self._database.not_yet()

    def open_as_it_is(self) -> None:
        """Open without migrating."""
        self._database.open()
        self._database.prepare_use(lambda: None, self._look)

    @property
    def database(self) -> PostgresDatabase:
        """The server that it is on."""
        return self._database

    def close(self) -> None:
        """Let every connection go."""
        with self._writing:
            self._database.close()

    @property
    def remote(self) -> bool:
        """It is on a server."""
        return True

    def end(self, seconds: float) -> None:
        """The process ends: wait for the server no longer than so many seconds from now on."""
        self._database.end(seconds)

    def _verify(self) -> None:
        """See that the schema is the one that this program knows; its owner moves an older one up.

        It may change while a leader runs: then nothing is read or written until it is one that is known.
        """
        if self._verified_at is not None:
            if time.monotonic() - self._verified_at < LOOK_SECONDS:
                return
            with self._database.unprepared() as connection:
                self._look(connection)
            return
        self._database.raise_if_gone()  # before whoever finds that out is waited for
        with self._writing:
            with self._database.unprepared() as connection:
                owner, self.findings.may_write = self._rights(connection)
            if owner:
                self.migrate()
            with self._database.unprepared() as connection:
                migrator = self._migrator(connection)
                migrator.verify()
                if migrator.version() < migrator.newest:
                    raise self._other(migrator.version())
                if self.findings.may_write:
                    self._refusals.load(connection)
            self._verified_at = time.monotonic()

    def _verify_quietly(self) -> None:
        with suppress(StorageError):
            self._verify()

    def _look(self, connection: PostgresConnection) -> None:
        """See that the schema has not changed since it was verified."""
        version = connection.run("newest_migration")[0][0] or 0
        if version != len(known_migrations()):
            self._verified_at = None
            raise self._other(version)
        self._verified_at = time.monotonic()

    def _other(self, version: int) -> MigrationError:
        newest = len(known_migrations())
        found = f"The team's store {self._database.path} has schema version {version}"
        if version > newest:
            return MigrationError(
                f"{found}, and this session-buddy knows none above {newest}: a newer one made it. {_UPDATE}"
            )
        return MigrationError(f"{found}, and this session-buddy needs {newest}. {_REMEDY}")

    def may_migrate(self) -> bool:
        """Whether this user owns the schema, or may make it."""
        with self._database.unprepared() as connection:
            return self._rights(connection)[0]

    def _rights(self, connection: PostgresConnection) -> tuple[bool, bool]:
        """(whether this user owns the schema, or may make it; whether they may write)."""
        ((owner, writer),) = connection.run("rights")
        return bool(owner), bool(owner or writer)

    def _migrator(self, connection: PostgresConnection) -> Migrator:
        return Migrator(connection, known_migrations(), _UPDATE, lambda: connection.run("take_turn"))

    def migrate(self, version: int | None = None) -> None:
        """Move to a schema version, by default the newest; for the owner of the store."""
        with self._writing, self._database.unprepared() as connection:
            self._migrator(connection).migrate(version)

    def fold(self, batch: Batch) -> FoldResult:
        """Apply a batch and its offsets in one transaction."""
        self._verify()
        with self._writing:
            with self._database.transaction() as connection:
                shared = self._sharing.keep(batch.events, lambda names: _known_sessions(connection, names))
                kept = self._refusals.keep(shared)
                events = folding.Sorted.of(kept)
                connection.run("note_home")
                changes = self._apply(connection, events)
                changes.new_events += fold_suggestions(connection, kept)
                changes.new_events += learning.fold_findings(connection, kept)
                changes.new_events += fold_runs(connection, kept)
                for event in events.forgotten:
                    request = Request(event.scope, event.value, rows.naive(event.before))
                    postgres_forgetting.forget(connection, request, self._refusals)
                for journal, folded_bytes in batch.offsets.items():
                    connection.run("move_journal_offset", journal=journal, folded_bytes=folded_bytes)
                if events.forgotten:
                    postgres_forgetting.delete_traceless_skills(connection)
            self._unlearned += len(events.skill)
            if self._unlearned >= LEARN_AT_ONCE:
                self.findings.learn()
                self._unlearned = 0
            if events.forgotten:
                self._reload_refusals()
        return FoldResult(
            new_events=changes.new_events,
            new_invocations=changes.new_invocations,
            touched_skills=frozenset(changes.touched_skills),
            forgotten_events=len(shared) - len(kept),
        )

    def fold_lines(self, lines: Lines) -> FoldResult | None:
        """None: what is shared, and what another wrote, can be seen of parsed events only."""
        del lines
        return None

    def _apply(self, connection: PostgresConnection, events: folding.Sorted) -> folding.Changes:
        changes = folding.Changes()
        postgres_folding.fold_skill_events(connection, events.skill, changes)
        postgres_folding.fold_session_events(connection, events.session, changes)
        if events.catalogue:
            lines = {"events": folding.lines_of(events.catalogue)}
            connection.execute(sql("insert_catalogued_skills"), lines)
            changes.new_events += connection.execute(sql("move_catalogue"), lines).fetchall()[0][0]
        return changes

    def forget(self, request: ForgetRequest, value: str, at: datetime) -> int:
        """Delete what a request covers of what this member wrote, and refuse it from now on."""
        self._verify()
        narrow = "session" if request.session_id is not None else "skill"
        scope = narrow if request.before is None else "before"
        with self._writing:
            wish = Request(scope, value, rows.naive(request.before or at))
            with self._database.transaction() as connection:
                removed = postgres_forgetting.forget(connection, wish, self._refusals)
                postgres_forgetting.delete_traceless_skills(connection)
            self._reload_refusals()
        return removed

    def _reload_refusals(self) -> None:
        with self._database.connection() as connection:
            self._refusals.load(connection)

    def clear(self) -> None:
        """Empty every table, unless other homes fold into them; what was asked to be forgotten stays so.

        Raises:
            StorageError: this is not the only home.
        """
        self._verify()
        with self._writing, self._database.transaction() as connection:
            if connection.run("homes_but_this")[0][0]:
                raise StorageError(
                    f"The team's store {self._database.path} holds what other machines folded, and cannot be "
                    "made anew from the journals of this one. Unset SESSION_BUDDY_STORE to rebuild a store "
                    "of your own."
                )
            tables = ", ".join(row[0] for row in connection.run("tables_to_clear"))
            connection.execute(f"TRUNCATE {tables}")

    def window_totals(
        self, window: Window, skill_name: str | None = None, only: Dimensions | None = None
    ) -> Sequence[SkillTotals]:
        """Totals over a window; what asks for everything is read skill by skill, out of an index."""
        if skill_name is not None or (only is not None and only != Dimensions()):
            return super().window_totals(window, skill_name, only)
        found = self._database.records(named("window_totals_of_every_skill"), rows.bounds(window))
        return [rows.window_totals_of(row) for row in found]

    def neighbours(
        self, skill_name: str, limit: int
    ) -> tuple[Sequence[tuple[str, int]], Sequence[tuple[str, int]]]:
        """Skills directly before and after this one; what any machine folded has to be learned first."""
        self.findings.learn()
        return super().neighbours(skill_name, limit)

    def journal_offsets(self) -> Mapping[str, int]:
        """Journal file name -> bytes folded, of this home."""
        return dict(self._database.rows(sql("journal_offsets")))

    def drop_journal(self, name: str) -> None:
        """Forget the offset of an archived journal."""
        with self._writing, self._database.transaction() as connection:
            connection.execute(sql("drop_journal_offset"), {"journal": name})

    def migrations(self) -> Sequence[MigrationStatus]:
        """Every schema version, applied or not."""
        with self._database.unprepared() as connection:
            return self._migrator(connection).status()


@cache
def known_migrations() -> Sequence[Migration]:
    """The migrations of this program for PostgreSQL."""
    return tuple(read_migrations(sql_folder() / "postgres" / "migrations"))


def _known_sessions(connection: PostgresConnection, names: Sequence[str]) -> list[str]:
    return [row[0] for row in connection.run("sessions_known", rows=postgres_folding.as_json(names))]
