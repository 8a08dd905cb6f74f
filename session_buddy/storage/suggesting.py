"""Keeping what was suggested, and seeing which of it was taken."""

import json
from collections.abc import Iterator, Sequence

from session_buddy.models.events import JournalEvent, SkillEvent, SuggestedEvent
from session_buddy.storage.connections import Connection
from session_buddy.storage.experiments import fold_configs, fold_experiments
from session_buddy.storage.queries import sql


def fold_suggestions(connection: Connection, events: Sequence[JournalEvent]) -> int:
    """Apply suggestions and experiments inside the caller's transaction, after the batch's skill events.

    Returns how many events those were.
    """
    created = fold_configs(connection, events)
    suggested = [event for event in events if isinstance(event, SuggestedEvent)]
    if suggested:
        lines = "\n".join(_rows_of(suggested))
        connection.execute(sql("insert_catalogued_skills"), {"events": lines})
        connection.execute(sql("insert_suggestions"), {"rows": lines})
    told = (event for event in events if isinstance(event, SkillEvent | SuggestedEvent))
    sessions = sorted({event.session_id for event in told})
    touched = {"session_ids": "\n".join(sessions)}
    if sessions and connection.execute(sql("has_suggestions"), touched).fetchall():
        connection.execute(sql("attribute_suggestions"), touched)
    return created + len(suggested) + fold_experiments(connection, events, sessions)


def _rows_of(events: Sequence[SuggestedEvent]) -> Iterator[str]:
    """One line of JSON for each suggested skill."""
    for event in events:
        for position, skill in enumerate(event.skills, 1):
            yield json.dumps(
                {
                    "suggestion_id": str(event.id),
                    "position": position,
                    "skill_name": skill.skill_name,
                    "session_id": event.session_id,
                    "user_id": event.user_id,
                    "strategy": event.strategy,
                    "score": skill.score,
                    "propensity": skill.propensity,
                    "test_name": event.test_name,
                    "group_name": event.group_name,
                    "suggested_at": event.occurred_at.isoformat(),
                }
            )
