"""The command tree as it is."""

import click

from session_buddy.cli import app


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its full name, `migrate up` and the like included."""
    found: list[tuple[str, click.Command]] = []
    todo: list[tuple[str, click.Command]] = [("", app.session_buddy)]
    while todo:
        name, command = todo.pop()
        if name:
            found.append((name, command))
        if isinstance(command, click.Group):
            context = click.Context(command)
            for child in command.list_commands(context):
                nested = command.get_command(context, child)
                assert nested is not None
                todo.append((f"{name} {child}".strip(), nested))
    return sorted(found, key=lambda pair: pair[0])
