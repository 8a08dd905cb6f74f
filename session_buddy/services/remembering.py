"""Journaling what was suggested, a moment after the answer.

Whoever asks waits for nothing that is of use to others only: a suggestion that a crash loses is one
observation less, and no acknowledged write. Only what an experiment assigned is journaled before its answer.
"""

import logging
import threading
from collections import deque
from typing import Final

from session_buddy.errors import JournalError
from session_buddy.models.events import SuggestedEvent
from session_buddy.models.protocols import Journal

_MOMENT: Final = 0.05
"""Seconds that a suggestion may wait for others, which the disk then takes at once."""
_log = logging.getLogger(__name__)


class Remembering:
    """Appends events in a thread of its own. Thread-safe."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: deque[SuggestedEvent] = deque()
        self._appending = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to append what is given."""
        self._thread = threading.Thread(target=self._run, name="session-buddy-suggested", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Append what waits, and end the thread."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.flush()

    def remember(self, event: SuggestedEvent) -> None:
        """Append an event soon."""
        self._waiting.append(event)
        self._wake.set()

    def flush(self) -> None:
        """Append what waits now; what the disk does not take is logged and let go."""
        with self._appending:
            events = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not events:
                return
            try:
                self._journal.append(events)
            except JournalError as error:
                _log.error("%d suggestions could not be remembered: %s", len(events), error)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.wait()
            self._stopped.wait(_MOMENT)
            self._wake.clear()
            self.flush()
