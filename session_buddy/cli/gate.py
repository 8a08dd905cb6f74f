"""`gate`: record how a quality gate went, by running it or by reading what it left."""

import codecs
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from session_buddy.cli.asking import Leader
from session_buddy.cli.home import begin_record
from session_buddy.cli.options import Command, json_option, settings_of
from session_buddy.cli.plain import print_json
from session_buddy.config import Settings
from session_buddy.errors import InvalidInput, SessionBuddyError
from session_buddy.ingest.gate_reports import REPORT_LIMIT, read_gate_report
from session_buddy.models.runs import GATE_PHASES

_CHUNK = 65_536
NOT_FOUND = 127
NOT_EXECUTABLE = 126


@click.command(
    cls=Command,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    epilog="""\b
Examples:
  session-buddy gate -- crackerjack run --run-tests
  session-buddy gate --report report.xml -- pytest --junitxml report.xml
  session-buddy gate --phase fast_hooks -- ruff check
  session-buddy gate --phase tests --outcome failed --failed tests/test_cart.py::test_total""",
)
@click.option("--phase", type=click.Choice(GATE_PHASES), help="Needed where the report does not say it.")
@click.option(
    "--outcome",
    type=click.Choice(["completed", "failed", "abandoned"]),
    help="How it went, without a command or report.",
)
@click.option("--failed", multiple=True, metavar="CHECK", help="A hook or test that failed; may be repeated.")
@click.option(
    "--report",
    metavar="FILE",
    help="JUnit XML or crackerjack's output, read after the command; - is stdin.",
)
@click.option(
    "--seconds", type=click.FloatRange(0), metavar="N", help="How long it took, where the report has no time."
)
@click.option("--tool", metavar="NAME", help="What ran [default: crackerjack; pytest for JUnit XML].")
@click.option(
    "--skill", "skill_name", metavar="NAME", help="The skill that ran it; its use gets the outcome."
)
@click.option(
    "--session", "session_id", metavar="ID", help="The agent's session [default: CLAUDE_CODE_SESSION_ID]."
)
@click.option("--project", metavar="DIR", help="Where it ran [default: this folder].")
@json_option
@click.argument("command", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def gate(context: click.Context, /, command: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Record how a quality gate went, and name the skills that fixed such a failure before.

    With a COMMAND (behind --), runs it, shows what it prints, and exits as it did. The phases come from
    the report or from crackerjack's output; else --phase names the one, and the exit status decides.
    """
    if not command and given["report"] is None:
        _require_outcome(context, given)
    settings = settings_of(context)
    began = time.monotonic()
    status, printed = _run(command, quiet=as_json) if command else (0, None)
    if command and given["seconds"] is None:
        given["seconds"] = time.monotonic() - began
    try:
        arguments = _arguments(given, status, printed)
        answer = _record(settings, arguments)
    except SessionBuddyError as error:
        if not command:
            raise
        click.echo(f"session-buddy: this gate was not recorded: {error}", err=True)
        context.exit(status)
    if as_json:
        print_json(answer)
    else:
        _show(answer)
    context.exit(status)


def _require_outcome(context: click.Context, given: dict[str, Any]) -> None:
    """Refuse to record nothing."""
    if given["phase"] is None or not (given["outcome"] or given["failed"]):
        raise click.UsageError(
            "give a command behind --, or --report FILE, or --phase with --outcome or --failed.", context
        )


def _arguments(given: dict[str, Any], status: int, printed: str | None) -> dict[str, Any]:
    """The arguments of the call: phases read from the report or the output, else as they were named."""
    wanted = {name: value for name, value in given.items() if value is not None}
    wanted["failed_checks"] = list(wanted.pop("failed", ()))
    wanted["duration_seconds"] = wanted.pop("seconds", None)
    wanted.setdefault("project", os.getcwd())
    if "session_id" not in wanted:
        wanted["session_id"] = os.environ.get("CLAUDE_CODE_SESSION_ID") or None
    if os.environ.get("CLAUDECODE"):
        wanted["agent"] = "claude-code"
    report = _read(wanted["report"]) if "report" in wanted else printed
    wanted.pop("report", None)
    if report is not None and (given["report"] is not None or _is_readable(report)):
        return wanted | {"report": report}
    if printed is not None:
        if "phase" not in wanted:
            raise InvalidInput("what it printed names no phase; add --phase, or --report with its JUnit XML.")
        wanted["outcome"] = "completed" if status == 0 else "failed"
    return wanted


def _is_readable(report: str) -> bool:
    try:
        return bool(read_gate_report(report))
    except InvalidInput:
        return False


def _read(path: str) -> str:
    try:
        if path == "-":
            return sys.stdin.read()
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(REPORT_LIMIT + 1)
    except OSError as error:
        raise InvalidInput(f"the report {path} cannot be read: {error.strerror or error}.") from error


def _record(settings: Settings, arguments: dict[str, Any]) -> Any:
    begin_record(settings)
    with Leader(settings) as leader:
        return leader.call("record_gate", arguments, repeatable=False)


def _run(command: Sequence[str], *, quiet: bool) -> tuple[int, str]:
    """Run it, showing what it prints as it comes; (its exit status, what it printed)."""
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        click.echo(f"session-buddy: {command[0]}: {error.strerror or error}", err=True)
        return (NOT_FOUND if missing else NOT_EXECUTABLE), ""
    # Ctrl-C reaches the command too, and it is the command that decides what follows from it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        printed = _follow(process, sys.stderr if quiet else sys.stdout)
        status = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return (status if status >= 0 else 128 - status), printed


def _follow(process: "subprocess.Popen[bytes]", shown: Any) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    parts: list[str] = []
    kept = 0
    if process.stdout is None:
        return ""
    with process.stdout as stream:
        while data := os.read(stream.fileno(), _CHUNK):
            text = decoder.decode(data)
            shown.write(text)
            shown.flush()
            if kept <= REPORT_LIMIT:
                parts.append(text)
                kept += len(text)
    return "".join(parts)


def _show(answer: Any) -> None:
    from session_buddy.cli import runs_view  # rich, which --json does without
    from session_buddy.cli.tables import answer_of
    from session_buddy.models.answers_runs import GateRecorded

    runs_view.show_gate(answer_of(GateRecorded, answer))
