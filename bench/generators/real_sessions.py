"""Outcomes and durations resampled from real sessions: a log of tool calls, one row a call.

Whole sessions are drawn with replacement, so that whatever ties the calls of one session together stays.
A tool stands for a skill: it is used again and again, fails now and then, and takes its time.
"""

import csv
import gzip
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SHARED = os.environ.get("SESSION_BUDDY_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data"
DATA = Path(_SHARED) / "claude_code_events.csv.gz"
_TOOLS = ("Bash", "Edit", "Read")
_FEWEST_CALLS = 3
_MOST_CALLS = 12


class Sessions:
    """The calls of each session to one tool: (completed, seconds), cut into visits of at most 12 calls."""

    def __init__(self, path: Path = DATA) -> None:
        """Raises OSError where there is no such file."""
        calls: dict[tuple[str, str], list[tuple[bool, float]]] = defaultdict(list)
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["tool"] in _TOOLS and row["duration_s"]:
                    good = row["is_error"] != "True" and row["rejected"] != "True"
                    calls[row["session_id"], row["tool"]].append((good, float(row["duration_s"])))
        self._visits: dict[str, list[list[tuple[bool, float]]]] = defaultdict(list)
        for (_, tool), made in calls.items():
            for start in range(0, len(made), _MOST_CALLS):
                if len(visit := made[start : start + _MOST_CALLS]) >= _FEWEST_CALLS:
                    self._visits[tool].append(visit)

    @property
    def tools(self) -> tuple[str, ...]:
        """The tools there are."""
        return _TOOLS

    def draw(
        self, rng: np.random.Generator, tool: str, length: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64], list[str]]:
        """(completed, seconds, session), each of shape (length,), of visits drawn with replacement."""
        visits = self._visits[tool]
        drawn: list[tuple[bool, float, str]] = []
        number = 0
        while len(drawn) < length:
            number += 1
            visit = visits[rng.integers(len(visits))]
            drawn.extend((good, seconds, str(number)) for good, seconds in visit)
        return (
            np.array([good for good, _, _ in drawn[:length]], dtype=bool),
            np.array([seconds for _, seconds, _ in drawn[:length]]),
            [session for _, _, session in drawn[:length]],
        )

    def visits(self, rng: np.random.Generator, tool: str, length: int) -> list[NDArray[np.bool_]]:
        """Whether the calls of each drawn visit completed, until there are at least `length` calls."""
        visits = self._visits[tool]
        drawn: list[NDArray[np.bool_]] = []
        calls = 0
        while calls < length:
            visit = visits[rng.integers(len(visits))]
            drawn.append(np.array([good for good, _ in visit], dtype=bool))
            calls += len(visit)
        return drawn
