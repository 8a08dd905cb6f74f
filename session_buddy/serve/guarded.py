"""Connections that cannot take more than their share of the server, whatever they send."""

import asyncio
from typing import ClassVar, Final, cast

from websockets.asyncio.server import ServerConnection

_METHODS: Final = (b"GET", b"HEAD")
_LONGEST_METHOD: Final = 16
_REFUSAL: Final = (
    b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class GuardedConnection(ServerConnection):
    """Looks at the method before the library does, which drops a request with a body without a word.

    connection_limit: how many connections a server may have, those that have not said anything included.
    alive: these connections.
    """

    connection_limit = 1_000
    alive: "ClassVar[set[GuardedConnection]]"
    _head = b""
    _is_checked = False
    _is_refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        self.alive.add(self)
        if len(self.alive) > self.connection_limit:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.alive.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hand on what a request with a method of ours sends, and refuse the rest."""
        if self._is_checked:
            super().data_received(data)
        elif not self._is_refused:
            self._head += data
            method, space, _ = self._head.partition(b" ")
            if not space and b"\n" not in self._head and len(self._head) < _LONGEST_METHOD:
                return
            head, self._head = self._head, b""
            if space and method in _METHODS:
                self._is_checked = True
                super().data_received(head)
            else:
                self._refuse()

    def _refuse(self) -> None:
        """Answer, and read on until the client has it or the handshake's time is over."""
        self._is_refused = True
        self.transport.write(_REFUSAL)
        if self.transport.can_write_eof():
            self.transport.write_eof()


def guarded(limit: int) -> type[GuardedConnection]:
    """The class for one server, which takes at most `limit` connections."""
    own = {"connection_limit": limit, "alive": set()}
    return cast("type[GuardedConnection]", type("LimitedConnection", (GuardedConnection,), own))
