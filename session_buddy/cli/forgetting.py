"""`forget`: delete what was recorded, everywhere."""

from datetime import datetime
from typing import Any

import click

from session_buddy.cli.asking import Leader
from session_buddy.cli.formats import clean, count, when
from session_buddy.cli.options import Command, Instant, settings_of, yes_option
from session_buddy.cli.output import progress
from session_buddy.cli.plain import confirmed, print_json
from session_buddy.errors import NotFound

_DELETING_SECONDS = 600.0  # a leader may rewrite gigabytes of archives before it answers


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy forget 3f2a91c0
  session-buddy forget review-pr
  session-buddy forget --before 2026-01-01 --yes""",
)
@click.argument("target", metavar="[SESSION|SKILL]", required=False)
@click.option("--before", type=Instant(), metavar="DATE", help="Forget all that happened before DATE.")
@click.option(
    "--session", "scope", flag_value="session", help="The name is a session's id (its beginning is enough)."
)
@click.option("--skill", "scope", flag_value="skill", help="The name is a skill's.")
@yes_option
@click.option("--json", "as_json", is_flag=True, help="Print what was deleted as JSON; needs --yes.")
@click.pass_context
def forget(
    context: click.Context,
    *,
    target: str | None,
    before: datetime | None,
    scope: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Delete a session, a skill, or all that is older than DATE; asks first.

    It goes from the database, from the journals and from the archives, and cannot be brought back. What
    an agent keeps for itself (its transcripts) is not touched, and importing those again adds nothing of
    what was forgotten.
    """
    if (target is None) == (before is None):
        raise click.UsageError("name one session or skill, or give --before DATE.", context)
    with Leader(settings_of(context)) as leader:
        asked = {"target": target} if before is None else {"before": before.isoformat()}
        preview = _the_one(leader.call("preview_forget", asked), scope, target, context)
        confirmed(_question(preview), yes)
        name = {"session": "session_id", "skill": "skill_name", "before": "before"}[preview["scope"]]
        with progress("forgetting"):
            result = leader.call("forget", {name: preview["value"]}, silence=_DELETING_SECONDS)
    if as_json:
        print_json(preview | result)
    else:
        click.echo(f"Forgotten: {count(result['forgotten_invocations'], 'invocation')}.")


def _the_one(
    previews: list[dict[str, Any]], scope: str | None, target: str | None, context: click.Context
) -> dict[str, Any]:
    fitting = [preview for preview in previews if scope in (None, preview["scope"])]
    if not fitting:
        raise NotFound(f"no {scope} {target!r} is in the record; nothing to forget.")
    if len(fitting) > 1:
        raise click.UsageError(
            f"{target!r} is both a session and a skill; add --session or --skill.", context
        )
    return fitting[0]


def _question(preview: dict[str, Any]) -> str:
    uses = count(preview["invocation_count"], "invocation")
    first, last = (_local(preview[name]) for name in ("first_at", "last_at"))
    lasting = f", from {first} to {last}" if first and last else ""
    value = clean(str(preview["value"]))
    what = f"the {preview['scope']} {value} with {uses}"
    if preview["scope"] == "before":
        what = f"all that happened before {_local(preview['value'])}: {uses}"
    return (
        f"This deletes {what}{lasting}.\n"
        "It goes from the database, the journals and the archives, and cannot be brought back. Delete it?"
    )


def _local(moment: str | None) -> str | None:
    return when(datetime.fromisoformat(moment)) if moment else None
