"""One connection to a leader: two threads, so that neither side's slowness blocks the other direction."""

import json
import os
import socket
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple

from session_buddy import __version__
from session_buddy.config import Settings
from session_buddy.relay.election import leader_notice
from session_buddy.wire import MAX_FRAME_BYTES, PING, WIRE, Frames, greeting, own_line

_CONNECT_SECONDS = 1.0
_READ_BYTES = 256 * 1024
_WITHOUT_WAITING: int = getattr(socket, "MSG_DONTWAIT", 0)  # Windows has none: there the thread writes


class Greeted(NamedTuple):
    """The leader took the connection."""

    link: "Link"


class Refused(NamedTuple):
    """The leader does not take the connection; message: its reason, for a person."""

    link: "Link"
    message: str


class Lost(NamedTuple):
    """The connection is over."""

    link: "Link"


Event = Greeted | Refused | Lost


def connect(settings: Settings) -> tuple[socket.socket, str | None]:
    """A connection to the leader's local socket, and the token that its greeting needs, if any.

    Raises:
        OSError: nobody listens there (yet, or any more).
    """
    notice = leader_notice(settings)
    if notice.get("transport", settings.transport) == "tcp":
        return _connect_tcp(str(notice.get("address", settings.token_file)))
    paths = dict.fromkeys([str(notice.get("address", settings.socket)), settings.socket])
    for path in paths:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            problem = error
        else:
            connection.settimeout(None)
            return connection, None
    raise problem


def _connect_tcp(token_file: str) -> tuple[socket.socket, str]:
    try:
        with open(token_file, "rb") as file:
            about = json.loads(file.read(65536))
        port, token = int(about["port"]), str(about["token"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConnectionRefusedError(f"{token_file} does not name a port and a token") from error
    connection = socket.create_connection(("127.0.0.1", port), timeout=_CONNECT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(None)
    return connection, token


class Link:
    """A connection in use.

    Calls `on_event` from its own threads: `Greeted` or `Refused` first (or neither), `Lost` once and last.
    Calls `on_line` with each line that is for the client.
    """

    def __init__(
        self,
        connection: socket.socket,
        on_event: Callable[[Event], None],
        on_line: Callable[["Link", bytes], None],
    ) -> None:
        self._connection = connection
        self._on_event = on_event
        self._on_line = on_line
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self._sending = Lock()
        self._queued = 0
        self.heard = time.monotonic()
        self.leader: dict[str, Any] = {}

    def start(self, token: str | None) -> None:
        """Greet the leader and begin to read."""
        more = {"cwd": _working_directory(), "session": os.environ.get("CLAUDE_CODE_SESSION_ID") or None}
        if token is not None:
            more["token"] = token
        self.send(greeting("relay", __version__, **more))
        Thread(target=self._write_all, name="to leader", daemon=True).start()
        Thread(target=self._read_all, name="from leader", daemon=True).start()

    def send(self, line: bytes) -> None:
        """Send one line without waiting, or queue what the leader does not take now; lost if it is lost.

        Waking a thread for each line would cost a call a tenth of its time.
        """
        data = line + b"\n"
        with self._sending:
            if not self._queued:
                data = data[self._send_now(data) :]
            if data:
                self._queued += 1
                self._outbox.put(data)

    def _send_now(self, data: bytes) -> int:
        """How many bytes the connection took at once; the writing thread meets what is wrong with it."""
        try:
            return self._connection.send(data, _WITHOUT_WAITING) if _WITHOUT_WAITING else 0
        except OSError:
            return 0

    def ping(self) -> None:
        """Ask the leader for a sign of life; any line of it sets `heard`."""
        self.send(PING)

    def close(self) -> None:
        """End the connection; `Lost` follows."""
        self._outbox.put(None)
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other side was faster

    def _write_all(self) -> None:
        try:
            while (data := self._outbox.get()) is not None:
                self._connection.sendall(data)
                del data  # up to 64 MB, which would wait here for the next line that has to queue
                with self._sending:
                    self._queued -= 1
        except OSError:
            return  # the reading thread sees the same and tells of it

    def _read_all(self) -> None:
        frames = Frames(MAX_FRAME_BYTES * 2)
        try:
            while data := self._connection.recv(_READ_BYTES):
                self.heard = time.monotonic()
                for line in frames.feed(data):
                    self._take(line or b"")
        except OSError:
            pass
        finally:
            self._outbox.put(None)
            self._connection.close()
            self._on_event(Lost(self))

    def _take(self, line: bytes) -> None:
        own = own_line(line)
        if own is None:
            if line and self.leader:
                self._on_line(self, line)
        elif not self.leader:
            self._greeted(own)

    def _greeted(self, greeting: dict[str, Any]) -> None:
        if greeting.get("wire") != WIRE:
            self._on_event(Refused(self, _other_wire(greeting)))
        elif greeting.get("session_buddy") != "leader":
            self._on_event(Refused(self, str(greeting.get("message", "the leader refuses this connection"))))
        else:
            self.leader = greeting
            self._on_event(Greeted(self))


def _other_wire(greeting: dict[str, Any]) -> str:
    pid = greeting.get("pid")
    return (
        f"the leader of this home (process {pid}, session-buddy {greeting.get('version')}) and this window "
        f"(session-buddy {__version__}) are of versions that do not understand each other. Restart the agent "
        f"windows that began before the update, or end process {pid}; then this one goes on by itself."
    )


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None  # it was removed under us
