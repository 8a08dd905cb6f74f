"""What is measured of the record itself."""

from dataclasses import dataclass
from datetime import datetime

from session_buddy.live.counters import Histogram
from session_buddy.models.values import Connections


@dataclass(frozen=True, slots=True)
class RecordMeasures:
    """What is measured of the record itself. pending_since: when what is pending began to wait, at least.

    unavailable: why the database takes nothing, one of `errors.UNAVAILABLE`; None while it answers.
    """

    fold_seconds: Histogram
    imported_invocations: int
    forgotten_events: int
    unreadable_lines: int
    pending_events: int
    pending_since: datetime | None
    connections: Connections
    unavailable: str | None
