"""`websocket-server`: leads a home without an agent's window, for the feed, the page and the metrics."""

import http.client
import json
import os
import signal
import ssl
import sys
import time

import click

from session_buddy.cli.options import Command, feed_options, settings_of
from session_buddy.config import Settings
from session_buddy.relay.election import Election, leader_notice

ATTEMPT_SECONDS = 0.25
_ASK_SECONDS = 2.0


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy websocket-server
  session-buddy websocket-server --port 8765 --update-interval 1 --metrics-port 9090
  python -m session_buddy.websocket-server --port 8765""",
)
@feed_options
@click.pass_context
def websocket_server(context: click.Context) -> None:
    """Serve the live feed without an agent's window, until Ctrl-C or SIGTERM.

    Where an agent's window leads this home already, that one serves; this command says so, waits, and
    takes over when it leaves.
    """
    settings = settings_of(context)._replace(mode="service")
    if not settings.port:
        raise click.UsageError("Port 0 serves nothing; give another.")
    # The server's own modules: only this command needs them at once.
    from session_buddy.serve.access import check_exposure
    from session_buddy.serve.feed_server import tls_context

    check_exposure(settings)
    tls_context(settings)
    # A shell's background job in a script ignores SIGINT, and SIGTERM ends this in its way.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        _lead_in_turn(settings)
    except KeyboardInterrupt:
        context.exit(0)


def _lead_in_turn(settings: Settings) -> None:
    """Lead when nobody else does; returns when this leadership has ended."""
    election = Election(settings)
    told: int | None = None
    while not election.attempt():
        leader = leader_notice(settings).get("pid")
        if isinstance(leader, int) and leader != told:
            told = leader
            _say(_about(leader, settings))
        time.sleep(ATTEMPT_SECONDS)
    try:
        from session_buddy.bootstrap import lead  # only who leads pays for the server's imports

        _say(f"process {os.getpid()} leads {settings.home} and serves {_url(settings)}; Ctrl-C ends it.")
        lead(settings, None)
    finally:
        election.resign()


def _about(leader: int, settings: Settings) -> str:
    if _serving_process(settings) == leader:
        where = f"and serves {_url(settings)}"
    else:
        where = f"and does not serve port {settings.port} (yet)"
    return f"process {leader} leads {settings.home} {where}; waiting to take over when it leaves."


def _serving_process(settings: Settings) -> int | None:
    """The process of session-buddy that answers on the port; None if there is none."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "localhost") else settings.host  # noqa: S104
    try:
        if settings.tls_cert:
            context = ssl.create_default_context(cafile=settings.tls_cert)
            context.check_hostname = False  # it is known by its certificate, which is ours
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, settings.port, timeout=_ASK_SECONDS, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, settings.port, timeout=_ASK_SECONDS)
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        pid = json.loads(connection.getresponse().read(4096)).get("pid")
        connection.close()
    except (OSError, http.client.HTTPException, ValueError, AttributeError):
        return None
    return pid if isinstance(pid, int) else None


def _url(settings: Settings) -> str:
    scheme = "https" if settings.tls_cert else "http"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{host}:{settings.port}/"


def _say(sentence: str) -> None:
    print(f"session-buddy: {sentence}", file=sys.stderr, flush=True)
