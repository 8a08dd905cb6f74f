"""The named statements of `sql/queries/*.sql`.

A statement begins with its name between dashes, then one or more comment lines that describe it:

    -- count_events --
    -- Rows of the append-only log.
    SELECT count(*) FROM skill_event;
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from session_buddy.errors import StorageError
from session_buddy.storage.sql_files import sql_folder

_HEADING = re.compile(r"^-- (?P<name>[a-z][a-z0-9_]*) --$", re.MULTILINE)
_DESCRIBED = re.compile(r"\s*(?P<comment>(?:^--[^\n]*\n)+)(?P<sql>.+)\Z", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Query:
    """One statement with what it is for."""

    name: str
    description: str
    sql: str


def parse_queries(text: str) -> Mapping[str, Query]:
    """The statements of one file by name.

    Raises:
        StorageError: a statement has no description, is empty, or its name is used twice.
    """
    found: dict[str, Query] = {}
    headings = list(_HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings), len(text)]
    for heading, end in zip(headings, ends[1:], strict=True):
        name = heading["name"]
        body = _DESCRIBED.match(text, heading.end(), end)
        if body is None or name in found:
            raise StorageError(
                f"The SQL statement {name!r} needs a name of its own, a description and a text."
            )
        description = " ".join(line.removeprefix("--").strip() for line in body["comment"].splitlines())
        found[name] = Query(name, description, body["sql"].strip().removesuffix(";"))
    return found


@cache
def queries(folder: str = "queries") -> Mapping[str, Query]:
    """All statements of all files by name, read once. folder: under `sql`, one for each database.

    Raises:
        StorageError: as `parse_queries`, over all files.
    """
    found: dict[str, Query] = {}
    place = sql_folder()
    for part in folder.split("/"):
        place /= part
    for file in sorted(place.iterdir(), key=lambda entry: entry.name):
        for name, query in parse_queries(file.read_text(encoding="utf-8")).items():
            if name in found:
                raise StorageError(f"Two files define the SQL statement {name!r}.")
            found[name] = query
    return MappingProxyType(found)


class Statement(str):
    """The text of a named statement for DuckDB. Another database runs its own statement of that name."""

    __slots__ = ("name",)
    name: str


@cache
def sql(name: str) -> Statement:
    """The text of a statement; `KeyError` for an unknown name."""
    statement = Statement(queries()[name].sql)
    statement.name = name
    return statement
