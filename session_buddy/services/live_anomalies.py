"""The anomalies of the live state: whoever looks sees what was acknowledged, as an answer from SQL does.

The other events are merged by a thread of the live record's own, some milliseconds after they came; a
subscriber that was told so late would still show what a tool has just said is over. There are few anomalies
and nothing to merge, so a reader takes what is waiting itself. Only while the database is read does it wait:
what was raised or resolved meanwhile goes on top of what was read.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from session_buddy.live.moments import LIVE_FOR
from session_buddy.live.state import LiveState
from session_buddy.models.answers import ActiveAnomaly
from session_buddy.models.events import AnomalyEvent


class LiveAnomalies:
    """What is raised until it is resolved. For whoever holds the live record's lock, but for `noted`."""

    def __init__(self, state: LiveState) -> None:
        """Nothing is taken before `loaded` says what the database has."""
        self._state = state
        self._waiting: deque[AnomalyEvent] = deque()
        self._resolved: set[UUID] = set()
        self._loading = True

    @property
    def settled(self) -> bool:
        """Whether nothing is waiting."""
        return not self._waiting

    def noted(self, event: AnomalyEvent) -> None:
        """An event was acknowledged; called by any thread."""
        self._waiting.append(event)

    def clear(self) -> None:
        """Forget what is waiting; called by any thread."""
        self._waiting.clear()

    def load(self) -> None:
        """The database is about to be read: what is acknowledged from now on may not be in what it gives."""
        self._loading = True

    def loaded(self, anomalies: Iterable[ActiveAnomaly]) -> None:
        """Take what the database has, and what came meanwhile with the next look."""
        self._state.set_anomalies(anomalies)
        self._loading = False

    def take(self, now: datetime) -> None:
        """Show what is raised until it is resolved, in whatever order the two arrive."""
        if self._loading or not self._waiting:
            return
        events = [self._waiting.popleft() for _ in range(len(self._waiting))]
        self._resolved.update(event.anomaly_id for event in events if event.kind == "anomaly_resolved")
        for event in events:
            anomaly = ActiveAnomaly(**{name: getattr(event, name) for name in ActiveAnomaly.model_fields})
            if event.anomaly_id in self._resolved:
                self._state.resolve_anomaly(anomaly)
            else:
                self._state.raise_anomaly(anomaly, live=event.occurred_at >= now - LIVE_FOR)
