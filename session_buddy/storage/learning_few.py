"""Bringing the roll-ups up to the few changes that somebody waits for, one row after the other.

DuckDB plans the statements of `learning.learn` for longer than it takes to move the rows of one use, and
every answer that reads a roll-up has to have them moved first. The rule is the same; the tests send random
changes both ways.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final, NamedTuple
from uuid import UUID

from session_buddy.storage import learning
from session_buddy.storage.connections import Connection
from session_buddy.storage.queries import sql

FEW: Final = 4
"""Changes from which on the statements for many take less; a use that is recorded whole is one."""
_LONGEST_PATH: Final = 5_000
"""Uses of a session from which on its path is better compared in the database."""


_PAIR: Final = ("skill_a", "skill_b", "session_count", "a_before_b_count", "b_before_a_count")
_Pair = tuple[str, str]


class _Change(NamedTuple):
    sign: int
    invocation_id: UUID
    skill_name: str
    session_id: str
    user_id: str | None
    invoked_at: datetime
    outcome: str | None
    duration_seconds: float | None
    rating: int | None


class _Use(NamedTuple):
    """A use in the path of its session."""

    invocation_id: UUID
    skill_name: str
    invoked_at: datetime


def learn(connection: Connection) -> bool:
    """Move every roll-up inside the caller's transaction; False if there was nothing to do."""
    return learn_few(connection) or learning.learn(connection)


def learn_few(connection: Connection) -> bool:
    """The same if few changes are all that there is; else nothing is done, and False."""
    found = connection.execute(sql("first_changes"), {"most": FEW + 1}).fetchall()
    if not 0 < len(found) <= FEW:
        return False
    changes = _left(connection, [_Change(*row) for row in found])
    paths = _paths(connection, changes)
    if paths is None or _are_lost(changes):
        return False
    _move_hours(connection, changes)
    _move_interactions(connection, changes)
    _move_session_counts(connection, paths)
    _move_pairs(connection, paths)
    connection.execute(sql("delete_changes"))
    return True


def _left(connection: Connection, changes: Iterable[_Change]) -> list[_Change]:
    """What does not cancel out. A skill that was forgotten has no row to move."""
    signs: Counter[tuple[Any, ...]] = Counter()
    for sign, *rest in changes:
        signs[tuple(rest)] += sign
    known = {
        name: bool(connection.execute(sql("skill_is_known"), {"skill_name": name}).fetchall())
        for name in {row[1] for row in signs}
    }
    return [_Change(sign, *row) for row, sign in signs.items() if sign and known[row[1]]]


def _are_lost(changes: Iterable[_Change]) -> bool:
    """Whether any use went, or is of another time, skill or user now: the last use is looked for then."""
    left: Counter[tuple[object, ...]] = Counter()
    for change in changes:
        left[change.user_id or "", change.skill_name, change.invoked_at] += change.sign
    return any(count < 0 for count in left.values())


class _Path(NamedTuple):
    """What a session uses, in order, and what it used before the changes."""

    present: Sequence[_Use]
    past: Sequence[_Use]


def _paths(connection: Connection, changes: Iterable[_Change]) -> list[_Path] | None:
    """The paths of the touched sessions; None if one is long."""
    moved: dict[str, Counter[_Use]] = defaultdict(Counter)
    for change in changes:
        use = _Use(change.invocation_id, change.skill_name, change.invoked_at)
        moved[change.session_id][use] += change.sign
    paths = []
    for session_id, signs in moved.items():
        moves = {use: sign for use, sign in signs.items() if sign}
        if not moves:
            continue
        asked = {"session_id": session_id, "most": _LONGEST_PATH + 1}
        present = [_Use(*row) for row in connection.execute(sql("path_of_session"), asked).fetchall()]
        if len(present) > _LONGEST_PATH:
            return None
        ids = {use.invocation_id for use in moves}
        past = [use for use in present if use.invocation_id not in ids]
        past += [use for use, sign in moves.items() if sign < 0]
        paths.append(_Path(_in_order(present), _in_order(past)))
    return paths


def _in_order(uses: Iterable[_Use]) -> list[_Use]:
    return sorted(uses, key=lambda use: (use.invoked_at, use.invocation_id.bytes))


def _skills(uses: Iterable[_Use]) -> set[str]:
    return {use.skill_name for use in uses}


