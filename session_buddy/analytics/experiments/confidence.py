"""An interval for a difference that holds at every look, however often one looks.

The asymptotic confidence sequence of I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas,
"Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52 (2024),
equation 9, in the form of GrowthBook's sequential engine: the unit is the user or session, and the interval
is tightest near the planned number of units. With probability 1 - alpha it covers the true difference at
all looks together, so it may decide at any of them. The price is width: about 1.55 times that of an
interval for one look.

Rounding dust of sums apart, a variance of zero means that nothing varied, not that everything is known; so
there is no interval then.

>>> control, treatment = GroupSums.of([[1]] * 300 + [[0]] * 100), GroupSums.of([[1]] * 352 + [[0]] * 48)
>>> found = sequential(control, treatment, planned_units=800)
>>> round(found.difference, 3), round(found.lower, 3), round(found.upper, 3), round(found.p_value, 5)
(0.13, 0.048, 0.212, 0.00011)
"""

import math
from dataclasses import dataclass
from typing import Final

from session_buddy.analytics.experiments.sums import GroupSums

ALPHA: Final = 0.05
_DUST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """Treatment less control, with its interval at confidence 1 - alpha and the p-value of no difference.

    error: the standard error of the difference.
    """

    difference: float
    lower: float
    upper: float
    p_value: float
    error: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.lower > 0 or self.upper < 0


def sequential(
    control: GroupSums,
    treatment: GroupSums,
    planned_units: float,
    alpha: float = ALPHA,
    *,
    relative: bool = False,
) -> Difference | None:
    """The difference of two means, valid at every look; None where one of the groups does not vary.

    planned_units: of both groups together; where the interval is to be tightest. relative: as a share of
    control's mean (delta method), None where that is zero.
    """
    if not (varies(control) and varies(treatment)) or (relative and control.mean == 0):
        return None
    difference = treatment.mean - control.mean
    variance = variance_of_difference(control, treatment)
    if relative:
        variance = treatment.variance / treatment.units / control.mean**2
        variance += control.variance / control.units * treatment.mean**2 / control.mean**4
        difference /= control.mean
    return around(difference, variance, control.units + treatment.units, planned_units, alpha)


def around(
    difference: float, variance: float, units: float, planned_units: float, alpha: float = ALPHA
) -> Difference:
    """The interval around a difference whose estimate has this variance, after so many units."""
    error = math.sqrt(variance)
    half = error * boundary(units, planned_units, alpha)
    return Difference(
        difference,
        difference - half,
        difference + half,
        always_valid_p(difference / error, units, planned_units, alpha),
        error,
    )


def boundary(units: float, planned_units: float, alpha: float = ALPHA) -> float:
    """How many standard errors the interval reaches to each side after so many units."""
    spent = units * _rho_squared(planned_units, alpha)
    return math.sqrt(2 * (1 + 1 / spent) * math.log(math.sqrt(1 + spent) / alpha))


def always_valid_p(z: float, units: float, planned_units: float, alpha: float = ALPHA) -> float:
    """The p-value of a difference of z standard errors that peeking does not spoil."""
    spent = units * _rho_squared(planned_units, alpha)
    evidence = z * z * spent / (2 * (1 + spent)) - math.log1p(spent) / 2
    return min(1.0, math.exp(-evidence))


def varies(group: GroupSums) -> bool:
    """Whether the units differ from one another by more than rounding."""
    return group.units >= 2 and group.residual_squares > _DUST * max(1.0, group.total_squared)


def variance_of_difference(control: GroupSums, treatment: GroupSums) -> float:
    """Of the difference of the two means; both groups need a unit."""
    return control.variance / control.units + treatment.variance / treatment.units


def _rho_squared(planned_units: float, alpha: float) -> float:
    """The parameter that makes the interval tightest at the planned number of units."""
    doubled = -2 * math.log(alpha)
    return (doubled + math.log(doubled + 1)) / planned_units
