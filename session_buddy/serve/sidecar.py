"""What the leader serves besides MCP: the feed, the live page and the metrics, on its own event loop.

It never gets into the way of the MCP server: its imports run in a thread after the services are open, and
a port that another program has is said once, shown by `status`, and tried again until it is free.
"""

import asyncio
import importlib
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.models.protocols import Clock
from session_buddy.serve.measures import RequestMeasures
from session_buddy.services.live_record import LiveRecord

if TYPE_CHECKING:
    from session_buddy.serve.metrics import Source

RETRY_SECONDS: Final = 3.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the sidecar serves from.

    requests: the calls of MCP tools. relays: how many windows are connected. sources: further metrics,
    over those that are here already.
    """

    live: LiveRecord
    clock: Clock
    requests: RequestMeasures
    relays: Callable[[], int]
    sources: "Sequence[Source]" = ()


@dataclass(slots=True)
class Served:
    """How it goes. url: of the live page, while it is served. problems: port -> why it is not served."""

    url: str | None = None
    problems: dict[int, str] = field(default_factory=dict)
    listening: asyncio.Event = field(default_factory=asyncio.Event)


class Sidecar:
    """Serves until `run` is cancelled. Belongs to the event loop; `notices` may be read from any thread."""

    def __init__(self, settings: Settings, parts: Parts, retry_seconds: float = RETRY_SECONDS) -> None:
        """retry_seconds: when to try a port again that another program has."""
        self._settings = settings
        self._parts = parts
        self._retry_seconds = retry_seconds
        self.served = Served()

    def notices(self) -> list[str]:
        """What a person should know, each with its remedy."""
        return list(self.served.problems.values())

    async def run(self, delay: float = 0.0) -> None:
        """Serve, after so many seconds; returns at once if nothing is to be served, or if it must not be."""
        if not self._settings.port:
            return
        await asyncio.sleep(delay)
        # Tens of milliseconds of imports, which no window's first answer should wait for.
        ports = await asyncio.to_thread(importlib.import_module, "session_buddy.serve.ports")
        try:
            await ports.serve_ports(self._settings, self._parts, self.served, self._retry_seconds)
        except ConfigurationError as error:
            self.served.problems[self._settings.port] = f"The live feed is not served: {error}"
            say(f"the live feed is not served: {error}")
        except Exception:
            # The top of the sidecar: whatever it is, the MCP server goes on without it.
            _log.exception("the live feed ended with an error")
            raise


def say(sentence: str) -> None:
    """Tell the person at the terminal, in one line: what the MCP SDK does with log records breaks it up."""
    sys.stderr.write(f"session-buddy: {sentence}\n")
    sys.stderr.flush()
