"""What the benches of a team's store share: uses to fold, and the CPU of a server."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from session_buddy.models.events import SkillEvent
from session_buddy.models.ids import hashed_id_at
from session_buddy.models.values import Batch
from tests.support.postgres import PostgresServer

AT_ONCE = 5_000
SKILLS = 500
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def batches(count: int, seed: int = 20261122) -> Iterator[Batch]:
    """Uses over 500 skills in sessions of 20, of a hundred people; others with another seed.

    Ids are as of transcripts: those of events begin with the time of the use, those of uses do not.
    """
    rng = random.Random(seed)
    events: list[SkillEvent] = []
    for number in range(count):
        began = BEGAN + timedelta(seconds=20 * number)
        seconds = round(rng.lognormvariate(4, 1.2), 3)
        use = UUID(int=rng.getrandbits(128), version=4)
        events.append(
            SkillEvent(
                id=hashed_id_at(began, str(use)),
                kind="recorded",
                invocation_id=use,
                occurred_at=began + timedelta(seconds=seconds),
                skill_name=f"skill-{min(int(rng.paretovariate(0.7)), SKILLS) - 1:03}",
                session_id=f"session-{seed}-{number // 20}",
                source="transcript",
                authority=20,
                project=f"/home/dev/project-{number // 20 % 40}",
                user_id=f"user-{number // 20 % 100}",
                invoked_at=began,
                ended_at=began + timedelta(seconds=seconds),
                duration_seconds=seconds,
                outcome=rng.choice(("completed",) * 17 + ("failed",) * 2 + ("abandoned",)),
                outcome_source="inferred",
            )
        )
        if len(events) == AT_ONCE:
            yield Batch(tuple(events))
            events = []
    if events:
        yield Batch(tuple(events))


def server_seconds(server: PostgresServer) -> float:
    """CPU that the processes of a server have used, those that ended included, by /proc."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if str(server.pid) in (path.parent.name, fields[1]):
            total += int(fields[11]) + int(fields[12])
        if str(server.pid) == path.parent.name:
            total += int(fields[13]) + int(fields[14])
    return total / 100
