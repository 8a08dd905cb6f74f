"""What the uses of a skill in a window add up to.

Durations are kept sorted, so quantiles are exact, and summed in whole nanoseconds, so that a sum that is
moved for weeks by adding and taking away stays exact as well.
"""

import math
from bisect import bisect_left, insort
from typing import Final, NamedTuple, Self

from session_buddy.live.moments import microseconds
from session_buddy.models.answers import Invocation
from session_buddy.models.vocabulary import Outcome

_LONGEST_SECONDS: Final = 1e12
"""Longer durations count as this long in a sum, as in the totals of the database."""


class Use(NamedTuple):
    """One invocation, reduced to what the figures need; `at` in microseconds since 1970, UTC."""

    at: int
    skill_name: str
    project: str | None
    agent: str
    user_id: str | None
    outcome: Outcome | None
    duration: float | None

    @classmethod
    def of(cls, use: Invocation) -> Self:
        """What is known of an invocation."""
        at = microseconds(use.invoked_at)
        return cls(at, use.skill_name, use.project, use.agent, use.user_id, use.outcome, use.duration_seconds)


class Figures(NamedTuple):
    """One skill in one window; durations in seconds, `last_at` in microseconds since 1970, UTC."""

    skill_name: str
    invocation_count: int
    completed_count: int
    decided_count: int
    completion_rate: float | None
    avg_duration: float | None
    p50_duration: float | None
    p95_duration: float | None
    last_at: int


class Tally:
    """The uses of one skill in one window."""

    __slots__ = ("completed", "count", "decided", "durations", "nanoseconds")

    def __init__(self) -> None:
        self.count = self.completed = self.decided = self.nanoseconds = 0
        self.durations: list[float] = []

    def move(self, use: Use, sign: int) -> None:
        """Put a use in (sign 1) or take it out (-1)."""
        self.count += sign
        self.completed += sign * (use.outcome == "completed")
        self.decided += sign * (use.outcome is not None)
        if use.duration is None:
            return
        self.nanoseconds += sign * _nanoseconds(use.duration)
        if sign > 0:
            insort(self.durations, use.duration)
        else:
            del self.durations[bisect_left(self.durations, use.duration)]


def figures(skill_name: str, tally: Tally, last_at: int) -> Figures:
    """What a tally says. last_at: when the skill was last used."""
    measured = len(tally.durations)
    return Figures(
        skill_name=skill_name,
        invocation_count=tally.count,
        completed_count=tally.completed,
        decided_count=tally.decided,
        completion_rate=tally.completed / tally.decided if tally.decided else None,
        avg_duration=tally.nanoseconds / measured / 1e9 if measured else None,
        p50_duration=quantile(tally.durations, 0.5),
        p95_duration=quantile(tally.durations, 0.95),
        last_at=last_at,
    )


def quantile(ordered: list[float], q: float) -> float | None:
    """The q-quantile of sorted values, linear between neighbours, as SQL's `quantile_cont`; None of none."""
    if not ordered:
        return None
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    above = math.ceil(place)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _nanoseconds(seconds: float) -> int:
    return round(min(seconds, _LONGEST_SECONDS) * 1e9)
