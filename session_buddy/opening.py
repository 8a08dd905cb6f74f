"""The services of a leader, opened while it already listens."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from session_buddy.errors import SessionBuddyError, StorageError
from session_buddy.models.values import Caller
from session_buddy.services import Services

_log = logging.getLogger(__name__)


class Opening:
    """Opens the services in a thread of its own, and keeps them open until `close`.

    What asks for them meanwhile waits. If they cannot be opened, `on_problem` is called: a leader that
    cannot serve must let others try.
    """

    def __init__(
        self, open_services: Callable[[], AbstractContextManager[Services]], patience: float = 0.0
    ) -> None:
        """open_services: what it takes to open them, and to close them again.

        patience: seconds from `serving` that the services which are made later let calls go before them.
        """
        self._patience = patience
        self._open = open_services
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[Services] = self._loop.create_future()
        self._closing = threading.Event()
        self._served = threading.Event()
        self._thread = threading.Thread(target=self._run, name="session-buddy-store", daemon=True)
        self._services: Services | None = None
        self._problem: SessionBuddyError | None = None
        self._stop: Callable[[], None] = lambda: None
        self._opens: list[Callable[[Services], None]] = []
        self._ready: list[Callable[[Services], None]] = []

    def start(self) -> None:
        """Begin to open."""
        self._thread.start()

    def on_problem(self, stop: Callable[[], None]) -> None:
        """Call `stop` if the services cannot be opened."""
        self._stop = stop

    def on_open(self, callback: Callable[[Services], None]) -> None:
        """Call back with the services once they are open."""
        self._opens.append(callback)

    def on_ready(self, callback: Callable[[Services], None]) -> None:
        """Call back with the services once all of them are made."""
        self._ready.append(callback)

    async def services(self) -> Services:
        """The services, once they are open; raises what kept them from it."""
        if self._services is not None:
            return self._services
        return await asyncio.shield(self._opened)

    def serving(self) -> None:
        """Calls can be served from now on: what no call waits for need not hold back any longer."""
        self._served.set()

    def wake(self) -> None:
        """A hook has written to a journal."""
        if self._services is not None:
            self._services.folder.wake()

    def left(self, caller: Caller) -> None:
        """A window has gone."""
        if self._services is not None:
            self._services.folder.session_left(self._services.recorder.session_of(caller))
            self._services.recorder.disconnected(caller)

    def close(self) -> None:
        """Close the services, everything that is acknowledged folded first."""
        self._closing.set()
        self._served.set()
        self._thread.join()
        if not self._opened.done():
            self._opened.cancel()

    def raise_problem(self) -> None:
        """Raise what kept the services from opening, if something did."""
        if self._problem is not None:
            raise self._problem

    def _run(self) -> None:
        try:
            with self._open() as services:
                self._services = services
                self._loop.call_soon_threadsafe(self._announce, services)
                self._served.wait()
                if not self._closing.wait(self._patience):
                    services.later()
                    self._loop.call_soon_threadsafe(self._call, self._ready, services)
                    self._look_around(services)
                self._closing.wait()
        except SessionBuddyError as error:
            self._give_up(error)
        except Exception as error:  # noqa: BLE001 - the top of a thread; who waits must hear of it
            _log.exception("the services could not be opened or closed")
            self._give_up(
                SessionBuddyError(
                    f"session-buddy could not open its record, by a fault of its own "
                    f"({type(error).__name__}: {error}). `session-buddy doctor` looks for known causes."
                )
            )

    def _look_around(self, services: Services) -> None:
        """See to what happened while nobody led; a team's server that is away does not end the leader."""
        try:
            services.folder.resume_unfinished()
            services.cataloguer.look()
        except StorageError as error:
            _log.warning("what happened while nobody led was not looked at: %s", error)

    def _give_up(self, error: SessionBuddyError) -> None:
        self._problem = error
        if not self._closing.is_set():
            self._loop.call_soon_threadsafe(self._fail, error)

    def _announce(self, services: Services) -> None:
        if not self._opened.done():
            self._opened.set_result(services)
        self._call(self._opens, services)

    @staticmethod
    def _call(callbacks: Iterable[Callable[[Services], None]], services: Services) -> None:
        for callback in callbacks:
            callback(services)

    def _fail(self, error: SessionBuddyError) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
            self._opened.exception()  # it is told however this ends; asyncio would add that nobody had asked
        self._stop()
