"""Figures beside their bounds: missed where the 99 % interval excludes the bound."""

from typing import NamedTuple

from session_buddy.analytics.intervals import wilson


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
