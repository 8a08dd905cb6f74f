"""`serve` and `hook` as click knows them: for help, and to explain a line that `__main__` did not take."""

import sys

import click

from session_buddy.cli.options import (
    Command,
    feed_options,
    remember,
    setting_option,
    settings_of,
    transport_option,
)
from session_buddy.ingest import hook as hook_file
from session_buddy.relay import front


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy serve
  session-buddy serve --home ~/records/team --log-level INFO""",
)
@transport_option
@click.option(
    "--store-queries/--no-store-queries",
    default=None,
    callback=remember,
    expose_value=False,
    help="Keep the text of prompts, secrets redacted; else only a keyed hash and a length.",
)
@setting_option(
    "--fold-interval-seconds",
    "SECONDS",
    "The longest time until what was recorded is in the database [default: 1].",
)
@setting_option(
    "--memory-limit", "SIZE", "What the database may use of memory to begin with [default: 160MB]."
)
@setting_option(
    "--log-level", "LEVEL", "DEBUG, INFO, WARNING or ERROR; messages go to stderr [default: WARNING]."
)
@setting_option("--team-projects", "FOLDERS", "Whose sessions go to a team's store, separated as in PATH.")
@feed_options
@click.pass_context
def serve(context: click.Context) -> None:
    """Serve one agent window over MCP on stdin and stdout; the agent starts this itself.

    All windows of one home share one database: the first leads, the others pass on to it, and when it
    goes another takes over.
    """
    context.exit(front.main(settings_of(context)))


@click.command(cls=Command, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def hook(context: click.Context, words: tuple[str, ...]) -> None:
    """Take what an agent's hook hands over on stdin; 'install' sets it up.

    Always silent and always exit status 0: a hook must never disturb the agent's work.
    """
    context.exit(hook_file.main([*words]) if not sys.stdin.isatty() else 0)