def _move_hours(connection: Connection, changes: Iterable[_Change]) -> None:
    hours: dict[tuple[str, datetime], list[_Change]] = defaultdict(list)
    for change in changes:
        hour = change.invoked_at.replace(minute=0, second=0, microsecond=0)
        hours[change.skill_name, hour].append(change)
    for (skill_name, hour), moved in hours.items():
        outcomes = Counter[str | None]()
        for change in moved:
            outcomes[change.outcome] += change.sign
        took = [(change.sign, change.duration_seconds) for change in moved]
        timed = [(sign, seconds, math.log(1 + seconds)) for sign, seconds in took if seconds is not None]
        row = {
            "skill_name": skill_name,
            "bucket_start": hour,
            "invocation_count": sum(change.sign for change in moved),
            "completed_count": outcomes["completed"],
            "failed_count": outcomes["failed"],
            "abandoned_count": outcomes["abandoned"],
            "duration_count": sum(sign for sign, _, _ in timed),
            "duration_sum": sum((sign * seconds for sign, seconds, _ in timed), 0.0),
            "log_duration_sum": sum((sign * value for sign, _, value in timed), 0.0),
            "log_duration_sum_of_squares": sum((sign * value * value for sign, _, value in timed), 0.0),
        }
        _move(connection, "move_hour", "insert_hour", row)


def _move_interactions(connection: Connection, changes: Iterable[_Change]) -> None:
    """Who uses what; a use without a user counts for the user without a name."""
    users: dict[tuple[str, str], list[_Change]] = defaultdict(list)
    for change in changes:
        users[change.user_id or "", change.skill_name].append(change)
    for (user_id, skill_name), moved in users.items():
        row = {
            "user_id": user_id,
            "skill_name": skill_name,
            "invocation_count": sum(change.sign for change in moved),
            "decided_count": sum(change.sign for change in moved if change.outcome is not None),
            "completed_count": sum(change.sign for change in moved if change.outcome == "completed"),
            "rating_count": sum(change.sign for change in moved if change.rating is not None),
            "rating_sum": sum(change.sign * (change.rating or 0) for change in moved),
            "last_invoked_at": max(change.invoked_at for change in moved),
        }
        _move(connection, "move_interaction", "insert_interaction", row)


def _move_session_counts(connection: Connection, paths: Iterable[_Path]) -> None:
    used, came_first = Counter[str](), Counter[str]()
    for path in paths:
        for skills, sign in ((_skills(path.present), 1), (_skills(path.past), -1)):
            for skill in skills:
                used[skill] += sign
            if skills:
                came_first[min(skills)] += sign
    for skill in sorted(used):
        if used[skill] or came_first[skill]:
            row = {"skill_name": skill, "session_count": used[skill], "first_count": came_first[skill]}
            _move(connection, "move_session_count", "insert_session_count", row)


def _move_pairs(connection: Connection, paths: Iterable[_Path]) -> None:
    met, steps = Counter[_Pair](), Counter[_Pair]()
    for path in paths:
        met.update(_met(path.present, path.past))
        met.subtract(_met(path.past, path.present))
        steps.update(_steps(path.present))
        steps.subtract(_steps(path.past))
    lines = []
    for one, two in sorted(met.keys() | {(min(step), max(step)) for step in steps}):
        counts = met[one, two], steps[one, two], steps[two, one]
        if any(counts):
            lines.append(json.dumps(dict(zip(_PAIR, (one, two, *counts), strict=True))))
    if lines:
        connection.execute(sql("stage_few_pairs"), {"pairs": "\n".join(lines)})
        at = {"at": datetime.now(UTC).replace(tzinfo=None)}
        connection.execute(sql("move_dependencies"), at)
        connection.execute(sql("insert_dependencies"), at)


def _met(uses: Iterable[_Use], others: Iterable[_Use]) -> set[_Pair]:
    """The pairs of a path that others have not: those with a skill that came to the session, or left it."""
    skills = _skills(uses)
    moved = skills - _skills(others)
    return {(min(one, two), max(one, two)) for one in moved for two in skills if one != two}


def _steps(uses: Iterable[_Use]) -> list[_Pair]:
    """Which skill directly followed which, where they differ."""
    return [(one, two) for one, two in pairwise(use.skill_name for use in uses) if one != two]


def _move(connection: Connection, update: str, insert: str, row: Mapping[str, object]) -> None:
    changed: list[tuple[int]] = connection.execute(sql(update), row).fetchall()
    if not changed[0][0]:
        connection.execute(sql(insert), row)
