"""How well a session's skills served it, as one number from 0 to 100."""

from collections.abc import Sequence
from statistics import fmean

MINIMUM_DECIDED = 3
_RATING_WEIGHT = 0.3


def effectiveness_score(decided: Sequence[tuple[bool, int | None]]) -> float | None:
    """100 times the mean score of the decided invocations; None below three of them.

    decided: (completed, rating 1..5 or None) of each invocation with an outcome. An invocation scores 1
    if it completed, else 0; where it was rated, the rating (mapped to 0..1) counts for 30 % of it. Open
    invocations do not count. A description of one session, not an estimate: it has no interval.

    >>> round(effectiveness_score([(True, None), (True, 5), (False, None)]), 1)
    66.7
    """
    if len(decided) < MINIMUM_DECIDED:
        return None
    return 100 * fmean(_score(completed=completed, rating=rating) for completed, rating in decided)


def _score(*, completed: bool, rating: int | None) -> float:
    if rating is None:
        return float(completed)
    return (1 - _RATING_WEIGHT) * completed + _RATING_WEIGHT * (rating - 1) / 4
