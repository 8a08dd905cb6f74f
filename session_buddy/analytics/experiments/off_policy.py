"""How well another strategy would have done, from what was logged while a different one suggested.

Suggestions explore a little, and the probability with which each skill stood first is logged. So a
suggestion in which the other strategy's choice happened to stand first speaks for it, with a weight of one
over that probability. Such weights are large and few; a model of the outcomes carries most of the estimate,
and the weighted suggestions correct the model where it is wrong. The estimate is right if the probabilities
are, whatever the model is worth (doubly robust). The model is a shrunken rate for each skill, learned in
order of time and asked before it learns, so that it never judges with what it was told.

Where the other strategy would have shown what could not have stood first, nothing was logged that speaks of
it; the interval takes that part as all failures at its lower end and as all successes at its upper.

M. Dudik, D. Erhan, J. Langford and L. Li, "Doubly robust policy evaluation and optimization", Statistical
Science 29 (2014); weights as in D. G. Horvitz and D. J. Thompson, JASA 47 (1952); C. F. Manski,
"Nonparametric bounds on treatment effects", American Economic Review 80 (1990), for what was never tried.

>>> logged = [
...     Logged(f"s{n}", first, ("a", "b"), 0.95 if first == "a" else 0.05, float(first == "b"), {"b": 1.0})
...     for n in range(2000)
...     for first in ["b" if n % 20 == 0 else "a"]
... ]
>>> found = judged(logged)
>>> found.certain_enough, round(found.logged_mean, 2), found.lower > 0.5
(True, 0.05, True)
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from session_buddy.analytics.experiments.caution import student_reach
from session_buddy.analytics.experiments.sums import GroupSums

FEWEST_EFFECTIVE: Final = 20.0
PRIOR: Final = 5.0
"""Weight of the rate of all skills in that of one, in outcomes."""
_NEARLY_ALL: Final = 0.995
_Z: Final = 1.959964


class Logged(NamedTuple):
    """One suggestion. unit_id: the session (or user) that it belongs to. chosen: the skill that stood first.

    possible: all skills that could have stood first. propensity: the probability that `chosen` did, 0..1
    exclusive of 0. reward: 0..1. wanted: the skills that the other strategy would have put first, with the
    probability of each, 1 together.
    """

    unit_id: str
    chosen: str
    possible: Sequence[str]
    propensity: float
    reward: float
    wanted: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Judged:
    """Mean reward that the other strategy would have had, with its 95 % interval, all in 0..1.

    logged_mean: of the strategy that suggested. effective: how many suggestions speak for the other one, as
    had they all the same weight. covered: share of its choices that could have stood first. certain_enough:
    at least 20 effective suggestions in 20 sessions; below that, it is a guess.
    """

    mean: float
    lower: float
    upper: float
    logged_mean: float
    suggestions: int
    units: int
    effective: float
    covered: float
    certain_enough: bool

    @property
    def in_words(self) -> str:
        """The estimate and what it is worth, in a sentence or two."""
        said = (
            f"It would have had {100 * self.mean:.1f} % (95 % interval {100 * self.lower:.1f} to "
            f"{100 * self.upper:.1f} %) against {100 * self.logged_mean:.1f} % of what was suggested, by "
            f"{self.suggestions:,} suggestions in {self.units:,} sessions."
        )
        if not self.certain_enough:
            said += (
                f" Only {self.effective:.0f} of them speak for it; this is a guess until there are "
                f"{FEWEST_EFFECTIVE:.0f}."
            )
        if self.covered < _NEARLY_ALL:
            share = f"{100 * (1 - self.covered):.0f} %"
            said += (
                f" Of {share} of its choices nothing is known, because they were not among what was shown."
            )
        return said


def judged(logged: Iterable[Logged]) -> Judged | None:
    """The estimate from suggestions in order of time; None without any in two units.

    Raises:
        ValueError: a propensity outside (0, 1], or a reward outside 0..1.
    """
    model = _Rates()
    terms: dict[str, list[float]] = defaultdict(list)
    weights: list[float] = []
    rewards = covered = 0.0
    for one in logged:
        if not (0 < one.propensity <= 1 and 0 <= one.reward <= 1):
            raise ValueError(f"propensity {one.propensity} and reward {one.reward} of a suggestion")
        possible = {name: share for name, share in one.wanted.items() if name in one.possible}
        expected = sum(share * model.of(name) for name, share in possible.items())
        weight = possible.get(one.chosen, 0.0) / one.propensity
        terms[one.unit_id].append(expected + weight * (one.reward - model.of(one.chosen)))
        weights.append(weight)
        covered += sum(possible.values())
        rewards += one.reward
        model.learn(one.chosen, one.reward)
    count = len(weights)
    if len(terms) < 2:
        return None
    return _summary(GroupSums.of(terms.values()), weights, covered / count, rewards / count)


def _summary(sums: GroupSums, weights: Sequence[float], covered: float, logged_mean: float) -> Judged:
    squares = sum(weight * weight for weight in weights)
    effective = sum(weights) ** 2 / squares if squares else 0.0
    degrees = max(1.0, min(effective, sums.units) - 1)
    half = student_reach(_Z, degrees) * math.sqrt(sums.variance / sums.units)
    unknown = 1 - covered
    return Judged(
        mean=_share(sums.mean + unknown * logged_mean),
        lower=_share(sums.mean - half),
        upper=_share(sums.mean + half + unknown),
        logged_mean=logged_mean,
        suggestions=len(weights),
        units=sums.units,
        effective=effective,
        covered=covered,
        certain_enough=effective >= FEWEST_EFFECTIVE and sums.units >= FEWEST_EFFECTIVE,
    )


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))


class _Rates:
    """The mean reward of each skill so far, drawn to that of all skills while there is little."""

    def __init__(self) -> None:
        self._skills: dict[str, tuple[float, float]] = {}
        self._all = (0.5, 1.0)

    def of(self, skill_name: str) -> float:
        total, count = self._skills.get(skill_name, (0.0, 0.0))
        return (total + PRIOR * self._all[0] / self._all[1]) / (count + PRIOR)

    def learn(self, skill_name: str, reward: float) -> None:
        total, count = self._skills.get(skill_name, (0.0, 0.0))
        self._skills[skill_name] = (total + reward, count + 1)
        self._all = (self._all[0] + reward, self._all[1] + 1)
