"""The standard error that a decision rests on: never smaller than the one in the interval.

The interval's own variance is right for many units. With few failures (a rate of 98 %, a small group) it
may be far too small: a group in which nothing failed yet has none at all, and then the interval finds
differences that are not there. So a decision also has to hold with the variance that the groups have
together, had they been equal, and with two more outcomes in it, one at either end of what a value can be.

A. Agresti and B. Caffo, "Simple and effective confidence intervals for proportions and differences of
proportions result from adding two successes and two failures", The American Statistician 54 (2000); the
pooled variance is that of the score test.

>>> perfect = GroupSums.of([(1.0, 1)] * 30)
>>> round(cautious_error(perfect, perfect, (0.0, 1.0)), 3)
0.034
>>> cautious_error(perfect, perfect, None)
0.0
"""

import math

from session_buddy.analytics.experiments.confidence import variance_of_difference
from session_buddy.analytics.experiments.sums import GroupSums


def cautious_error(control: GroupSums, treatment: GroupSums, bounds: tuple[float, float] | None) -> float:
    """Of the difference of two means, each group with a unit at least. bounds: of a value, if it has any.

    Zero only where nothing varied and values have no bounds.
    """
    squares = control.residual_squares + treatment.residual_squares
    if bounds is not None:
        mean = (control + treatment).mean
        squares += (bounds[1] - mean) ** 2 + (mean - bounds[0]) ** 2
    each = squares / max(1, control.units + treatment.units - 2)
    pooled = sum(each * group.units / group.outcomes**2 for group in (control, treatment))
    return math.sqrt(max(pooled, variance_of_difference(control, treatment)))
