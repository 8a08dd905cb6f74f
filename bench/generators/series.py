"""Short series with or without a trend: white noise, noise that remembers, rates with days of their own."""

import numpy as np
from numpy.typing import NDArray

from bench.generators import completions

Series = NDArray[np.float64]


def noise(rng: np.random.Generator, length: int, memory: float = 0.0) -> Series:
    """Standard normal noise of shape (length,), autoregressive of order 1 with coefficient `memory`."""
    shocks = rng.normal(size=length) * np.sqrt(1 - memory**2)
    made = np.empty(length)
    made[0] = rng.normal()
    for step in range(1, length):
        made[step] = memory * made[step - 1] + shocks[step]
    return made


def with_trend(rng: np.random.Generator, length: int, deviations: float, memory: float = 0.0) -> Series:
    """The same on a line that rises by `deviations` standard deviations from the first point to the last."""
    made: Series = noise(rng, length, memory) + deviations * np.linspace(0.0, 1.0, length)
    return made


def daily_counts(
    rng: np.random.Generator, days: int, per_day: int, first: float, last: float, overdispersion: float
) -> tuple[Series, Series]:
    """(completed, decided) of each day; the rate goes from `first` to `last` on a line."""
    rates = np.linspace(first, last, days)
    completed = [completions.steady(rng, 1, per_day, rate, overdispersion).sum() for rate in rates]
    return np.array(completed, dtype=float), np.full(days, float(per_day))
