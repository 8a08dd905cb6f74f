"""Figures beside their bounds: missed where the 99 % interval excludes the bound."""

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import numpy as np

from session_buddy.analytics.intervals import wilson

FEW_RUNS = 100
"""With so many runs or fewer, a part leaves out what takes long."""


NO_BOUND = "-"


class Line(NamedTuple):
    """One figure. bound: as it is said; missed: whether the 99 % interval excludes it."""

    name: str
    figure: str
    bound: str
    missed: bool


def at_most(name: str, hits: int, trials: int, bound: float, said: str) -> Line:
    lower, upper = wilson(min(hits, trials), trials, 0.99)
    return Line(name, f"{hits / trials:.4f} ({lower:.4f}-{upper:.4f})", said, lower > bound)


def at_least(name: str, hits: int, trials: int, bound: float, said: str) -> Line:
    lower, upper = wilson(hits, trials, 0.99)
    return Line(name, f"{hits / trials:.3f} ({lower:.3f}-{upper:.3f})", said, upper < bound)


def between(name: str, hits: int, trials: int, share: float, said: str) -> Line:
    """A share that is promised, and so missed on either side."""
    lower, upper = wilson(hits, trials, 0.99)
    figure = f"{hits / trials:.4f} ({lower:.4f}-{upper:.4f})"
    return Line(name, figure, said, not lower <= share <= upper)


def false_alarms(name: str, alarms: int, days: int) -> Line:
    line = at_most(name, alarms, days, 1 / 150, "<= 1 in 150")
    low, high = (150 * edge for edge in wilson(min(alarms, days), days, 0.99))
    return line._replace(figure=f"{150 * alarms / days:.2f} ({low:.2f}-{high:.2f}) in 150 skill-days")


def delays(name: str, found: list[int], middle: int | None, late: int) -> Iterator[Line]:
    """found: invocations from the change to the alarm of each run."""
    figures = f"median {median(found):.0f}, p90 {np.quantile(found, 0.9):.0f} invocations"
    if middle is not None:
        line = at_least(name, sum(delay <= middle for delay in found), len(found), 0.5, f"median <= {middle}")
        yield line._replace(figure=figures)
    line = at_least(name, sum(delay <= late for delay in found), len(found), 0.9, f"p90 <= {late}")
    yield line._replace(figure=figures)
