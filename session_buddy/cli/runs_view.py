"""Runs of CI stages and quality gates, as tables and sentences."""

from rich.console import Console

from session_buddy.cli.formats import NOTHING, ago, count, rate, seconds
from session_buddy.cli.output import add, console, say, show, table
from session_buddy.models.answers_runs import GateRecorded, PipelineAnalytics, QualityWorkflow


def show_gate(answer: GateRecorded, out: Console | None = None) -> None:
    """What was recorded of a gate, and what to try."""
    out = out or console()
    made = table("phase", "outcome", "took", "failed", right=("took",))
    for run in answer.runs:
        add(
            made,
            run.phase,
            run.outcome,
            seconds(run.duration_seconds),
            ", ".join(run.failed_checks) or NOTHING,
        )
    show(out, made)
    for skill in answer.recommended_skills:
        say(out, f"Try {skill.skill_name}: {skill.reason}.")
    if not answer.recommended_skills:
        say(out, answer.message, "dim")


def show_pipelines(answer: PipelineAnalytics, out: Console | None = None) -> None:
    """The table of `pipelines`."""
    out = out or console()
    if answer.stages:
        made = table(
            "pipeline",
            "stage",
            "phase",
            "runs",
            "completed",
            "p50",
            "p95",
            "last",
            right=("runs", "p50", "p95"),
        )
        for stage in answer.stages:
            add(
                made,
                stage.pipeline_name,
                stage.stage,
                stage.workflow_phase,
                str(stage.run_count),
                rate(stage.success_rate),
                seconds(stage.p50_seconds),
                seconds(stage.p95_seconds),
                ago(stage.last_run_at),
            )
        show(out, made)
        say(out)
    for found in answer.bottlenecks:
        sure = "" if found.certain else "; so few may be chance"
        say(out, f"{found.severity}: {found.pipeline_name}: {found.stage}, {found.reason}{sure}")
    say(out, answer.message, "dim")


def show_quality(answer: QualityWorkflow, out: Console | None = None) -> None:
    """The page of `quality`."""
    out = out or console()
    for line in answer.diagram.splitlines():
        say(out, line)
    for phase in answer.phases:
        for check in phase.common_failures:
            fixed = ", ".join(check.recommended_skills)
            told = f"; fixed by {fixed}" if fixed else ""
            say(out, f"  {phase.phase}: {check.check_name} failed in {count(check.run_count, 'run')}{told}")
    if answer.steps:
        say(out)
        made = table("began", "phase", "kind", "what", "outcome", "told by")
        for step in answer.steps:
            add(
                made,
                ago(step.began_at),
                step.workflow_phase,
                step.kind,
                step.name,
                step.outcome or NOTHING,
                step.source,
            )
        show(out, made)
    say(out, answer.message, "dim")
