"""Tools about runs of CI stages and quality gates."""

from typing import Annotated

from pydantic import Field

from session_buddy.models.answers_runs import GateRecorded, PipelineAnalytics, QualityWorkflow, StageRecorded
from session_buddy.models.fields import Name, ReportedSeconds, ShortText, Timestamp
from session_buddy.models.runs import CIPipelineContext, Environment, GatePhase
from session_buddy.models.vocabulary import Outcome
from session_buddy.serve.service_tool import Call
from session_buddy.serve.tools.recording import RequestKey
from session_buddy.serve.tools.reporting import Days
from session_buddy.services.run_recording import GateReport, StageReport

Session = Annotated[Name | None, Field(description="default: this session")]
Project = Annotated[ShortText | None, Field(description="default: this folder")]
AnyProject = Annotated[ShortText | None, Field(description="default: all")]
RanBy = Annotated[Name | None, Field(description="skill that ran it; its use gets the outcome")]
Began = Annotated[Timestamp | None, Field(description="default: duration ago")]


def record_quality_gate(  # noqa: PLR0913 - what can be said of a run
    call: Call,
    *,
    phase: GatePhase | None = None,
    outcome: Outcome | None = None,
    failed_checks: Annotated[
        list[ShortText] | None, Field(max_length=1000, description="names of hooks or tests")
    ] = None,
    duration_seconds: ReportedSeconds | None = None,
    report: Annotated[
        str | None, Field(description="instead: crackerjack's output or JUnit XML, all its phases")
    ] = None,
    tool: Annotated[Name | None, Field(description="default: crackerjack")] = None,
    started_at: Began = None,
    skill_name: RanBy = None,
    session_id: Session = None,
    project: Project = None,
    request_key: RequestKey = None,
) -> GateRecorded:
    """Record how a quality gate went; for a failure, get the skills that fixed such a failure before."""
    told = GateReport(
        phase=phase,
        outcome=outcome,
        failed_checks=tuple(failed_checks or ()),
        duration_seconds=duration_seconds,
        report=report,
        tool=tool,
        started_at=started_at,
        skill_name=skill_name,
        session_id=session_id,
        project=project,
        request_key=request_key or call.request_key,
    )
    return call.services.run_recorder.record_gate(told, call.caller)


def get_quality_workflow(
    call: Call,
    *,
    session_id: Annotated[Name | None, Field(description="its skills, gates, stages in order, too")] = None,
    project: AnyProject = None,
    days: Days = 30.0,
) -> QualityWorkflow:
    """Quality gates by phase: runs, pass rate, common failures with skills that fixed them, a diagram."""
    return call.services.run_reporter.quality(session_id, project, days)


def record_pipeline_stage(  # noqa: PLR0913 - the fields of CIPipelineContext, and of a run
    call: Call,
    *,
    pipeline_name: Name,
    stage: Annotated[Name, Field(description="build, test, lint, security, deploy, publish, or own")],
    outcome: Outcome,
    duration_seconds: ReportedSeconds | None = None,
    build_number: ShortText | None = None,
    git_commit: ShortText | None = None,
    git_branch: ShortText | None = None,
    environment: Environment | None = None,
    triggered_by: Annotated[ShortText | None, Field(description="push, schedule; nobody's name")] = None,
    error: Annotated[str | None, Field(max_length=10_000)] = None,
    started_at: Began = None,
    skill_name: RanBy = None,
    session_id: Session = None,
    project: Project = None,
    request_key: RequestKey = None,
) -> StageRecorded:
    """Record how a CI/CD stage went. `session-buddy ci -- COMMAND` does it by itself around a command."""
    context = CIPipelineContext(
        pipeline_name=pipeline_name,
        build_number=build_number,
        git_commit=git_commit,
        git_branch=git_branch,
        environment=environment,
        triggered_by=triggered_by,
    )
    told = StageReport(
        context=context,
        stage=stage,
        outcome=outcome,
        duration_seconds=duration_seconds,
        error=error,
        started_at=started_at,
        skill_name=skill_name,
        session_id=session_id,
        project=project,
        request_key=request_key or call.request_key,
    )
    return call.services.run_recorder.record_stage(told, call.caller)


def get_pipeline_analytics(
    call: Call,
    *,
    pipeline_name: Annotated[Name | None, Field(description="default: all")] = None,
    project: AnyProject = None,
    days: Days = 30.0,
) -> PipelineAnalytics:
    """CI/CD stages: success with interval, durations, days, and bottlenecks (under 80 %; under 50 % high)."""
    return call.services.run_reporter.pipelines(pipeline_name, project, days)
