"""How much the uses of one session go well or badly together, and what a further use of one still tells.

Model: two uses of one session are correlated by rho, those of different sessions are not. The mean of m such
uses knows as much as m / (1 + (m - 1) rho) independent ones (the design effect of cluster sampling), so the
m-th use of a session counts as what that number grows by: 1 for the first, and for rho = .2 then .67, .48 and
.36. A session in which everything fails can then not look like a skill that broke.

rho is the analysis-of-variance estimate over the sessions of a lagged window, less what chance makes of it,
and drawn to .2 by ten sessions that say so: with few sessions nothing is known, and no tie at all would
be the bolder guess.

L. Kish, "Survey Sampling", Wiley (1965), section 5.4 (the design effect); A. Donner, "A review of inference
procedures for the intraclass correlation coefficient in the one-way random effects model", International
Statistical Review 54 (1986).

>>> outcomes = LaggedWindow()
>>> ties = SessionTies(outcomes)
>>> for number in range(400):
...     outcomes.add(float(number % 40 < 20))
...     ties.add(f"session {number // 5}")
>>> ties.correlation > 0.8
True
>>> round(ties.weight("session 79"), 2), ties.weight("another")
(0.01, 1.0)
"""

import math
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from session_buddy.analytics.lagged_window import LaggedWindow

PRIOR: Final = 0.2
PRIOR_SESSIONS: Final = 10
_REFRESH = 20  # uses between two estimates: one takes as long as following twenty uses
_SESSIONS_KEPT = 200  # in which a further use may come
_FEWEST = 2


class SessionTies:
    """Follows the sessions of one measure of one skill."""

    __slots__ = ("_correlation", "_fresh_for", "_known", "_next", "_sessions", "_values")

    def __init__(self, values: LaggedWindow) -> None:
        """values: of the measure; each use is added to both."""
        self._values = values
        self._sessions = values.alike()
        self._known: OrderedDict[str, tuple[int, int]] = OrderedDict()  # session -> its number, its uses
        self._next = 0
        self._correlation = PRIOR
        self._fresh_for = 0

    @property
    def correlation(self) -> float:
        """Of two uses of one session, 0..1."""
        if self._fresh_for == 0:
            self._fresh_for = _REFRESH
            sessions = self._sessions.values()
            estimate = intraclass_correlation(self._values.values(), sessions)
            sizes = Counter(sessions).values()
            seen = len(sizes) * max(0.0, estimate - chance(sizes))
            self._correlation = (seen + PRIOR_SESSIONS * PRIOR) / (len(sizes) + PRIOR_SESSIONS)
        return self._correlation

    def weight(self, session: str) -> float:
        """What the next use in a session tells, 0..1; take it before the use is added."""
        uses = self._known[session][1] if session in self._known else 0
        return effective(uses + 1, self.correlation) - effective(uses, self.correlation) if uses else 1.0

    def add(self, session: str) -> None:
        """One more use; "" for a session that is not known, which is one of its own."""
        number, uses = self._known.pop(session, (self._next, 0))
        if not uses:
            self._next += 1
        if session:
            self._known[session] = (number, uses + 1)
            if len(self._known) > _SESSIONS_KEPT:
                self._known.popitem(last=False)
        self._sessions.add(number)
        self._fresh_for = max(0, self._fresh_for - 1)


def effective(uses: int, correlation: float) -> float:
    """As many independent uses as so many of one session are worth."""
    return uses / (1 + (uses - 1) * correlation)


def chance(sizes: Iterable[int]) -> float:
    """Standard error of rho where nothing ties sessions of these sizes together."""
    pairs = sum(size * (size - 1) for size in sizes)
    return math.sqrt(2 / pairs) if pairs else 1.0


def intraclass_correlation(values: Sequence[float], sessions: Sequence[float]) -> float:
    """rho of values (n,) by their sessions (n,), 0..1; 0 where there is nothing to tell it by."""
    sums: dict[float, float] = {}
    counts: dict[float, int] = {}
    for value, session in zip(values, sessions, strict=True):
        sums[session] = sums.get(session, 0.0) + value
        counts[session] = counts.get(session, 0) + 1
    total, groups = len(values), len(counts)
    if groups < _FEWEST or total <= groups:
        return 0.0
    mean = sum(values) / total
    between = sum(count * (sums[key] / count - mean) ** 2 for key, count in counts.items())
    within = max(0.0, sum((value - mean) ** 2 for value in values) - between)
    between /= groups - 1
    within /= total - groups
    size = (total - sum(count * count for count in counts.values()) / total) / (groups - 1)
    spread = between + (size - 1) * within
    return min(1.0, max(0.0, (between - within) / spread)) if spread > 0 else 0.0
