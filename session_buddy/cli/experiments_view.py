"""Experiments as tables and sentences."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from session_buddy.cli.formats import NOTHING, ago, seconds, when
from session_buddy.cli.output import add, console, say, show, table
from session_buddy.cli.tables import answer_of
from session_buddy.models.answers_experiments import (
    Difference,
    Experiment,
    ExperimentList,
    ExperimentPlan,
    GroupReading,
)


def show_experiment(result: Any) -> None:
    """The page of `ab show`."""
    test = answer_of(Experiment, result)
    out = console()
    say(out, test.test_name, "bold")
    if test.description:
        say(out, test.description)
    period = f"{test.status} since {when(test.start_date)}"
    if test.ended_at is not None:
        period = f"{test.status}, {when(test.start_date)} to {when(test.ended_at)}"
    say(out, f"{period}; assigned by {test.unit}, decided by {test.metric}", "dim")
    say(out)
    _groups(out, test.metric, test.groups, test.differences)
    for further in test.further_metrics:
        say(out)
        _groups(out, further.metric, further.groups, further.differences)
    say(out)
    say(out, test.conclusion)
    say(out, test.message, "dim")


def show_list(result: Any) -> None:
    """The tables of `ab list`."""
    answer = answer_of(ExperimentList, result)
    out = console()
    if not answer.experiments:
        say(out, "There is no experiment yet. `session-buddy ab create --help` says how to begin one.")
    else:
        made = table("experiment", "state", "decision", "winner", "units", "begun", right=("units",))
        for test in answer.experiments:
            units = sum(group.unit_count for group in test.groups)
            decision = test.decision.replace("_", " ")
            winner = test.winner_strategy or NOTHING
            add(made, test.test_name, test.status, decision, winner, f"{units:,}", ago(test.start_date))
        show(out, made)
    say(out)
    say(out, f"The default strategy is {answer.default_strategy}.")
    for change in answer.trail:
        of = f" ({change.test_name})" if change.test_name else ""
        say(
            out,
            f"{when(change.at)}  {change.kind} {change.strategy} over {change.replaced_strategy}{of}",
            "dim",
        )


def show_plan(result: Any) -> None:
    """The sentences of `ab plan`."""
    answer = answer_of(ExperimentPlan, result)
    out = console()
    say(out, answer.message)
    for estimate in answer.estimates:
        say(out)
        say(out, estimate.message)


def _groups(
    out: Console, metric: str, groups: Sequence[GroupReading], differences: Sequence[Difference]
) -> None:
    say(out, f"{metric}, each interval valid at every look:")
    found = {one.group_name: one for one in differences}
    right = ("units", "outcomes", "value", "difference")
    made = table("group", "strategy", *right, "95 % interval", right=right)
    for group in groups:
        one = found.get(group.group_name)
        add(
            made,
            group.group_name,
            group.strategy,
            f"{group.unit_count:,}",
            f"{group.outcome_count:,}",
            _value(metric, group.value),
            NOTHING if one is None else _difference(metric, one.difference),
            NOTHING
            if one is None or one.lower is None or one.upper is None
            else f"{_difference(metric, one.lower)} to {_difference(metric, one.upper)}",
        )
    show(out, made)


def _value(metric: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    if metric == "duration_seconds":
        return seconds(value)
    return f"{value:.2f}" if metric == "user_rating" else f"{100 * value:.1f} %"


def _difference(metric: str, value: float) -> str:
    if metric == "user_rating":
        return f"{value:+.2f}"
    return f"{100 * value:+.1f} {'%' if metric == 'duration_seconds' else 'pt'}"
