"""`export`: every invocation, for another program or for `import` on another machine."""

import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TextIO

import click

from session_buddy.cli.asking import Leader
from session_buddy.cli.options import Command, range_of, settings_of, since_option, until_option
from session_buddy.cli.output import progress


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy export --json > invocations.jsonl
  session-buddy export --since 30d --output invocations.csv
  session-buddy export --json | jq -r 'select(.outcome == "failed") | .skill_name'""",
)
@since_option
@until_option
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line instead of CSV; 'import' reads it."
)
@click.option(
    "--output", "-o", metavar="FILE", help="Write to FILE (made anew, mode 0600) instead of stdout."
)
@click.pass_context
def export(
    context: click.Context, since: datetime | None, until: datetime | None, as_json: bool, output: str | None
) -> None:
    """Print all invocations, oldest first, under the column names of the database."""
    settings = settings_of(context)
    with Leader(settings) as leader, _target(output) as file, progress("exporting") as advance:
        writer = _JsonLines(file) if as_json else _Table(file)
        written = 0

        def take(report: dict[str, Any]) -> None:
            nonlocal written
            written += writer.write(report["lines"])
            advance({"done": written})

        # Rows that are written cannot be taken back, so a leader that leaves ends this command.
        leader.call("export", range_of(since, until), take, repeatable=False)


@contextmanager
def _target(path: str | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    if os.path.exists(path) and not os.path.isfile(path):  # a device or a pipe is written as it is
        with open(path, "w", encoding="utf-8", newline="") as file:
            yield file
        return
    path = os.path.realpath(path)
    beside = f"{path}.{os.getpid()}.new"
    try:
        # What the record says of a person's work is nobody else's to read.
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(beside, path)
    except BaseException:  # an earlier export stays whole whatever becomes of this one
        os.unlink(beside)
        raise


class _JsonLines:
    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, lines: str) -> int:
        self._file.write(lines)
        return lines.count("\n")


class _Table:
    """CSV with a header; what is a list or an object is JSON in its cell."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._columns: list[str] | None = None

    def write(self, lines: str) -> int:
        rows = [json.loads(line) for line in lines.splitlines()]
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        if self._columns is None and rows:
            self._columns = list(rows[0])
            writer.writerow(self._columns)
        for row in rows:
            writer.writerow([_cell(row.get(column)) for column in self._columns or ()])
        self._file.write(buffer.getvalue())
        return len(rows)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t"):
        return f"'{value}"  # a spreadsheet would run it as a formula
    return value
