"""The command tree, and the one place where errors become one line and an exit status."""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click
from click.exceptions import Exit

from session_buddy import __version__
from session_buddy.cli.options import Command, Group, home_option, transport_option
from session_buddy.errors import SessionBuddyError

SECTIONS = {
    "Asking": {
        "top": "reading:top",
        "show": "reading:show",
        "session": "reading:session",
        "anomalies": "findings:anomalies",
        "trend": "findings:trend",
        "deps": "findings:deps",
        "baselines": "findings:baselines",
        "category": "category:category",
        "suggest": "suggesting:suggest",
        "ab": "experiments:ab",
        "evaluate": "evaluate:evaluate",
        "status": "status:status",
        "doctor": "doctor:doctor",
        "team": "team:team",
    },
    "Live": {
        "watch": "watch:watch",
        "websocket-server": "websocket_server:websocket_server",
        "token": "watch:token",
    },
    "Gates and CI": {
        "ci": "runs:ci",
        "gate": "gate:gate",
        "pipelines": "runs:pipelines",
        "quality": "runs:quality",
    },
    "Data": {
        "import": "importing:import_",
        "export": "exporting:export",
        "forget": "forgetting:forget",
        "rebuild": "rebuilding:rebuild",
        "migrate": "migrating:migrate",
    },
    "Setting up": {
        "demo": "demo:demo",
        "install": "installing:install",
        "uninstall": "installing:uninstall",
    },
    "Started by agents": {
        "serve": "serving:serve",
        "hook": "serving:hook",
    },
}
"""What `--help` lists under each heading, as docs/reference/cli.md does."""

COMMANDS = {name: place for commands in SECTIONS.values() for name, place in commands.items()}
"""Command -> the module under `session_buddy.cli` and the name in it; imported when it is used."""

_EPILOG = """\b
Examples:
  session-buddy demo
  session-buddy install claude
  session-buddy top --since 7d
  session-buddy --home /tmp/other status --json

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""


class _Commands(Group):
    """Imports a command's module only when that command is run or listed."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest names: it looks for them among commands that were imported."""
        if args[0] in COMMANDS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches  # for a command that is none only

        near = " or ".join(map(repr, get_close_matches(args[0], COMMANDS, 2)))
        meant = f" Did you mean {near}?" if near else ""
        raise click.UsageError(f"No such command {args[0]!r}.{meant}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands under their headings."""
        for heading, names in SECTIONS.items():
            self.format_section(ctx, formatter, heading, names)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(f"session_buddy.cli.{module}"), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name]} is no command")
        return command


@click.group(
    name="session-buddy",
    cls=_Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", prog_name="session-buddy")
@home_option
@transport_option
def session_buddy() -> None:
    """Records which skills coding agents use and how they go, and answers questions about it.

    Everything stays on this machine, in one folder: ~/.session-buddy, or where --home or
    SESSION_BUDDY_HOME says.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit status.

    Raises:
        KeyboardInterrupt, BrokenPipeError: for the caller, which knows how a process ends then.
    """
    _never_fail_on_encoding()
    try:
        with session_buddy.make_context("session-buddy", list(arguments), obj={}) as context:
            session_buddy.invoke(context)
    except Exit as request:
        return request.exit_code
    except click.Abort as abort:
        return _aborted(abort)
    except click.ClickException as error:
        return _refuse(error)
    except SessionBuddyError as error:
        _say(str(error))
        return 1
    except BrokenPipeError:
        raise
    except OSError as error:
        where = error.filename or "the output was not written"
        _say(f"{where}: {error.strerror or error}.")
        return 1
    except Exception as error:  # noqa: BLE001 - the top of the process: a fault of ours, told in one line
        return _fault(error)
    return 0


def _fault(error: Exception) -> int:
    if os.environ.get("SESSION_BUDDY_LOG_LEVEL", "").upper() == "DEBUG":
        traceback.print_exception(error)
    else:
        _say(
            f"a fault of session-buddy: {type(error).__name__}: {error}. Please report it, with what "
            "SESSION_BUDDY_LOG_LEVEL=DEBUG shows."
        )
    return 1


def _refuse(error: click.ClickException) -> int:
    """Say a usage error in one line; click itself would print three."""
    context = getattr(error, "ctx", None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    hint = f" See '{context.command_path} --help'." if isinstance(error, click.UsageError) and context else ""
    told = error.format_message().rstrip()
    _say(f"{told if told.endswith(('.', '?')) else told + '.'}{hint}")
    return error.exit_code


def _aborted(abort: click.Abort) -> int:
    if isinstance(abort.__context__, KeyboardInterrupt):
        raise KeyboardInterrupt from abort
    _say("nothing was changed: the question was not answered with yes (--yes answers it).")
    return 1


def _say(message: str) -> None:
    line = " ".join(message.split())
    print(f"session-buddy: {line}", file=sys.stderr)


def _never_fail_on_encoding() -> None:
    """A skill's name in a script that the terminal cannot show must not end a command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


__all__ = ["COMMANDS", "Command", "run"]
