"""What events change in what is known of uses: the events of recent uses, merged as they come."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from session_buddy.live.merge import merge
from session_buddy.live.moments import LIVE_FOR
from session_buddy.live.state import Change
from session_buddy.live.windows import Windows
from session_buddy.models.answers import Invocation
from session_buddy.models.events import SkillEvent
from session_buddy.models.protocols import SkillsStorageProtocol

KEPT_FOR: Final = timedelta(hours=24)
_USES_KEPT = 5_000


class _Use:
    """The events of one invocation that are in memory, and what they say together."""

    __slots__ = ("events", "merged")

    def __init__(self, events: Iterable[SkillEvent]) -> None:
        self.events = {event.id: event for event in events}
        self.merged: Invocation | None = merge(self.events.values())


class LiveUses:
    """The recent uses with their events; earlier ones are asked of the database. Not thread-safe."""

    def __init__(self, storage: SkillsStorageProtocol) -> None:
        """storage must be open when `changes` is called."""
        self._storage = storage
        self._uses: OrderedDict[UUID, _Use] = OrderedDict()
        self._asked_for: set[UUID] = set()

    def __contains__(self, invocation_id: UUID) -> bool:
        """Whether the events of a use are in memory."""
        return invocation_id in self._uses

    def forget(self, unknown: Iterable[UUID] = ()) -> None:
        """Begin anew. unknown: uses of the last day that the database has and the windows have not."""
        self._uses.clear()
        self._asked_for = set(unknown)

    def changes(self, events: Sequence[SkillEvent], windows: Windows, now: datetime) -> list[Change]:
        """What the events change, those of one use together; a known event changes nothing."""
        of_use: dict[UUID, list[SkillEvent]] = {}
        for event in events:
            of_use.setdefault(event.invocation_id, []).append(event)
        stored = self._stored(of_use, windows, now - KEPT_FOR)
        changes = []
        for invocation_id, new in of_use.items():
            use = self._uses.get(invocation_id)
            if use is None:
                fresh = {event.id for event in new}
                use = _Use(event for event in stored.get(invocation_id, ()) if event.id not in fresh)
                self._keep(invocation_id, use)
            unknown = [event for event in new if event.id not in use.events]
            if unknown:
                before = use.merged
                use.events.update((event.id, event) for event in unknown)
                use.merged = merge(use.events.values())
                live = any(is_live(event, now) for event in unknown)
                changes.append(Change(invocation_id, before, use.merged, live))
        return changes

    def _stored(
        self, of_use: Mapping[UUID, Sequence[SkillEvent]], windows: Windows, old: datetime
    ) -> Mapping[UUID, list[SkillEvent]]:
        """Earlier events of the uses that may have some, from the database.

        Every use that began in the last day is in the windows, so one that says that it began then and
        is not there is new.
        """
        asked = [
            invocation_id
            for invocation_id, new in of_use.items()
            if invocation_id not in self._uses
            and (invocation_id in windows or invocation_id in self._asked_for or not _began_since(old, new))
        ]
        self._asked_for.difference_update(asked)
        found: dict[UUID, list[SkillEvent]] = {}
        for event in self._storage.events_of(asked) if asked else ():
            found.setdefault(event.invocation_id, []).append(event)
        return found

    def _keep(self, invocation_id: UUID, use: _Use) -> None:
        self._uses[invocation_id] = use
        if len(self._uses) > _USES_KEPT:
            oldest, dropped = self._uses.popitem(last=False)
            if dropped.merged is None:
                self._asked_for.add(oldest)


def is_live(event: SkillEvent, now: datetime) -> bool:
    """Whether an event that arrives now tells of what happens, rather than of history."""
    return event.source != "import" and event.occurred_at >= now - LIVE_FOR


def _began_since(moment: datetime, events: Iterable[SkillEvent]) -> bool:
    return any(event.invoked_at is not None and event.invoked_at >= moment for event in events)
