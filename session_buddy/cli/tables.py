"""Answers about skills and sessions as tables and sentences."""

import copy
import functools
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from rich.console import Console

from session_buddy.cli.formats import NOTHING, ago, count, percentile, rate, seconds, when
from session_buddy.cli.output import add, console, facts, say, show, table
from session_buddy.errors import LeaderUnavailable
from session_buddy.models.answers import (
    Invocation,
    MetricsReport,
    SessionAnalytics,
    SessionSummary,
    SkillDescription,
    SkillMetrics,
    ValueCount,
)

_Answer = TypeVar("_Answer", bound=BaseModel)
_SHORT_ID = 8
_NAMED = 8  # of a list of names: more would push what matters off the screen


def answer_of(model: type[_Answer], result: Any) -> _Answer:
    """A leader's answer as the value that it is.

    Fields that only a newer leader knows are passed over; fields that are left out, as MCP answers leave
    out what is null, are null.

    Raises:
        LeaderUnavailable: the leader is of a version whose answers this command cannot read.
    """
    try:
        return model.model_validate(result, extra="ignore")
    except ValidationError as error:
        filled = _with_nulls(result, error)
    try:
        return model.model_validate(filled, extra="ignore")
    except ValidationError as error:
        raise LeaderUnavailable(
            "the leader is of another version of session-buddy and answers differently; restart the agent's "
            "windows ('session-buddy status' names the process), or read the answer with --json."
        ) from error


def _with_nulls(result: Any, error: ValidationError) -> Any:
    """A copy of an answer with null wherever a field is missing."""
    filled = copy.deepcopy(result)
    for problem in error.errors(include_url=False, include_input=False):
        *way, field = problem["loc"]
        if problem["type"] == "missing":
            functools.reduce(lambda place, step: place[step], way, filled)[field] = None
    return filled


def show_ranking(report: MetricsReport, out: Console | None = None) -> None:
    """The table of `top`."""
    out = out or console()
    if report.skills:
        made = table(
            "skill",
            "uses",
            "completed",
            "p50",
            "p95",
            "rep./inf.",
            "last used",
            right=("uses", "p50", "p95", "rep./inf."),
        )
        for skill in report.skills:
            add(
                made,
                skill.skill_name,
                f"{skill.invocation_count:,}",
                rate(skill.completion_rate),
                percentile(skill.duration, "p50"),
                percentile(skill.duration, "p95"),
                f"{skill.reported_count}/{skill.inferred_count}",
                ago(skill.last_invoked_at),
            )
        show(out, made)
        say(out)
    say(out, _covered(report), "dim")
    if report.never_used:
        say(out, f"Installed and never used: {_some(report.never_used)}.")


def _covered(report: MetricsReport) -> str:
    listed = f"{len(report.skills)} of {count(report.skills_total, 'skill')}"
    if not report.skills:
        return report.message or f"No skill was used ({report.window})."
    return (
        f"{listed}, {report.window}.\n"
        "completed: share and its 95 % interval; p50, p95: active time;\n"
        "rep./inf.: outcomes reported by the agent or a person / inferred from evidence."
    )


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def show_skill(description: SkillDescription, report: MetricsReport, out: Console | None = None) -> None:
    """The page of `show`."""
    out = out or console()
    say(out, description.skill_name, "bold")
    if description.description:
        say(out, description.description)
    installed = (
        f"installed: {', '.join(description.scopes)}" if description.installed else "not installed here"
    )
    kind = "".join(f", {value}" for value in (description.category, description.modality) if value)
    say(out, f"({installed}{kind})", "dim")
    say(out)
    metrics = next((skill for skill in report.skills if skill.skill_name == description.skill_name), None)
    if metrics is None:
        say(out, report.message or f"Not used ({report.window}).")
        return
    around = {"usually before it": description.often_before, "usually after it": description.often_after}
    known = _facts(metrics, report.window) | {
        name: _counted(values) for name, values in around.items() if values
    }
    facts(out, known.items())


def _facts(metrics: SkillMetrics, window: str) -> dict[str, str]:
    decided = metrics.completed_count + metrics.failed_count + metrics.abandoned_count
    known = {
        f"uses ({window})": f"{metrics.invocation_count:,}, last {ago(metrics.last_invoked_at)}",
        "completed": f"{rate(metrics.completion_rate)} of {decided:,} decided",
        "outcomes": f"{metrics.completed_count:,} completed, {metrics.failed_count:,} failed, "
        f"{metrics.abandoned_count:,} abandoned, {metrics.open_count:,} open",
        "known from": f"{metrics.reported_count:,} reported, {metrics.inferred_count:,} inferred",
    }
    if metrics.duration is not None:
        known["active time"] = (
            f"p50 {percentile(metrics.duration, 'p50')}, p95 {percentile(metrics.duration, 'p95')}, "
            f"mean {seconds(metrics.duration.mean_seconds)} ({count(metrics.duration.sample_count, 'use')})"
        )
    if metrics.rating_mean is not None:
        known["rating"] = f"{metrics.rating_mean:.1f} of 5 ({count(metrics.rating_count, 'rating')})"
    if metrics.errors:
        known["errors"] = _counted(metrics.errors)
    if any(phase.value != "unknown" for phase in metrics.phases):
        known["phases"] = _counted(metrics.phases)
    return known


