"""`install` and `uninstall`: into a coding agent, and out of it again."""

import sys
from collections.abc import Sequence

import click

from session_buddy.cli.agents import ADAPTERS, session_folders, short
from session_buddy.cli.formats import clean, count
from session_buddy.cli.home import begin_record
from session_buddy.cli.options import Command, settings_of, yes_option
from session_buddy.cli.plain import confirmed
from session_buddy.config import Settings
from session_buddy.ingest.agents import changes as agent_changes
from session_buddy.ingest.agents.protocol import AgentAdapter, Change

_agent = click.argument("agent", metavar="AGENT", type=click.Choice(sorted(ADAPTERS)))


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy install claude
  session-buddy install codex --yes --no-import""",
)
@_agent
@yes_option
@click.option("--no-import", is_flag=True, help="Do not offer to import the sessions that are there.")
@click.pass_context
def install(context: click.Context, agent: str, yes: bool, no_import: bool) -> None:
    """Make an agent record its skills here by itself; shows each change and asks first.

    AGENT is claude, codex, cursor, gemini or vscode. Your settings are kept, running it again changes
    nothing, and 'session-buddy uninstall' gives back the files as they were.
    """
    settings = settings_of(context)
    adapter = ADAPTERS[agent]
    planned = adapter.plan_install(settings)
    if planned:
        if adapter.detect() is None:
            click.echo(f"{adapter.title} has not been used here yet; its files are made.")
        _show(planned)
        confirmed(f"Install session-buddy into {adapter.title}?", yes)
    begin_record(settings)
    agent_changes.install(settings, adapter.name, planned)
    click.echo(
        f"Installed into {adapter.title}." if planned else f"{adapter.title} has it already; nothing changed."
    )
    if not no_import:
        _offer_import(settings, adapter, yes)
    _say_what_is_next(adapter)


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy uninstall claude
  session-buddy uninstall claude --yes""",
)
@_agent
@yes_option
@click.pass_context
def uninstall(context: click.Context, agent: str, yes: bool) -> None:
    """Take session-buddy out of an agent; shows each change and asks first. The record stays.

    AGENT is claude, codex, cursor, gemini or vscode.
    """
    settings = settings_of(context)
    adapter = ADAPTERS[agent]
    planned = adapter.plan_uninstall(settings)
    if not planned:
        click.echo(f"{adapter.title} has nothing of session-buddy; nothing changed.")
        return
    _show(planned)
    confirmed(f"Take session-buddy out of {adapter.title}?", yes)
    agent_changes.uninstall(settings, adapter.name, planned)
    click.echo(f"Taken out of {adapter.title}; windows that are open keep it until they are restarted.")
    click.echo(
        f"What was recorded stays in {settings.home}; delete that folder if you do not want it any more."
    )


def _show(planned: Sequence[Change]) -> None:
    for change in planned:
        click.echo(f"{change.path}: {change.why}")
        click.echo(clean(change.diff()))


def _offer_import(settings: Settings, adapter: AgentAdapter, yes: bool) -> None:
    # rich and pydantic, only for who wants it
    from session_buddy.cli.importing import import_paths
    from session_buddy.cli.output import console

    folders = session_folders(adapter.name)
    found = sum(
        1 for folder in folders for path in folder.rglob("*.jsonl") if path.parent.name != "subagents"
    )
    if not found:
        return
    places = " and ".join(short(folder) for folder in folders[:2])
    question = f"Import the {count(found, 'session')} that {places} holds already?"
    if yes or (sys.stdin.isatty() and click.confirm(question, default=True, err=True)):
        import_paths(settings, folders, console())
    else:
        click.echo("'session-buddy import' does so at any time.")


def _say_what_is_next(adapter: AgentAdapter) -> None:
    if adapter.next_step:
        click.echo(f"\n{adapter.next_step}")
    click.echo(
        f"\nNext: restart {adapter.title} (windows that are open do not record yet) and work as always.\n"
        "  session-buddy doctor   says whether all is well\n"
        "  session-buddy top      shows which skills are used and how they go"
    )
