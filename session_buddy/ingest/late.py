"""What follows the sessions of agents, made when one is first followed.

That takes the readers of every agent that we know and the descriptions of all installed skills; a window's
first call needs none of it.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from session_buddy.models.events import JournalEvent
from session_buddy.models.protocols import LiveSpans, TranscriptReader

Followers = tuple[TranscriptReader, LiveSpans]
"""What reads agents' own files, and what takes the tool calls that hooks hand over."""


class LateFollowers:
    """A `TranscriptReader` and a `LiveSpans`."""

    def __init__(self, make: Callable[[], Followers]) -> None:
        """make: called once, by the thread that first needs one of them."""
        self._make = make
        self._lock = threading.Lock()
        self._known: Followers | None = None

    def read(self, session_id: str, path: str, hook: str | None = None) -> Sequence[JournalEvent]:
        """As `TranscriptReader.read`."""
        return self._made()[0].read(session_id, path, hook)

    def begin_again(self, path: str) -> None:
        """As `TranscriptReader.begin_again`."""
        self._made()[0].begin_again(path)

    def find(self, session_id: str) -> str | None:
        """As `TranscriptReader.find`."""
        return self._made()[0].find(session_id)

    def feed(self, session_id: str, calls: object, at: datetime) -> tuple[int, Sequence[JournalEvent]]:
        """As `LiveSpans.feed`."""
        return self._made()[1].feed(session_id, calls, at)

    def _made(self) -> Followers:
        with self._lock:
            if self._known is None:
                self._known = self._make()
            return self._known
