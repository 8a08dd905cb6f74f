"""One treatment beside control: the difference, its interval, and whether it is proven.

>>> control, treatment = GroupSums.of([[1]] * 150 + [[0]] * 50), GroupSums.of([[1]] * 185 + [[0]] * 15)
>>> found = compared(control, treatment, Look(planned_units=400, bounds=(0.0, 1.0)))
>>> found.proven, round(found.difference, 3), round(found.lower, 3), round(found.upper, 3)
(True, 0.175, 0.066, 0.284)
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from session_buddy.analytics.distributions import student_two_sided
from session_buddy.analytics.experiments.caution import Caution, cautious, student_reach
from session_buddy.analytics.experiments.confidence import ALPHA, always_valid_p, boundary, sequential
from session_buddy.analytics.experiments.fixed import student_quantile, welch
from session_buddy.analytics.experiments.planning import POWER
from session_buddy.analytics.experiments.sums import GroupSums

MOST_UNITS: Final = 10**7


@dataclass(frozen=True, slots=True)
class Look:
    """How a comparison is looked at. planned_units: of the two groups. bounds: of a value, if it has any.

    one_look: the end of a fixed horizon; else an interval that holds at every look.
    """

    planned_units: float
    bounds: tuple[float, float] | None
    alpha: float = ALPHA
    one_look: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """Treatment less control. proven: that there is a difference, with the cautious error too.

    lower, upper: the interval; None where nothing varied, so that nothing is known of the error. cautious:
    half the width of the interval with the cautious error.
    """

    difference: float
    lower: float | None
    upper: float | None
    p_value: float
    cautious: float | None
    proven: bool

    def rules_out(self, effect: float) -> bool:
        """Whether a difference of this size, either way, is ruled out with the cautious error."""
        return self.cautious is not None and abs(self.difference) + self.cautious < effect


def compared(control: GroupSums, treatment: GroupSums, look: Look) -> Compared:
    """The comparison of two groups with two units each at least."""
    difference = treatment.mean - control.mean
    caution = cautious(control, treatment, look.bounds)
    if caution is None:
        return Compared(difference, None, None, 1.0, None, proven=False)
    half = caution.error * _reach(caution, look)
    proven = abs(difference) > half
    if look.one_look:
        found = welch(control, treatment, look.alpha)
    else:
        found = sequential(control, treatment, look.planned_units, look.alpha)
    if found is None:
        p_value = _p_value(difference / caution.error, caution, look)
        return Compared(difference, difference - half, difference + half, p_value, half, proven)
    return Compared(difference, found.lower, found.upper, found.p_value, half, proven and found.excludes_zero)


def further_units(control: GroupSums, treatment: GroupSums, look: Look, effect: float) -> int | None:
    """How many more units of both groups it takes to find a difference of `effect` four times in five.

    None where that are more than ten million, or nothing is known of the error.
    """
    units = control.units + treatment.units
    now = cautious(control, treatment, look.bounds)
    if now is None or effect <= 0:
        return None
    surely = NormalDist().inv_cdf(POWER)

    def found_after(count: int) -> bool:
        then = now.after(count / units)
        return then.error * (_reach(then, look) + surely) <= effect

    lower, upper = units, units
    while not found_after(upper):
        lower, upper = upper, 2 * upper
        if upper > MOST_UNITS:
            return None
    while lower < upper:
        middle = (lower + upper) // 2
        lower, upper = (lower, middle) if found_after(middle) else (middle + 1, upper)
    return upper - units


def _reach(caution: Caution, look: Look) -> float:
    """How many cautious errors a difference has to exceed."""
    if look.one_look:
        return student_quantile(look.alpha, caution.degrees)
    return student_reach(boundary(caution.clock, look.planned_units, look.alpha), caution.degrees)


def _p_value(z: float, caution: Caution, look: Look) -> float:
    if look.one_look:
        return student_two_sided(z, caution.degrees)
    return always_valid_p(z, caution.clock, look.planned_units, look.alpha)
