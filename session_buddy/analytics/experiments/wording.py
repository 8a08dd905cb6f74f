"""The conclusion of an experiment as a person reads it: what was found, how sure that is, what is missing.

>>> plural(1, "session"), plural(2, "session")
('1 session', '2 sessions')
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from session_buddy.analytics.experiments.comparing import Compared
from session_buddy.analytics.experiments.planning import FEWEST_UNITS
from session_buddy.analytics.experiments.rules import Decision, Group, Rules
from session_buddy.analytics.experiments.srm import Mismatch


class Told(NamedTuple):
    """Everything that a conclusion may speak of. found: of each treatment, empty if not compared yet."""

    decision: Decision
    groups: Sequence[Group]
    found: Sequence[Compared]
    rules: Rules
    assignment: Mismatch
    winner: Group | None
    confidence: float
    further: int | None
    days: float | None


def in_words(told: Told) -> str:
    """One to three sentences, with numbers."""
    return _SENTENCES[told.decision](told)


def plural(count: int, word: str) -> str:
    """A number with its noun."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _broken(told: Told) -> str:
    total = sum(group.assigned for group in told.groups)
    seen = ", ".join(
        f"{group.group_name} {plural(group.assigned, told.rules.unit)} instead of {group.share * total:,.0f}"
        for group in told.groups
    )
    return (
        f"Nothing can be concluded: the groups have other sizes than they should ({seen}; by chance with "
        f"p = {told.assignment.p_value:.1g} at most). Something other than the lot decides who is in which "
        "group, or some are lost. Find out what, and begin a new experiment."
    )


def _few_units(told: Told) -> str:
    counts = _counts([(group.sums.units, group.group_name) for group in told.groups], told.rules.unit)
    outcomes = plural(sum(group.sums.outcomes for group in told.groups), "outcome")
    return (
        f"Too early: nothing is concluded below {FEWEST_UNITS} {told.rules.unit}s with an outcome in each "
        f"group, however many outcomes they have. So far: {counts}, with {outcomes} together.{_wait(told)}"
    )


def _few_outcomes(told: Told) -> str:
    counts = _counts([(group.sums.outcomes, group.group_name) for group in told.groups], "outcome")
    return (
        f"Too early: {told.rules.minimum_outcomes:,} outcomes in each group were asked for. So far: {counts}."
    )


def _treatment(told: Told) -> str:
    index = [group.group_name for group in told.groups].index(
        told.winner.group_name if told.winner else ""
    ) - 1
    said = f"{_strategy(told, index)} is better than {told.groups[0].strategy}: {_figures(told, index)}."
    others = [
        number
        for number, one in enumerate(told.found)
        if number != index and one.proven and told.rules.metric.better(one.difference)
    ]
    if others:
        names = " and ".join(_strategy(told, number) for number in others)
        said += f" So {'is' if len(others) == 1 else 'are'} {names}; which of them is best is not shown."
    return said


def _control(told: Told) -> str:
    names = " and ".join(_strategy(told, index) for index in range(len(told.found)))
    figures = "; ".join(_figures(told, index) for index in range(len(told.found)))
    return f"{told.groups[0].strategy} is better than {names}: {figures}."


def _none(told: Told) -> str:
    names = " and ".join(_strategy(told, index) for index in range(len(told.found)))
    figures = "; ".join(_figures(told, index) for index in range(len(told.found)))
    effect = told.rules.minimum_effect
    if effect and all(one.rules_out(effect) for one in told.found):
        size = told.rules.metric.difference_in_words(effect).lstrip("+")
        reason = f"a difference of {size} or more is ruled out"
    else:
        reason = "the planned sample is reached and shows none, which does not prove that there is none"
    return f"No difference between {told.groups[0].strategy} and {names}: {reason}. {figures}."


def _undecided(told: Told) -> str:
    figures = "; ".join(
        f"{_strategy(told, index)}: {_figures(told, index)}" for index in range(len(told.found))
    )
    said = f"Not decided: {told.groups[0].strategy} and {figures}."
    if any(
        not one.proven
        and one.lower is not None
        and one.upper is not None
        and (one.lower > 0 or one.upper < 0)
        for one in told.found
    ):
        said += " An interval on one side of zero rests on too few differing outcomes here to be trusted yet."
    return said + _wait(told)


def _wait(told: Told) -> str:
    """What it would take to say more."""
    if told.decision == "undecided" and told.further is None:
        return " The difference so far is too small for any realistic number to decide it."
    if told.further is None:
        return ""
    days = "" if told.days is None else f", {_days(told.days)} at the rate so far"
    if told.decision == "too_few_units":
        return f" At least {plural(told.further, told.rules.unit)} more{days}."
    if told.rules.method == "fixed_horizon":
        return f" The planned sample is reached after {plural(told.further, told.rules.unit)} more{days}."
    size = told.rules.minimum_effect
    what = (
        "a difference as large as this one"
        if size is None
        else f"a difference of {told.rules.metric.difference_in_words(size).lstrip('+')}"
    )
    return f" To find {what}, it takes about {plural(told.further, told.rules.unit)} more{days}."


def _days(days: float) -> str:
    return "less than a day" if days < 1 else f"about {plural(round(days), 'day')}"


def _figures(told: Told, index: int) -> str:
    """Both means, the difference and its interval."""
    control, group, one = told.groups[0], told.groups[index + 1], told.found[index]
    metric = told.rules.metric
    words = metric.difference_in_words
    units = f"{group.sums.units:,} and {plural(control.sums.units, told.rules.unit)}"
    if one.lower is None or one.upper is None:
        interval = "no interval, because nothing varied"
    else:
        look = "valid for this look" if _one_look(told) else "valid at every look"
        share = f"{100 * told.confidence:.4g} %"
        interval = f"{share} interval {words(one.lower)} to {words(one.upper)}, {look}"
    return (
        f"{metric.name} {metric.in_words(group.sums.mean)} against {metric.in_words(control.sums.mean)}, "
        f"{words(one.difference)} ({interval}; {units})"
    )


def _one_look(told: Told) -> bool:
    units = sum(group.sums.units for group in told.groups)
    return told.rules.method == "fixed_horizon" and units >= told.rules.planned_units


def _strategy(told: Told, index: int) -> str:
    return told.groups[index + 1].strategy


def _counts(counts: Sequence[tuple[int, str]], word: str) -> str:
    return ", ".join(f"{name} {plural(count, word)}" for count, name in counts)


_SENTENCES: dict[Decision, Callable[[Told], str]] = {
    "assignment_broken": _broken,
    "too_few_units": _few_units,
    "too_few_outcomes": _few_outcomes,
    "treatment_better": _treatment,
    "control_better": _control,
    "no_difference": _none,
    "undecided": _undecided,
}
