"""Active seconds of invocations: lognormal, with a day's own level, and now and then one that hangs."""

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]


def steady(
    rng: np.random.Generator,
    days: int,
    per_day: int,
    median: float = 60.0,
    spread: float = 0.8,
    day_spread: float = 0.1,
    hanging: float = 0.01,
) -> Seconds:
    """Seconds of shape (days * per_day,), in order, without any change.

    spread: standard deviation of the logarithm within a day. day_spread: of the day's level. hanging: share
    of invocations that take ten times as long.
    """
    level = rng.normal(0.0, day_spread, size=(days, 1))
    logs = np.log(median) + level + rng.normal(0.0, spread, size=(days, per_day))
    logs += np.log(10.0) * (rng.random((days, per_day)) < hanging)
    made: Seconds = np.exp(logs).reshape(-1)
    return made


def slowdown(
    rng: np.random.Generator, before: Seconds, after_days: int, per_day: int, factor: float, **shape: float
) -> tuple[Seconds, int]:
    """The seconds with ones behind them that take `factor` times as long, and the first one's index."""
    return np.concatenate([before, factor * steady(rng, after_days, per_day, **shape)]), len(before)
