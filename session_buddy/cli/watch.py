"""`watch` and `token`: the live feed in a terminal, and what lets others subscribe to it."""

import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from session_buddy.cli.options import Command, json_option, settings_of
from session_buddy.errors import ConfigurationError, LeaderUnavailable

if TYPE_CHECKING:
    from rich.console import RenderableType

_LATEST = 8
_ONCE_SECONDS = 10.0
"""How long --once waits for a feed: one server may just be taking over from another."""
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy watch
  session-buddy watch --skill review --hours 24
  session-buddy watch --json | jq 'select(.type == "invocation")'""",
)
@click.option("--skill", metavar="SKILL", help="Only this skill.")
@click.option(
    "--hours", type=click.Choice(["1", "24"]), default="1", show_default=True, help="What figures are over."
)
@click.option("--url", metavar="URL", help="Feed to watch [default: that of the settings].")
@click.option("--once", is_flag=True, help="Show one update, and end.")
@json_option
@click.pass_context
def watch(
    context: click.Context, skill: str | None, hours: str, url: str | None, once: bool, as_json: bool
) -> None:
    """Show what happens now: the most used skills, anomalies, each use as it begins and ends.

    It goes on until Ctrl-C, and comes back by itself when another process takes the lead.
    """
    from session_buddy.serve.feed_client import messages  # websockets: for this command only

    subscription = {
        "type": "subscribe",
        "skill_name": skill,
        "events": True,
        "time_window_hours": int(hours),
    }
    settings = settings_of(context)
    if url is None and not settings.port:
        raise ConfigurationError("there is no feed to watch: the setting port is 0. Set it, or give --url.")
    found = messages(settings, [subscription], url)
    if once:
        found = _at_once(found)
    if as_json:
        _print_messages(found, once=once)
    else:
        _show(found, once=once)


def _at_once(found: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The messages of a feed that is there, or will be in a moment.

    Raises:
        LeaderUnavailable: nobody has served it for `_ONCE_SECONDS`.
    """
    until = time.monotonic() + _ONCE_SECONDS
    for message in found:
        if message["type"] == "lost" and time.monotonic() > until:
            raise LeaderUnavailable(
                f"{message['message']}. An agent's window serves it while it is open, and so does "
                "'session-buddy websocket-server'."
            )
        yield message


def _print_messages(found: Iterator[dict[str, Any]], *, once: bool) -> None:
    for message in found:
        print(json.dumps(message), flush=True)
        if once and message["type"] == "metrics_update":
            return


def _show(found: Iterator[dict[str, Any]], *, once: bool) -> None:
    from rich.live import Live  # a terminal's worth of imports, not for --json

    from session_buddy.cli.output import console

    screen = _Screen()
    out = console()
    if once or not sys.stdout.isatty():
        told = ""
        for message in found:
            screen.take(message)
            if message["type"] == "lost" and not once and message["message"] != told:
                told = message["message"]
                click.echo(f"session-buddy: {told}; trying again", err=True)
            if message["type"] == "metrics_update":
                told = ""
                out.print(screen.draw())
                if once:
                    return
    with Live(screen.draw(), console=out, auto_refresh=False, screen=True) as live:
        for message in found:
            screen.take(message)
            live.update(screen.draw(), refresh=True)


class _Screen:
    """What is shown: the last update, the latest uses, and whether there is a connection."""

    def __init__(self) -> None:
        self._update: dict[str, Any] = {}
        self._uses: dict[str, dict[str, Any]] = {}
        self._problem: str | None = "connecting"

    def take(self, message: dict[str, Any]) -> None:
        """Take one message of the feed."""
        kind = message.get("type")
        if kind == "lost":
            self._problem = str(message["message"])
            return
        self._problem = None
        if kind == "metrics_update":
            self._update = message
        elif kind == "invocation":
            use = message["data"]
            self._uses.pop(use["invocation_id"], None)
            self._uses[use["invocation_id"]] = use
            while len(self._uses) > _LATEST:
                del self._uses[next(iter(self._uses))]

    def draw(self) -> "RenderableType":
        """Everything, for the terminal."""
        from rich.console import Group
        from rich.text import Text

        from session_buddy.cli.formats import clean

        parts: list[RenderableType] = [Text(clean(self._headline()), style="bold"), Text()]
        if self._update:
            parts += [self._skills(), Text(), *self._anomalies()]
        if self._uses:
            parts.append(self._latest())
        return Group(*parts)

    def _headline(self) -> str:
        if self._problem is not None:
            return f"session-buddy: {self._problem}; trying again"
        data = self._update.get("data", {})
        hours = data.get("time_window_hours", 1)
        return f"{data.get('active_sessions', 0)} active sessions, skills of the last {hours} h"

    def _skills(self) -> "RenderableType":
        from session_buddy.cli.formats import ago, seconds, share
        from session_buddy.cli.output import add, table

        made = table("skill", "uses", "completed", "mean", "p95", "last used", right=("uses", "mean", "p95"))
        for row in self._update["data"]["top_skills"]:
            add(
                made,
                row["skill_name"],
                str(row["invocation_count"]),
                share(row["completed_count"], row["decided_count"]),
                seconds(row["avg_duration"]),
                seconds(row["p95_duration"]),
                ago(datetime.fromisoformat(row["last_invocation_at"])),
            )
        return made

    def _anomalies(self) -> "list[RenderableType]":
        from rich.text import Text

        from session_buddy.cli.formats import clean

        return [
            Text(
                clean(
                    f"{found['anomaly_type']}: {found['skill_name']} at {found['observed_value']:.3g}, "
                    f"usually {found['baseline_value']:.3g}"
                ),
                style="bold red",
            )
            for found in self._update["data"]["anomalies"]
        ]

    def _latest(self) -> "RenderableType":
        from session_buddy.cli.formats import ago, seconds
        from session_buddy.cli.output import add, table

        made = table("latest uses", "outcome", "took", "began", right=("took",))
        for use in reversed(self._uses.values()):
            began = datetime.fromisoformat(use["invoked_at"])
            add(
                made,
                use["skill_name"],
                use["outcome"] or "at work",
                seconds(use["duration_seconds"]),
                ago(began),
            )
        return made


class _Lasting(click.ParamType[float]):
    """A length of time like `30m`, `12h`, `30d`, `4w`, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; fails as a usage error."""
        if isinstance(value, float):
            return value
        given = re.fullmatch(r"([1-9]\d{0,4})([mhdw])", str(value))
        if given is None:
            self.fail(f"{value!r} is no length of time; write 30m, 12h, 30d or 4w.", param, ctx)
        return float(int(given[1]) * _UNITS[given[2]])


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy token
  session-buddy token --for 4w --name grafana""",
)
@click.option(
    "--for",
    "seconds",
    type=_Lasting(),
    default="30d",
    show_default=True,
    metavar="TIME",
    help="How long it is good.",
)
@click.option(
    "--name",
    metavar="NAME",
    default="subscriber",
    show_default=True,
    help="Whom it is for; kept in the token.",
)
@click.pass_context
def token(context: click.Context, seconds: float, name: str) -> None:
    """Print a token that lets a subscriber or a Prometheus in where feed_secret is set."""
    from session_buddy.serve.access import make_token  # not for the commands that share this module

    print(make_token(settings_of(context).feed_secret, seconds, name))
