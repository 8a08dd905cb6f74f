"""How much of each item was seen: of few items mostly, and of many where it pays to be fast."""

import numpy as np

from session_buddy.analytics.suggesting.vocabulary import Array

_WORTH_A_VECTOR = 8
_FEW = 8


class Counts:
    """Amounts of numbered items.

    A dictionary, since most contexts are followed by one item or two. Once an eighth of all items is in it,
    what is asked is answered from a vector that is kept beside.

    >>> counts = Counts()
    >>> counts.add(1, 2.0)
    >>> shares = np.zeros(3)
    >>> counts.add_to(shares, 0.5)
    >>> shares.tolist()
    [0.0, 1.0, 0.0]
    """

    __slots__ = ("_vector", "of")

    def __init__(self) -> None:
        self.of: dict[int, float] = {}
        self._vector: Array | None = None

    def __len__(self) -> int:
        return len(self.of)

    def add(self, item: int, amount: float = 1.0) -> None:
        """So much more of an item."""
        self.of[item] = self.of.get(item, 0.0) + amount
        if self._vector is not None:
            if item < len(self._vector):
                self._vector[item] += amount
            else:
                self._vector = None

    def divide(self, by: float) -> None:
        """Every amount becomes smaller by a factor."""
        self.of = {item: amount / by for item, amount in self.of.items()}
        self._vector = None

    def add_to(self, result: Array, weight: float) -> None:
        """Add every amount, times `weight`, to `result`, shape (n,), which has a place for every item."""
        if self._vector is None and len(self.of) * _WORTH_A_VECTOR >= len(result) > _FEW:
            self._vector = np.zeros(len(result))
            self._vector[list(self.of)] = list(self.of.values())
        if self._vector is not None:
            result[: len(self._vector)] += self._vector * weight
        elif len(self.of) <= _FEW:
            for item, amount in self.of.items():
                result[item] += amount * weight
        else:
            result[list(self.of)] += np.array(list(self.of.values())) * weight
