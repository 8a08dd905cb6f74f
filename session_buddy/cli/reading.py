"""`top`, `show` and `session`: what the record says of skills and sessions."""

from datetime import datetime
from typing import Any

import click

from session_buddy.cli.asking import Leader, ask
from session_buddy.cli.options import (
    Command,
    json_option,
    limit_option,
    range_of,
    settings_of,
    since_option,
    until_option,
)
from session_buddy.cli.plain import print_json


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy top
  session-buddy top --since 7d --limit 5
  session-buddy top --json | jq '.skills[].skill_name'""",
)
@since_option
@until_option
@limit_option("Skills")
@click.option("--project", metavar="DIR", help="Only uses in one folder.")
@click.option("--agent", metavar="NAME", help="Only those of one agent, such as codex.")
@click.option("--user", "user_id", metavar="ID", help="Only those of one user, as hashed in exports.")
@json_option
@click.pass_context
def top(
    context: click.Context,
    /,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
    **only: str | None,
) -> None:
    """List the most used skills: how often, how many completed, how long they took.

    Behind each rate stands its 95 % interval. Outcomes are told apart by where they come from:
    "reported" by the agent or a person, "inferred" from what happened while the skill was at work.
    """
    result = ask(
        settings_of(context), "skill_metrics", {"limit": limit, "only": only} | range_of(since, until)
    )
    if as_json:
        print_json(result)
        return
    from session_buddy.cli import tables  # rich and pydantic, which --json does without
    from session_buddy.models.answers import MetricsReport

    tables.show_ranking(tables.answer_of(MetricsReport, result))


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy show review-pr
  session-buddy show my-plugin:deploy --since 24h --json""",
)
@click.argument("skill")
@since_option
@until_option
@json_option
@click.pass_context
def show(
    context: click.Context, skill: str, since: datetime | None, until: datetime | None, as_json: bool
) -> None:
    """Show one skill: what it is, how it went, what failed, what came before and after it."""
    settings = settings_of(context)
    with Leader(settings) as leader:
        description = leader.call("describe_skill", {"skill_name": skill})
        metrics = leader.call("skill_metrics", {"skill_name": skill, "limit": 1} | range_of(since, until))
    if as_json:
        print_json({"description": description, "metrics": metrics})
        return
    from session_buddy.cli import tables  # rich and pydantic, which --json does without
    from session_buddy.models.answers import MetricsReport, SkillDescription

    tables.show_skill(
        tables.answer_of(SkillDescription, description),
        tables.answer_of(MetricsReport, metrics),
    )


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy session
  session-buddy session 3f2a
  session-buddy session 3f2a --json""",
)
@click.argument("session_id", metavar="[ID]", required=False)
@limit_option("Sessions")
@json_option
@click.pass_context
def session(context: click.Context, session_id: str | None, limit: int, as_json: bool) -> None:
    """List the latest sessions, or show the one whose id begins with ID.

    Shows the way through it, and for each use of a skill the outcome and the evidence for it.
    """
    name, arguments = _session_call(session_id, limit)
    result = ask(settings_of(context), name, arguments)
    if as_json:
        print_json(result)
        return
    from session_buddy.cli import tables  # rich and pydantic, which --json does without
    from session_buddy.models.answers import SessionAnalytics, SessionSummary

    if session_id is None:
        tables.show_sessions([tables.answer_of(SessionSummary, summary) for summary in result])
    else:
        tables.show_session(tables.answer_of(SessionAnalytics, result))


def _session_call(session_id: str | None, limit: int) -> tuple[str, dict[str, Any]]:
    if session_id is None:
        return "sessions", {"limit": limit}
    return "session_analytics", {"session_id": session_id}
