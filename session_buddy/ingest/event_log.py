"""Event logs of agents for `evaluate`: a table with a header line, or our own export.

`docs/reference/evaluation-format.md` describes both for those who want to score their own agents.
"""

import csv
import gzip
import io
import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from session_buddy.analytics.suggesting.evaluation import LoggedUse
from session_buddy.errors import InvalidInput

_NEEDED = ("session_id", "ts", "tool")
_GZIP = b"\x1f\x8b"
_FIELD_LIMIT = 1 << 20


def read_event_log(path: str) -> list[LoggedUse]:
    """Every event of a log, in the file's order; plain or gzip-compressed.

    Raises:
        InvalidInput: it is no such log, or a line of it cannot be used; the message names the line.
        OSError: it cannot be read.
    """
    try:
        with _opened(path) as file:
            first = file.readline()
            if first.lstrip().startswith("{"):
                return list(_exported(first, file, path))
            return list(_table(first, file, path))
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, csv.Error) as error:
        raise InvalidInput(
            f"{path} is no event log: {error}. evaluate reads CSV with a header, or what "
            "'session-buddy export --json' prints; both may be gzip-compressed."
        ) from error


def _opened(path: str) -> TextIO:
    with open(path, "rb") as file:
        compressed = file.read(2) == _GZIP
    raw = gzip.open(path, "rb") if compressed else open(path, "rb")  # noqa: SIM115 - the caller closes it
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def _table(header: str, file: TextIO, path: str) -> Iterator[LoggedUse]:
    columns = next(csv.reader([header]), [])
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise InvalidInput(
            f"{path} has no column {missing[0]!r}; an event log needs {', '.join(_NEEDED)}, and knows "
            "source, skill, project, user, cmd0, detail, is_error, rejected, duration_s, workflow_phase."
        )
    csv.field_size_limit(_FIELD_LIMIT)
    for number, row in enumerate(csv.DictReader(file, columns), 2):
        yield _of_row(row, f"{path}, line {number}")


def _of_row(row: Mapping[str, str | None], where: str) -> LoggedUse:
    def text(name: str) -> str:
        return row.get(name) or ""

    tool, skill = text("tool"), text("skill")
    called_for = text("cmd0") or skill or text("detail")
    known = text("is_error").lower() in {"true", "false"}
    bad = text("is_error").lower() == "true" or text("rejected").lower() == "true"
    if not tool or not text("session_id"):
        raise InvalidInput(f"{where}: tool and session_id must not be empty.")
    return LoggedUse(
        source=text("source"),
        session_id=text("session_id"),
        at=_time(text("ts"), where),
        tool=tool,
        fine=f"{tool} {called_for}" if called_for else tool,
        skill_name=skill or None,
        project=text("project"),
        user=text("user"),
        phase=text("workflow_phase") or None,
        completed=not bad if known else None,
        seconds=_seconds(text("duration_s"), where),
    )


def _exported(first: str, file: TextIO, path: str) -> Iterator[LoggedUse]:
    for number, line in enumerate(_lines(first, file), 1):
        if line.strip():
            yield _of_export(line, f"{path}, line {number}")


def _lines(first: str, file: TextIO) -> Iterator[str]:
    yield first
    yield from file


def _of_export(line: str, where: str) -> LoggedUse:
    try:
        row: dict[str, Any] = json.loads(line)
        name, session_id, invoked_at = str(row["skill_name"]), str(row["session_id"]), str(row["invoked_at"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{where}: no exported invocation (skill_name, session_id, invoked_at are needed)."
        ) from error
    completed = row.get("completed")
    return LoggedUse(
        source="",
        session_id=session_id,
        at=_time(invoked_at, where),
        tool="",
        fine="",
        skill_name=name,
        project=str(row.get("project") or ""),
        user=str(row.get("user_id") or ""),
        phase=str(row.get("workflow_phase") or "") or None,
        completed=completed if isinstance(completed, bool) else None,
        seconds=_seconds(row.get("duration_seconds"), where),
    )


def _seconds(value: object, where: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise InvalidInput(f"{where}: {str(value)[:40]!r} is no duration in seconds.")
    return seconds


def _time(text: str, where: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{where}: {text[:40]!r} is no time; write 2026-03-01T12:00:00Z.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
