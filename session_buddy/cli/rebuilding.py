"""`rebuild`: the database anew, from what was acknowledged."""

from typing import Any

import click

from session_buddy.cli.asking import Leader
from session_buddy.cli.formats import rows_of
from session_buddy.cli.options import Command, json_option, settings_of
from session_buddy.cli.output import progress
from session_buddy.cli.plain import print_json

_REBUILDING_SECONDS = 600.0  # a leader reports as it goes; one silent for so long is stuck


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy rebuild
  session-buddy rebuild --json""",
)
@json_option
@click.pass_context
def rebuild(context: click.Context, as_json: bool) -> None:
    """Make the database anew from the journals and their archives.

    Nothing that was acknowledged is lost by it: the database only holds what derives from them. Use it
    when the database is damaged, or to see that it says what the journals say. Agent windows go on
    recording meanwhile; what asks for figures waits until they are whole again.
    """
    with Leader(settings_of(context), serves=True) as leader, progress("rebuilding") as advance:

        def follow(report: dict[str, Any]) -> None:
            advance({"done": report["progress"]["events"]})

        counts = leader.call("rebuild", {}, follow, silence=_REBUILDING_SECONDS)
    if as_json:
        print_json(counts)
        return
    click.echo(f"Rebuilt: {rows_of(counts)}.")
