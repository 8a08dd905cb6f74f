"""A completion rate that drops: Bernoulli CUSUM over single invocations.

Model: outcomes are independent with completion probability p0 until some invocation, and p1 from then on,
where the odds of p1 are a quarter of those of p0 (.90 becomes .69, .60 becomes .27). The statistic
S = max(0, S + log(P(x | p1) / P(x | p0))) stays near zero before the change and climbs after it; it raises
at S >= 6.9. p0 is estimated from a lagged window (`lagged_window`), a little below its estimate while
that rests on few invocations, because what looks like 100 % of sixty may be 97 %. Outcomes of one session are
not independent, so its further ones count less (`session_ties`).

E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954); M. R. Reynolds and Z. G. Stoumbos, "A
CUSUM chart for monitoring a proportion when inspecting continuously", Journal of Quality Technology 31
(1999), for the Bernoulli form.

>>> cusum = CompletionCusum()
>>> signals = [cusum.update(number % 10 != 0) for number in range(200)]
>>> any(signals)
False
>>> signals = [cusum.update(number % 2 == 0) for number in range(25)]
>>> first = next(signal for signal in signals if signal)
>>> round(first.baseline_value, 1), first.observed_value < 0.6
(0.9, True)
"""

import math
from typing import Final

from session_buddy.analytics.lagged_window import LaggedWindow
from session_buddy.analytics.session_ties import SessionTies
from session_buddy.analytics.signals import Signal

ODDS_RATIO: Final = 0.25
THRESHOLD: Final = 6.9
CAUTION: Final = 0.15
RECOVERED: Final = 4.0
_LEAST, _MOST = 0.02, 0.995


class CompletionCusum:
    """Follows one skill's outcomes in order."""

    __slots__ = ("_completed", "_count", "_sum", "ties", "window")

    def __init__(self, window: LaggedWindow | None = None) -> None:
        """window: of the baseline; 1.0 stands for completed."""
        self.window = window or LaggedWindow()
        self.ties = SessionTies(self.window)
        self._sum = 0.0
        self._count = 0
        self._completed = 0

    @property
    def baseline(self) -> float | None:
        """The completion rate to compare with now, 0..1; None with fewer than 60 earlier invocations."""
        return self.window.total / self.window.count if self.window.ready else None

    def add(self, completed: bool, session: str = "") -> None:
        """Take an outcome as part of the baseline without judging it."""
        self.window.add(float(completed))
        self.ties.add(session)

    def update(self, completed: bool, session: str = "") -> Signal | None:
        """Take the next outcome; a signal if the rate is seen to have dropped, and begin anew then.

        session: its id; "" where it is not known.
        """
        signal = self._judge(completed, session) if self.window.ready else None
        self.add(completed, session)
        return signal

    def _judge(self, completed: bool, session: str) -> Signal | None:
        expected = cautious_rate(self.window.total, self.window.count)
        self._sum += self.ties.weight(session) * log_ratio(completed, worse_rate(expected), expected)
        if self._sum <= 0:
            self._sum, self._count, self._completed = 0.0, 0, 0
            return None
        self._count += 1
        self._completed += completed
        if self._sum < THRESHOLD:
            return None
        signal = self._signal(expected)
        self._sum, self._count, self._completed = 0.0, 0, 0
        return signal

    def _signal(self, expected: float) -> Signal:
        observed = self._completed / self._count
        error = math.sqrt(expected * (1 - expected) / self._count)
        return Signal(
            baseline_value=self.window.total / self.window.count,
            observed_value=observed,
            deviation_score=(observed - expected) / error,
            sample_count=self._count,
        )


class CompletionRecovery:
    """Sees after an alarm when outcomes are again as they were: the same test, the other way round."""

    __slots__ = ("_before", "_during", "_sum", "baseline", "observed")

    def __init__(self, signal: Signal) -> None:
        """signal: the alarm."""
        self.baseline = signal.baseline_value
        self.observed = signal.observed_value
        self._before = min(max(signal.baseline_value, _LEAST), _MOST)
        self._during = max(min(signal.observed_value, worse_rate(self._before)), _LEAST / 2)
        self._sum = 0.0

    def update(self, completed: bool) -> bool:
        """Take the next outcome; True once it is over."""
        self._sum = max(0.0, self._sum + log_ratio(completed, self._before, self._during))
        return self._sum >= RECOVERED

    def has_moved(self, baseline: float) -> bool:
        """Whether the lagged baseline is nearer to what was alarming than to what was before."""
        return baseline < (self.baseline + self.observed) / 2


def cautious_rate(completed: float, count: int) -> float:
    """A completion rate from `completed` of `count`: Jeffreys' estimate less a seventh of its error."""
    rate = (completed + 0.5) / (count + 1)
    rate -= CAUTION * math.sqrt(rate * (1 - rate) / (count + 1))
    return min(max(rate, _LEAST), _MOST)


def worse_rate(rate: float) -> float:
    """The rate with a quarter of the odds: what the test looks for."""
    odds = rate / (1 - rate) * ODDS_RATIO
    return odds / (1 + odds)


def log_ratio(completed: bool, one: float, other: float) -> float:
    """log(P(outcome | one) / P(outcome | other)); both rates strictly between 0 and 1."""
    return math.log(one / other) if completed else math.log((1 - one) / (1 - other))
