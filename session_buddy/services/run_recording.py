"""Recording runs of CI stages and quality gates, and what to do about a gate that failed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import Field

from session_buddy.analytics.fixing import mended_before
from session_buddy.errors import InvalidInput
from session_buddy.models.answers_runs import GateRecorded, GateRun, RecommendedSkill, StageRecorded
from session_buddy.models.fields import Frozen, Name, ReportedSeconds, ShortText, Timestamp
from session_buddy.models.ids import hashed_id, key_of_skill, time_ordered_id
from session_buddy.models.protocols import Clock, Journal, Redactor
from session_buddy.models.runs import (
    CHECKS_KEPT,
    CIPipelineContext,
    Fix,
    GateEvent,
    GatePhase,
    GateReading,
    ReportReader,
    StageEvent,
    phase_of_gate,
    phase_of_stage,
)
from session_buddy.models.values import Caller
from session_buddy.models.vocabulary import Outcome, Source
from session_buddy.services.brief import briefly
from session_buddy.services.record import Record
from session_buddy.services.recording import Recorder
from session_buddy.services.reports import CLOCK_TOLERANCE, InvocationReport
from session_buddy.services.wording import number_of

RECOMMENDED: Final = 5
_TEXT: Final = 500
OWN_TOOL: Final = "crackerjack"


class RunReport(Frozen):
    """What both kinds of runs say. skill_name: the skill that ran it, whose use this tells of too."""

    outcome: Outcome | None = None
    duration_seconds: ReportedSeconds | None = None
    started_at: Timestamp | None = None
    error: str | None = None
    session_id: Name | None = None
    project: ShortText | None = None
    skill_name: Name | None = None
    request_key: Name | None = None


class StageReport(RunReport):
    """A run of a stage."""

    context: CIPipelineContext
    stage: Name


class GateReport(RunReport):
    """A run of a gate: one phase by its fields, or the phases that `report` shows."""

    phase: GatePhase | None = None
    tool: Name | None = None
    failed_checks: tuple[str, ...] = Field(default=(), max_length=10_000)
    report: str | None = None


class RunRecorder:
    """Turns reports of runs into acknowledged events. Thread-safe."""

    def __init__(
        self,
        journal: Journal,
        record: Record,
        recorder: Recorder,
        redact: Redactor,
        read_report: ReportReader,
        clock: Clock,
    ) -> None:
        """recorder: for the skill that ran it. read_report: reads what tools print."""
        self._journal = journal
        self._record = record
        self._recorder = recorder
        self._redact = redact
        self._read_report = read_report
        self._clock = clock

    def record_stage(self, report: StageReport, caller: Caller) -> StageRecorded:
        """Record a run of a stage.

        Raises:
            InvalidInput: no outcome, or a time that cannot be.
            JournalError: the disk did not take it; nothing was recorded.
        """
        if report.outcome is None:
            raise InvalidInput("Say how the stage went: outcome is completed, failed or abandoned.")
        key = report.request_key or str(time_ordered_id())
        now = self._clock()
        event = StageEvent(
            id=hashed_id("request", key, "stage"),
            occurred_at=now,
            kind="pipeline_stage_run",
            stage=report.stage,
            workflow_phase=phase_of_stage(report.stage),
            started_at=_began(report, now),
            duration_seconds=report.duration_seconds or 0.0,
            outcome=report.outcome,
            source=_source(caller, "ci"),
            session_id=self._session(report, caller),
            agent=caller.agent,
            project=report.project or caller.project,
            error=self._short(report.error),
            **report.context.model_dump(),
        )
        duplicate = self._is_known(event.id, report.request_key)
        if not duplicate:
            self._journal.append([event])
            self._tell_of_skill(report, event, caller, key)
        return StageRecorded(
            run_id=event.id,
            duplicate=duplicate,
            workflow_phase=event.workflow_phase,
            outcome=event.outcome,
            message=f"{event.pipeline_name}: {event.stage} {event.outcome}, {event.workflow_phase} phase.",
        )

    def record_gate(self, report: GateReport, caller: Caller) -> GateRecorded:
        """Record a run of a gate, every phase of it; for what failed, the skills that fixed it before.

        Raises:
            InvalidInput: neither a phase with its outcome nor a report that can be read.
            JournalError: the disk did not take it; nothing was recorded.
        """
        key = report.request_key or str(time_ordered_id())
        now = self._clock()
        events = [
            self._gate(reading, report, caller, now, hashed_id("request", key, "gate", str(number)))
            for number, reading in enumerate(self._readings(report))
        ]
        duplicate = self._is_known(events[0].id, report.request_key)
        if not duplicate:
            self._journal.append(events)
            worst = next((event for event in events if event.outcome != "completed"), events[-1])
            self._tell_of_skill(report, worst, caller, key)
        recommended = self.recommended(events)
        return GateRecorded(
            runs=[_run(event) for event in events],
            duplicate=duplicate,
            recommended_skills=recommended,
            message=_told(events, recommended),
        )

    def recommended(self, events: Sequence[GateEvent]) -> list[RecommendedSkill]:
        """The skills that fixed the failures among these runs before, the best first."""
        failed = [event for event in events if event.outcome == "failed"]
        if not failed:
            return []
        fixes: Sequence[Fix] = briefly(self._record, self._fixes, [])
        found: dict[str, RecommendedSkill] = {}
        for event in failed:
            for mended in mended_before(fixes, event.phase, event.failed_checks, RECOMMENDED):
                what = mended.check_name or f"failed {event.phase}"
                found.setdefault(
                    mended.skill_name,
                    RecommendedSkill(
                        skill_name=mended.skill_name,
                        reason=(
                            f"used after {what} {number_of(mended.tried_count, 'time')},"
                            f" fixed {mended.fixed_count}"
                        ),
                        fixed_count=mended.fixed_count,
                        tried_count=mended.tried_count,
                    ),
                )
        return list(found.values())[:RECOMMENDED]

    def _fixes(self) -> Sequence[Fix]:
        self._record.catch_up()
        return self._record.storage.runs.fixes()

    def _readings(self, report: GateReport) -> Sequence[GateReading]:
        if report.report is not None:
            readings = self._read_report(report.report)
            return [reading for reading in readings if report.phase in (None, reading.phase)] or readings
        outcome = report.outcome or ("failed" if report.failed_checks else None)
        if report.phase is None or outcome is None:
            raise InvalidInput(
                "Give phase and outcome, or report: what crackerjack printed, or JUnit XML of pytest."
            )
        count = len(report.failed_checks)
        return [
            GateReading(
                report.tool or OWN_TOOL,
                report.phase,
                outcome,
                report.duration_seconds,
                report.failed_checks,
                failed_count=count or None,
            )
        ]

    def _gate(
        self, reading: GateReading, report: GateReport, caller: Caller, now: datetime, run_id: UUID
    ) -> GateEvent:
        timed = report.model_copy(update={"duration_seconds": _seconds(reading, report)})
        return GateEvent(
            id=run_id,
            occurred_at=now,
            kind="quality_gate_run",
            tool=report.tool or reading.tool,
            phase=reading.phase,
            workflow_phase=phase_of_gate(reading.phase),
            started_at=_began(timed, now),
            duration_seconds=timed.duration_seconds or 0.0,
            outcome=reading.outcome,
            source=_source(caller, "gate"),
            session_id=self._session(report, caller),
            agent=caller.agent,
            project=report.project or caller.project,
            failed_checks=tuple(self._redact(name)[:_TEXT] for name in reading.failed_checks[:CHECKS_KEPT]),
            check_count=reading.check_count,
            failed_count=reading.failed_count,
            error=self._short(report.error or reading.error),
        )

    def _tell_of_skill(
        self, report: RunReport, event: StageEvent | GateEvent, caller: Caller, key: str
    ) -> None:
        """The run is also what its skill achieved: one more report on the use that was observed."""
        if report.skill_name is None:
            return
        source: Source = "gate" if isinstance(event, GateEvent) else "ci"
        told = InvocationReport(
            skill_name=report.skill_name,
            outcome=event.outcome,
            duration_seconds=report.duration_seconds,
            workflow_phase=None if event.workflow_phase == "unknown" else event.workflow_phase,
            error_type=None if event.outcome == "completed" else f"{source}_{event.outcome}",
            session_id=report.session_id,
            project=report.project,
            request_key=key_of_skill(key),
        )
        whose = replace(caller, source=source)
        if caller.source != "cli":
            self._recorder.record_invocation(told, whose)
        elif report.session_id is None:
            self._recorder.record_invocation(told, whose, alone=True)
        elif self._recorder.observed(told, whose):
            # An agent's session tells of the use itself, be it later; what stood alone until then, nothing
            # in its transcript could connect with this run.
            self._recorder.record_invocation(told, whose)

    def _session(self, report: RunReport, caller: Caller) -> str | None:
        if report.session_id is not None or caller.source == "cli":
            return report.session_id
        return self._recorder.session_of(caller)

    def _is_known(self, run_id: UUID, request_key: str | None) -> bool:
        """Whether it was recorded before; only a key that somebody chose can come twice."""
        if request_key is None:
            return False
        return briefly(
            self._record, lambda: self._was_told(run_id), otherwise=False
        )  # its id keeps it single

    def _was_told(self, run_id: UUID) -> bool:
        self._record.catch_up()
        return self._record.storage.runs.is_known(run_id)

    def _short(self, text: str | None) -> str | None:
        return self._redact(text)[:_TEXT] if text else None


def _source(caller: Caller, own: Source) -> Source:
    return own if caller.source == "cli" else caller.source


def _seconds(reading: GateReading, report: RunReport) -> float | None:
    return reading.duration_seconds if reading.duration_seconds is not None else report.duration_seconds


def _began(report: RunReport, now: datetime) -> datetime:
    """When it began: as told, else as long ago as it took."""
    if report.started_at is None:
        return now - timedelta(seconds=min(report.duration_seconds or 0.0, 86_400.0 * 365))
    if report.started_at > now + CLOCK_TOLERANCE:
        raise InvalidInput(f"started_at {report.started_at.isoformat()} lies in the future.")
    return report.started_at


def _run(event: GateEvent) -> GateRun:
    return GateRun(
        run_id=event.id,
        phase=event.phase,
        workflow_phase=event.workflow_phase,
        outcome=event.outcome,
        duration_seconds=event.duration_seconds,
        failed_checks=list(event.failed_checks),
    )


def _told(events: Sequence[GateEvent], recommended: Sequence[RecommendedSkill]) -> str:
    told = ", ".join(f"{event.phase} {event.outcome}" for event in events)
    if all(event.outcome == "completed" for event in events):
        return f"{told}."
    if not recommended:
        return f"{told}. No skill is known yet to have fixed such a failure."
    return f"{told}. Try {recommended[0].skill_name}: {recommended[0].reason}."
