"""Folding a batch of events into the tables, in one transaction.

The work is done by the statements of `sql/queries/fold.sql`: stage the new events, look up the touched
invocations as they were, compute them anew from all their events, and move every total by the difference.
`folding_one` does the same for the few events that somebody waits for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

import duckdb

from session_buddy.models.events import (
    SKILL_NAME_LIMIT,
    CatalogueEvent,
    EvidenceKind,
    ForgottenEvent,
    JournalEvent,
    SessionEvent,
    SkillEvent,
    to_line,
)
from session_buddy.models.vocabulary import (
    WORKFLOW_PHASES,
    EventKind,
    Origin,
    Outcome,
    OutcomeSource,
    Source,
)
from session_buddy.storage.queries import sql

ROWS_AT_ONCE = 5_000
"""Events that are staged together: more are hardly faster, and what is staged stands in memory in full."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """The events of a batch by what becomes of them, each id once; signals are left out."""

    skill: Sequence[SkillEvent]
    session: Sequence[SessionEvent]
    catalogue: Sequence[CatalogueEvent]
    forgotten: Sequence[ForgottenEvent]

    @classmethod
    def of(cls, events: Iterable[JournalEvent]) -> "Sorted":
        """Sort a batch."""
        once = {event.id: event for event in reversed(list(events))}
        known = list(reversed(once.values()))
        return cls(
            [event for event in known if isinstance(event, SkillEvent)],
            [event for event in known if isinstance(event, SessionEvent)],
            [event for event in known if isinstance(event, CatalogueEvent)],
            [event for event in known if isinstance(event, ForgottenEvent)],
        )


def _evidence(characters: str) -> str:
    """A pattern for evidence whose details have so many characters, as a pattern says it."""
    one = (
        rf'\{{"kind":"({"|".join(get_args(EvidenceKind))})"'
        rf'(,"detail":"([^"\\]|\\.){characters}")?(,"count":\d{{1,9}})?\}}'
    )
    return rf"\[({one}(,{one})*)?\]"


_AS_WRITTEN: Final = {
    "kinds": ",".join(sorted(set(get_args(EventKind)) - {"superseded"})),
    "sources": ",".join(get_args(Source)),
    "origins": ",".join(get_args(Origin)),
    "phases": ",".join(WORKFLOW_PHASES),
    "outcomes": ",".join(get_args(Outcome)),
    "outcome_sources": ",".join(get_args(OutcomeSource)),
    "name_limit": SKILL_NAME_LIMIT,
    "unprintable": r"[\x00-\x1f\x7f]",
    "evidence": _evidence("*"),
}
"""What the fields of a line may hold; `session_buddy.models.events` says the same to whoever parses it."""


class NeedsCloserLookError(Exception):
    """Lines that were folded unparsed hold something that only a parsed event tells."""


@dataclass(slots=True)
class Changes:
    """What one fold did."""

    new_events: int = 0
    new_invocations: int = 0
    touched_skills: set[str] = field(default_factory=set)


def fold_skill_events(
    connection: duckdb.DuckDBPyConnection, events: Sequence[SkillEvent], changes: Changes
) -> None:
    """Apply skill events inside the caller's transaction."""
    for start in range(0, len(events), ROWS_AT_ONCE):
        _fold_skill_events(connection, events[start : start + ROWS_AT_ONCE], changes)


def fold_session_events(
    connection: duckdb.DuckDBPyConnection, events: Sequence[SessionEvent], changes: Changes
) -> None:
    """Apply beginnings and ends of sessions inside the caller's transaction."""
    if events:
        lines = lines_of(events)
        changes.new_events += _count(connection, "insert_session_events", {"events": lines})
        connection.execute(sql("stage_nothing"))
        connection.execute(sql("move_sessions"), {"session_events": lines})


