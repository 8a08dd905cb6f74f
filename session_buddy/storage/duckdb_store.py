"""The embedded store: `SkillsStorageProtocol` on DuckDB, in a file or in memory."""

import threading
from collections.abc import Sequence
from datetime import datetime

import duckdb

from session_buddy.models.protocols import KeyedHash
from session_buddy.models.values import (
    Batch,
    FoldResult,
    ForgetRequest,
    Lines,
    MigrationStatus,
)
from session_buddy.storage import folding, forgetting, learning, learning_few, rows
from session_buddy.storage.answers import StoredAnswers
from session_buddy.storage.database import Database
from session_buddy.storage.experiments import StoredExperiments
from session_buddy.storage.failures import explained
from session_buddy.storage.findings import StoredFindings
from session_buddy.storage.folding_one import FEW, fold_one, move_offsets
from session_buddy.storage.migrations import Migrator
from session_buddy.storage.queries import sql
from session_buddy.storage.refusals import Refusals
from session_buddy.storage.runs import StoredRuns, fold_runs
from session_buddy.storage.suggesting import fold_suggestions

LEARN_AT_ONCE = 60_000
"""Skill events after which a fold moves the roll-ups itself, so that a long import leaves no backlog of them.
Once for several folds: most pairs of skills come up in each."""


def _fold_recorded(connection: duckdb.DuckDBPyConnection, events: folding.Sorted) -> folding.Changes:
    changes = folding.Changes()
    if len(events.skill) <= FEW:
        for event in events.skill:
            fold_one(connection, event, changes)
    else:
        folding.fold_skill_events(connection, events.skill, changes)
    folding.fold_session_events(connection, events.session, changes)
    return changes


class DuckDBStore(StoredAnswers):
    """The derived tables in one DuckDB database; `SkillsStorageProtocol` says what each method promises."""

    def __init__(self, path: str | None, keyed_hash: KeyedHash, memory_limit: str = "160MB") -> None:
        """path: of the file; None or ':memory:' keeps all in memory. memory_limit: of DuckDB, at first.

        keyed_hash: the one that made the values of `ForgottenEvent`; it recognises what must not come back.
        """
        self._database: Database = Database(path, memory_limit)
        self._refusals = Refusals(keyed_hash)
        self._writing = threading.RLock()
        self._unlearned = 0
        self.findings = StoredFindings(self._database, self._writing, learning_few.learn)
        self.runs = StoredRuns(self._database)
        self.experiments = StoredExperiments(self._database, self._writing)

    def open(self) -> None:
        """Open and migrate; raises `MigrationError`, or `StorageError` with a remedy."""
        self.open_as_it_is()
        try:
            self.migrate()
        except BaseException:
            self._database.close()
            raise

    def open_as_it_is(self) -> None:
        """Open without migrating, for looking at schema versions and moving between them."""
        self._database.open()

    def migrate(self, version: int | None = None) -> None:
        """Move to a schema version, by default the newest; only that one can be used for anything else."""
        with self._writing, explained(self._database.path):
            migrator = Migrator(self._database.writer)
            migrator.migrate(version)
            if migrator.version() == migrator.newest:
                self._refusals.load(self._database.writer)
                self._delete_traceless_skills()

    def close(self) -> None:
        """Close; DuckDB checkpoints with the last connection."""
        with self._writing:
            self._database.close()

    @property
    def remote(self) -> bool:
        """It is a file."""
        return False

    def end(self, seconds: float) -> None:
        """There is no server to wait for."""

    def fold(self, batch: Batch) -> FoldResult:
        """Apply a batch and its offsets in one transaction."""
        return self._database.with_enough_memory(lambda: self._fold(batch))

    def _fold(self, batch: Batch) -> FoldResult:
        with self._writing:
            self._database.expect(len(batch.events))
            with self._database.transaction() as connection:
                kept = self._refusals.keep(batch.events)
                events = folding.Sorted.of(kept)
                changes = _fold_recorded(connection, events)
                changes.new_events += folding.fold_catalogue(connection, events.catalogue)
                changes.new_events += fold_suggestions(connection, kept)
                changes.new_events += learning.fold_findings(connection, kept)
                changes.new_events += fold_runs(connection, kept)
                for event in events.forgotten:
                    request = forgetting.Request(event.scope, event.value, rows.naive(event.before))
                    forgetting.forget(connection, request, self._refusals)
                self._learn_sometimes(connection, len(events.skill))
                move_offsets(connection, batch.offsets)
            self.findings.folded()
            if events.forgotten:
                self._after_forgetting()
        return FoldResult(
            new_events=changes.new_events,
            new_invocations=changes.new_invocations,
            touched_skills=frozenset(changes.touched_skills),
            forgotten_events=len(batch.events) - len(kept),
        )

    def fold_lines(self, lines: Lines) -> FoldResult | None:
        """Apply lines as they stand in one transaction; None if they have to be parsed first."""
        return self._database.with_enough_memory(lambda: self._fold_lines(lines))

    def _fold_lines(self, lines: Lines) -> FoldResult | None:
        with self._writing:
            if self._refusals.any:
                return None
            self._database.expect(folding.ROWS_AT_ONCE)
            try:
                with self._database.transaction() as connection:
                    changes = folding.fold_lines(connection, lines.text)
                    self._learn_sometimes(connection, changes.new_events)
                    move_offsets(connection, {lines.journal: lines.end})
            except folding.NeedsCloserLookError:
                return None
            self.findings.folded()
        return FoldResult(changes.new_events, changes.new_invocations, frozenset(changes.touched_skills))

    def _learn_sometimes(self, connection: duckdb.DuckDBPyConnection, events: int) -> None:
        self._unlearned += events
        if self._unlearned >= LEARN_AT_ONCE:
            learning.learn(connection)
            self._unlearned = 0

    def forget(self, request: ForgetRequest, value: str, at: datetime) -> int:
        """Delete what a request covers, and refuse it from now on; how many invocations went."""
        named = "session" if request.session_id is not None else "skill"
        scope = named if request.before is None else "before"
        with self._writing:
            with self._database.transaction() as connection:
                removed = forgetting.forget(
                    connection,
                    forgetting.Request(scope, value, rows.naive(request.before or at)),
                    self._refusals,
                )
            self._after_forgetting()
        return removed

    def _after_forgetting(self) -> None:
        with explained(self._database.path):
            self._refusals.load(self._database.writer)
            self._delete_traceless_skills()

    def _delete_traceless_skills(self) -> None:
        """Let go of the names of forgotten skills; what a reader still sees goes at the next start."""
        skills = forgetting.skills_without_a_trace(self._database.writer)
        if not skills:
            return
        with self._database.transaction() as connection:
            forgetting.delete_what_names(connection, skills)
        try:
            forgetting.delete_skills(self._database.writer, skills)
        except duckdb.ConstraintException:
            return

    def clear(self) -> None:
        """Make every table anew and empty; what was asked to be forgotten stays so."""
        with self._writing, explained(self._database.path):
            Migrator(self._database.writer).recreate(keep=("forgotten",))
            self.findings.folded()

    def drop_journal(self, name: str) -> None:
        """Forget the offset of an archived journal."""
        with self._writing, self._database.transaction() as connection:
            connection.execute(sql("drop_journal_offset"), {"journal": name})

    def migrations(self) -> Sequence[MigrationStatus]:
        """Every schema version, applied or not."""
        with self._writing, explained(self._database.path):
            return Migrator(self._database.writer).status()
