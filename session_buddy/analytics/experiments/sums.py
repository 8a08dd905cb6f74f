"""What is kept of a group: six sums over its units, from which mean and variance follow.

The mean is that of all outcomes, a ratio of two sums over units, and its variance is that of the units'
residuals (delta method): outcomes of one user or session go well or badly together, so only the units are
independent. A user with 200 outcomes counts as one unit. The sums do not depend on the order of events, and
SQL gives the same: per unit `sum(value) AS total, count(*) AS outcomes`, then over the units `count(*)`,
`sum(outcomes)`, `sum(total)`, `sum(outcomes * outcomes)`, `sum(total * total)`, `sum(total * outcomes)`.

A. Deng, U. Knoblich and J. Lu, "Applying the delta method in metric analytics", KDD (2018), section 3.

>>> sums = GroupSums.of([(3.0, 4), (1.0, 1), (0.0, 1)])
>>> round(sums.mean, 3), sums.units, sums.outcomes, round(sums.variance, 3)
(0.667, 3, 6, 0.083)
>>> sums == GroupSums.of([(1.0, 1)]) + GroupSums.of([(3.0, 4), (0.0, 1)])
True
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Sums over the units of a group that have an outcome. outcomes: how many there are in all.

    total: of the values. outcomes_squared, total_squared, product: over units, of the squares of each unit's
    number of outcomes and of its total, and of the product of the two.
    """

    units: int = 0
    outcomes: int = 0
    total: float = 0.0
    outcomes_squared: float = 0.0
    total_squared: float = 0.0
    product: float = 0.0

    @classmethod
    def of(cls, units: Iterable[tuple[float, int]]) -> Self:
        """From (total, number of outcomes) of each unit."""
        sums = cls()
        for total, outcomes in units:
            sums = sums.changed((0.0, 0), (total, outcomes))
        return sums

    def changed(self, before: tuple[float, int], after: tuple[float, int]) -> Self:
        """After one unit's (total, number of outcomes) went from `before` to `after`; (0, 0) is no unit."""
        (old_total, old), (new_total, new) = before, after
        return type(self)(
            self.units + (new > 0) - (old > 0),
            self.outcomes + new - old,
            self.total + new_total - old_total,
            self.outcomes_squared + new * new - old * old,
            self.total_squared + new_total * new_total - old_total * old_total,
            self.product + new_total * new - old_total * old,
        )

    def __add__(self, other: "GroupSums") -> Self:
        return type(self)(
            self.units + other.units,
            self.outcomes + other.outcomes,
            self.total + other.total,
            self.outcomes_squared + other.outcomes_squared,
            self.total_squared + other.total_squared,
            self.product + other.product,
        )

    @property
    def mean(self) -> float:
        """Of all outcomes; 0 without any."""
        return self.total / self.outcomes if self.outcomes else 0.0

    @property
    def residual_squares(self) -> float:
        """Over units, the squares of what each total differs from the mean times its number of outcomes."""
        mean = self.mean
        squares = self.total_squared - 2 * mean * self.product + mean * mean * self.outcomes_squared
        return max(0.0, squares)

    @property
    def variance(self) -> float:
        """Of one unit's contribution: divided by `units`, it is the variance of the mean. 0 below 2 units."""
        if self.units < 2:
            return 0.0
        each = self.outcomes / self.units
        return self.residual_squares / (self.units - 1) / (each * each)
