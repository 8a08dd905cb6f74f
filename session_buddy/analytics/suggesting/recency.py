"""Counts that fade."""

from collections.abc import Iterable

import numpy as np

from session_buddy.analytics.suggesting.counts import Counts
from session_buddy.analytics.suggesting.vocabulary import Array, Numbers

_LARGEST = 1e100


class FadingCounts:
    """Counts in which each use weighs half as much after `half_life` further uses.

    Model: exponential smoothing of the distribution of items (Brown, "Statistical Forecasting for Inventory
    Control", 1959). half_life: in uses, not in time: a pause forgets nothing.

    >>> counts = FadingCounts(half_life=1)
    >>> for item in (0, 1):
    ...     counts.learn(item)
    >>> [round(p, 3) for p in counts.distribution(np.array([0.5, 0.5])).tolist()]
    [0.4, 0.6]
    """

    __slots__ = ("_scale", "_total", "_weights", "growth")

    def __init__(self, half_life: float, items: Iterable[int] = ()) -> None:
        self.growth = 2.0 ** (1.0 / half_life)
        self._weights = Counts()
        self._scale = 1.0
        self._total = 0.0
        for item in items:
            self.learn(item)

    def learn(self, item: int) -> None:
        """A use: the newest weighs 1, the one before it 1 / growth, and so on."""
        self._scale *= self.growth
        self._weights.add(item, self._scale)
        self._total += self._scale
        if self._scale > _LARGEST:
            self._weights.divide(self._scale)
            self._total /= self._scale
            self._scale = 1.0

    def distribution(self, base: Array) -> Array:
        """Probability of each item; base, shape (n,), has the weight of one fresh use."""
        everything = self._total + self._scale
        result: Array = base * (self._scale / everything)
        self._weights.add_to(result, 1.0 / everything)
        return result


def faded(items: Numbers, half_life: float, base: Array) -> Array:
    """What `FadingCounts` says that learned `items` and nothing else, at once."""
    weights = 2.0 ** (-np.arange(len(items) - 1.0, -1.0, -1.0) / half_life)
    result: Array = (base + np.bincount(items, weights, len(base))) / (1.0 + weights.sum())
    return result
