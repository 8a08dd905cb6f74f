"""Counts of what followed what, for contexts of growing length, smoothed after Witten and Bell."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from session_buddy.analytics.suggesting.counts import Counts
from session_buddy.analytics.suggesting.vocabulary import Array, Numbers


class Followed(NamedTuple):
    """How often a context was seen, and how often one thing came next."""

    context: tuple[int, ...]
    times: float
    seen: float


class _Followers(Counts):
    """What followed one context. seen: how often it was seen."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0.0


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
    >>> [round(p, 3) for p in model.distribution((0,), np.array([0.5, 0.5])).tolist()]
    [0.167, 0.833]
    """

    __slots__ = ("counts", "order")

    def __init__(self, order: int) -> None:
        self.order = order
        self.counts: dict[tuple[int, ...], _Followers] = {}

    def learn(self, history: Sequence[int], item: int) -> None:
        """`item` followed the history, whose end is the context."""
        tail = tuple(history[-self.order :]) if self.order else ()
        for length in range(len(tail) + 1):
            context = tail[len(tail) - length :]
            followed = self.counts.get(context)
            if followed is None:
                followed = self.counts[context] = _Followers()
            followed.add(item)
            followed.seen += 1.0

    def distribution(self, history: Sequence[int], base: Array, lowest: int = 0) -> Array:
        """Probability of each of the `len(base)` items.

        base: what the lowest order falls back to, shape (n,). lowest: the shortest context that is looked at;
        1 where `base` is already the distribution of order 0.
        """
        tail = tuple(history[-self.order :]) if self.order else ()
        seen: list[_Followers] = []
        for length in range(lowest, len(tail) + 1):
            followed = self.counts.get(tail[len(tail) - length :])
            if followed is None:
                break
            seen.append(followed)
        left = 1.0
        parts = []
        for followed in reversed(seen):
            weight = 1.0 / (followed.seen + len(followed))
            parts.append((followed, weight * left))
            left *= len(followed) * weight
        result: Array = base * left
        for followed, weight in parts:
            followed.add_to(result, weight)
        return result

    def longest(self, history: Sequence[int], item: int) -> Followed | None:
        """The longest end of the history, of one skill at least, after which `item` came before."""
        tail = tuple(history[-self.order :]) if self.order else ()
        for start in range(len(tail)):
            followed = self.counts.get(tail[start:])
            times = followed.of.get(item) if followed is not None else None
            if followed is not None and times:
                return Followed(tail[start:], times, followed.seen)
        return None


def following(items: Numbers, order: int, base: Array) -> Array:
    """What `Successors` of this order says after `items`, if they are all it learned, without learning them.

    base: what order 0 falls back to, shape (n,).
    """
    places = np.arange(len(items))  # of what followed the context of each length
    result = base
    for length in range(min(order, len(items)) + 1):
        if length:
            places = places[places >= length]
            places = places[items[places - length] == items[-length]]
        if not len(places):
            break
        after = np.bincount(items[places], minlength=len(base))
        kinds = np.count_nonzero(after)
        result = (after + kinds * result) / (len(places) + kinds)
    return result
