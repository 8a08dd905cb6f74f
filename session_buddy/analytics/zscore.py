"""The classic reading: an hour that lies `threshold` standard deviations from the mean of the hours before.

Simple and well known, and mostly wrong where an hour holds few invocations: at 20 a day it raises .7 false
alarms per skill and day (`python -m bench.methods zscore`). Kept for who wants to compare.

W. A. Shewhart, "Economic Control of Quality of Manufactured Product", Van Nostrand (1931).

>>> deviation(0.5, mean=0.9, standard_deviation=0.1, hours=24)
-4.0
>>> deviation(0.5, mean=0.9, standard_deviation=0.0, hours=24) is None
True
"""

from typing import Final

MINIMUM_HOURS: Final = 8
DEFAULT_THRESHOLD: Final = 2.0


def deviation(value: float, mean: float | None, standard_deviation: float | None, hours: int) -> float | None:
    """(value - mean) / standard deviation; None where fewer than 8 hours, or equal ones, give no scale."""
    if mean is None or standard_deviation is None or hours < MINIMUM_HOURS or standard_deviation <= 0:
        return None
    return (value - mean) / standard_deviation
