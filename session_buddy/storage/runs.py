"""The tables of CI stages and quality gates; `RunsStorageProtocol` says what each method promises."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from session_buddy.models.fields import JournalEvent
from session_buddy.models.runs import (
    FailedCheck,
    Fix,
    GateEvent,
    GateTotals,
    KeptRun,
    OpenFailure,
    RunFilter,
    StageEvent,
    StageTotals,
)
from session_buddy.storage import rows
from session_buddy.storage.connections import Connection, OpenDatabase
from session_buddy.storage.queries import sql


def fold_runs(connection: Connection, events: Sequence[JournalEvent]) -> int:
    """Apply runs inside the caller's transaction; how many of them were not known."""
    count = 0
    for statement, kind in (("insert_stage_runs", StageEvent), ("insert_gate_runs", GateEvent)):
        lines = [_line(event) for event in events if isinstance(event, kind)]
        if lines:
            added: list[tuple[int]] = connection.execute(
                sql(statement), {"rows": "\n".join(lines)}
            ).fetchall()
            count += added[0][0]
    return count


class StoredRuns:
    """What was kept of runs, read. Thread-safe."""

    def __init__(self, database: OpenDatabase) -> None:
        """database: of the store that this belongs to."""
        self._database = database

    def is_known(self, run_id: UUID) -> bool:
        """Whether a run was folded."""
        return bool(self._database.rows(sql("run_is_known"), {"run_id": run_id}))

    def stage_totals(self, asked: RunFilter) -> Sequence[StageTotals]:
        """Totals of each stage."""
        return [StageTotals(**row) for row in self._read("totals_of_stages", asked)]

    def stage_days(self, asked: RunFilter) -> Sequence[StageTotals]:
        """Totals of each stage and day."""
        return [StageTotals(**row) for row in self._read("days_of_stages", asked)]

    def gate_totals(self, asked: RunFilter) -> Sequence[GateTotals]:
        """Totals of each phase."""
        return [GateTotals(**row) for row in self._read("totals_of_gates", asked, of_pipelines=False)]

    def failed_checks(self, asked: RunFilter) -> Sequence[FailedCheck]:
        """Checks that failed."""
        return [FailedCheck(**row) for row in self._read("failed_checks", asked, of_pipelines=False)]

    def fixes(self) -> Sequence[Fix]:
        """What was used after failures of gates."""
        return [Fix(*row) for row in self._database.rows(sql("fixes_of_gates"))]

    def open_failures(self) -> Sequence[OpenFailure]:
        """Gates that failed in their latest run."""
        found = [rows.aware(row) for row in self._database.records(sql("open_failures"))]
        return [
            OpenFailure(**row | {"failed_checks": tuple(json.loads(row["failed_checks"]))}) for row in found
        ]

    def runs_of_session(self, session_id: str) -> Sequence[KeptRun]:
        """The runs of an agent's session."""
        found = self._database.records(sql("runs_of_session"), {"session_id": session_id})
        return [KeptRun(**rows.aware(row)) for row in found]

    def _read(self, statement: str, asked: RunFilter, *, of_pipelines: bool = True) -> list[dict[str, Any]]:
        parameters: dict[str, object] = {
            **rows.bounds(asked.window),
            "project": asked.project,
            "session_id": asked.session_id,
        }
        if of_pipelines:
            parameters["pipeline_name"] = asked.pipeline_name
        return [dict(rows.aware(row)) for row in self._database.records(sql(statement), parameters)]


def _line(event: StageEvent | GateEvent) -> str:
    """A run as a row in JSON, times without zone."""
    fields: Mapping[str, Any] = event.model_dump(mode="json", exclude={"v", "id", "occurred_at", "kind"})
    times = {"started_at": event.started_at, "recorded_at": event.occurred_at}
    written = {name: rows.naive(moment).isoformat() for name, moment in times.items()}
    return json.dumps({**fields, "run_id": str(event.id), **written})
