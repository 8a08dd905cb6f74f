"""Opening the ports of the sidecar, and keeping at it while another program has them."""

import asyncio
import contextlib
import errno
import json
import ssl
from typing import Any

from session_buddy.config import Settings
from session_buddy.serve.access import Access, check_exposure
from session_buddy.serve.feed import Feed
from session_buddy.serve.feed_server import FeedServer, tls_context
from session_buddy.serve.http_pages import Pages
from session_buddy.serve.measures import FeedMeasures
from session_buddy.serve.metric_sources import live_source, record_source, server_source
from session_buddy.serve.metrics import MetricsRenderer
from session_buddy.serve.sidecar import Parts, Served, say

_ASK_SECONDS = 1.0


async def serve_ports(settings: Settings, parts: Parts, served: Served, retry_seconds: float) -> None:
    """Serve until cancelled.

    Raises:
        ConfigurationError: the settings would serve others without a token, or their certificate is no good.
    """
    check_exposure(settings)
    context = tls_context(settings)
    access = Access(settings)
    measures = FeedMeasures(settings.max_clients)
    feed = Feed(parts.live, access, measures, settings.update_interval)
    own = [
        live_source(parts.live),
        record_source(parts.live, settings, parts.clock),
        server_source(settings, parts.requests, measures, parts.relays),
    ]
    renderer = MetricsRenderer([*own, *parts.sources])
    pages = Pages(access, renderer, lambda: parts.live.loaded(0), has_page=True)
    ports = {settings.port: FeedServer(settings, access, pages, feed, measures)}
    if settings.metrics_port:
        bare = Pages(access, renderer, lambda: parts.live.loaded(0), has_page=False)
        ports[settings.metrics_port] = FeedServer(settings, access, bare, None, measures)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(feed.run())
            for port, server in ports.items():
                tasks.create_task(_open(server, port, context, settings, served, retry_seconds))
    finally:
        served.url = None
        served.listening.clear()
        await asyncio.gather(*(server.close() for server in ports.values()))


async def _open(
    server: FeedServer,
    port: int,
    context: ssl.SSLContext | None,
    settings: Settings,
    served: Served,
    retry_seconds: float,
) -> None:
    while True:
        try:
            await server.open(port, context)
        except OSError as error:
            await _complain(error, port, settings, served)
            await asyncio.sleep(retry_seconds)
        else:
            break
    if served.problems.pop(port, None) is not None:
        say(f"port {port} is free now, and is served.")
    if port == settings.port:
        served.url = f"{'https' if context else 'http'}://{_written(settings.host)}:{port}/"
        served.listening.set()


async def _complain(error: OSError, port: int, settings: Settings, served: Served) -> None:
    """Say once why a port is not served, and keep it for `status`."""
    what = "The live feed" if port == settings.port else "The metrics' own port"
    remedy = "SESSION_BUDDY_PORT" if port == settings.port else "SESSION_BUDDY_METRICS_PORT"
    if error.errno == errno.EADDRINUSE:
        holder = await _holder(settings.host, port)
        who = "another program" if holder is None else f"process {holder}, another session-buddy"
        why = f"port {port} of {settings.host} is taken by {who}. It is tried again until it is free"
    else:
        why = f"port {port} of {settings.host} cannot be had: {error.strerror or error}. It is tried again"
    sentence = f"{what} is not served: {why}; {remedy} names another port."
    if port not in served.problems:
        say(sentence)
    served.problems[port] = sentence


async def _holder(host: str, port: int) -> int | None:
    """The process that has a port, if it is a session-buddy and says so."""
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            with contextlib.closing(writer):
                writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = await reader.read(4096)
        about: Any = json.loads(answer.partition(b"\r\n\r\n")[2])
        pid = about["pid"]
    except (OSError, TimeoutError, ValueError, LookupError, TypeError):
        return None
    return pid if isinstance(pid, int) else None


def _written(host: str) -> str:
    """A host as it stands in a URL; one that means every address is shown as this machine."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host