def _counted(values: Sequence[ValueCount]) -> str:
    return _some([f"{entry.value} ({entry.invocation_count:,})" for entry in values])


def show_sessions(summaries: Sequence[SessionSummary], out: Console | None = None) -> None:
    """The list of `session`."""
    out = out or console()
    if not summaries:
        say(
            out, "No session is in the record yet. 'session-buddy import' reads those that Claude Code keeps."
        )
        return
    made = table("session", "uses", "ok/failed/abandoned", "last active", "project", right=("uses",))
    shorter = _beginnings([summary.session_id for summary in summaries])
    for summary in summaries:
        add(
            made,
            shorter[summary.session_id],
            f"{summary.invocation_count:,}",
            f"{summary.completed_count}/{summary.failed_count}/{summary.abandoned_count}",
            ago(summary.last_activity_at),
            _folder(summary.project),
        )
    show(out, made)
    say(out)
    say(out, f"More: session-buddy session {shorter[summaries[0].session_id]}", "dim")


def _beginnings(ids: Sequence[str]) -> dict[str, str]:
    """Each id with the shortest beginning, of at least 8 characters, that no other one has."""
    for length in range(_SHORT_ID, max(map(len, ids))):
        if len({name[:length] for name in ids}) == len(set(ids)):
            return {name: name[:length] for name in ids}
    return {name: name for name in ids}


def _folder(project: str | None) -> str:
    """The last part of a project's path: the whole of it rarely fits."""
    return (
        NOTHING if project is None else project.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or project
    )


def show_session(session: SessionAnalytics, out: Console | None = None) -> None:
    """The page of `session ID`."""
    out = out or console()
    say(out, f"Session {session.session_id}", "bold")
    say(out, f"{session.agent or 'agent unknown'} in {session.project or 'an unknown folder'}", "dim")
    facts(out, _session_facts(session).items())
    if session.invocations:
        say(out)
        show_invocations(session.invocations, out)


def _session_facts(session: SessionAnalytics) -> dict[str, str]:
    ended = when(session.ended_at) if session.ended_at else "not ended, or its end was not seen"
    score = session.effectiveness_score
    known = {
        "from, to": f"{when(session.started_at)}, {ended}",
        "completed": f"{rate(session.completion_rate)} of {count(session.invocation_count, 'use')}",
        "active time": seconds(session.duration_seconds),
        "effectiveness": "-, under 3 decided uses" if score is None else f"{score:.0f} of 100",
    }
    if session.skill_path:
        known["path"] = " > ".join(session.skill_path)
    if any(phase != "unknown" for phase in session.workflow_path):
        known["phases"] = " > ".join(session.workflow_path)
    return known


def show_invocations(invocations: Sequence[Invocation], out: Console) -> None:
    """One row a use, with the outcome's source and the evidence behind it."""
    made = table("time", "skill", "took", "outcome", "because", right=("took",))
    for use in invocations:
        add(
            made,
            f"{use.invoked_at.astimezone():%H:%M:%S}",
            _named(use),
            seconds(use.duration_seconds),
            *outcome_of(use),
        )
    show(out, made)


def _named(use: Invocation) -> str:
    marks = [
        mark
        for mark, applies in (("by the user", use.origin == "user"), ("subagent", use.thread != "main"))
        if applies
    ]
    return use.skill_name + (f" ({', '.join(marks)})" if marks else "")


def outcome_of(use: Invocation) -> tuple[str, str]:
    """The outcome with where it comes from, and the evidence in words."""
    if use.outcome is None:
        return "open", "its end was not seen"
    reasons = [_evidence(item.kind, item.detail, item.count) for item in use.evidence]
    if use.note:
        reasons.append(use.note)
    return f"{use.outcome}, {use.outcome_source or 'source unknown'}", "; ".join(reasons) or NOTHING


def _evidence(kind: str, detail: str | None, number: int | None) -> str:
    words = kind.replace("_", " ")
    times = f" {number}x" if number is not None and number > 1 else ""
    return f"{words}{times}" + (f": {detail}" if detail else "")
