"""Skills as small numbers, so that distributions are arrays."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from session_buddy.analytics.suggesting.context import Scored

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
_SCORED: Callable[[tuple[str, float]], Scored] = partial(tuple.__new__, Scored)
"""Makes what `Scored` makes, without a call in Python for each of all the skills."""


class Vocabulary:
    """Names in the order in which they were first seen.

    >>> words = Vocabulary()
    >>> words.number("test"), words.number("commit"), words.number("test")
    (0, 1, 0)
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.numbers: dict[str, int] = {}
        self._alphabetic: Numbers | None = None

    def number(self, name: str) -> int:
        """The number of a name; a new name gets the next one."""
        known = self.numbers.get(name)
        if known is None:
            known = self.numbers[name] = len(self.names)
            self.names.append(name)
            self._alphabetic = None
        return known

    def known(self, names: tuple[str, ...]) -> tuple[int, ...]:
        """The numbers of the names that are known, in their order."""
        numbers = self.numbers
        return tuple([numbers[name] for name in names if name in numbers])

    def ranked(self, scores: Array) -> list[Scored]:
        """Every name with its share of the scores, shape (n,), best first, equal scores by name."""
        if self._alphabetic is None:
            self._alphabetic = np.argsort(np.argsort(np.array(self.names, dtype=object)))
        order = np.lexsort((self._alphabetic, -scores))
        shares = scores[order] / (scores.sum() or 1.0)
        names = [self.names[number] for number in order.tolist()]
        return list(map(_SCORED, zip(names, shares.tolist(), strict=True)))


def uniform(size: int) -> Array:
    """The same probability for each of `size` items."""
    return np.full(size, 1.0 / size) if size else np.zeros(0)
