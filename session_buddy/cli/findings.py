"""`anomalies`, `trend`, `deps` and `baselines`: what was learned from the record."""

from typing import Any

import click

from session_buddy.cli.asking import ask
from session_buddy.cli.options import Command, json_option, limit_option, settings_of
from session_buddy.cli.plain import print_json

_limit = limit_option("Skills")


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy anomalies
  session-buddy anomalies --hours 168
  session-buddy anomalies --method zscore --threshold 3 --json""",
)
@click.option(
    "--hours",
    type=float,
    metavar="N",
    default=24,
    show_default=True,
    help="What lasts, or was raised or over since.",
)
@click.option(
    "--threshold",
    type=float,
    metavar="N",
    default=2,
    show_default=True,
    help="Least deviation in standard errors.",
)
@click.option(
    "--method",
    type=click.Choice(["cusum", "zscore"]),
    default="cusum",
    show_default=True,
    help="cusum follows single uses; zscore compares hours, and many of its findings are chance.",
)
@json_option
@click.pass_context
def anomalies(context: click.Context, hours: float, threshold: float, method: str, as_json: bool) -> None:
    """List skills that left their own baseline: dropped, became slow, spiked, or are suddenly used a lot."""
    given: dict[str, Any] = {"time_window_hours": hours, "threshold": threshold, "method": method}
    _answer(context, "anomalies", given, as_json=as_json)


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy trend review-pr
  session-buddy trend review-pr --days 30 --json""",
)
@click.argument("skill")
@click.option("--days", type=float, metavar="N", default=7, show_default=True, help="How far back.")
@json_option
@click.pass_context
def trend(context: click.Context, skill: str, days: float, as_json: bool) -> None:
    """Show whether a skill gets better or worse, in completion and in duration."""
    _answer(context, "trend", {"skill_name": skill, "days": days}, as_json=as_json)


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy deps review-pr
  session-buddy deps review-pr --min-lift 0 --json""",
)
@click.argument("skill")
@click.option(
    "--min-lift", type=float, metavar="N", default=1.5, show_default=True, help="Least lift; 1 is chance."
)
@_limit
@json_option
@click.pass_context
def deps(context: click.Context, skill: str, min_lift: float, limit: int, as_json: bool) -> None:
    """List the skills that are used in the same sessions as one, beyond chance."""
    given = {"skill_name": skill, "min_lift": min_lift, "limit": limit}
    _answer(context, "dependencies", given, as_json=as_json)


@click.command(
    cls=Command,
    epilog="""\b
Examples:
  session-buddy baselines
  session-buddy baselines --limit 5 --json""",
)
@_limit
@json_option
@click.pass_context
def baselines(context: click.Context, limit: int, as_json: bool) -> None:
    """Show how skills go for all users of this record, and where each stands among them."""
    _answer(context, "baselines", {"limit": limit}, as_json=as_json)


def _answer(context: click.Context, call: str, given: dict[str, Any], *, as_json: bool) -> None:
    result = ask(settings_of(context), call, given)
    if as_json:
        print_json(result)
        return
    from session_buddy.cli.findings_view import show_answer  # rich and pydantic, which --json does without

    show_answer(call, result)
