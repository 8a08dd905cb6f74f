"""Quantiles of durations from logarithmic buckets, mergeable and exact in their counts.

DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", PVLDB 12(12), 2019, section 2): bucket i holds the durations in (g^(i-1), g^i] with
g = (1 + a) / (1 - a), and 2 g^i / (g + 1) is within the relative accuracy `a` of each of them. Buckets
are plain counters, so an invocation that changes moves one count from one bucket to another, and the
database keeps them by the same difference as all other totals.

>>> quantile({bucket_of(10.0): 99, bucket_of(1000.0): 1}, 0.5)  # within 1 % of 10
9.97...
"""

import math
from collections.abc import Mapping
from typing import Final

RELATIVE_ACCURACY: Final = 0.01
GAMMA: Final = (1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)
SHORTEST_SECONDS: Final = 0.001
_LOG_GAMMA: Final = math.log(GAMMA)
LOWEST_BUCKET: Final = math.ceil(math.log(SHORTEST_SECONDS) / _LOG_GAMMA)
"""Holds everything up to one millisecond, zero included; its estimate is at most 1 ms off."""


def bucket_of(seconds: float) -> int:
    """The bucket of a duration in seconds, which must not be negative."""
    if seconds <= SHORTEST_SECONDS:
        return LOWEST_BUCKET
    return math.ceil(math.log(seconds) / _LOG_GAMMA)


def estimate_of(bucket: int) -> float:
    """The duration in seconds that stands for a bucket."""
    return 2 * GAMMA**bucket / (GAMMA + 1)


def quantile(buckets: Mapping[int, int], q: float) -> float | None:
    """The q-quantile (0 <= q <= 1) in seconds, within 1 %; None without any duration.

    The least duration that q of them do not exceed. The paper takes the rank below where n is small, by which
    the p95 of three durations would be the middle one; this way it is the longest.
    """
    total = sum(buckets.values())
    if total <= 0:
        return None
    wanted = max(1.0, q * total)
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= wanted:
            return estimate_of(bucket)
    return None
