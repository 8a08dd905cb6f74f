"""Knowing which skills are installed, used or not."""

import threading
from collections.abc import Sequence

from session_buddy.models.events import CatalogueEvent
from session_buddy.models.ids import time_ordered_id
from session_buddy.models.protocols import CatalogueScanner, Clock, Journal
from session_buddy.services.record import Record

_Key = tuple[str, str, str]


class Cataloguer:
    """Journals what changed among the installed skills. Thread-safe."""

    def __init__(self, record: Record, journal: Journal, scan: CatalogueScanner, clock: Clock) -> None:
        """record must be over an open storage."""
        self._record = record
        self._journal = journal
        self._scan = scan
        self._clock = clock
        self._lock = threading.Lock()

    def look(self, project: str | None = None) -> int:
        """Compare what is installed for the user, and in a project if given, with the record.

        Returns how many skills appeared, changed or went.
        """
        with self._lock:
            self._record.catch_up()
            known = {
                _key(event): event
                for event in self._record.storage.catalogue_events()
                if event.scope != "project" or event.project == project
            }
            found = {_key(event): event for event in self._scan(project)}
            changes = [
                event for key, event in found.items() if key not in known or _differs(event, known[key])
            ]
            changes += [
                self._removed(event)
                for key, event in known.items()
                if key not in found and event.kind == "skill_installed"
            ]
            self._journal.append(self._dated(changes))
        return len(changes)

    def _removed(self, event: CatalogueEvent) -> CatalogueEvent:
        return event.model_copy(update={"kind": "skill_removed"})

    def _dated(self, changes: Sequence[CatalogueEvent]) -> list[CatalogueEvent]:
        """Each change is an event of its own, so that a skill that comes back is seen to come back."""
        now = self._clock()
        return [event.model_copy(update={"id": time_ordered_id(), "occurred_at": now}) for event in changes]


def _key(event: CatalogueEvent) -> _Key:
    return (event.skill_name, event.scope, event.project or "")


def _differs(found: CatalogueEvent, known: CatalogueEvent) -> bool:
    return (found.kind, found.description) != (known.kind, known.description)
