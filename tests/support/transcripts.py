"""Reading transcripts in tests: final invocations, as the record would hold them."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from session_buddy.ingest.transcripts import Reading, SessionTranscript
from session_buddy.live.merge import merge
from session_buddy.models.answers import Invocation
from session_buddy.models.events import JournalEvent, SkillEvent


def keep_query(text: str) -> tuple[str | None, str, int]:
    return None, f"hash of {len(text)}", len(text)


READING = Reading(keep_query)


def final(events: Iterable[JournalEvent]) -> list[Invocation]:
    """Invocations from events, each event counted once, in order of their beginning."""
    by_use: dict[UUID, dict[UUID, SkillEvent]] = defaultdict(dict)
    for event in events:
        if isinstance(event, SkillEvent):
            by_use[event.invocation_id].setdefault(event.id, event)
    merged = [merge(known.values()) for known in by_use.values()]
    return sorted(
        (one for one in merged if one is not None), key=lambda one: (one.invoked_at, str(one.invocation_id))
    )


def read_all(path: Path) -> list[JournalEvent]:
    return list(SessionTranscript(path, READING).read("session", to_end=True))
