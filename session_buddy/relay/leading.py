"""Leading in this process: the server runs in a thread, behind one end of a socket pair."""

import gc
import socket
import sys
import time
from collections.abc import Callable
from threading import Thread

from session_buddy.config import Settings
from session_buddy.errors import SessionBuddyError

_PROVEN_SECONDS = 5.0
Lead = Callable[[Settings, socket.socket], None]
"""Serves as the leader of a home until the other end of the socket closes, then leaves nothing behind.

It raises `SessionBuddyError` if it cannot start or cannot go on; the message is shown to the client.
"""


def lead_by_bootstrap(settings: Settings, first: socket.socket) -> None:
    """The leader of the product."""
    # Only who leads pays for the server's imports, which take longer than all else that a relay does.
    from session_buddy.bootstrap import lead

    lead(settings, first)


class Leadership:
    """One run of the leader in this process.

    connection: the relay's end of the pair; closing it ends the leader.

    Python's garbage collector rests until the leader serves: the imports make half a million objects that
    all stay, and looking through them again and again takes a tenth of the start.
    """

    def __init__(self, settings: Settings, lead: Lead) -> None:
        self.connection, self._first = socket.socketpair()
        self._began = time.monotonic()
        self._served = False
        self._error: BaseException | None = None
        self._settings = settings
        self._lead = lead
        self._thread = Thread(target=self._run, name="leader", daemon=True)
        gc.disable()
        self._thread.start()

    def serves(self) -> None:
        """The leader has greeted the relay, so everything that it needs is imported."""
        self._served = True
        gc.freeze()
        gc.enable()

    def ended(self, patience: float) -> bool:
        """Wait up to `patience` seconds for the end of the leader, and say whether it has ended."""
        self._thread.join(patience)
        return not self._thread.is_alive()

    def refusal(self) -> str | None:
        """Why it could not start or had to end, for a person; None if another start is worth trying at once.

        A server that began to serve and ended by a fault of its own is worth it.
        """
        if isinstance(self._error, SessionBuddyError):
            return str(self._error)
        if self._served and (self._error is None or time.monotonic() - self._began > _PROVEN_SECONDS):
            return None
        error = "it ended at once" if self._error is None else f"{type(self._error).__name__}: {self._error}"
        return f"session-buddy cannot start: {error}. `session-buddy doctor` looks for the cause."

    def _run(self) -> None:
        try:
            self._lead(self._settings, self._first)
        except SessionBuddyError as error:
            self._error = error
        except BaseException as error:  # noqa: BLE001 - the top of the leader; the relay tells the client
            import traceback  # an error of ours pays for it, not every start

            traceback.print_exc(file=sys.stderr)
            self._error = error
        finally:
            gc.enable()
            self._first.close()
