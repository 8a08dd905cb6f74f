"""Whether a completion rate rises or falls: Cochran-Armitage, scaled for overdispersion.

Model: in period i, `completed` of `decided` invocations completed, and the rate lies on a line in time. The
test is the score test of the line's slope. Its variance supposes independent invocations; those of one day
are not, so it is scaled by what the periods scatter around the line beyond that (Pearson's chi-squared over
its degrees of freedom, never below 1), and Student's t takes the place of the normal distribution for it.

W. G. Cochran, "Some methods for strengthening the common chi-squared tests", Biometrics 10 (1954); P.
Armitage, "Tests for linear trends in proportions and frequencies", Biometrics 11 (1955); P. McCullagh and J.
A. Nelder, "Generalized Linear Models", 2nd edition (1989), section 4.5, for the scale.

>>> trend = completion_trend([0, 1, 2, 3, 4, 5], [19, 18, 16, 15, 12, 11], [20] * 6)
>>> round(trend.slope, 3), trend.p_value < 0.05
(-0.084, True)
>>> completion_trend([0, 1, 2], [5, 5, 5], [5, 5, 5]).p_value
1.0
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from session_buddy.analytics.distributions import normal_two_sided, student_two_sided

MINIMUM_PERIODS: Final = 3
MINIMUM_DECIDED: Final = 10


@dataclass(frozen=True, slots=True)
class Trend:
    """slope: per unit of time. p_value: two-sided, of no trend. overdispersion: 1 for none."""

    slope: float
    standard_error: float
    p_value: float
    overdispersion: float


def completion_trend(
    times: Sequence[float], completed: Sequence[float], decided: Sequence[float]
) -> Trend | None:
    """The trend of a rate over periods at `times`; each sequence has shape (n,), every `decided` > 0.

    None where nothing can be said: fewer than 3 periods or 10 invocations, or one time only.
    """
    total = sum(decided)
    if len(times) < MINIMUM_PERIODS or total < MINIMUM_DECIDED:
        return None
    rate = sum(completed) / total
    centre = sum(n * t for n, t in zip(decided, times, strict=True)) / total
    spread = sum(n * (t - centre) ** 2 for n, t in zip(decided, times, strict=True))
    if spread <= 0:
        return None
    slope = sum(k * (t - centre) for k, t in zip(completed, times, strict=True)) / spread
    variance = rate * (1 - rate)
    if variance <= 0:
        return Trend(slope=0.0, standard_error=0.0, p_value=1.0, overdispersion=1.0)
    residuals = sum(
        (k - n * (rate + slope * (t - centre))) ** 2 / (n * variance)
        for k, n, t in zip(completed, decided, times, strict=True)
    )
    degrees = len(times) - 2
    scale = residuals / degrees
    error = math.sqrt(max(scale, 1.0) * variance / spread)
    statistic = slope / error
    p_value = student_two_sided(statistic, degrees) if scale > 1 else normal_two_sided(statistic)
    return Trend(slope, error, p_value, max(scale, 1.0))
