"""Where output goes: tables and JSON to stdout, progress and questions to stderr.

Without a terminal there is no colour, no animation and no cursor movement, and nothing is cut off:
a table folds what is too wide for 80 columns.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from session_buddy.cli.formats import clean

_READABLE = 14
"""Columns of the screen in which a name can be read without being broken into pieces."""

Advance = Callable[[Mapping[str, Any]], None]
"""Takes what a long call reports: `done` and `total` (numbers), `text`; each may be missing."""


class _Stdout(Console):
    """Leaves a reader that has gone away to the top of the process; rich would end with status 1."""

    def on_broken_pipe(self) -> None:
        """Raise what was raised."""
        raise  # noqa: PLE0704 - rich calls this where it handles the error


def console() -> Console:
    """The console of stdout."""
    return _Stdout(highlight=False, emoji=False, markup=False, soft_wrap=False)


def table(*columns: str, title: str | None = None, right: tuple[str, ...] = ()) -> Table:
    """An empty table; columns named in `right` hold numbers, the first column takes what width is left."""
    made = Table(
        title=None if title is None else Text(title, style="bold"),
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        header_style="bold",
    )
    for number, name in enumerate(columns):
        made.add_column(
            Text(name),
            justify="right" if name in right else "left",
            overflow="fold",
            no_wrap=number > 0 and name in right,
        )
    return made


def add(made: Table, *cells: str, style: str | None = None) -> None:
    """Add a row of recorded text: markup is not interpreted and control characters are not sent."""
    made.add_row(*(Text(clean(cell)) for cell in cells), style=style)


def facts(out: Console, pairs: Iterable[tuple[str, str]]) -> None:
    """Print names with their values beside them; a long value is continued below itself."""
    made = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        add(made, name, value)
    show(out, made)


def show(out: Console, made: Table) -> None:
    """Print a table, without the blanks that would fill its last column.

    In a narrow terminal it is as wide as it can be read, and the terminal breaks its lines.
    """
    out.width = max(out.width, _least_width(made))
    with out.capture() as captured:
        out.print(made)
    out.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _least_width(made: Table) -> int:
    """Below this a column would have no room for a word, or a number would be cut off."""
    widths = [
        max((cell_len(str(cell)) for cell in column.cells), default=0)
        if column.no_wrap
        else min(_READABLE, max((cell_len(str(cell)) for cell in column.cells), default=0))
        for column in made.columns
    ]
    headers = [cell_len(str(column.header)) for column in made.columns]
    return sum(max(pair) + 2 for pair in zip(widths, headers, strict=True))


def say(out: Console, text: str = "", style: str | None = None) -> None:
    """Print a sentence or a line of recorded text."""
    out.print(Text(clean(text), style=style or ""))


def error_console() -> Console:
    """The console of stderr."""
    return Console(stderr=True, highlight=False, emoji=False, markup=False)


@contextmanager
def progress(label: str) -> Iterator[Advance]:
    """Show how long work goes on, on stderr and only in a terminal."""
    if not sys.stderr.isatty():
        yield lambda _report: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=error_console(), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def advance(report: Mapping[str, Any]) -> None:
            text = report.get("text")
            bar.update(
                task,
                completed=report.get("done"),
                total=report.get("total"),
                description=label if text is None else f"{label}: {clean(str(text))[:40]}",
            )

        yield advance
