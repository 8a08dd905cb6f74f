"""The recent past without the most recent: what a skill was like before whatever may happen now.

A baseline that includes the newest values takes up a change before it is noticed; one that freezes at an
alarm never gets over a baseline that was wrong. A lagged one does neither: a change reaches it late, and
reaches it for certain.
"""

from collections import deque
from typing import Final

LAG: Final = 50
LENGTH: Final = 400
MINIMUM: Final = 60


class LaggedWindow:
    """The `length` values that came before the newest `lag`; the lag is shorter until there are enough.

    With fewer than `minimum` values in all there is no baseline. Between `minimum` and `minimum + lag` the
    baseline is the first `minimum` of them.

    >>> window = LaggedWindow(lag=2, length=3, minimum=2)
    >>> for value in (1.0, 2.0, 3.0, 4.0, 9.0):
    ...     window.add(value)
    >>> window.values()
    [1.0, 2.0, 3.0]
    """

    __slots__ = ("_lag", "_length", "_minimum", "_newest", "_old", "_sum")

    def __init__(self, lag: int = LAG, length: int = LENGTH, minimum: int = MINIMUM) -> None:
        """lag, length, minimum: counts of values."""
        self._lag = lag
        self._length = length
        self._minimum = minimum
        self._newest: deque[float] = deque()
        self._old: deque[float] = deque()
        self._sum = 0.0

    def alike(self) -> "LaggedWindow":
        """An empty one with the same lag, length and minimum."""
        return LaggedWindow(self._lag, self._length, self._minimum)

    def add(self, value: float) -> None:
        """One more value, the newest."""
        if len(self._old) < self._minimum and not self._newest:
            self._take_in(value)
            return
        self._newest.append(value)
        if len(self._newest) > self._lag:
            self._take_in(self._newest.popleft())

    def _take_in(self, value: float) -> None:
        self._old.append(value)
        self._sum += value
        if len(self._old) > self._length:
            self._sum -= self._old.popleft()

    @property
    def ready(self) -> bool:
        """Whether there is a baseline."""
        return len(self._old) >= self._minimum

    @property
    def count(self) -> int:
        """How many values the baseline is made of."""
        return len(self._old)

    @property
    def total(self) -> float:
        """Sum of the baseline's values; exact for outcomes, which are 0 or 1."""
        return self._sum

    def values(self) -> list[float]:
        """The baseline's values, oldest first."""
        return list(self._old)
