"""A subscriber for the command line: messages of the feed, over leader changes and pauses."""

import json
import random
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import connect

from session_buddy.config import Settings
from session_buddy.errors import InvalidInput, LeaderUnavailable
from session_buddy.serve.access import make_token

LOST: Final = "lost"
"""Type of the message, of our own, that says that there is no connection just now, and why."""
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 1.5
_TOKEN_SECONDS = 3600.0
_REFUSALS = (401, 403, 404)


def feed_url(settings: Settings) -> str:
    """Where the feed of a home is, by its settings."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared only
    shown = f"[{host}]" if ":" in host else host
    return f"{'wss' if settings.tls_cert else 'ws'}://{shown}:{settings.port}/"


def messages(
    settings: Settings, requests: Sequence[Mapping[str, Any]], url: str | None = None
) -> Iterator[dict[str, Any]]:
    """What the feed sends, for ever; after each hello the requests are sent.

    Where the connection is lost, a message of type `lost` comes, and it is tried again.

    Raises:
        LeaderUnavailable: the server refuses us, and would again.
        InvalidInput: the address is none of a feed.
    """
    url = url or feed_url(settings)
    pause = _FIRST_PAUSE
    while True:
        try:
            with connect(url, proxy=None, compression=None, **_options(settings, url)) as connection:
                for request in requests:
                    connection.send(json.dumps(request))
                pause = _FIRST_PAUSE
                yield from map(json.loads, connection)
            reason = "the server ended the connection"
        except InvalidURI as error:
            raise InvalidInput(
                f"{url!r} is no address of a feed; write it as ws://127.0.0.1:8765/."
            ) from error
        except (ConnectionClosed, InvalidHandshake, OSError) as error:
            reason = _reason(error, url)
        yield {"type": LOST, "message": reason}
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come back at once
        pause = min(pause * 2, _LONGEST_PAUSE)


def _reason(error: Exception, url: str) -> str:
    """Why there is no connection.

    Raises:
        LeaderUnavailable: trying again would not help.
    """
    if isinstance(error, ConnectionClosed):
        return (error.rcvd.reason if error.rcvd else "") or "the connection broke"
    if isinstance(error, InvalidStatus):
        answer = (error.response.body or b"").decode(errors="replace").strip()
        if error.response.status_code in _REFUSALS:
            raise LeaderUnavailable(f"the feed at {url} refuses: {answer}") from error
        return answer
    return f"nobody serves the feed at {url} ({error})"


def _options(settings: Settings, url: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if settings.feed_secret:
        token = make_token(settings.feed_secret, _TOKEN_SECONDS)
        options["additional_headers"] = {"Authorization": f"Bearer {token}"}
    if urlsplit(url).scheme == "wss":
        context = ssl.create_default_context(cafile=settings.tls_cert or None)
        context.check_hostname = not settings.tls_cert  # our own certificate is known by itself
        options["ssl"] = context
    return options
