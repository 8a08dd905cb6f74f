"""What must not be recorded again, because the user asked to forget it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from session_buddy.models.events import (
    AnomalyEvent,
    CatalogueEvent,
    CategorisedEvent,
    GateEvent,
    JournalEvent,
    OutcomeTold,
    SessionEvent,
    SkillEvent,
    StageEvent,
    SuggestedEvent,
)
from session_buddy.models.protocols import KeyedHash
from session_buddy.storage.connections import Connection
from session_buddy.storage.queries import sql

_Run = StageEvent | GateEvent
_Skill = SkillEvent | CatalogueEvent | SuggestedEvent | AnomalyEvent | CategorisedEvent | OutcomeTold
_Named = _Skill | SessionEvent | _Run


class Refusals:
    """The requests to forget, for looking events up. For the thread that writes."""

    def __init__(self, keyed_hash: KeyedHash) -> None:
        """keyed_hash: that of the requests' values."""
        self._hash = keyed_hash
        self._before: datetime | None = None
        self._named: dict[str, dict[str, datetime]] = {"session": {}, "skill": {}}

    def load(self, connection: Connection) -> None:
        """Read the requests anew."""
        self._before = None
        self._named = {"session": {}, "skill": {}}
        for scope, value, before in connection.execute(sql("requests_to_forget")).fetchall():
            if scope == "before":
                self._before = before.replace(tzinfo=UTC)
            else:
                self._named[scope][value] = before.replace(tzinfo=UTC)

    def names_behind(self, value: str, names: Iterable[str]) -> list[str]:
        """Those of the names that a request's value stands for."""
        return [name for name in names if self._hash(name) == value]

    @property
    def any(self) -> bool:
        """Whether there is any request."""
        return self._before is not None or any(self._named.values())

    def keep(self, events: Sequence[JournalEvent]) -> list[JournalEvent]:
        """The events that no request covers."""
        if not self.any:
            return list(events)
        limits: dict[tuple[str, str], datetime | None] = {}
        return [event for event in events if not self._covers(event, limits)]

    def _covers(self, event: JournalEvent, limits: dict[tuple[str, str], datetime | None]) -> bool:
        if not isinstance(event, _Named):
            return False
        if self._before is not None and event.began < self._before:
            return True
        for scope, name in _names_of(event):
            if (scope, name) not in limits:
                requests = self._named[scope]
                limits[scope, name] = requests.get(self._hash(name)) if requests else None
            limit = limits[scope, name]
            if limit is not None and event.occurred_at < limit:
                return True
        return False


def _names_of(event: _Named) -> list[tuple[str, str]]:
    names: list[tuple[str, str]] = []
    if isinstance(event, _Run):
        return [("session", event.session_id)] if event.session_id else names
    if isinstance(event, SkillEvent | SessionEvent | SuggestedEvent | OutcomeTold) and event.session_id:
        names.append(("session", event.session_id))
    if isinstance(event, SuggestedEvent):
        names.extend(("skill", skill.skill_name) for skill in event.skills)
    elif not isinstance(event, SessionEvent) and event.skill_name:
        names.append(("skill", event.skill_name))
    return names
