"""How many units an experiment needs to find a difference that is worth finding, and how long that takes.

For one look at the end the number follows from the normal distribution; an interval that may be looked at at
any time needs 1.8 times as many to find the difference as surely, and on the way often ends sooner.

M. van Belle, "Statistical rules of thumb", 2nd edition (2008), section 2.1, for the fixed sample; the
factor was found by simulation (`python -m bench.methods ab`).

>>> made = plan(rate_variance(0.9), 0.05, [0.5, 0.5], treated_variance=rate_variance(0.95), units_per_day=40)
>>> made.units, made.fixed_units, made.days
(1555, 864, 38.9)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Literal

Method = Literal["sequential", "fixed_horizon"]
ALPHA: Final = 0.05
POWER: Final = 0.8
SEQUENTIAL_FACTOR: Final = 1.8
FIXED_SHARE: Final = 0.8
"""Of alpha, what the one look of a fixed horizon gets; the rest is for stopping before it."""
FEWEST_UNITS: Final = 20
"""In each group, below which nothing is concluded."""


@dataclass(frozen=True, slots=True)
class Plan:
    """units: in all groups together. fixed_units: what one look would need. days: None if unknown."""

    units: int
    fixed_units: int
    units_of_group: tuple[int, ...]
    days: float | None


def plan(
    unit_variance: float,
    minimum_effect: float,
    shares: Sequence[float],
    *,
    treated_variance: float | None = None,
    method: Method = "sequential",
    alpha: float = ALPHA,
    power: float = POWER,
    units_per_day: float | None = None,
) -> Plan:
    """The sample for a difference of `minimum_effect` between control and any treatment.

    unit_variance: of one unit's contribution to the mean, as `GroupSums.variance` or `rate_variance` give it.
    minimum_effect: in units of the mean (.05 are five points of a rate; for seconds, of the logarithm).
    shares: of the groups, control first. alpha: for all comparisons with control together.

    Raises:
        ValueError: an effect or a variance that is not positive, or alpha or power outside (0, 1).
    """
    if not (minimum_effect > 0 and unit_variance > 0):
        raise ValueError("Planning needs a positive effect, and values that vary")
    if not (0 < alpha < 1 and 0 < power < 1):
        raise ValueError(f"alpha {alpha} and power {power} have to lie between 0 and 1")
    each = alpha / (len(shares) - 1)
    treated = unit_variance if treated_variance is None else treated_variance
    spread = unit_variance / shares[0] + treated / min(shares[1:])
    fixed = fixed_horizon_units(spread, minimum_effect, each, power)
    if method == "sequential":
        units = SEQUENTIAL_FACTOR * fixed
    else:
        units = fixed_horizon_units(spread, minimum_effect, FIXED_SHARE * each, power)
    total = math.ceil(max(units, FEWEST_UNITS / min(shares)))
    days = None if not units_per_day else round(total / units_per_day, 1)
    return Plan(total, math.ceil(fixed), tuple(math.ceil(total * share) for share in shares), days)


def fixed_horizon_units(spread: float, effect: float, alpha: float, power: float) -> float:
    """Units in all for one two-sided look. spread: the sum over the two groups of variance / share."""
    normal = NormalDist()
    return (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)) ** 2 * spread / effect**2


def rate_variance(rate: float, outcomes_per_unit: float = 1.0, correlation: float = 0.0) -> float:
    """Variance of one unit's share of successes, where two outcomes of a unit are so correlated (0..1).

    L. Kish, "Survey sampling" (1965), section 5.4, for the design effect. A rate of 0 or 1 is taken as one
    that has not failed (or succeeded) yet.

    >>> round(rate_variance(0.9, outcomes_per_unit=10, correlation=0.15), 5)
    0.02115
    """
    known = min(max(rate, 0.01), 0.99)
    return known * (1 - known) * (1 + (outcomes_per_unit - 1) * correlation) / outcomes_per_unit
