"""Times as whole microseconds since 1970 in UTC: quick to compare, and exact. And how long ago is now."""

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LIVE_FOR: Final = timedelta(hours=1)
"""An event that happened longer ago than this when it arrives is history that somebody imports."""
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """An aware time in microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(value: int) -> datetime:
    """The time, in UTC."""
    return _EPOCH + timedelta(microseconds=value)
