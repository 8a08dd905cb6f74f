"""Bringing the roll-ups of what is learned up to the record: hours, users, pairs of skills, anomalies.

A fold leaves what it changed in `skill_change`. `learn` moves every roll-up by it and empties it, in one
transaction, so that each change counts exactly once whenever the process is killed.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from session_buddy.models.answers import Invocation
from session_buddy.models.events import AnomalyEvent, CategorisedEvent, JournalEvent
from session_buddy.models.findings import Placed
from session_buddy.storage.connections import Connection
from session_buddy.storage.queries import sql
from session_buddy.storage.rows import naive


def queue_use(connection: Connection, before: Invocation | None, after: Invocation | None) -> None:
    """Leave what one fold made of one use; nothing that the roll-ups count may be left out."""
    was, is_now = (_counted(use) if use is not None else None for use in (before, after))
    if was == is_now:
        return
    for sign, row in ((-1, was), (1, is_now)):
        if row is not None:
            connection.execute(sql("queue_use"), {"sign": sign, **row})


def learn(connection: Connection) -> bool:
    """Move every roll-up inside the caller's transaction; False if there was nothing to do."""
    if not connection.execute(sql("has_changes")).fetchall():
        return False
    connection.execute(sql("stage_changes"))
    connection.execute(sql("move_time_series"))
    connection.execute(sql("move_user_interactions"))
    if connection.execute(sql("has_lost_uses")).fetchall():
        connection.execute(sql("recount_user_times"))
    connection.execute(sql("stage_paths"))
    connection.execute(sql("move_session_counts"))
    connection.execute(sql("stage_pairs"))
    at = {"at": datetime.now(UTC).replace(tzinfo=None)}
    connection.execute(sql("move_dependencies"), at)
    connection.execute(sql("insert_dependencies"), at)
    connection.execute(sql("delete_changes"))
    return True


def fold_findings(connection: Connection, events: Sequence[JournalEvent]) -> int:
    """Apply anomalies and what the user said of skills; how many events those were."""
    count = 0
    for event in events:
        if isinstance(event, AnomalyEvent):
            _fold_anomaly(connection, event)
            count += 1
        elif isinstance(event, CategorisedEvent):
            _fold_category(connection, event)
            count += 1
    return count


def _fold_anomaly(connection: Connection, event: AnomalyEvent) -> None:
    know(connection, event.skill_name)
    resolved_at = naive(event.resolved_at) if event.resolved_at is not None else None
    row = event.model_dump(exclude={"v", "id", "occurred_at", "kind"})
    connection.execute(
        sql("insert_anomaly"), row | {"detected_at": naive(event.detected_at), "resolved_at": resolved_at}
    )
    if resolved_at is not None:
        end = {"anomaly_id": event.anomaly_id, "resolved_at": resolved_at, "resolution": event.resolution}
        connection.execute(sql("resolve_anomaly"), end)


def _fold_category(connection: Connection, event: CategorisedEvent) -> None:
    know(connection, event.skill_name)
    if event.category is not None:
        category = {"category": event.category, "description": "", "built_in": False}
        connection.execute(sql("insert_categories"), category)
        _overrule(connection, "category", event.category, event)
    if event.modality is not None:
        _overrule(connection, "modality", event.modality, event)


def _overrule(connection: Connection, kind: str, value: str, event: CategorisedEvent) -> None:
    """Take the word of the user, unless a later one is known."""
    at = naive(event.occurred_at)
    asked = {"skill_name": event.skill_name, "assigned_at": at, "value": value}
    if not connection.execute(sql(f"has_later_{kind}"), asked).fetchall():
        place(connection, kind, Placed(event.skill_name, value, 1.0, "user"), at)


def place(connection: Connection, kind: str, placed: Placed, at: datetime | None = None) -> None:
    """Put a skill into one category (kind `category`) or give it one modality, whatever it had.

    at: when the user said so, UTC and naive; None for a rule.
    """
    connection.execute(sql(f"delete_{kind}"), {"skill_name": placed.skill_name, "value": placed.value})
    connection.execute(sql(f"insert_{kind}"), asdict(placed) | {"assigned_at": at})


def know(connection: Connection, skill_name: str) -> None:
    """Make sure that a skill has the row that others reference."""
    if not connection.execute(sql("skill_is_known"), {"skill_name": skill_name}).fetchall():
        connection.execute(sql("insert_skill"), {"skill_name": skill_name})


def _counted(use: Invocation) -> dict[str, object]:
    return {
        "invocation_id": use.invocation_id,
        "skill_name": use.skill_name,
        "session_id": use.session_id,
        "user_id": use.user_id,
        "invoked_at": naive(use.invoked_at),
        "outcome": use.outcome,
        "duration_seconds": use.duration_seconds,
        "rating": use.rating,
    }
