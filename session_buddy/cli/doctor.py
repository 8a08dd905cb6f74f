"""`doctor`: look for what keeps session-buddy from recording or answering, and say what to do."""

from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.table import Table

from session_buddy.cli.agents import agent_findings
from session_buddy.cli.checks import Finding, files, machine
from session_buddy.cli.checks_leader import leadership
from session_buddy.cli.checks_monitoring import ALERTMANAGER, PROMETHEUS, monitoring
from session_buddy.cli.home import require_home
from session_buddy.cli.options import Command, json_option, settings_of
from session_buddy.cli.output import add, console, say, show
from session_buddy.cli.plain import print_json
from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError, NotFound

_MARKS = {"ok": "ok", "repaired": "repaired", "warning": "warning", "problem": "PROBLEM"}

_STYLES = {"problem": "bold red", "repaired": "yellow", "warning": "yellow"}


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy doctor
  session-buddy doctor --monitoring
  session-buddy doctor --json | jq '.findings[] | select(.state == "problem")'""",
)
@click.option(
    "--monitoring", "with_monitoring", is_flag=True, help="Look at Prometheus and Alertmanager too."
)
@click.option("--prometheus", metavar="URL", default=PROMETHEUS, show_default=True, help="Where it answers.")
@click.option("--alertmanager", metavar="URL", default=ALERTMANAGER, show_default=True, help="Likewise.")
@json_option
@click.pass_context
def doctor(
    context: click.Context, with_monitoring: bool, prometheus: str, alertmanager: str, as_json: bool
) -> None:
    """Look for problems, each with its remedy. The exit status is 1 if there is one.

    Permissions that let others read the record, and the socket of a leader that was killed, are set
    right on the way; nothing else is changed.
    """
    settings = settings_of(context)
    found = examine(settings)
    if with_monitoring:
        found += monitoring(settings, prometheus, alertmanager)
    problems = sum(finding.state == "problem" for finding in found)
    if as_json:
        print_json({"problems": problems, "findings": [asdict(finding) for finding in found]})
    else:
        _show(found, problems)
    context.exit(1 if problems else 0)


def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order in which one thing stands on another."""
    found = [*machine(), *files(settings)]
    try:
        require_home(settings)
    except (NotFound, ConfigurationError):
        return found + agent_findings(settings)
    return [*found, *leadership(settings), *agent_findings(settings)]


def _show(found: Sequence[Finding], problems: int) -> None:
    out = console()
    made = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    for no_wrap in (True, True, False):  # a path is folded, not cut off: it is needed whole
        made.add_column(no_wrap=no_wrap, overflow="fold")
    for finding in found:
        add(made, _MARKS[finding.state], finding.check, finding.detail, style=_STYLES.get(finding.state))
        if finding.remedy:
            add(made, "", "", finding.remedy)
    show(out, made)
    say(out)
    say(out, "All is well." if not problems else f"{problems} problem{'s' if problems > 1 else ''} found.")
