"""Invocations that become slow: CUSUM on clipped log-duration.

Model: the logarithms of the durations scatter around a level that jumps up. Each is measured from the median
of a lagged window in units of its robust spread (half the distance between the 16 % and 84 % quantiles) and
clipped to 2.5 units, so that no single invocation raises an alarm; S = max(0, S + z - k) raises at h. The
reference value k is half of what a threefold slowdown is in those units, within .5 to 1; h grows where k is
small, so that false alarms stay as rare, and where durations come in clusters (`overdispersion`). Further
invocations of one session count less (`session_ties`).

E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954); D. M. Hawkins and D. H. Olwell, "Cumulative
Sum Charts and Charting for Quality Improvement", Springer (1998), chapter 3 on winsorising.

>>> cusum = DurationCusum()
>>> usual = [10.0, 14.0, 7.0, 20.0, 12.0, 5.0, 9.0, 16.0]
>>> any([cusum.update(usual[number % 8]) for number in range(160)])
False
>>> signals = [cusum.update(3 * usual[number % 8]) for number in range(40)]
>>> first = next(signal for signal in signals if signal)
>>> 10 < first.baseline_value < 12 and first.observed_value > 25
True
"""

import math
from typing import Final

from session_buddy.analytics.lagged_window import LaggedWindow
from session_buddy.analytics.overdispersion import caution
from session_buddy.analytics.session_ties import SessionTies
from session_buddy.analytics.signals import Signal

CLIP: Final = 2.5
SLOWDOWN: Final = 3.0
LEAST_REFERENCE, MOST_REFERENCE = 0.5, 1.0
LEAST_THRESHOLD: Final = 7.0
RECOVERED: Final = 4.0
_THRESHOLD_TIMES_REFERENCE = 4.25
_LEAST_SPREAD = 0.1
_LEAST_SECONDS = 0.001
_REFRESH = 10  # invocations between two looks at the window: sorting it for each would take most of the time


class DurationBaseline:
    """Median and robust spread of the log-durations in a lagged window, and the longest of them."""

    __slots__ = ("_fresh_for", "level", "longest", "spread", "ties", "window")

    def __init__(self, window: LaggedWindow | None = None) -> None:
        """window: of log-seconds."""
        self.window = window or LaggedWindow()
        self.ties = SessionTies(self.window)
        self._fresh_for = 0
        self.level = 0.0
        self.spread = 1.0
        self.longest = 0.0

    @property
    def ready(self) -> bool:
        """Whether there are enough earlier invocations."""
        return self.window.ready

    def score(self, seconds: float) -> float:
        """How many spreads the logarithm of a duration lies above the level; the baseline must be ready."""
        if self._fresh_for == 0:
            self._refresh()
        return (log_seconds(seconds) - self.level) / self.spread

    def add(self, seconds: float, session: str = "") -> None:
        """One more duration. session: its id; "" where it is not known."""
        self.window.add(log_seconds(seconds))
        self.ties.add(session)
        self._fresh_for = max(0, self._fresh_for - 1)

    def _refresh(self) -> None:
        ordered = sorted(self.window.values())
        self.level = quantile(ordered, 0.5)
        self.spread = max((quantile(ordered, 0.84) - quantile(ordered, 0.16)) / 2, _LEAST_SPREAD)
        self.longest = ordered[-1]
        self._fresh_for = _REFRESH


class DurationCusum:
    """Follows one skill's durations in order."""

    __slots__ = ("_count", "_log_sum", "_score_sum", "_sum", "baseline")

    def __init__(self, baseline: DurationBaseline | None = None) -> None:
        """baseline: of its own if none is given."""
        self.baseline = baseline or DurationBaseline()
        self._restart()

    def update(self, seconds: float, session: str = "") -> Signal | None:
        """Take the next duration; a signal if invocations are seen to have become slow."""
        signal = self._judge(seconds, session) if self.baseline.ready else None
        self.baseline.add(seconds, session)
        return signal

    def _judge(self, seconds: float, session: str) -> Signal | None:
        score = self.baseline.score(seconds)
        clipped = max(-CLIP, min(CLIP, score))
        reference = min(max(math.log(SLOWDOWN) / (2 * self.baseline.spread), LEAST_REFERENCE), MOST_REFERENCE)
        self._sum += self.baseline.ties.weight(session) * (clipped - reference)
        if self._sum <= 0:
            self._restart()
            return None
        self._count += 1
        self._log_sum += log_seconds(seconds)
        self._score_sum += clipped
        threshold = max(LEAST_THRESHOLD, _THRESHOLD_TIMES_REFERENCE / reference)
        if self._sum < threshold or self._sum < threshold * caution(self.baseline.window.values()):
            return None
        signal = Signal(
            baseline_value=math.exp(self.baseline.level),
            observed_value=math.exp(self._log_sum / self._count),
            deviation_score=self._score_sum / math.sqrt(self._count),
            sample_count=self._count,
        )
        self._restart()
        return signal

    def _restart(self) -> None:
        self._sum = self._log_sum = self._score_sum = 0.0
        self._count = 0


class DurationRecovery:
    """Sees after an alarm when durations are again as they were."""

    __slots__ = ("_before", "_during", "_spread", "_sum")

    def __init__(self, signal: Signal, spread: float) -> None:
        """signal: the alarm. spread: of the log-durations before it."""
        self._before = log_seconds(signal.baseline_value)
        self._during = max(log_seconds(signal.observed_value), self._before + spread)
        self._spread = spread
        self._sum = 0.0

    def update(self, seconds: float) -> bool:
        """Take the next duration; True once it is over."""
        shift = (self._during - self._before) / self._spread
        score = max(-CLIP, min(shift + CLIP, (log_seconds(seconds) - self._before) / self._spread))
        self._sum = max(0.0, self._sum + shift * (shift / 2 - score))
        return self._sum >= RECOVERED

    def has_moved(self, level: float) -> bool:
        """Whether the lagged level (log-seconds) is nearer to what was alarming than to what was before."""
        return level > (self._before + self._during) / 2


def log_seconds(seconds: float) -> float:
    """Natural logarithm of a duration; anything up to a millisecond counts as one."""
    return math.log(max(seconds, _LEAST_SECONDS))


def quantile(ordered: list[float], q: float) -> float:
    """The q-quantile of sorted values, between two of them on a line (numpy's default)."""
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
