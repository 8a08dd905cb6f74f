"""One invocation that takes far longer than any before it.

Apart from the CUSUM on purpose: a slow stretch and a single invocation that hung want different answers. A
duration is a spike if its logarithm lies at least 7 robust spreads above the lagged median (a 10 times longer
one now and then is usual, and lies at 3 to 4) and it is more than three times the longest in that window.

B. Iglewicz and D. C. Hoaglin, "How to Detect and Handle Outliers", ASQC Quality Press (1993), for robust
scores instead of means and standard deviations, which an outlier itself distorts.

>>> from session_buddy.analytics.duration_cusum import DurationBaseline
>>> baseline = DurationBaseline()
>>> for number in range(80):
...     baseline.add(10.0 + number % 7)
>>> spike_of(20.0, baseline) is None
True
>>> spike_of(900.0, baseline).observed_value
900.0
"""

import math
from typing import Final

from session_buddy.analytics.duration_cusum import DurationBaseline, log_seconds
from session_buddy.analytics.signals import Signal

SPREADS: Final = 7.0
TIMES_THE_LONGEST: Final = 3.0
_LEAST_SECONDS = 10.0  # nobody minds a skill that took 2 s instead of 20 ms


def spike_of(seconds: float, baseline: DurationBaseline) -> Signal | None:
    """The signal of a duration that is a spike; None for any other, or with fewer than 60 earlier ones.

    Take it before the duration is added to the baseline.
    """
    if not baseline.ready or seconds < _LEAST_SECONDS:
        return None
    score = baseline.score(seconds)
    if score < SPREADS or log_seconds(seconds) < baseline.longest + math.log(TIMES_THE_LONGEST):
        return None
    return Signal(math.exp(baseline.level), seconds, score, 1)


def is_usual(seconds: float, baseline: DurationBaseline) -> bool:
    """Whether a duration after a spike shows that it was a single one."""
    return baseline.score(seconds) < SPREADS / 2