def _fold_skill_events(
    connection: duckdb.DuckDBPyConnection, events: Sequence[SkillEvent], changes: Changes
) -> None:
    connection.execute(sql("stage_events"), {"events": lines_of(events)})
    if any(event.kind == "superseded" for event in events):
        connection.execute(sql("insert_superseded"))
    _fold_staged(connection, changes)


def fold_lines(connection: duckdb.DuckDBPyConnection, text: str) -> Changes:
    """Apply lines of a journal as they stand, inside the caller's transaction.

    Raises:
        NeedsCloserLookError: a line is no skill event, is not as a session-buddy writes it, or belongs to a
            session in which skills were suggested. The transaction has to be rolled back.
    """
    try:
        connection.execute(sql("stage_events"), {"events": text})
    except (duckdb.ConversionException, duckdb.InvalidInputException) as error:
        raise NeedsCloserLookError(str(error)) from error
    odd, long_evidence = connection.execute(sql("needs_closer_look"), _AS_WRITTEN).fetchall()[0]
    measured = {"evidence": _evidence("{0,500}")}
    if odd or (long_evidence and connection.execute(sql("has_odd_evidence"), measured).fetchall()):
        raise NeedsCloserLookError("a line is none of the plain ones")
    changes = Changes()
    _fold_staged(connection, changes)
    return changes


def _fold_staged(connection: duckdb.DuckDBPyConnection, changes: Changes) -> None:
    connection.execute(sql("drop_known_events"))
    known, shared = connection.execute(sql("touched_uses")).fetchall()[0]
    connection.execute(sql("insert_skills"))
    if known:
        connection.execute(sql("stage_before"))
        move_totals(connection, changes)
    else:
        connection.execute(sql("stage_no_before"))
        connection.execute(sql("stage_after" if shared else "stage_after_alone"))
        changes.new_invocations += _count(connection, "insert_after")
        _move_by_difference(connection, changes)
    changes.new_events += _count(connection, "insert_events")
    connection.execute(sql("move_sessions"), {"session_events": ""})


def move_totals(connection: duckdb.DuckDBPyConnection, changes: Changes) -> None:
    """Compute the touched invocations from `staged` and the log, and move every total by the difference.

    `staged` holds the events that are not in the log yet, `before` the invocations as they are.
    """
    connection.execute(sql("stage_after"))
    changes.new_invocations += _count(connection, "insert_invocations")
    if _rows(connection, "count_before")[0][0]:
        connection.execute(sql("update_invocations"))
        connection.execute(sql("delete_vanished"))
    _move_by_difference(connection, changes)
    shifted = [row[0] for row in _rows(connection, "shifted_skills")]
    if shifted:
        connection.execute(sql("recount_skill_times"), {"skill_names": "\n".join(shifted)})


def _move_by_difference(connection: duckdb.DuckDBPyConnection, changes: Changes) -> None:
    connection.execute(sql("stage_difference"))
    connection.execute(sql("queue_difference"))
    connection.execute(sql("move_skill_metrics"))
    connection.execute(sql("move_session_skills"))
    connection.execute(sql("move_tallies"))
    changes.touched_skills.update(row[0] for row in _rows(connection, "touched_skills"))


def fold_catalogue(connection: duckdb.DuckDBPyConnection, events: Sequence[CatalogueEvent]) -> int:
    """Apply what is installed; returns the entries that changed."""
    if not events:
        return 0
    lines = lines_of(events)
    connection.execute(sql("insert_catalogued_skills"), {"events": lines})
    return _count(connection, "move_catalogue", {"events": lines})


def lines_of(events: Iterable[JournalEvent]) -> str:
    """Events as lines of JSON, which DuckDB parses five times faster than one JSON list."""
    return "\n".join(map(to_line, events))


def _count(
    connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object] | None = None
) -> int:
    """Run a changing statement; how many rows it changed."""
    rows: list[tuple[int]] = connection.execute(sql(name), parameters).fetchall()
    return rows[0][0]


def _rows(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[str]]:
    return connection.execute(sql(name)).fetchall()
