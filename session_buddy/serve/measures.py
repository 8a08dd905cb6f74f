"""What the servers measure of themselves, for `/metrics`. Each object is thread-safe."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from session_buddy.live.counters import Histogram

REQUEST_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
DROP_REASONS: Final = (
    "slow",
    "message_too_big",
    "rate_limit",
    "too_many_clients",
    "unauthenticated",
    "invalid_token",
)
BROADCAST_BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25)


@dataclass(frozen=True, slots=True)
class Requests:
    """Tool calls so far: by (tool, outcome `ok` | `error`), and how long they took in seconds."""

    count: Mapping[tuple[str, str], int]
    seconds: Histogram


class RequestMeasures:
    """Counts the calls of MCP tools."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count: Counter[tuple[str, str]] = Counter()
        self._seconds = Histogram(REQUEST_BOUNDS)

    def expect(self, tools: Iterable[str]) -> None:
        """These tools may be called; they count 0 so far, so that a scraper sees their first call."""
        with self._lock:
            self._count.update({(tool, outcome): 0 for tool in tools for outcome in ("ok", "error")})

    def served(self, tool: str, seconds: float, *, ok: bool) -> None:
        """One call of a tool that exists was answered after so many seconds."""
        with self._lock:
            self._count[tool, "ok" if ok else "error"] += 1
            self._seconds.observe(seconds)

    def taken(self) -> Requests:
        """All calls so far."""
        with self._lock:
            return Requests(dict(self._count), self._seconds.copy())


class FeedMeasures:
    """Counts what the feed does. `clients` is set by the feed, on its loop."""

    def __init__(self, max_clients: int) -> None:
        """max_clients: how many subscribers the feed takes."""
        self.max_clients = max_clients
        self.clients = 0
        self._lock = threading.Lock()
        self._dropped: Counter[str] = Counter(dict.fromkeys(DROP_REASONS, 0))
        self._seconds = Histogram(BROADCAST_BOUNDS)

    def drop(self, reason: str) -> None:
        """A subscriber was dropped or refused."""
        with self._lock:
            self._dropped[reason] += 1

    def broadcast(self, seconds: float) -> None:
        """An update went out to all; it took so many seconds of the loop."""
        with self._lock:
            self._seconds.observe(seconds)

    def dropped(self) -> Mapping[str, int]:
        """Subscribers that were dropped or refused, by reason."""
        with self._lock:
            return dict(self._dropped)

    def broadcast_seconds(self) -> Histogram:
        """How long updates took."""
        with self._lock:
            return self._seconds.copy()
