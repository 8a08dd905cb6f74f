"""What is looked up for who records: an agent waits for a server that has gone once, and briefly."""

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from session_buddy.errors import SessionBuddyError, StorageError
from session_buddy.services.record import Record

RECORD_SECONDS = 2.0
"""How long a record waits for a server; one that is silent is not asked again before a fold succeeds."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


def briefly(record: Record, ask: Callable[[], _T], otherwise: _T) -> _T:
    """What the store says; `otherwise` if it cannot say, or is on a server and does not say it in time."""
    if not record.database.answers:
        return otherwise
    try:
        return _within(RECORD_SECONDS, ask) if record.storage.remote else ask()
    except StorageError as error:
        if record.storage.remote:
            record.database.failed(error)
        _log.warning("what was recorded was not looked up: %s", error)
        return otherwise


def _within(seconds: float, ask: Callable[[], _T]) -> _T:
    found: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(ask())
        except SessionBuddyError as error:
            failed.append(error)

    asking = threading.Thread(target=run, name="session-buddy-look-up", daemon=True)
    asking.start()
    asking.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise StorageError(f"The team's store has not answered within {seconds:g} s.", "silent")
    return found[0]
