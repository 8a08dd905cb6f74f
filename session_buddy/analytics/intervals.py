"""Confidence intervals for proportions."""

import math
from statistics import NormalDist


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval (lower, upper) of a proportion, both in 0..1.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927);
    recommended for small samples by Brown, Cai and DasGupta, Statistical Science 16 (2001). With no
    trials nothing is known: (0, 1).

    Raises:
        ValueError: successes outside 0..trials, or confidence outside (0, 1).

    >>> lower, upper = wilson(9, 10)
    >>> round(lower, 3), round(upper, 3)
    (0.596, 0.982)
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is not between 0 and 1")
    if trials == 0:
        return (0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # At 0 and at all successes the bound is exactly 0 or 1; the formula leaves rounding dust there.
    lower = 0.0 if successes == 0 else max(0.0, centre - half)
    upper = 1.0 if successes == trials else min(1.0, centre + half)
    return (lower, upper)
