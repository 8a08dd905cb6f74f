"""How much more blocks of consecutive values scatter than independent values would.

Uses of one session or day go well or badly together, so twenty of them say less than twenty independent
ones. The variance of the sums of blocks of 20 over 20 times the variance of the values is 1 for independent
values, and 1 + 19 rho where those of a block are correlated by rho. A threshold that is raised by it keeps
false alarms rare. Estimated from few blocks it is rough, so only what lies clearly above 1 counts.

P. McCullagh and J. A. Nelder, "Generalized Linear Models", 2nd edition (1989), section 4.5.

>>> overdispersion([1.0] * 40 + [0.0] * 40 + [1.0] * 120) > 5
True
>>> caution([number % 2 for number in range(400)])
1.0
"""

from collections.abc import Sequence
from statistics import fmean, variance
from typing import Final

BLOCK: Final = 20
FEWEST_BLOCKS: Final = 6
CHANCE: Final = 0.6
"""By how much an estimate may exceed 1 by chance alone."""
MOST: Final = 4.0


def overdispersion(values: Sequence[float]) -> float:
    """The ratio of variances of values (n,); 1 with fewer than 6 blocks of 20, or where nothing varies."""
    count = len(values) // BLOCK
    if count < FEWEST_BLOCKS:
        return 1.0
    used = values[len(values) - count * BLOCK :]
    within = variance(used)
    if within <= 0:
        return 1.0
    means = [fmean(used[start : start + BLOCK]) for start in range(0, len(used), BLOCK)]
    return BLOCK * variance(means) / within


def caution(values: Sequence[float]) -> float:
    """The factor, 1 to 4, by which a threshold rises for values that come in clusters."""
    return min(max(1.0, overdispersion(values) - CHANCE), MOST)
