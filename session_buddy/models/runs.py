"""Runs of CI stages and quality gates: their words, their journal events, and what is stored of them.

Times are UTC, durations are seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final, Literal, Protocol
from uuid import UUID

from pydantic import Field

from session_buddy.models import stages
from session_buddy.models.fields import Count, Frozen, JournalEvent, Name, Seconds, ShortText, Timestamp
from session_buddy.models.values import Window
from session_buddy.models.vocabulary import WORKFLOW_PHASES, Outcome, Source, WorkflowPhase

Environment = Literal["staging", "production", "development", "testing"]
GatePhase = Literal["fast_hooks", "tests", "ai_fix", "comprehensive_hooks"]

GATE_PHASES: Final[tuple[GatePhase, ...]] = ("fast_hooks", "tests", "ai_fix", "comprehensive_hooks")
CHECKS_KEPT: Final = 50
ExitCode = Annotated[int, Field(ge=-(2**31), lt=2**32)]
"""Of a process; Windows tells of 32 bits without a sign."""


def phase_of_gate(phase: GatePhase) -> WorkflowPhase:
    """The workflow phase that a phase of crackerjack is."""
    return _phase(stages.GATES[phase])


def phase_of_stage(stage: str) -> WorkflowPhase:
    """The workflow phase that a CI stage is, by its name; `unknown` if it says nothing."""
    return _phase(stages.phase_of_stage(stage))


def _phase(word: str) -> WorkflowPhase:
    return next(phase for phase in WORKFLOW_PHASES if phase == word)


class CIPipelineContext(Frozen):
    """Where in CI something ran. triggered_by: what started the run (`push`, `schedule`), not who."""

    pipeline_name: Name
    build_number: ShortText | None = None
    git_commit: ShortText | None = None
    git_branch: ShortText | None = None
    environment: Environment | None = None
    triggered_by: ShortText | None = None


class _RunEvent(JournalEvent):
    """What a run of a stage and one of a gate have in common; `id` names the run, which is told of once.

    session_id: of the agent's session it ran in, if it did. error: what went wrong, in a line.
    """

    started_at: Timestamp
    duration_seconds: Seconds
    outcome: Outcome
    workflow_phase: WorkflowPhase
    source: Source
    session_id: Name | None = None
    agent: Name | None = None
    project: ShortText | None = None
    user_id: ShortText | None = None
    error: ShortText | None = None

    @property
    def began(self) -> datetime:
        """When it began."""
        return self.started_at


class StageEvent(_RunEvent):
    """A stage of a CI pipeline ran. ci_system: `github`, `gitlab`, `jenkins`, where that is known."""

    kind: Literal["pipeline_stage_run"]
    pipeline_name: Name
    stage: Name
    exit_code: ExitCode | None = None
    command: ShortText | None = None
    ci_system: ShortText | None = None
    build_number: ShortText | None = None
    git_commit: ShortText | None = None
    git_branch: ShortText | None = None
    environment: Environment | None = None
    triggered_by: ShortText | None = None


class GateEvent(_RunEvent):
    """A phase of a quality gate ran. failed_checks: the hooks or tests that failed, the first fifty."""

    kind: Literal["quality_gate_run"]
    tool: Name
    phase: GatePhase
    failed_checks: Annotated[tuple[ShortText, ...], Field(max_length=CHECKS_KEPT)] = ()
    check_count: Count | None = None
    failed_count: Count | None = None


@dataclass(frozen=True, slots=True)
class GateReading:
    """One phase as a report of it says. duration_seconds: None where the report has none."""

    tool: str
    phase: GatePhase
    outcome: Outcome
    duration_seconds: float | None
    failed_checks: tuple[str, ...] = ()
    check_count: int | None = None
    failed_count: int | None = None
    error: str | None = None


ReportReader = Callable[[str], Sequence[GateReading]]
"""Reads crackerjack's output or JUnit XML; `InvalidInput` if it is neither."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs: those that began in a window, and of one session or project if given."""

    window: Window = field(default_factory=Window)
    session_id: str | None = None
    project: str | None = None
    pipeline_name: str | None = None


@dataclass(frozen=True, slots=True)
class StageTotals:
    """The runs of one stage, or of one on one day (`day`, a date at midnight UTC). p50, p95: exact."""

    pipeline_name: str
    stage: str
    workflow_phase: WorkflowPhase
    run_count: int
    completed_count: int
    failed_count: int
    abandoned_count: int
    mean_seconds: float
    p50_seconds: float
    p95_seconds: float
    last_run_at: datetime
    day: datetime | None = None


@dataclass(frozen=True, slots=True)
class GateTotals:
    """The runs of one phase of quality gates."""

    phase: GatePhase
    run_count: int
    completed_count: int
    failed_count: int
    abandoned_count: int
    mean_seconds: float
    p50_seconds: float
    last_outcome: Outcome
    last_run_at: datetime


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """How often one check failed in one phase."""

    phase: GatePhase
    check_name: str
    run_count: int
    last_failed_at: datetime


@dataclass(frozen=True, slots=True)
class Fix:
    """A skill that was used between a failed run of a gate and its next run in the same place.

    check_name: the check that had failed, "" for the phase as a whole. tried_count: failures after which it
    was used. fixed_count: those after which the check no longer failed.
    """

    phase: GatePhase
    check_name: str
    skill_name: str
    tried_count: int
    fixed_count: int


@dataclass(frozen=True, slots=True)
class OpenFailure:
    """A gate whose latest run in a project failed."""

    project: str | None
    phase: GatePhase
    failed_checks: tuple[str, ...]
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run of a stage or gate as a session's line of work shows it. name: `pipeline: stage`, or the tool."""

    kind: Literal["stage", "gate"]
    name: str
    started_at: datetime
    duration_seconds: float
    outcome: Outcome
    workflow_phase: WorkflowPhase
    source: Source


class RunsStorageProtocol(Protocol):
    """The runs of CI stages and quality gates. All methods block; those that read may run side by side."""

    def is_known(self, run_id: UUID) -> bool:
        """Whether a run was folded."""

    def stage_totals(self, asked: RunFilter) -> Sequence[StageTotals]:
        """Totals of each stage, by pipeline and then in the order in which they were first run."""

    def stage_days(self, asked: RunFilter) -> Sequence[StageTotals]:
        """Totals of each stage and UTC day, oldest day first, then as above."""

    def gate_totals(self, asked: RunFilter) -> Sequence[GateTotals]:
        """Totals of each phase, by name."""

    def failed_checks(self, asked: RunFilter) -> Sequence[FailedCheck]:
        """Checks that failed, by how often descending, then phase and name."""

    def fixes(self) -> Sequence[Fix]:
        """What was used after failures of gates, and how often that mended them."""

    def open_failures(self) -> Sequence[OpenFailure]:
        """Gates that failed in their latest run, the newest first."""

    def runs_of_session(self, session_id: str) -> Sequence[KeptRun]:
        """The runs of an agent's session, in the order in which they began."""
