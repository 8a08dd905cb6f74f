"""What is answered about runs of CI stages and quality gates."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from session_buddy.models.answers import Rate
from session_buddy.models.fields import Frozen
from session_buddy.models.runs import GatePhase
from session_buddy.models.vocabulary import Outcome, Source, WorkflowPhase


class RecommendedSkill(Frozen):
    """A skill that was used after such a failure before."""

    skill_name: str
    reason: str
    fixed_count: int = Field(description="failures that were gone in the next run")
    tried_count: int


class StageRecorded(Frozen):
    """Answer of `record_pipeline_stage`."""

    run_id: UUID
    duplicate: bool
    workflow_phase: WorkflowPhase
    outcome: Outcome
    message: str


class GateRun(Frozen):
    """A phase that was recorded."""

    run_id: UUID
    phase: GatePhase
    workflow_phase: WorkflowPhase
    outcome: Outcome
    duration_seconds: float
    failed_checks: list[str]


class GateRecorded(Frozen):
    """Answer of `record_quality_gate`."""

    runs: list[GateRun]
    duplicate: bool
    recommended_skills: list[RecommendedSkill] = Field(description="for what failed; the best first")
    message: str


class StageMetrics(Frozen):
    """How one stage went. Seconds are of the whole run."""

    pipeline_name: str
    stage: str
    workflow_phase: WorkflowPhase
    run_count: int
    failed_count: int
    abandoned_count: int
    success_rate: Rate
    mean_seconds: float
    p50_seconds: float
    p95_seconds: float
    last_run_at: datetime


class StageDay(Frozen):
    """One stage on one UTC day."""

    day: str
    pipeline_name: str
    stage: str
    run_count: int
    completed_count: int
    mean_seconds: float


class Bottleneck(Frozen):
    """A stage that fails too often: under 80 % medium, under 50 % high."""

    pipeline_name: str
    stage: str
    severity: Literal["medium", "high"]
    success_rate: float
    certain: bool = Field(description="the whole 95 % interval is under 80 %")
    reason: str


class PipelineAnalytics(Frozen):
    """Answer of `get_pipeline_analytics`."""

    since: datetime | None
    stages: list[StageMetrics]
    days: list[StageDay]
    bottlenecks: list[Bottleneck]
    message: str


class CheckFailures(Frozen):
    """A check that failed."""

    check_name: str
    run_count: int
    recommended_skills: list[str]


class GateMetrics(Frozen):
    """How one phase of quality gates went."""

    phase: GatePhase
    workflow_phase: WorkflowPhase
    run_count: int
    failed_count: int
    pass_rate: Rate
    mean_seconds: float
    last_outcome: Outcome
    last_run_at: datetime
    common_failures: list[CheckFailures]


class WorkflowStep(Frozen):
    """A skill, gate or stage of a session. name: the skill, `tool: phase` or `pipeline: stage`."""

    began_at: datetime
    kind: Literal["skill", "gate", "stage"]
    name: str
    workflow_phase: WorkflowPhase
    outcome: Outcome | None
    source: Source


class QualityWorkflow(Frozen):
    """Answer of `get_quality_workflow`."""

    phases: list[GateMetrics]
    steps: list[WorkflowStep] = Field(description="of the session, in order; if one was named")
    diagram: str
    message: str
