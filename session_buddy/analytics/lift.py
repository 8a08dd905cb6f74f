"""Skills that are used together more, or less, than chance would have it.

lift = P(a, b) / (P(a) P(b)) over sessions: 1 where one says nothing of the other. It is unstable where few
sessions hold both, so it comes with an interval: the logarithm is near normal, with the variance that the
delta method gives for multinomial counts. A lift is called by a name only for the reader's convenience.

S. Brin, R. Motwani, J. D. Ullman and S. Tsur, "Dynamic itemset counting and implication rules for market
basket data", SIGMOD (1997), where it is called interest.

>>> found = lift_of(both=10, a=20, b=25, sessions=100)
>>> found.value, found.relationship, round(found.lower, 2), round(found.upper, 2)
(2.0, 'strong_positive', 1.35, 2.96)
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

Relationship = Literal[
    "strong_positive",
    "moderate_positive",
    "weak_positive",
    "independent",
    "weak_negative",
    "moderate_negative",
]
NAMES: Final[tuple[tuple[float, Relationship], ...]] = (
    (2.0, "strong_positive"),
    (1.5, "moderate_positive"),
    (1.1, "weak_positive"),
    (0.9, "independent"),
    (0.5, "weak_negative"),
    (0.0, "moderate_negative"),
)
"""Least lift of each name."""
FEWEST_TOGETHER: Final = 5
"""Sessions with both, below which nothing is certain whatever the interval says."""
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Lift:
    """value, and its 95 % interval; certain is True if that lies on one side of 1 and enough is known."""

    value: float
    lower: float
    upper: float
    relationship: Relationship
    certain: bool


def lift_of(both: int, a: int, b: int, sessions: int) -> Lift:
    """The lift of two skills from the sessions that used both, each, and any skill.

    Raises:
        ValueError: counts that contradict each other, or no session with either skill.
    """
    if (
        not 0 <= both <= min(a, b)
        or not 0 < max(a, b) <= sessions
        or min(a, b) == 0
        or a + b - both > sessions
    ):
        raise ValueError(f"{both} of {a} and {b} in {sessions} sessions")
    value = both * sessions / (a * b)
    if both == 0:
        # The rule of three: with no session in `sessions`, at most 3 / sessions of them at 95 %.
        return Lift(0.0, 0.0, 3 * sessions / (a * b), relationship_of(0.0), certain=False)
    error = math.sqrt(max(0.0, _log_variance(both, a, b, sessions)))
    lower, upper = value * math.exp(-_Z * error), value * math.exp(_Z * error)
    certain = both >= FEWEST_TOGETHER and (lower > 1 or upper < 1)
    return Lift(value, lower, upper, relationship_of(value), certain)


def relationship_of(lift: float) -> Relationship:
    """The name of a lift."""
    return next(name for least, name in NAMES if lift >= least)


def _log_variance(both: int, a: int, b: int, sessions: int) -> float:
    """Delta method: ln p11 - ln(p11 + p10) - ln(p11 + p01), over four multinomial cells."""
    cells = (
        (both, 1 / both - 1 / a - 1 / b),
        (a - both, -1 / a),
        (b - both, -1 / b),
    )
    mean = sum(count * slope for count, slope in cells) / sessions
    return sum(count * slope * slope for count, slope in cells) - sessions * mean * mean
