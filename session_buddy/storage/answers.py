"""The answers of a store in SQL, whichever database runs it: every reading method of its protocol."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from session_buddy.models.answers import ActiveAnomaly, Invocation, SessionSummary, TopSkill
from session_buddy.models.events import CatalogueEvent, SkillEvent
from session_buddy.models.values import (
    Acceptance,
    CatalogueEntry,
    Connections,
    Dimensions,
    PastUse,
    SkillTotals,
    Window,
)
from session_buddy.storage import rows
from session_buddy.storage.connections import OpenDatabase
from session_buddy.storage.queries import sql


class StoredAnswers:
    """What is read of the record; `SkillsStorageProtocol` says what each method promises."""

    _database: OpenDatabase

    def journal_offsets(self) -> Mapping[str, int]:
        """Journal file name -> bytes folded."""
        return dict(self._database.rows(sql("journal_offsets")))

    def totals(self, skill_name: str) -> SkillTotals | None:
        """All-time totals of one skill."""
        found = self._database.records(sql("totals_of_skill"), {"skill_name": skill_name})
        return rows.totals_of(found[0]) if found else None

    def all_totals(self) -> Sequence[SkillTotals]:
        """All-time totals of every used skill."""
        return [rows.totals_of(row) for row in self._database.records(sql("totals_of_all_skills"))]

    def window_totals(
        self, window: Window, skill_name: str | None = None, only: Dimensions | None = None
    ) -> Sequence[SkillTotals]:
        """Totals over the invocations that began in a window."""
        parameters: dict[str, object] = {**rows.bounds(window), **asdict(only or Dimensions())}
        if skill_name is None:
            found = self._database.records(sql("window_totals_of_all_skills"), parameters)
        else:
            found = self._database.records(
                sql("window_totals_of_skill"), {**parameters, "skill_name": skill_name}
            )
        return [rows.window_totals_of(row) for row in found]

    def top_skills(self, window: Window, limit: int, only: Dimensions | None = None) -> Sequence[TopSkill]:
        """Skills by invocations begun in the window."""
        asked = {**rows.bounds(window), "limit": limit, **asdict(only or Dimensions())}
        found = self._database.records(sql("top_skills"), asked)
        return [rows.top_skill_of(row) for row in found]

    def active_anomalies(self) -> Sequence[ActiveAnomaly]:
        """Anomalies that last, newest first."""
        return [rows.anomaly_of(row) for row in self._database.records(sql("active_anomalies"))]

    def active_sessions(self, since: datetime, only: Dimensions | None = None) -> int:
        """Sessions with activity at or after `since` that have not ended."""
        asked = {"since": rows.naive(since), **asdict(only or Dimensions())}
        found = self._database.rows(sql("count_active_sessions"), asked)
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

    def skills_of_agent(self, agent: str) -> Collection[str]:
        """The skills that an agent has used."""
        return {row[0] for row in self._database.rows(sql("skills_of_agent"), {"agent": agent})}

    def session_invocations(self, session_id: str) -> Sequence[Invocation]:
        """Invocations of a session in order."""
        found = self._database.records(sql("invocations_of_session"), {"session_id": session_id})
        return [rows.invocation_of(row) for row in found]

    def session_summary(self, session_id: str) -> SessionSummary | None:
        """What is known of one session."""
        found = self._database.records(sql("summary_of_session"), {"session_id": session_id})
        return rows.session_of(found[0]) if found else None

    def first_activity(self, session_id: str) -> datetime | None:
        """When a session was first heard of; None if it never was."""
        found = self._database.rows(sql("first_activity_of_session"), {"session_id": session_id})
        return rows.utc(found[0][0]) if found else None

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
        # Asked first, because to bind its first parameter DuckDB imports numpy: a short command would wait.
        [(latest,)] = self._database.rows(sql("latest_activity"))
        if latest is None or latest < rows.naive(since):
            return []
        found = self._database.rows(sql("unfinished_sessions"), {"since": rows.naive(since), "most": limit})
        return [row[0] for row in found]

    def catalogue(self) -> Sequence[CatalogueEntry]:
        """Installed skills by name."""
        return [rows.catalogue_entry_of(row) for row in self._database.records(sql("catalogue"))]

    def invocations(self, window: Window, batch_size: int = 10_000) -> Iterator[Sequence[Invocation]]:
        """All invocations that began in a window, in batches, as they were when the reading began."""
        with self._database.snapshot() as connection:
            found = connection.execute(
                sql("beginnings_of_batches"), {**rows.bounds(window), "batch_size": batch_size}
            ).fetchall()
            beginnings = [row[0] for row in found]
            ends = [*beginnings[1:], rows.bounds(window)["until"]]
            for since, until in zip(beginnings, ends, strict=False):
                result = connection.execute(sql("invocations_in_window"), {"since": since, "until": until})
                names = [column[0] for column in result.description or ()]
                while batch := result.fetchmany(batch_size):
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

    def connections(self) -> Connections:
        """Connections at work now, and how many there may be."""
        return self._database.connections()
