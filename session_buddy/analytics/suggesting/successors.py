"""Counts of what followed what, for contexts of growing length, smoothed after Witten and Bell."""

from collections.abc import Sequence
from typing import NamedTuple


class Followed(NamedTuple):
    """How often a context was seen, and how often one thing came next."""

    context: tuple[int, ...]
    times: float
    seen: float


class Successors:
    """A variable-order Markov model over numbered skills.

    Model: for every context of 0..order preceding skills, how often each skill followed. The distribution
    of order k is the counts of order k blended with the distribution of order k-1, which gets the share
    T / (N + T): N is how often the context was seen, T how many different skills followed it (method C of
    Witten and Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37(4), 1991).
    So a context that was seen once says little, and one that was never seen says nothing.

    order: the longest context in skills.

    >>> model = Successors(order=1)
    >>> for before, skill in (((), 0), ((0,), 1), ((1,), 0), ((0,), 1)):
    ...     model.learn(before, skill)
    >>> [round(p, 3) for p in model.distribution((0,), [0.5, 0.5])]
    [0.167, 0.833]
    """

    __slots__ = ("counts", "order", "seen")

    def __init__(self, order: int) -> None:
        self.order = order
        self.counts: dict[tuple[int, ...], dict[int, float]] = {}
        self.seen: dict[tuple[int, ...], float] = {}

    def learn(self, history: Sequence[int], item: int) -> None:
        """`item` followed the history, whose end is the context."""
        tail = tuple(history[-self.order :]) if self.order else ()
        for length in range(len(tail) + 1):
            context = tail[len(tail) - length :]
            followed = self.counts.get(context)
            if followed is None:
                followed = self.counts[context] = {}
            followed[item] = followed.get(item, 0.0) + 1.0
            self.seen[context] = self.seen.get(context, 0.0) + 1.0

    def distribution(self, history: Sequence[int], base: Sequence[float], lowest: int = 0) -> list[float]:
        """Probability of each of the `len(base)` items.

        base: what the lowest order falls back to, shape (n,). lowest: the shortest context that is looked at;
        1 where `base` is already the distribution of order 0.
        """
        tail = tuple(history[-self.order :]) if self.order else ()
        seen: list[tuple[dict[int, float], float]] = []
        for length in range(lowest, len(tail) + 1):
            context = tail[len(tail) - length :]
            followed = self.counts.get(context)
            if followed is None:
                break
            seen.append((followed, 1.0 / (self.seen[context] + len(followed))))
        left = 1.0
        parts = []
        for followed, weight in reversed(seen):
            parts.append((followed, weight * left))
            left *= len(followed) * weight
        result = [value * left for value in base]
        for followed, weight in parts:
            for item, count in followed.items():
                result[item] += count * weight
        return result

    def longest(self, history: Sequence[int], item: int) -> Followed | None:
        """The longest end of the history, of one skill at least, after which `item` came before."""
        tail = tuple(history[-self.order :]) if self.order else ()
        for start in range(len(tail)):
            context = tail[start:]
            times = self.counts.get(context, {}).get(item)
            if times:
                return Followed(context, times, self.seen[context])
        return None
