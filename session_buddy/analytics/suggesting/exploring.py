"""Now and then another order, so that what was never shown first can be judged too."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from session_buddy.analytics.suggesting.context import Scored

EPSILON: Final = 0.05
"""Share of suggestions in which a candidate drawn by lot stands first."""


class Placed(NamedTuple):
    """A candidate at its place. propensity: the probability that it stands there, 0..1 exclusive of 0."""

    candidate: Scored
    propensity: float


def explored(candidates: Sequence[Scored], limit: int, lot: int, epsilon: float = EPSILON) -> list[Placed]:
    """The first `limit` candidates; with probability `epsilon` one of them, each as likely, moved to the top.

    The epsilon-greedy policy (Sutton and Barto, "Reinforcement Learning", 2nd ed., section 2.2), with the
    propensities that off-policy estimates need (Horvitz and Thompson, JASA 47, 1952). lot: a number that is
    as good as random; the same lot gives the same order.

    >>> explored([Scored("a", 0.7), Scored("b", 0.3)], limit=2, lot=0, epsilon=0.0)[0].candidate.skill_name
    'a'
    """
    shown = list(candidates[:limit])
    count = len(shown)
    draw = _fraction(lot)
    moved = min(count - 1, int(draw / epsilon * count)) if draw < epsilon else 0
    order = [moved, *(place for place in range(count) if place != moved)] if count else []
    return [
        Placed(shown[index], _propensity(index, place, count, epsilon)) for place, index in enumerate(order)
    ]


def _fraction(lot: int) -> float:
    """A number in 0..1 from all bits of a lot (multiplicative hashing; Knuth, volume 3, section 6.4)."""
    folded = (lot ^ lot >> 64) * 0x9E3779B97F4A7C15 % (1 << 64)
    return (folded >> 11) / (1 << 53)


def _propensity(index: int, place: int, count: int, epsilon: float) -> float:
    """Of the candidate ranked `index` standing at `place`, over all lots."""
    each = epsilon / count
    if place == 0:
        return each + (1.0 - epsilon) * (index == 0)
    if index == place:
        return 1.0 - epsilon + each * index
    return each * (count - 1 - index)
