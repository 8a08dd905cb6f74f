"""Which CI stages fail too often."""

from typing import Final, Literal

from session_buddy.analytics.intervals import wilson

MEDIUM: Final = 0.8
HIGH: Final = 0.5
LEAST_RUNS: Final = 5
"""Runs before anything is said of a stage: one failure of one run is no bottleneck."""
Severity = Literal["medium", "high"]


def severity_of(completed: int, runs: int) -> Severity | None:
    """`medium` below 80 % of the runs completed, `high` below 50 %; None if it is well or ran too seldom.

    >>> severity_of(4, 5), severity_of(3, 5), severity_of(2, 5), severity_of(0, 4)
    (None, 'medium', 'high', None)
    """
    if runs < LEAST_RUNS or completed >= MEDIUM * runs:
        return None
    return "high" if completed < HIGH * runs else "medium"


def is_certain(completed: int, runs: int) -> bool:
    """Whether the whole 95 % interval of the rate lies below 80 %, so that chance does not explain it."""
    return wilson(completed, runs)[1] < MEDIUM
