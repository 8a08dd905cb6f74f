"""What the demo tells: an agent's view of the record, and what a person sees of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich.console import Console

from session_buddy.cli import tables
from session_buddy.cli.formats import count
from session_buddy.cli.output import add, say, show, table
from session_buddy.models.answers import (
    Invocation,
    MetricsReport,
    RealTimeMetrics,
    Recorded,
    SessionAnalytics,
    SkillDescription,
)

_CORRECTED = "commit-helper"
_CORRECTION = "the commit left out a new file"


class Agent(Protocol):
    """An MCP session with a server of ours."""

    def call_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The structured answer of a tool."""


def tell(agent: Agent, session_ids: Sequence[str], out: Console) -> None:
    """Ask over MCP what an agent would ask, and print the answers for a person.

    Raises:
        SessionBuddyError: a tool answered with an error, which then is the product's.
    """
    _ranking(agent, out)
    sessions = [_session(agent, session_id) for session_id in session_ids]
    _failures(sessions, out)
    _path(max(sessions, key=lambda session: session.skill_count), out)
    _correction(agent, sessions, out)
    _now(agent, out)


def _heading(out: Console, text: str) -> None:
    say(out)
    say(out, text, "bold")
    say(out)


def _ranking(agent: Agent, out: Console) -> None:
    _heading(out, "Which skills are used, and how do they go?  (get_skill_metrics)")
    tables.show_ranking(tables.answer_of(MetricsReport, agent.call_tool("get_skill_metrics", {})), out)


def _session(agent: Agent, session_id: str) -> SessionAnalytics:
    answer = agent.call_tool("get_session_analytics", {"session_id": session_id})
    return tables.answer_of(SessionAnalytics, answer)


def _failures(sessions: Sequence[SessionAnalytics], out: Console) -> None:
    _heading(out, "What did not work, and how is that known?  (get_session_analytics)")
    made = table("skill", "outcome", "evidence")
    uses = [
        use for session in sessions for use in session.invocations if use.outcome in ("failed", "abandoned")
    ]
    for use in sorted(uses, key=lambda use: use.invoked_at):
        add(made, use.skill_name, *tables.outcome_of(use))
    show(out, made)
    unknown = sorted({use.skill_name for use in uses if _is_unknown(use)})
    if unknown:
        say(out)
        say(
            out,
            f"{', '.join(unknown)} is no skill that is installed. The agent called it all the same, and "
            "Claude Code tells only one kind of hook of that; here it is recorded like any other use.",
        )


def _is_unknown(use: Invocation) -> bool:
    return any(item.kind == "unknown_skill" for item in use.evidence)


def _path(session: SessionAnalytics, out: Console) -> None:
    _heading(out, "What happened in one session?  (session-buddy session ID)")
    tables.show_session(session, out)


def _correction(agent: Agent, sessions: Sequence[SessionAnalytics], out: Console) -> None:
    """The agent overrules what was inferred, and the answer changes at once."""
    _heading(out, "The agent knows better: it reports  (record_skill_invocation)")
    use = next(use for session in sessions for use in session.invocations if use.skill_name == _CORRECTED)
    say(out, f"{use.skill_name} at {use.invoked_at.astimezone():%H:%M:%S} was: {tables.outcome_of(use)[0]}")
    report = {
        "skill_name": use.skill_name,
        "invocation_id": str(use.invocation_id),
        "session_id": use.session_id,
        "completed": False,
        "error_type": "incomplete",
        "note": _CORRECTION,
        "request_key": f"demo-{use.invocation_id}",
    }
    first = tables.answer_of(Recorded, agent.call_tool("record_skill_invocation", report))
    again = tables.answer_of(Recorded, agent.call_tool("record_skill_invocation", report))
    corrected = next(
        changed
        for changed in _session(agent, use.session_id).invocations
        if changed.invocation_id == use.invocation_id
    )
    say(out, f"It is now: {tables.outcome_of(corrected)[0]} ({_CORRECTION})")
    if first.attached and again.duplicate:
        say(out, "The report joined the use that was observed. Sent twice, it counts once.", "dim")
    say(out)
    named = {"skill_name": use.skill_name}
    description = tables.answer_of(SkillDescription, agent.call_tool("describe_skill", named))
    metrics = tables.answer_of(MetricsReport, agent.call_tool("get_skill_metrics", named))
    tables.show_skill(description, metrics, out)


def _now(agent: Agent, out: Console) -> None:
    _heading(out, "And right now?  (get_real_time_metrics)")
    report = {"skill_name": "code-review", "completed": True, "duration_seconds": 41.5}
    agent.call_tool("record_skill_invocation", report)
    hour = agent.call_tool("get_real_time_metrics", {"time_window_hours": 1})
    answer = tables.answer_of(RealTimeMetrics, hour)
    for skill in answer.top_skills:
        say(out, f"{skill.skill_name}: {count(skill.invocation_count, 'use')} in the last hour")
    anomalies = count(len(answer.anomalies), "anomaly", "anomalies")
    say(out, f"{count(answer.active_sessions, 'session')} at work, {anomalies}.")
