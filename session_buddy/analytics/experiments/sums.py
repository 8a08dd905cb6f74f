"""What is kept of a group: seven sums over its units, from which mean and variance follow.

The mean is that of all outcomes, a ratio of two sums over units, and its variance is that of the units'
residuals (delta method): outcomes of one user or session go well or badly together, so only the units are
independent. A user with 200 outcomes counts as one unit. The sums do not depend on the order of events, and
SQL gives the same: per unit `sum(value) AS total, count(*) AS outcomes, sum(value * value) AS squares`, then
over the units `count(*)`, `sum(outcomes)`, `sum(total)`, `sum(squares)`, `sum(outcomes * outcomes)`,
`sum(total * total)` and `sum(total * outcomes)`.

A. Deng, U. Knoblich and J. Lu, "Applying the delta method in metric analytics", KDD (2018), section 3.

>>> sums = GroupSums.of([[1, 0, 1, 1], [1], [0]])
>>> round(sums.mean, 3), sums.units, sums.outcomes, round(sums.variance, 3)
(0.667, 3, 6, 0.083)
>>> sums == GroupSums.of([[1]]) + GroupSums.of([[1, 0, 1, 1], [0]])
True
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self


class Unit(NamedTuple):
    """The outcomes of one user or session. squares: the sum of the squares of their values."""

    outcomes: int
    total: float
    squares: float

    def with_value(self, value: float) -> "Unit":
        """After one more outcome."""
        return Unit(self.outcomes + 1, self.total + value, self.squares + value * value)


NO_UNIT = Unit(0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Sums over the units of a group that have an outcome. outcomes: how many there are in all.

    total, squares: of the values and of their squares. outcomes_squared, total_squared, product: over units,
    of the squares of each unit's number of outcomes and of its total, and of the product of the two.
    """

    units: int
    outcomes: int
    total: float
    squares: float
    outcomes_squared: float
    total_squared: float
    product: float

    @classmethod
    def of(cls, units: Iterable[Sequence[float]] = ()) -> Self:
        """From the values of each unit's outcomes."""
        sums = cls(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for values in units:
            unit = NO_UNIT
            for value in values:
                unit = unit.with_value(value)
            sums = sums.changed(NO_UNIT, unit)
        return sums

    def changed(self, before: Unit, after: Unit) -> Self:
        """After one unit went from `before` to `after`."""
        return type(self)(
            self.units + (after.outcomes > 0) - (before.outcomes > 0),
            self.outcomes + after.outcomes - before.outcomes,
            self.total + after.total - before.total,
            self.squares + after.squares - before.squares,
            self.outcomes_squared + after.outcomes**2 - before.outcomes**2,
            self.total_squared + after.total**2 - before.total**2,
            self.product + after.total * after.outcomes - before.total * before.outcomes,
        )

    def __add__(self, other: "GroupSums") -> Self:
        return type(self)(
            self.units + other.units,
            self.outcomes + other.outcomes,
            self.total + other.total,
            self.squares + other.squares,
            self.outcomes_squared + other.outcomes_squared,
            self.total_squared + other.total_squared,
            self.product + other.product,
        )

    @property
    def mean(self) -> float:
        """Of all outcomes; 0 without any."""
        return self.total / self.outcomes if self.outcomes else 0.0

    @property
    def outcome_residual_squares(self) -> float:
        """Over outcomes, the squares of what each value differs from the mean."""
        return max(0.0, self.squares - self.mean * self.total)

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
