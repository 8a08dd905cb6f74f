"""Whether durations grow or shrink: Theil-Sen slope with a Mann-Kendall test that knows of memory.

Model: log-durations of consecutive periods lie around a monotone trend, with an error that may remember the
one before (autoregressive of order 1). The slope is the median of the slopes of all pairs of periods. Mann-
Kendall's S counts rising pairs less falling ones; memory makes its variance larger, by the factor of Yue and
Wang for the effective sample size, with the coefficient estimated from what is left when the slope is taken
out, corrected for its bias in short series, and left out where it is not distinguishable from none.

P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968); H. B. Mann,
"Nonparametric tests against trend", Econometrica 13 (1945); S. Yue and C. Y. Wang, "The Mann-Kendall test
modified by effective sample size to detect trend in serially correlated hydrological series", Water Resources
Management 18 (2004); F. H. C. Marriott and J. A. Pope, "Bias in the estimation of autocorrelations",
Biometrika 41 (1954).

>>> rising = duration_trend([1, 2, 3, 4, 5, 6, 7, 8], [1.0, 1.2, 1.1, 1.5, 1.4, 1.9, 1.8, 2.2])
>>> round(rising.slope, 2), rising.p_value < 0.05
(0.17, True)
>>> duration_trend([1, 2, 3], [1.0, 2.0, 3.0]) is None
True
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Final

from session_buddy.analytics.distributions import normal_two_sided

MINIMUM_PERIODS: Final = 8
_LARGEST_MEMORY = 0.9
_SIGNIFICANT: Final = 1.0


@dataclass(frozen=True, slots=True)
class MonotoneTrend:
    """slope: per unit of time, (lower, upper) its 95 % interval. memory: the AR(1) coefficient."""

    slope: float
    lower: float
    upper: float
    p_value: float
    memory: float


def duration_trend(times: Sequence[float], values: Sequence[float]) -> MonotoneTrend | None:
    """The trend of `values` (n,) at strictly rising `times` (n,); None with fewer than 8 of them."""
    if len(times) < MINIMUM_PERIODS:
        return None
    pairs = [
        (later - earlier, after - before)
        for place, (earlier, before) in enumerate(zip(times, values, strict=True))
        for later, after in zip(times[place + 1 :], values[place + 1 :], strict=True)
    ]
    slopes = sorted(rise / run for run, rise in pairs)
    slope = median(slopes)
    memory = memory_of([value - slope * moment for moment, value in zip(times, values, strict=True)])
    score = sum((rise > 0) - (rise < 0) for _, rise in pairs)
    variance = _variance(values) * _inflation(memory, len(values))
    if variance <= 0:
        return MonotoneTrend(0.0, 0.0, 0.0, 1.0, 0.0)
    statistic = max(abs(score) - 1.0, 0.0) / math.sqrt(variance)
    half = 1.96 * math.sqrt(variance)
    low = int(max(0, (len(slopes) - half) / 2))
    high = int(min(len(slopes) - 1, math.ceil((len(slopes) + half) / 2)))
    return MonotoneTrend(slope, slopes[low], slopes[high], normal_two_sided(statistic), memory)


def memory_of(residuals: Sequence[float]) -> float:
    """The AR(1) coefficient of a detrended series, 0..0.9; 0 where it may as well be none."""
    count = len(residuals)
    mean = fmean(residuals)
    centred = [value - mean for value in residuals]
    scale = sum(value * value for value in centred)
    if scale <= 0:
        return 0.0
    raw = sum(one * other for one, other in pairwise(centred)) / scale
    if raw <= _SIGNIFICANT / math.sqrt(count) - 1 / count:
        return 0.0
    return min((count * raw + 2) / (count - 4), _LARGEST_MEMORY)


def _inflation(memory: float, count: int) -> float:
    """By how much memory inflates the variance of S: n over the effective sample size."""
    return 1 + 2 * sum((1 - lag / count) * memory**lag for lag in range(1, count)) if memory else 1.0


def _variance(values: Sequence[float]) -> float:
    """Variance of S without memory, ties taken out."""
    count = len(values)
    ties = Counter(values).values()
    tied = sum(tie * (tie - 1) * (2 * tie + 5) for tie in ties)
    return (count * (count - 1) * (2 * count + 5) - tied) / 18
