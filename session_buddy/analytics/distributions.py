"""Tail probabilities without scipy, whose import alone takes longer than a start of the server.

W. H. Press et al., "Numerical Recipes", 3rd edition (2007), section 6.4, for the continued fraction of the
incomplete beta function (modified Lentz). Held against scipy in the tests.
"""

import math
from typing import Final

_TINY: Final = 1e-300
_PRECISION: Final = 1e-14
_MOST_STEPS = 500


def normal_two_sided(z: float) -> float:
    """P(|Z| >= |z|) of a standard normal Z.

    >>> round(normal_two_sided(1.96), 4)
    0.05
    """
    return math.erfc(abs(z) / math.sqrt(2))


def student_two_sided(t: float, degrees: float) -> float:
    """P(|T| >= |t|) of Student's t with `degrees` > 0 of freedom.

    >>> round(student_two_sided(2.228, 10), 4)
    0.05
    """
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0 and x in 0..1."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    value, numerator, denominator = 1.0, 1.0, 1 - (a + b) * x / (a + 1)
    denominator = 1 / (denominator if abs(denominator) > _TINY else _TINY)
    value = denominator
    for step in range(1, _MOST_STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for coefficient in (even, odd):
            denominator = 1 + coefficient * denominator
            denominator = 1 / (denominator if abs(denominator) > _TINY else _TINY)
            numerator = 1 + coefficient / numerator
            numerator = numerator if abs(numerator) > _TINY else _TINY
            change = numerator * denominator
            value *= change
        if abs(change - 1) < _PRECISION:
            break
    return value
