"""Seeing that a server has fallen silent, for those who wait for it.

A network that swallows what it is given breaks nothing off, and acknowledges perhaps what nobody reads; so
neither the driver nor the kernel ends the waiting. While somebody waits for long, the server is asked over a
connection of its own: if that gets no answer either, the sockets of all who wait are shut, and each hears
that the server is gone. A statement that only takes long goes on.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from os import dup

from psycopg import Connection, OperationalError
from psycopg.pq import ConnStatus, ExecStatus

from session_buddy.errors import StorageError
from session_buddy.storage.postgres_address import CONNECT_SECONDS
from session_buddy.storage.postgres_failures import ANSWERS_NOTHING, FELL_SILENT, ServerGone

PATIENCE_SECONDS = 2.0
"""How long somebody waits before the server is asked whether it is there, and until it is asked again."""
_POLL_SECONDS = 0.05


class Watch:
    """Watches who waits for one server, in a thread that begins with the first of them. Thread-safe."""

    def __init__(self, connect: Callable[[], Connection[tuple[object, ...]]]) -> None:
        """connect: makes a connection of its own, or raises `StorageError`; takes a few seconds at most."""
        self._connect = connect
        self._said = FELL_SILENT
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[float, Connection[tuple[object, ...]]]] = {}
        self._shut_ones: set[int] = set()
        self._begun = threading.Event()
        self._ending = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._ends_at: float | None = None

    @contextmanager
    def over(self, raw: Connection[tuple[object, ...]]) -> Iterator[None]:
        """Watch a connection while it is used.

        Raises:
            OperationalError: the waiting was ended.
        """
        with self._lock:
            self._waiting[id(raw)] = (time.monotonic(), raw)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="session-buddy-watch", daemon=True)
                self._thread.start()
        if not self._begun.is_set():
            self._begun.set()
        try:
            yield
        except OperationalError:
            if id(raw) not in self._shut_ones:
                raise
            raise OperationalError(self._said) from None
        finally:
            with self._lock:
                del self._waiting[id(raw)]
                self._shut_ones.discard(id(raw))

    @property
    def ended(self) -> bool:
        """Whether nobody shall wait any more."""
        return self._ends_at is not None and time.monotonic() >= self._ends_at

    def end(self, seconds: float) -> None:
        """Let nobody wait for longer than so many seconds from now on."""
        self._ends_at = time.monotonic() + seconds
        self._ending.set()

    def close(self) -> None:
        """End the thread; a later use begins another."""
        with self._lock:
            thread, self._thread = self._thread, None
        for event in (self._closing, self._ending, self._begun):
            event.set()
        if thread is not None:
            thread.join()
        for event in (self._closing, self._ending, self._begun):
            event.clear()
        self._ends_at = None

    def _run(self) -> None:
        while not self._closing.is_set():
            self._begun.clear()
            oldest = self._oldest()
            if oldest is None:
                self._begun.wait()
                continue
            self._look(oldest)

    def _look(self, oldest: float) -> None:
        """Wait until who has waited longest has waited for long, and see to that."""
        now = time.monotonic()
        if self._ends_at is not None:
            if now >= self._ends_at:
                self._said = FELL_SILENT
                self._shut(now)
            self._closing.wait(max(self._ends_at - now, _POLL_SECONDS))
        elif now < oldest + PATIENCE_SECONDS:
            self._ending.wait(oldest + PATIENCE_SECONDS - now)
        else:
            problem = unanswered(self._connect)
            if problem:
                self._said = problem
                self._shut(now)
            self._ending.wait(PATIENCE_SECONDS)

    def _oldest(self) -> float | None:
        with self._lock:
            return min((began for began, _ in self._waiting.values()), default=None)

    def _shut(self, before: float) -> None:
        """End the waiting of those who began before an instant."""
        with self._lock:
            for began, raw in self._waiting.values():
                if began <= before and not raw.closed:
                    self._shut_ones.add(id(raw))
                    with suppress(OSError), socket.socket(fileno=dup(raw.fileno())) as end:
                        end.shutdown(socket.SHUT_RDWR)


def unanswered(connect: Callable[[], Connection[tuple[object, ...]]]) -> str:
    """Why a server does not answer over a connection of its own; empty if it does."""
    try:
        raw = connect()
    except StorageError as error:
        return FELL_SILENT if isinstance(error, ServerGone) else ""
    try:
        raw.pgconn.send_query(b"SELECT 1")
        return refusal(raw) if says_something(raw, CONNECT_SECONDS) else ANSWERS_NOTHING
    except OperationalError:  # it has gone meanwhile, as those who wait are told by their own connections
        return ""
    finally:
        raw.close()


class Ended(BaseException):
    """A connection that was idle is none any more; no `Exception`, after which the pool tries on for long."""


def check_alive(raw: Connection[tuple[object, ...]]) -> None:
    """See, by its socket and without a question, that a connection that was idle still is one.

    One that is none is closed: the pool takes what is not for whole, puts it back, and lends it again.

    Raises:
        Ended: the server has closed it.
    """
    if raw.closed or raw.pgconn.status != ConnStatus.OK or says_something(raw, 0):
        raw.close()
        raise Ended


def says_something(raw: Connection[tuple[object, ...]], seconds: float) -> bool:
    """Whether the server does within so many seconds; an idle one says nothing unless it is going.

    `select` would refuse a descriptor above 1,023.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(raw.fileno(), selectors.EVENT_READ)
        return bool(selector.select(seconds))


def refusal(raw: Connection[tuple[object, ...]]) -> str:
    """What is said instead of an answer, by PgBouncer for a server that it has lost; empty if it is one."""
    raw.pgconn.consume_input()
    if raw.pgconn.is_busy():
        return ""
    result = raw.pgconn.get_result()
    if result is None or result.status == ExecStatus.TUPLES_OK:
        return ""
    return result.error_message.decode(errors="replace").strip()
