"""Where each skill's completion rate stands among all skills.

The percentile of a rate is the share of the rates that lie below it, ties counted half (the mid-rank, so
that the middle of any set is .5). Only skills with at least 10 decided invocations have a place: the rate of
two invocations says nothing and would fill both ends.

>>> percentiles({"a": 0.5, "b": 0.8, "c": 0.8, "d": 0.9})
{'a': 0.125, 'b': 0.5, 'c': 0.5, 'd': 0.875}
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Final

FEWEST_DECIDED: Final = 10


def percentiles(rates: Mapping[str, float]) -> dict[str, float]:
    """Skill -> share of all rates below its own, 0..1."""
    ordered = sorted(rates.values())
    return {
        name: (bisect_left(ordered, rate) + bisect_right(ordered, rate)) / (2 * len(ordered))
        for name, rate in rates.items()
    }
