"""Counts that fade."""

from collections.abc import Iterable, Sequence


class FadingCounts:
    """Counts in which each use weighs half as much after `half_life` further uses.

    Model: exponential smoothing of the distribution of items (Brown, "Statistical Forecasting for Inventory
    Control", 1959). half_life: in uses, not in time: a pause forgets nothing.

    >>> counts = FadingCounts(half_life=1)
    >>> for item in (0, 1):
    ...     counts.learn(item)
    >>> [round(p, 3) for p in counts.distribution([0.5, 0.5])]
    [0.4, 0.6]
    """

    __slots__ = ("_scale", "_total", "_weights", "growth")

    def __init__(self, half_life: float, items: Iterable[int] = ()) -> None:
        self.growth = 2.0 ** (1.0 / half_life)
        self._weights: dict[int, float] = {}
        self._scale = 1.0
        self._total = 0.0
        for item in items:
            self.learn(item)

    def learn(self, item: int) -> None:
        """A use: the newest weighs 1, the one before it 1 / growth, and so on."""
        self._scale *= self.growth
        self._weights[item] = self._weights.get(item, 0.0) + self._scale
        self._total += self._scale
        if self._scale > 1e100:
            self._weights = {key: weight / self._scale for key, weight in self._weights.items()}
            self._total /= self._scale
            self._scale = 1.0

    def distribution(self, base: Sequence[float]) -> list[float]:
        """Probability of each item; base, shape (n,), has the weight of one fresh use."""
        weight = self._scale / (self._total + self._scale)
        result = [value * weight for value in base]
        for item, count in self._weights.items():
            result[item] += count / (self._total + self._scale)
        return result
