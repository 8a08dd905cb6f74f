"""The embedded store: `SkillsStorageProtocol` on DuckDB, in a file or in memory."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import duckdb

from session_buddy.models.answers import ActiveAnomaly, Invocation, SessionSummary, TopSkill
from session_buddy.models.events import CatalogueEvent, SkillEvent
from session_buddy.models.protocols import KeyedHash
from session_buddy.models.values import (
    Acceptance,
    Batch,
    CatalogueEntry,
    FoldResult,
    ForgetRequest,
    MigrationStatus,
    PastUse,
    SkillTotals,
    Window,
)
from session_buddy.storage import folding, forgetting, learning, rows
from session_buddy.storage.database import Database
from session_buddy.storage.failures import explained
from session_buddy.storage.findings import DuckDBFindings
from session_buddy.storage.folding_one import FEW, fold_one, move_offsets
from session_buddy.storage.migrations import Migrator
from session_buddy.storage.queries import sql
from session_buddy.storage.refusals import Refusals
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


class DuckDBStore:
    """The derived tables in one DuckDB database; `SkillsStorageProtocol` says what each method promises."""

    def __init__(self, path: str | None, keyed_hash: KeyedHash, memory_limit: str = "256MB") -> None:
        """path: of the file; None or ':memory:' keeps everything in memory. memory_limit: of DuckDB.

        keyed_hash: the one that made the values of `ForgottenEvent`; it recognises what must not come back.
        """
        self._database = Database(path, memory_limit)
        self._refusals = Refusals(keyed_hash)
        self._writing = threading.RLock()
        self._unlearned = 0
        self.findings = DuckDBFindings(self._database, self._writing)

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

    def fold(self, batch: Batch) -> FoldResult:
        """Apply a batch and its offsets in one transaction."""
        with self._writing:
            self._database.expect(len(batch.events))
            with self._database.transaction() as connection:
                kept = self._refusals.keep(batch.events)
                events = folding.Sorted.of(kept)
                changes = _fold_recorded(connection, events)
                changes.new_events += folding.fold_catalogue(connection, events.catalogue)
                changes.new_events += fold_suggestions(connection, kept)
                changes.new_events += learning.fold_findings(connection, kept)
                for event in events.forgotten:
                    request = forgetting.Request(event.scope, event.value, rows.naive(event.before))
                    forgetting.forget(connection, request, self._refusals)
                unlearned = self._unlearned + len(events.skill)
                if unlearned >= LEARN_AT_ONCE:
                    learning.learn(connection)
                move_offsets(connection, batch.offsets)
            self._unlearned = unlearned if unlearned < LEARN_AT_ONCE else 0
            self.findings.folded()
            if events.forgotten:
                self._after_forgetting()
        return FoldResult(
            new_events=changes.new_events,
            new_invocations=changes.new_invocations,
            touched_skills=frozenset(changes.touched_skills),
            forgotten_events=len(batch.events) - len(kept),
        )

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

    def journal_offsets(self) -> Mapping[str, int]:
        """Journal file name -> bytes folded."""
        return dict(self._database.rows(sql("journal_offsets")))

    def drop_journal(self, name: str) -> None:
        """Forget the offset of an archived journal."""
        with self._writing, self._database.transaction() as connection:
            connection.execute(sql("drop_journal_offset"), {"journal": name})

    def totals(self, skill_name: str) -> SkillTotals | None:
        """All-time totals of one skill."""
        found = self._database.records(sql("totals_of_skill"), {"skill_name": skill_name})
        return rows.totals_of(found[0]) if found else None

    def all_totals(self) -> Sequence[SkillTotals]:
        """All-time totals of every used skill."""
        return [rows.totals_of(row) for row in self._database.records(sql("totals_of_all_skills"))]

    def window_totals(self, window: Window, skill_name: str | None = None) -> Sequence[SkillTotals]:
        """Totals over the invocations that began in a window."""
        parameters: dict[str, object] = {**rows.bounds(window)}
        if skill_name is None:
            found = self._database.records(sql("window_totals_of_all_skills"), parameters)
        else:
            found = self._database.records(
                sql("window_totals_of_skill"), {**parameters, "skill_name": skill_name}
            )
        return [rows.window_totals_of(row) for row in found]

    def top_skills(self, window: Window, limit: int) -> Sequence[TopSkill]:
        """Skills by invocations begun in the window."""
        found = self._database.records(sql("top_skills"), {**rows.bounds(window), "limit": limit})
        return [rows.top_skill_of(row) for row in found]

    def active_anomalies(self) -> Sequence[ActiveAnomaly]:
        """Anomalies that last, newest first."""
        return [rows.anomaly_of(row) for row in self._database.records(sql("active_anomalies"))]

    def active_sessions(self, since: datetime) -> int:
        """Sessions with activity at or after `since` that have not ended."""
        found = self._database.rows(sql("count_active_sessions"), {"since": rows.naive(since)})
        return int(found[0][0])

    def invocation(self, invocation_id: UUID) -> Invocation | None:
        """One invocation."""
        return self._one_invocation("invocation_by_id", {"invocation_id": invocation_id})

    def known_event(self, event_id: UUID) -> UUID | None:
        """The invocation of an event that was folded before."""
        found = self._database.rows(sql("invocation_of_event"), {"id": event_id})
        return found[0][0] if found else None

    def events_of(self, invocation_ids: Sequence[UUID]) -> Sequence[SkillEvent]:
        """Every folded event of these invocations."""
        ids = json.dumps([str(invocation_id) for invocation_id in invocation_ids])
        found = self._database.records(sql("events_of_invocations"), {"invocation_ids": ids})
        return [rows.event_of(row) for row in found]

    def superseded_since(self, since: datetime) -> Sequence[UUID]:
        """Invocations that turned out lately to be no use of their own."""
        found = self._database.rows(sql("superseded_since"), {"since": rows.naive(since)})
        return [row[0] for row in found]

    def invocation_counts(self) -> Mapping[str, int]:
        """How often each used skill was used in all."""
        return dict(self._database.rows(sql("invocation_counts")))

    def session_invocations(self, session_id: str) -> Sequence[Invocation]:
        """Invocations of a session in order."""
        found = self._database.records(sql("invocations_of_session"), {"session_id": session_id})
        return [rows.invocation_of(row) for row in found]

    def session_summary(self, session_id: str) -> SessionSummary | None:
        """What is known of one session."""
        found = self._database.records(sql("summary_of_session"), {"session_id": session_id})
        return rows.session_of(found[0]) if found else None

    def sessions(self, limit: int) -> Sequence[SessionSummary]:
        """The sessions that were active last, newest first."""
        return [
            rows.session_of(row) for row in self._database.records(sql("latest_sessions"), {"limit": limit})
        ]

    def latest_invocation(self, skill_name: str, session_id: str | None) -> Invocation | None:
        """The newest invocation of a skill, in one session if given."""
        return self._one_invocation(
            "latest_invocation_of_skill", {"skill_name": skill_name, "session_id": session_id}
        )

    def _one_invocation(self, statement: str, parameters: Mapping[str, object]) -> Invocation | None:
        found = self._database.records(sql(statement), parameters)
        return rows.invocation_of(found[0]) if found else None

    def neighbours(
        self, skill_name: str, limit: int
    ) -> tuple[Sequence[tuple[str, int]], Sequence[tuple[str, int]]]:
        """Skills invoked directly before and directly after this one in a session, with counts."""
        found = self._database.rows(sql("neighbours_of_skill"), {"skill_name": skill_name})
        before = [(name, count) for side, name, count in found if side == "before"]
        after = [(name, count) for side, name, count in found if side == "after"]
        return before[:limit], after[:limit]

    def catalogue_events(self) -> Sequence[CatalogueEvent]:
        """What was last said of each skill, removals included."""
        return [rows.catalogue_event_of(row) for row in self._database.records(sql("catalogue_events"))]

    def unfinished_sessions(self, since: datetime, limit: int = 20) -> Sequence[str]:
        """Sessions active since then whose end, or the end of a use in them, is not known; latest first."""
        found = self._database.rows(sql("unfinished_sessions"), {"since": rows.naive(since), "most": limit})
        return [row[0] for row in found]

    def catalogue(self) -> Sequence[CatalogueEntry]:
        """Installed skills by name."""
        return [rows.catalogue_entry_of(row) for row in self._database.records(sql("catalogue"))]

    def invocations(self, window: Window, batch_size: int = 10_000) -> Iterator[Sequence[Invocation]]:
        """All invocations that began in a window, in batches, as they were when the reading began."""
        with self._database.own_cursor() as cursor, explained(self._database.path):
            cursor.execute("BEGIN")
            found = cursor.execute(
                sql("beginnings_of_batches"), {**rows.bounds(window), "batch_size": batch_size}
            ).fetchall()
            beginnings = [row[0] for row in found]
            ends = [*beginnings[1:], rows.bounds(window)["until"]]
            for since, until in zip(beginnings, ends, strict=False):
                cursor.execute(sql("invocations_in_window"), {"since": since, "until": until})
                names = [column[0] for column in cursor.description or ()]
                while batch := cursor.fetchmany(batch_size):
                    yield [rows.invocation_of(dict(zip(names, row, strict=True))) for row in batch]

    def past_uses(self, limit: int) -> Sequence[PastUse]:
        """The latest uses, oldest first."""
        found = self._database.rows(sql("past_uses"), {"limit": limit})
        return [rows.past_use_of(row) for row in found]

    def acceptance(self) -> Sequence[Acceptance]:
        """What became of suggestions, by strategy."""
        return [Acceptance(*row) for row in self._database.rows(sql("acceptance_of_suggestions"))]

    def counts(self) -> Mapping[str, int]:
        """Rows of the log, of invocations, of used skills and of sessions."""
        events, invocations, skills, sessions = self._database.rows(sql("count_rows"))[0]
        return {
            "skill_event": events,
            "skill_invocation": invocations,
            "skill_metrics": skills,
            "sessions": sessions,
        }

    def migrations(self) -> Sequence[MigrationStatus]:
        """Every schema version, applied or not."""
        with self._writing, explained(self._database.path):
            return Migrator(self._database.writer).status()
