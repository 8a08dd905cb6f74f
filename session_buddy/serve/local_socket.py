"""Where relays, commands and hooks reach the leader: a unix socket, or loopback TCP with a token.

Only the holder of the leader's lock listens, so whatever lies at these paths when it begins is stale.
"""

import asyncio
import contextlib
import hmac
import logging
import os
import secrets
import socket
import struct
import sys
from asyncio.trsock import TransportSocket
from collections.abc import Callable

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.private_files import private_directory, remove, write_private
from session_buddy.wire import MAX_FRAME_BYTES, encode

logger = logging.getLogger(__name__)

_BACKLOG = 512
_CHECK_SECONDS = 2.0
Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


class LocalSocket:
    """The listening side. `open` and `close` are called once each, on the leader's event loop."""

    def __init__(self, settings: Settings, accept: Accept, wake: Callable[[], None]) -> None:
        """accept: called with each connection. wake: called when a writer asks to be read."""
        self._settings = settings
        self._accept = accept
        self._wake = wake
        self._token: str | None = None
        self._server: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None
        self._waker: socket.socket | None = None
        self._inodes: dict[str, int] = {}

    async def open(self) -> None:
        """Listen.

        Raises:
            ConfigurationError: the directory of the socket cannot be used.
            OSError: the system has no such socket to give.
        """
        if self._settings.transport == "tcp":
            await self._listen_on_loopback()
            return
        await self._listen_on_paths()
        self._watch = asyncio.create_task(self._keep_paths())

    async def close(self) -> None:
        """Stop listening, and remove what others would find."""
        if self._watch is not None:
            self._watch.cancel()
        self._stop_listening()
        if self._settings.transport == "tcp":
            remove(self._settings.token_file, f"{self._settings.token_file}.new")
        else:
            remove(*(path for path in self._inodes if self._is_ours(path)))
            for directory in self._far_directories():
                with contextlib.suppress(OSError):
                    os.rmdir(directory)  # not if another home has its sockets there

    def admits(self, token: object) -> bool:
        """Whether a greeting with this token may go on; over a unix socket none is needed."""
        return self._token is None or (isinstance(token, str) and hmac.compare_digest(token, self._token))

    async def _listen_on_loopback(self) -> None:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, limit=MAX_FRAME_BYTES, backlog=_BACKLOG
        )
        port = self._server.sockets[0].getsockname()[1]
        self._token = secrets.token_urlsafe(32)
        write_private(self._settings.token_file, encode({"port": port, "token": self._token}))

    async def _listen_on_paths(self) -> None:
        self._make_far_directories()
        listener = self._bind(self._settings.socket, socket.SOCK_STREAM)
        self._server = await asyncio.start_unix_server(
            self._accept, sock=listener, limit=MAX_FRAME_BYTES, backlog=_BACKLOG
        )
        self._waker = self._bind(self._settings.wake_socket, socket.SOCK_DGRAM)
        asyncio.get_running_loop().add_reader(self._waker, self._drain_wakes, self._waker)

    def _make_far_directories(self) -> None:
        for directory in reversed(self._far_directories()):
            if os.path.islink(directory):  # in /tmp, where others can make one
                raise ConfigurationError(f"{directory} is a link; no socket may lie behind one. Remove it.")
            private_directory(directory)

    def _far_directories(self) -> list[str]:
        """The directories of ours outside the home that hold a socket, inner ones first; usually none."""
        inner = dict.fromkeys(
            os.path.dirname(path) for path in (self._settings.socket, self._settings.wake_socket)
        )
        far = [directory for directory in inner if directory != self._settings.home]
        outer = dict.fromkeys(os.path.dirname(directory) for directory in far)
        return far + [place for place in outer if os.path.basename(place).startswith("session-buddy-")]

    def _bind(self, path: str, kind: socket.SocketKind) -> socket.socket:
        remove(path)
        bound = socket.socket(socket.AF_UNIX, kind)
        try:
            bound.bind(path)
            os.chmod(path, 0o600)  # nobody else can enter the directory; this is for who looks at it
            bound.setblocking(False)
        except OSError:
            bound.close()
            raise
        self._inodes[path] = os.stat(path).st_ino
        return bound

    def _drain_wakes(self, waker: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                waker.recv(64)
                self._wake()

    async def _keep_paths(self) -> None:
        """Listen anew when a cleaner of temporary files took a socket away: only its path leads here."""
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            if not all(self._is_ours(path) for path in self._inodes):
                self._stop_listening()
                try:
                    await self._listen_on_paths()
                except (OSError, ConfigurationError) as error:
                    logger.warning("the leader's socket is gone and cannot be made anew yet: %s", error)

    def _is_ours(self, path: str) -> bool:
        try:
            return os.stat(path).st_ino == self._inodes[path]
        except OSError:
            return False

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._waker is not None:
            asyncio.get_running_loop().remove_reader(self._waker)
            self._waker.close()
        self._server = self._waker = None


def is_same_user(connection: socket.socket | TransportSocket) -> bool:
    """Whether the process at the other end runs as this user; True where the system cannot tell.

    Where it cannot tell, the directory's permissions or the token decide.
    """
    if sys.platform == "win32" or connection.family != socket.AF_UNIX:
        return True
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return bool(struct.unpack("3i", credentials)[1] == os.geteuid())
    if hasattr(socket, "LOCAL_PEERCRED"):
        # struct xucred of the BSDs: version, uid, then the groups
        credentials = connection.getsockopt(0, socket.LOCAL_PEERCRED, 76)
        return bool(struct.unpack("II", credentials[:8])[1] == os.geteuid())
    return True
