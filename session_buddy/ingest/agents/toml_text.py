"""Edits of a TOML document that leave every byte outside the edited table as it was.

The standard library reads TOML and does not write it, and a library that writes would be a dependency for
one table. So a table is appended or cut out as text; what comes of it is parsed again and compared, and a
document that is written in a way that this does not see through is refused, never damaged.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from session_buddy.errors import ConfigurationError

_HEADER = re.compile(r"^[ \t]*\[")


def read(text: str) -> dict[str, Any]:
    """The document.

    Raises:
        ConfigurationError: it is no TOML; the message lacks the file's name.
    """
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"is not valid TOML ({error}). Correct it, then try again.") from error


def with_table(text: str, table: str, name: str, values: Mapping[str, Any]) -> str:
    """The document in which `[table.name]` holds exactly `values`; sub-tables of it stay.

    Raises:
        ConfigurationError: that cannot be done in this document's way of writing.
    """
    before = read(text)
    known = before.get(table, {}).get(name)
    kept = {key: value for key, value in (known or {}).items() if isinstance(value, dict)}
    if known is not None and known == kept | dict(values):
        return text
    end = "\r\n" if "\r\n" in text else "\n"
    lines = [f"[{table}.{name}]", *(f"{key} = {_rendered(value)}" for key, value in values.items())]
    block = end.join([*lines, ""])
    start, stop = _place(text, table, name, nested=False)
    if start == stop:
        gap = "" if not text else end if text.endswith("\n") else end * 2
        after = text + gap + block
    else:
        after = text[:start] + block + text[stop:]
    wanted = before | {table: before.get(table, {}) | {name: kept | dict(values)}}
    return _checked(after, wanted, f"[{table}.{name}] cannot be written into it")


def without_table(text: str, table: str, name: str) -> str:
    """The document without `[table.name]` and its sub-tables; unchanged if there is none."""
    before = read(text)
    if name not in before.get(table, {}):
        return text
    after = text
    while True:
        start, stop = _place(after, table, name, nested=True)
        if start == stop:
            break
        head = after[:start]
        if stop == len(after) and re.search(r"\n\r?\n$", head):
            head = head[: -2 if head.endswith("\r\n") else -1]  # the blank line that an install put before it
        after = head + after[stop:]
    rest = {key: value for key, value in before[table].items() if key != name}
    wanted = before | {table: rest}
    if not rest and table not in read(after):
        wanted.pop(table)
    return _checked(after, wanted, f"[{table}.{name}] cannot be taken out of it")


def _checked(after: str, wanted: Mapping[str, Any], problem: str) -> str:
    if read(after) != wanted:
        raise ConfigurationError(f"is written in a way that {problem}. Do that by hand.")
    return after


def _place(text: str, table: str, name: str, *, nested: bool) -> tuple[int, int]:
    """Where the table's lines begin and end; equal if it is not there. nested: a sub-table will do.

    Comments and blank lines behind its last value belong to who wrote them.
    """
    spelled = rf"(?:{re.escape(name)}|\"{re.escape(name)}\"|'{re.escape(name)}')"
    behind = r"(?:\s*\.[^\]]*)?" if nested else ""
    header = re.compile(rf"^[ \t]*\[\s*{re.escape(table)}\s*\.\s*{spelled}\s*{behind}\][ \t]*(?:#.*)?\r?$")
    position, start, stop = 0, None, 0
    for line in text.splitlines(keepends=True):
        if start is not None and _HEADER.match(line):
            break
        if start is None and header.match(line.rstrip("\n")):
            start = position
        position += len(line)
        if line.strip() and not line.lstrip().startswith("#"):
            stop = position
    return (0, 0) if start is None else (start, stop)


def _rendered(value: str | Sequence[str]) -> str:
    """A text or a list of texts; what JSON escapes, TOML reads as well."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
