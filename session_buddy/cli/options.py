"""Options and value types that several commands share."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from session_buddy.config import Settings, load_settings

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_WHOLE = 1000
"""Longer than any sentence."""
_AGO = re.compile(r"(\d{1,6})([mhdw])")


def remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep a setting's flag, wherever on the line it stood, for `settings_of`."""
    if value is not None and parameter.name is not None:
        context.ensure_object(dict)[parameter.name] = value


home_option = click.option(
    "--home",
    metavar="DIR",
    callback=remember,
    expose_value=False,
    help="Folder of all data [default: SESSION_BUDDY_HOME, else ~/.session-buddy].",
)
transport_option = click.option(
    "--transport",
    type=click.Choice(["unix", "tcp"]),
    callback=remember,
    expose_value=False,
    help="How processes of one home talk to each other.",
)


def setting_option(name: str, metavar: str, sentence: str) -> Callable[[_Decorated], _Decorated]:
    """An option that is a setting of the same name; it is checked with the settings, not by click."""
    return click.option(name, metavar=metavar, callback=remember, expose_value=False, help=sentence)


def feed_options(function: _Decorated) -> _Decorated:
    """Adds the settings of the feed, the live page and the metrics."""
    beyond = "Address to listen at; beyond this machine only with SESSION_BUDDY_FEED_SECRET."
    for option in (
        setting_option("--tls-key", "FILE", "Its key, in PEM."),
        setting_option("--tls-cert", "FILE", "Certificate, in PEM."),
        setting_option("--max-clients", "N", "Subscribers at once [default: 100]."),
        setting_option("--metrics-port", "PORT", "A further port for /metrics alone."),
        setting_option("--update-interval", "SECONDS", "Time between updates, 0.1 to 60 [default: 1]."),
        setting_option("--host", "ADDRESS", beyond),
        setting_option("--port", "PORT", "Port of the feed, the live page and the metrics [default: 8765]."),
    ):
        function = option(function)
    return function


json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask; for scripts.")


class Command(click.Command):
    """A command that takes --home after its name too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        home_option(self)


class Group(click.Group):
    """Lists its commands with their whole sentence; click would cut it off at the line's end."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All commands under one heading."""
        self.format_section(ctx, formatter, "Commands", self.list_commands(ctx))

    def format_section(
        self, ctx: click.Context, formatter: click.HelpFormatter, heading: str, names: Iterable[str]
    ) -> None:
        """Some of the commands under a heading."""
        found = [(name, self.get_command(ctx, name)) for name in names]
        with formatter.section(heading):
            formatter.write_dl(
                [(name, command.get_short_help_str(_WHOLE)) for name, command in found if command is not None]
            )


def settings_of(context: click.Context) -> Settings:
    """The settings of this command line.

    Raises:
        ConfigurationError: a value of a flag, a variable or the settings file cannot be used.
    """
    return load_settings(context.ensure_object(dict))


class Instant(click.ParamType[datetime]):
    """A point in time: `2026-03-01`, `2026-03-01T12:00:00Z`, or so long ago: `30m`, `24h`, `7d`, `4w`.

    A date or time without a zone is of this machine's zone. The value is UTC.
    """

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware UTC time; fails as a usage error."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        ago = _AGO.fullmatch(text)
        try:
            if ago:
                return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; write 2026-03-01, 2026-03-01T12:00:00Z, 24h or 7d.", param, ctx)


def since_option(function: _Decorated) -> _Decorated:
    """Adds `--since`."""
    return click.option(
        "--since",
        type=Instant(),
        metavar="TIME",
        help="Only what began at or after TIME: 2026-03-01, 24h, 7d.",
    )(function)


def until_option(function: _Decorated) -> _Decorated:
    """Adds `--until`."""
    return click.option("--until", type=Instant(), metavar="TIME", help="Only what began before TIME.")(
        function
    )


def range_of(since: datetime | None, until: datetime | None) -> dict[str, str]:
    """The two options as arguments of a call."""
    given = {"since": since, "until": until}
    return {name: moment.isoformat() for name, moment in given.items() if moment is not None}


def limit_option(what: str) -> Callable[[_Decorated], _Decorated]:
    """`--limit`: how many of `what` are listed."""
    return click.option(
        "--limit",
        type=click.IntRange(1, 1000),
        metavar="N",
        default=20,
        show_default=True,
        help=f"{what} to list.",
    )
