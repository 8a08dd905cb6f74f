"""The listening side of the feed: one port for subscribers, the live page and `/metrics`."""

import asyncio
import logging
import ssl
from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.live.requests import MAX_MESSAGE_BYTES
from session_buddy.serve.access import Access
from session_buddy.serve.feed import Feed
from session_buddy.serve.guarded import guarded
from session_buddy.serve.http_pages import Pages, one, plain
from session_buddy.serve.measures import FeedMeasures

HANDSHAKE_SECONDS: Final = 5.0
PING_SECONDS: Final = 20.0
CLOSE_SECONDS: Final = 10.0
"""How long a reader may take for an answer, or for saying goodbye."""
LEAVE_SECONDS: Final = 0.3
"""How long a leader that leaves waits for goodbyes."""
RESTARTING: Final = 1012
"""The close code that tells subscribers to connect again: another process takes over."""
_BACKLOG = 512
_SPARE_CONNECTIONS = 256  # for plain requests, and for saying 503 instead of nothing
_UNKNOWN_SHARE = 4  # at most one in so many may be connections that have not shown a token yet

_log = logging.getLogger("session_buddy.feed")


class FeedServer:
    """One open port. Belongs to the event loop.

    feed: None for a port that serves metrics only.
    """

    def __init__(
        self, settings: Settings, access: Access, pages: Pages, feed: Feed | None, measures: FeedMeasures
    ) -> None:
        self._settings = settings
        self._access = access
        self._pages = pages
        self._feed = feed
        self._measures = measures
        self._admitted: dict[ServerConnection, bool] = {}
        self._server: Server | None = None
        self._connections = guarded(settings.max_clients + _SPARE_CONNECTIONS)

    @property
    def connections(self) -> tuple[ServerConnection, ...]:
        """The subscribers that are admitted."""
        return tuple(self._admitted)

    async def open(self, port: int, context: ssl.SSLContext | None) -> None:
        """Listen.

        Raises:
            OSError: the port or the address cannot be had.
        """
        self._server = await serve(
            self._converse,
            self._settings.host,
            port,
            process_request=self._admit,
            compression=None,
            server_header=None,
            open_timeout=HANDSHAKE_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=MAX_MESSAGE_BYTES,
            create_connection=self._connections,
            logger=_log,
            ssl=context,
            backlog=_BACKLOG,
        )

    async def close(self) -> None:
        """Let everybody go, telling them to come back, and stop listening."""
        if self._server is not None:
            self._server.close(code=RESTARTING, reason="the leader of this home is leaving: connect again")
            try:
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._server.wait_closed()
            except TimeoutError:
                for connection in tuple(self._connections.alive):
                    connection.transport.abort()

    async def _converse(self, connection: ServerConnection) -> None:
        assert self._feed is not None  # noqa: S101 - without one no connection is admitted
        await self._feed.serve(connection, authenticated=self._admitted[connection])

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a plain request or a refusal; None lets a subscriber in."""
        if request.method not in ("GET", "HEAD"):
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD are served here.")
        problem = self._access.problem_with(one(request, "Host"), one(request, "Origin"))
        if problem is not None:
            return plain(HTTPStatus.FORBIDDEN, problem)
        if "Upgrade" not in request.headers:
            return await self._pages.answer(request)
        if self._feed is None or request.path.partition("?")[0] != "/":
            return plain(HTTPStatus.NOT_FOUND, "The feed is at / of its own port.")
        return self._admit_subscriber(connection, request)

    def _admit_subscriber(self, connection: ServerConnection, request: Request) -> Response | None:
        token = one(request, "Authorization")
        if self._access.needs_token and token is not None and not self._access.admits_header(token):
            self._measures.drop("invalid_token")
            response = plain(HTTPStatus.UNAUTHORIZED, "The token is forged or has expired.")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        known = not self._access.needs_token or token is not None
        if not self._has_room(known=known):
            self._measures.drop("too_many_clients")
            response = plain(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"The feed has {self._settings.max_clients} subscribers, and takes no more (max_clients).",
            )
            response.headers["Retry-After"] = "5"
            return response
        self._admitted[connection] = known
        connection.connection_lost_waiter.add_done_callback(lambda _: self._admitted.pop(connection, None))
        return None

    def _has_room(self, *, known: bool) -> bool:
        limit = self._settings.max_clients
        if len(self._admitted) >= limit:
            return False
        unknown = sum(not admitted for admitted in self._admitted.values())
        return known or unknown < max(1, limit // _UNKNOWN_SHARE)


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """The certificate of the feed; None where it speaks plain.

    Raises:
        ConfigurationError: the files cannot be used.
    """
    if not settings.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificate {settings.tls_cert} or its key {settings.tls_key} cannot be used: {error}."
        ) from error
    return context
