"""Answers about runs of CI stages and quality gates."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from session_buddy.analytics.bottlenecks import LEAST_RUNS, is_certain, severity_of
from session_buddy.analytics.fixing import mended_before
from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.answers import Invocation, Rate
from session_buddy.models.answers_runs import (
    Bottleneck,
    CheckFailures,
    GateMetrics,
    PipelineAnalytics,
    QualityWorkflow,
    StageDay,
    StageMetrics,
    WorkflowStep,
)
from session_buddy.models.problems import shown
from session_buddy.models.protocols import Clock
from session_buddy.models.runs import (
    FailedCheck,
    Fix,
    GateTotals,
    KeptRun,
    RunFilter,
    StageTotals,
    phase_of_gate,
)
from session_buddy.models.values import Window
from session_buddy.models.vocabulary import WORKFLOW_PHASES
from session_buddy.services.near_names import known_names
from session_buddy.services.record import Record
from session_buddy.services.wording import number_of, rate

FAILURES_SHOWN: Final = 5
SKILLS_SHOWN: Final = 3
LONGEST_DAYS: Final = 36_500.0
_BAR: Final = 10


class RunReporter:
    """Reads the runs. Thread-safe; every answer includes every acknowledged event."""

    def __init__(self, record: Record, clock: Clock) -> None:
        """record must be over an open storage."""
        self._record = record
        self._clock = clock

    def pipelines(
        self, pipeline_name: str | None = None, project: str | None = None, days: float = 30.0
    ) -> PipelineAnalytics:
        """How the stages of pipelines went: success and duration, by day too, and which fail too often.

        Raises:
            InvalidInput: `days` is not positive.
            NotFound: no such pipeline has run in that time.
        """
        asked = RunFilter(self._window(days), None, project, pipeline_name)
        self._record.catch_up()
        runs = self._record.storage.runs
        totals = runs.stage_totals(asked)
        if pipeline_name is not None and not totals:
            known = sorted({total.pipeline_name for total in runs.stage_totals(RunFilter())})
            there = known_names(pipeline_name, known, "No stage was recorded yet.")
            raise NotFound(f"No pipeline {shown(pipeline_name)} ran in the last {days:g} days. {there}")
        bottlenecks = [found for total in totals if (found := _bottleneck(total)) is not None]
        bottlenecks.sort(key=lambda found: (found.severity != "high", found.success_rate))
        return PipelineAnalytics(
            since=asked.window.since,
            stages=[_stage(total) for total in totals],
            days=[_day(total) for total in runs.stage_days(asked)],
            bottlenecks=bottlenecks,
            message=_pipelines_message(asked, totals, bottlenecks, days),
        )

    def quality(
        self, session_id: str | None = None, project: str | None = None, days: float = 30.0
    ) -> QualityWorkflow:
        """How the phases of quality gates went, what fails often, and what fixed that before.

        session_id: only of that session, with its skills, gates and stages as one line of work.

        Raises:
            InvalidInput: `days` is not positive.
        """
        asked = RunFilter(self._window(days), session_id, project)
        self._record.catch_up()
        runs = self._record.storage.runs
        totals = sorted(runs.gate_totals(asked), key=lambda total: _place(total.phase))
        fixes = runs.fixes() if totals else ()
        checks = runs.failed_checks(asked)
        phases = [_gate(total, checks, fixes) for total in totals]
        steps = self._steps(session_id) if session_id is not None else []
        return QualityWorkflow(
            phases=phases,
            steps=steps,
            diagram=diagram(phases),
            message=_quality_message(asked, phases, steps, days),
        )

    def _steps(self, session_id: str) -> list[WorkflowStep]:
        storage = self._record.storage
        used = [_used(use) for use in storage.session_invocations(session_id)]
        ran = [_ran(run) for run in storage.runs.runs_of_session(session_id)]
        return sorted([*used, *ran], key=lambda step: (step.began_at, step.kind, step.name))

    def _window(self, days: float) -> Window:
        if not 0 < days <= LONGEST_DAYS:
            raise InvalidInput(f"days: {days} is not between 0 and {LONGEST_DAYS:g}.")
        now = self._clock()
        return Window(max(now - timedelta(days=days), datetime.fromisoformat("2020-01-01T00:00:00Z")), None)


def diagram(phases: Sequence[GateMetrics]) -> str:
    """The phases in their order as lines of text, ten marks for a pass rate of 1."""
    lines = []
    for phase in phases:
        marks = round(phase.pass_rate.value * _BAR)
        bar = "#" * marks + "." * (_BAR - marks)
        lines.append(
            f"{phase.workflow_phase:13}{phase.phase:20}[{bar}] {phase.pass_rate.value:4.0%}"
            f" of {number_of(phase.run_count, 'run')}, last {phase.last_outcome}"
        )
    return "\n      |\n".join(lines)


def _place(phase: str) -> tuple[int, str]:
    order = ("fast_hooks", "tests", "ai_fix", "comprehensive_hooks")
    return (order.index(phase), phase)


def _rate_of(completed: int, runs: int) -> Rate:
    found = rate(completed, runs)
    if found is None:
        raise ValueError("a rate of no runs")
    return found


def _stage(total: StageTotals) -> StageMetrics:
    return StageMetrics(
        pipeline_name=total.pipeline_name,
        stage=total.stage,
        workflow_phase=total.workflow_phase,
        run_count=total.run_count,
        failed_count=total.failed_count,
        abandoned_count=total.abandoned_count,
        success_rate=_rate_of(total.completed_count, total.run_count),
        mean_seconds=total.mean_seconds,
        p50_seconds=total.p50_seconds,
        p95_seconds=total.p95_seconds,
        last_run_at=total.last_run_at,
    )


def _day(total: StageTotals) -> StageDay:
    return StageDay(
        day=total.day.date().isoformat() if total.day else "",
        pipeline_name=total.pipeline_name,
        stage=total.stage,
        run_count=total.run_count,
        completed_count=total.completed_count,
        mean_seconds=total.mean_seconds,
    )


def _bottleneck(total: StageTotals) -> Bottleneck | None:
    severity = severity_of(total.completed_count, total.run_count)
    if severity is None:
        return None
    share = total.completed_count / total.run_count
    return Bottleneck(
        pipeline_name=total.pipeline_name,
        stage=total.stage,
        severity=severity,
        success_rate=share,
        certain=is_certain(total.completed_count, total.run_count),
        reason=f"{total.completed_count} of {number_of(total.run_count, 'run')} completed, {share:.0%}",
    )


def _gate(total: GateTotals, checks: Sequence[FailedCheck], fixes: Sequence[Fix]) -> GateMetrics:
    failures = [check for check in checks if check.phase == total.phase][:FAILURES_SHOWN]
    return GateMetrics(
        phase=total.phase,
        workflow_phase=phase_of_gate(total.phase),
        run_count=total.run_count,
        failed_count=total.failed_count,
        pass_rate=_rate_of(total.completed_count, total.run_count),
        mean_seconds=total.mean_seconds,
        last_outcome=total.last_outcome,
        last_run_at=total.last_run_at,
        common_failures=[
            CheckFailures(
                check_name=check.check_name,
                run_count=check.run_count,
                recommended_skills=[
                    mended.skill_name
                    for mended in mended_before(fixes, total.phase, [check.check_name], SKILLS_SHOWN)
                ],
            )
            for check in failures
        ],
    )


def _used(use: Invocation) -> WorkflowStep:
    return WorkflowStep(
        began_at=use.invoked_at,
        kind="skill",
        name=use.skill_name,
        workflow_phase=use.workflow_phase,
        outcome=use.outcome,
        source=use.source,
    )


def _ran(run: KeptRun) -> WorkflowStep:
    return WorkflowStep(
        began_at=run.started_at,
        kind=run.kind,
        name=run.name,
        workflow_phase=run.workflow_phase,
        outcome=run.outcome,
        source=run.source,
    )


def _among(asked: RunFilter) -> str:
    """Of which session or project alone was asked, in words."""
    session = "" if asked.session_id is None else f" in session {shown(asked.session_id)}"
    return session + ("" if asked.project is None else f" in project {shown(asked.project)}")


def _pipelines_message(
    asked: RunFilter, totals: Sequence[StageTotals], found: Sequence[Bottleneck], days: float
) -> str:
    if not totals:
        when = f"{_among(asked)} in the last {days:g} days"
        return f"No stage was recorded{when}; wrap one: session-buddy ci -- COMMAND."
    runs = sum(total.run_count for total in totals)
    told = f"{number_of(runs, 'run')} of {number_of(len(totals), 'stage')} in {days:g} days."
    few = sum(total.run_count < LEAST_RUNS for total in totals)
    if few == len(totals):
        return f"{told} Too few to name bottlenecks: a stage is judged from {LEAST_RUNS} runs on."
    unjudged = f" {number_of(few, 'stage')} under {LEAST_RUNS} runs: too few to judge." if few else ""
    if not found:
        return f"{told} No bottleneck: each completed at least 80 %.{unjudged}"
    worst = found[0]
    return (
        f"{told} {number_of(len(found), 'bottleneck')}; {worst.pipeline_name}: {worst.stage},"
        f" {worst.reason}.{unjudged}"
    )


def _quality_message(
    asked: RunFilter, phases: Sequence[GateMetrics], steps: Sequence[WorkflowStep], days: float
) -> str:
    if not phases:
        when = f"{_among(asked)} in the last {days:g} days"
        return f"No quality gate was recorded{when}; run one: session-buddy gate -- COMMAND."
    failing = [phase.phase for phase in phases if phase.last_outcome != "completed"]
    told = f"Failing now: {', '.join(failing)}." if failing else "Every phase passed in its last run."
    line = [phase for phase in WORKFLOW_PHASES if any(step.workflow_phase == phase for step in steps)]
    return f"{told} Phases of the session: {', '.join(line)}." if line else told
