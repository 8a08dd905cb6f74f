"""`suggest`: which skill fits next."""

import os

import click

from session_buddy.cli.asking import ask
from session_buddy.cli.options import Command, json_option, settings_of
from session_buddy.cli.plain import print_json

_PHASES = ("setup", "execution", "verification", "deployment", "cleanup", "rollback")


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy suggest
  session-buddy suggest "review the pull request"
  session-buddy suggest --after plan --after test --json""",
)
@click.argument("query", required=False)
@click.option("--session", "session_id", metavar="ID", help="Go on from the skills of this session.")
@click.option(
    "--after",
    "recent",
    metavar="SKILL",
    multiple=True,
    help="A skill used before; may be repeated, oldest first.",
)
@click.option("--phase", type=click.Choice(_PHASES), help="The phase of the work.")
@click.option("--strategy", metavar="NAME", help="How to rank; 'evaluate' compares the strategies.")
@click.option(
    "--limit", type=click.IntRange(1, 100), metavar="N", default=5, show_default=True, help="Skills to list."
)
@json_option
@click.pass_context
def suggest(
    context: click.Context,
    query: str | None,
    session_id: str | None,
    recent: tuple[str, ...],
    phase: str | None,
    strategy: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Suggest the skill to use next, for what QUERY says, in this folder's project.

    Each with what speaks for it, how long it takes and how likely it is to complete. A score is a share of
    the probability among all skills.
    """
    given = {
        "query": query,
        "session_id": session_id,
        "recent_skills": list(recent) or None,
        "workflow_phase": phase,
        "strategy": strategy,
        "project": os.getcwd(),
    }
    arguments = {name: value for name, value in given.items() if value is not None}
    result = ask(settings_of(context), "suggest", {"limit": limit, **arguments})
    if as_json:
        print_json(result)
        return
    from session_buddy.cli.suggesting_view import show_suggestions  # rich, which --json does without

    show_suggestions(result)
