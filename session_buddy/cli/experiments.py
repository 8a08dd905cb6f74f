"""`ab`: experiments between recommendation strategies."""

from collections.abc import Callable
from typing import Any

import click

from session_buddy.cli.asking import Leader, ask
from session_buddy.cli.options import Command, Group, Instant, home_option, json_option, settings_of
from session_buddy.cli.plain import print_json

_METRICS = ("completion_rate", "duration_seconds", "user_rating", "acceptance_rate")
_Command = Callable[..., Any]


def _about(command: _Command) -> _Command:
    """The options that say what an experiment is."""
    options = (
        click.option("--control", metavar="STRATEGY", help="What is used now."),
        click.option(
            "--treatment", metavar="STRATEGY", multiple=True, help="What is tried; may be repeated."
        ),
        click.option(
            "--metric",
            type=click.Choice(_METRICS),
            multiple=True,
            help="What is measured; the first decides.",
        ),
        click.option(
            "--ratio", type=float, metavar="SHARE", help="Share of units outside control [default: 0.5]."
        ),
        click.option(
            "--min-samples", type=int, metavar="N", help="Outcomes that each group needs [default: 100]."
        ),
        click.option("--unit", type=click.Choice(["user", "session"]), help="Who is assigned."),
        click.option("--method", type=click.Choice(["sequential", "fixed_horizon"]), help="How to decide."),
        click.option(
            "--effect", type=float, metavar="SIZE", help="Smallest difference worth finding, such as 0.05."
        ),
        click.option(
            "--until", type=Instant(), metavar="TIME", help="End at this time, with or without an answer."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  session-buddy ab plan --control repeat_last --treatment markov_blend --effect 0.1
  session-buddy ab create blend --control repeat_last --treatment markov_blend --promote
  session-buddy ab show blend
  session-buddy ab stop blend --reason "the strategy changed"
  session-buddy ab promote blend""",
)
@home_option
def ab() -> None:
    """Compare two ways to suggest the next skill, on real use.

    Sessions (or users) are divided by lot; what follows each suggestion is seen by itself. Look whenever you
    like: the interval holds at every look.
    """


@ab.command(
    cls=Command,
    epilog="\b\nExample:\n  session-buddy ab create blend --control repeat_last --treatment markov_blend",
)
@click.argument("name")
@_about
@click.option("--description", help="What it is about.")
@click.option("--promote", "promote_winner", is_flag=True, help="Make a winner the default by itself.")
@json_option
@click.pass_context
def create(
    context: click.Context,
    /,
    name: str,
    *,
    promote_winner: bool,
    as_json: bool,
    description: str | None,
    **about: Any,
) -> None:
    """Begin an experiment; the same again only shows it."""
    given = {**_given(name, about), "description": description, "promote_winner": promote_winner or None}
    _show_experiment(_asked(context, "ab_create", given), as_json=as_json)


@ab.command(name="list", cls=Command, epilog="\b\nExample:\n  session-buddy ab list --json")
@json_option
@click.pass_context
def list_(context: click.Context, *, as_json: bool) -> None:
    """List all experiments, and which strategy was the default when."""
    result = ask(settings_of(context), "ab_list", {})
    if as_json:
        print_json(result)
        return
    from session_buddy.cli import experiments_view  # rich and pydantic, which --json does without

    experiments_view.show_list(result)


@ab.command(cls=Command, epilog="\b\nExample:\n  session-buddy ab show blend")
@click.argument("name")
@json_option
@click.pass_context
def show(context: click.Context, name: str, *, as_json: bool) -> None:
    """Show an experiment: the groups, the difference with its interval, what may be concluded."""
    _show_experiment(_asked(context, "ab_show", {"test_name": name}), as_json=as_json)


@ab.command(
    cls=Command,
    epilog="\b\nExample:\n  session-buddy ab plan --control repeat_last --treatment markov_blend --effect .1",
)
@_about
@json_option
@click.pass_context
def plan(context: click.Context, /, *, as_json: bool, **about: Any) -> None:
    """Say how large an experiment would be and how long it would take here, and begin nothing.

    Also estimates from the suggestions so far how well the treatment would have done.
    """
    if about["control"] is None or not about["treatment"]:
        from session_buddy.analytics.suggesting.strategies import STRATEGIES  # for this sentence only

        raise click.UsageError(f"give --control and --treatment, two of: {', '.join(STRATEGIES)}.", context)
    result = _asked(context, "ab_plan", _given("plan", about))
    if as_json:
        print_json(result)
        return
    from session_buddy.cli import experiments_view  # rich and pydantic, which --json does without

    experiments_view.show_plan(result)


@ab.command(cls=Command, epilog='\b\nExample:\n  session-buddy ab stop blend --reason "the strategy changed"')
@click.argument("name")
@click.option("--reason", required=True, help="Why, for whoever reads it later.")
@json_option
@click.pass_context
def stop(context: click.Context, name: str, reason: str, *, as_json: bool) -> None:
    """End an experiment before it has its answer."""
    result = _asked(context, "ab_stop", {"test_name": name, "reason": reason})
    _say(result, as_json=as_json)


@ab.command(cls=Command, epilog="\b\nExample:\n  session-buddy ab promote blend")
@click.argument("name")
@json_option
@click.pass_context
def promote(context: click.Context, name: str, *, as_json: bool) -> None:
    """Make the proven winner of an experiment the default strategy."""
    _say(_asked(context, "ab_promote", {"test_name": name}), as_json=as_json)


@ab.command(cls=Command, epilog='\b\nExample:\n  session-buddy ab revert --reason "slower than before"')
@click.option("--reason", default="", help="Why, for whoever reads the trail later.")
@json_option
@click.pass_context
def revert(context: click.Context, reason: str, *, as_json: bool) -> None:
    """Put back the default strategy that the latest promotion replaced."""
    _say(_asked(context, "ab_revert", {"reason": reason}), as_json=as_json)


def _given(name: str, about: dict[str, Any]) -> dict[str, Any]:
    treatments = list(about["treatment"])
    return {
        "test_name": name,
        "control_strategy": about["control"],
        "treatment_strategy": treatments[0] if treatments else None,
        "further_strategies": treatments[1:] or None,
        "metrics": list(about["metric"]) or None,
        "assignment_ratio": about["ratio"],
        "min_sample_size": about["min_samples"],
        "unit": about["unit"],
        "method": about["method"],
        "minimum_detectable_effect": about["effect"],
        "end_date": about["until"] and about["until"].isoformat(),
    }


def _asked(context: click.Context, call: str, arguments: dict[str, Any]) -> Any:
    given = {name: value for name, value in arguments.items() if value is not None}
    with Leader(settings_of(context)) as leader:
        return leader.call(call, given)


def _show_experiment(result: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    from session_buddy.cli import experiments_view  # rich and pydantic, which --json does without

    experiments_view.show_experiment(result)


def _say(result: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    click.echo(result["message"])
