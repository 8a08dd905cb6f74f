"""`status`: who leads, what is recorded, what waits."""

from dataclasses import asdict
from typing import Any

import click

from session_buddy.cli.asking import Leader
from session_buddy.cli.home import files_of, require_home
from session_buddy.cli.options import Command, json_option, settings_of
from session_buddy.cli.plain import print_json
from session_buddy.config import Settings
from session_buddy.errors import SessionBuddyError


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy status
  session-buddy status --json | jq .status.pending_events""",
)
@json_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show who leads, how much is recorded, and what waits to be folded into the database.

    Where the leader cannot be asked, what can be seen from outside is shown and the exit status is 1.
    """
    settings = settings_of(context)
    require_home(settings)
    leader, answer, problem = _asked(settings)
    files = files_of(settings)
    if as_json:
        seen = {"home": settings.home, "leader": leader, "status": answer, "files": asdict(files)}
        print_json(seen | {"problem": None if problem is None else str(problem)})
    else:
        from session_buddy.cli.status_view import show_status  # rich and pydantic, which --json does without

        show_status(settings, leader, answer, files)
    if problem is not None:
        raise problem


def _asked(
    settings: Settings,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None, SessionBuddyError | None]:
    """What the leader says of itself (None: there is none), its status, and what kept it from answering."""
    try:
        with Leader(settings) as leader:
            answer = leader.call("status", {})
            if leader.hello is None:  # nobody else folds what waits
                leader.call("fold", {})
                answer = leader.call("status", {})
            return leader.hello, answer, None
    except SessionBuddyError as error:
        return None, None, error
