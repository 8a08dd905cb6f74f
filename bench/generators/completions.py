"""Whether invocations completed, day by day, with a rate of its own for each day.

The rate of a day is drawn from a beta distribution with mean `rate` and intra-class correlation
`overdispersion`: two invocations of one day are correlated by it, those of different days are not.
"""

import numpy as np
from numpy.typing import NDArray

Outcomes = NDArray[np.bool_]


def steady(
    rng: np.random.Generator, days: int, per_day: int, rate: float, overdispersion: float = 0.01
) -> Outcomes:
    """Outcomes of shape (days * per_day,), in order, without any change.

    rate: of completion, 0..1 exclusive. overdispersion: intra-class correlation of a day, 0 for none.
    """
    if overdispersion > 0:
        scale = 1 / overdispersion - 1
        rates = rng.beta(rate * scale, (1 - rate) * scale, size=days)
    else:
        rates = np.full(days, rate)
    drawn: Outcomes = rng.random((days, per_day)) < rates[:, None]
    return drawn.reshape(-1)


def drop(
    rng: np.random.Generator, before: Outcomes, after_days: int, per_day: int, rate: float
) -> tuple[Outcomes, int]:
    """The outcomes with worse ones behind them, and the index of the first worse one."""
    worse = steady(rng, after_days, per_day, rate)
    return np.concatenate([before, worse]), len(before)
