"""A day as a busy developer's record might show it, made up by a seeded generator."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from session_buddy.models.events import AnomalyEvent, SkillEvent
from tests.support.live import ended_now

_SKILLS = {
    # uses, share completed, usual seconds
    "code-review": (64, 0.94, 58.0),
    "test-first": (47, 0.83, 140.0),
    "commit-message": (41, 0.98, 6.0),
    "db-migrate": (18, 0.56, 210.0),
    "frontend:component": (16, 0.88, 95.0),
    "release-notes": (9, 1.0, 33.0),
    "explain-error": (8, 0.75, 18.0),
    "deploy-preview": (6, 0.5, 320.0),
    "changelog-polisher": (3, 0.0, 2.0),
}
_PROJECTS = ("/home/ada/webshop", "/home/ada/billing", "/home/ada/notes")
_PHASES = {"test-first": "verification", "deploy-preview": "deployment", "db-migrate": "execution"}
_ERRORS = ("exit_code", "timeout", "check_failed")


def recorded_day(now: datetime | None = None) -> list[SkillEvent]:
    """Uses of the 23 hours before `now`, oldest first."""
    chance = random.Random(7)
    now = now or datetime.now(UTC)
    events = []
    for skill, (uses, share, seconds) in _SKILLS.items():
        for number in range(uses):
            hours = min(abs(chance.gauss(4, 3)), chance.uniform(0.02, 23))
            completed = number >= uses * (1 - share)
            events.append(
                ended_now(
                    skill,
                    now=now - timedelta(hours=hours),
                    id=UUID(int=chance.getrandbits(128)),
                    invocation_id=UUID(int=chance.getrandbits(128)),
                    session_id=f"session-{int(hours * 1.5)}",
                    project=chance.choice(_PROJECTS),
                    duration_seconds=round(seconds * chance.lognormvariate(0, 0.5), 1),
                    outcome="completed" if completed else chance.choice(("failed", "failed", "abandoned")),
                    outcome_source=chance.choice(("inferred", "inferred", "reported")),
                    error_type=None if completed else chance.choice(_ERRORS),
                    workflow_phase=_PHASES.get(skill, "unknown"),
                )
            )
    return sorted(events, key=lambda event: event.occurred_at)


def anomaly_event(skill_name: str = "db-migrate", **fields: Any) -> AnomalyEvent:
    """An anomaly that was found just now."""
    values: dict[str, Any] = {
        "id": uuid4(),
        "occurred_at": datetime.now(UTC),
        "kind": "anomaly_raised",
        "anomaly_id": uuid4(),
        "skill_name": skill_name,
        "anomaly_type": "performance_drop",
        "measure": "completion",
        "method": "cusum",
        "baseline_value": 0.91,
        "observed_value": 0.56,
        "deviation_score": -5.3,
        "sample_count": 40,
        "detected_at": datetime.now(UTC),
    }
    return AnomalyEvent(**values | fields)
