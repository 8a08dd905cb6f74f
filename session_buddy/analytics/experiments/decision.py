"""What may be concluded from an experiment now, in numbers and in plain words.

Gates come first, in this order: groups of the wrong size (then no comparison means anything), fewer than 20
units in a group (two users with 200 outcomes each are two units), fewer outcomes than asked for. Then each
treatment is compared with control, with alpha divided by the number of comparisons (Bonferroni), and what is
called better is better by the interval and by the cautious error.

With `fixed_horizon`, a fifth of alpha watches every look until the planned sample is reached, so that a large
difference stops the experiment early, and the one look at the end has the rest: together they stay below
alpha (union bound), and the sample is hardly larger than that of one look alone.

O. J. Dunn, "Multiple comparisons among means", JASA 56 (1961), for the correction.

>>> def group(name, strategy, good, bad):
...     sums = GroupSums.of([[1]] * good + [[0]] * bad)
...     return Group(name, strategy, 0.5, good + bad, sums)
>>> groups = [group("control", "repeat_last", 150, 50), group("treatment", "markov_blend", 185, 15)]
>>> verdict = decide(groups, Rules(METRICS["completion_rate"], "session", planned_units=400))
>>> verdict.decision, verdict.winner
('treatment_better', 'treatment')
>>> verdict.conclusion.partition(" (")[0]
'markov_blend is better than repeat_last: completion_rate 92.5 % against 75.0 %, +17.5 points'
"""

from collections.abc import Sequence
from dataclasses import dataclass

from session_buddy.analytics.experiments.comparing import Compared, Look, compared, further_units
from session_buddy.analytics.experiments.metrics import METRICS
from session_buddy.analytics.experiments.planning import FEWEST_UNITS, FIXED_SHARE
from session_buddy.analytics.experiments.rules import ENDS, Decision, Group, Rules
from session_buddy.analytics.experiments.srm import Mismatch, mismatch
from session_buddy.analytics.experiments.sums import GroupSums
from session_buddy.analytics.experiments.wording import Told, in_words

__all__ = ["METRICS", "Comparison", "Group", "GroupSums", "Rules", "Verdict", "decide"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A treatment beside control. difference, lower, upper: in units of the mean; no interval: None.

    p_value: valid at every look (of the one look, at the end of a fixed horizon), before any correction for
    further arms. proven: that there is a difference.
    """

    group_name: str
    difference: float
    lower: float | None
    upper: float | None
    p_value: float
    proven: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """winner: name of the best group where one is proven. further_units, days: until more can be said, about.

    comparisons: empty below two units in a group. confidence: of each interval; all of them together hold
    with 1 - alpha.
    """

    decision: Decision
    winner: str | None
    conclusion: str
    comparisons: tuple[Comparison, ...]
    assignment: Mismatch
    confidence: float
    further_units: int | None = None
    further_days: float | None = None

    @property
    def ends(self) -> bool:
        """Whether there is nothing to wait for any more."""
        return self.decision in ENDS


def decide(groups: Sequence[Group], rules: Rules, units_per_day: float | None = None) -> Verdict:
    """What may be concluded now. groups: control first. units_per_day: of all groups, to say how long.

    Raises:
        ValueError: fewer than two groups, or shares that are not positive with sum 1.
    """
    if len(groups) < 2:
        raise ValueError("An experiment has two groups at least")
    assignment = mismatch([group.assigned for group in groups], [group.share for group in groups])
    looks = [_look(groups, treatment, rules) for treatment in groups[1:]]
    found: list[Compared] = []
    if all(group.sums.units >= 2 for group in groups):
        found = [
            compared(groups[0].sums, group.sums, look) for group, look in zip(groups[1:], looks, strict=True)
        ]
    decision = _gate(groups, rules, assignment) or _decision(found, rules, one_look=looks[0].one_look)
    winner = _winner(decision, groups, found, rules)
    further = _further(decision, groups, looks, found, rules)
    days = None if further is None or not units_per_day else round(further / units_per_day, 1)
    confidence = 1 - looks[0].alpha
    told = Told(decision, groups, found, rules, assignment, winner, confidence, further, days)
    return Verdict(
        decision,
        winner.group_name if winner else None,
        in_words(told),
        tuple(_comparison(group, one) for group, one in zip(groups[1:], found, strict=False)),
        assignment,
        confidence,
        further,
        days,
    )


def _look(groups: Sequence[Group], treatment: Group, rules: Rules) -> Look:
    alpha = rules.alpha / (len(groups) - 1)
    planned = rules.planned_units * (groups[0].share + treatment.share)
    if rules.method == "sequential":
        return Look(planned, rules.metric.bounds, alpha)
    one_look = sum(group.sums.units for group in groups) >= rules.planned_units
    share = FIXED_SHARE if one_look else 1 - FIXED_SHARE
    return Look(planned, rules.metric.bounds, alpha * share, one_look)


def _gate(groups: Sequence[Group], rules: Rules, assignment: Mismatch) -> Decision | None:
    if assignment.found:
        return "assignment_broken"
    if min(group.sums.units for group in groups) < FEWEST_UNITS:
        return "too_few_units"
    if min(group.sums.outcomes for group in groups) < rules.minimum_outcomes:
        return "too_few_outcomes"
    return None


def _decision(found: Sequence[Compared], rules: Rules, *, one_look: bool) -> Decision:
    if any(one.proven and rules.metric.better(one.difference) for one in found):
        return "treatment_better"
    if all(one.proven for one in found):
        return "control_better"
    if one_look or (rules.minimum_effect and all(one.rules_out(rules.minimum_effect) for one in found)):
        return "no_difference"
    return "undecided"


def _winner(
    decision: Decision, groups: Sequence[Group], found: Sequence[Compared], rules: Rules
) -> Group | None:
    if decision == "control_better":
        return groups[0]
    if decision != "treatment_better":
        return None
    better = [
        (abs(one.difference), group)
        for group, one in zip(groups[1:], found, strict=True)
        if one.proven and rules.metric.better(one.difference)
    ]
    return max(better, key=lambda pair: pair[0])[1]


def _further(
    decision: Decision,
    groups: Sequence[Group],
    looks: Sequence[Look],
    found: Sequence[Compared],
    rules: Rules,
) -> int | None:
    """Units of all groups together, for the comparison that gets there first."""
    if decision == "too_few_units":
        return sum(max(0, FEWEST_UNITS - group.sums.units) for group in groups)
    if decision != "undecided":
        return None
    if rules.method == "fixed_horizon":
        return rules.planned_units - sum(group.sums.units for group in groups)
    control = groups[0]
    counts = []
    for group, look, one in zip(groups[1:], looks, found, strict=True):
        effect = rules.minimum_effect or abs(one.difference)
        more = further_units(control.sums, group.sums, look, effect)
        if more is not None:
            counts.append(round(more / (control.share + group.share)))
    return min(counts, default=None)


def _comparison(group: Group, one: Compared) -> Comparison:
    return Comparison(group.group_name, one.difference, one.lower, one.upper, one.p_value, one.proven)
