"""A skill that is suddenly used far more than on any day before.

Uses of a day are compared with the busiest of the last 28 days on which it was used at all, which takes
weekends and busy days into account without a model of either: a shift is three times that, and 20 uses more.
At least 7 days with a use must have gone before. The rule is that wide because people's days are no Poisson
process: a test of counts would raise at every busy Tuesday.

>>> shift_of([20, 22, 0, 5, 18, 25, 21, 19], 70) is None
True
>>> shift_of([20, 22, 0, 5, 18, 25, 21, 19], 90).observed_value
90.0
"""

import math
from collections.abc import Sequence
from typing import Final

from session_buddy.analytics.signals import Signal

DAYS: Final = 28
TIMES_THE_BUSIEST: Final = 3
LEAST_MORE: Final = 20
LEAST_DAYS: Final = 7


def shift_of(earlier: Sequence[int], today: int) -> Signal | None:
    """The signal of a day with `today` uses so far after days with these counts; None where all is usual.

    baseline_value is the mean of the days with a use, deviation_score in its standard deviations, a
    Poisson one at least.
    """
    active = [count for count in earlier[-DAYS:] if count > 0]
    if len(active) < LEAST_DAYS:
        return None
    busiest = max(active)
    if today < TIMES_THE_BUSIEST * busiest or today < busiest + LEAST_MORE:
        return None
    mean = sum(active) / len(active)
    variance = sum((count - mean) ** 2 for count in active) / (len(active) - 1)
    return Signal(mean, float(today), (today - mean) / math.sqrt(max(variance, mean)), today)
