"""Output and questions that need no rich, which takes longer to load than a command that prints JSON."""

import json
import sys
from typing import Any

import click


def print_json(value: Any) -> None:
    """Print an answer for another program."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def confirmed(question: str, yes: bool) -> None:
    """Return if the user agrees.

    Raises:
        click.UsageError: there is no terminal to ask in, and `yes` was not given.
        click.Abort: the user did not agree.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("this asks before it goes on, and there is no terminal to ask in; add --yes.")
    click.confirm(question, abort=True, err=True)
