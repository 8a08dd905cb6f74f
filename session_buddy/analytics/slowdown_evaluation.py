"""How well slowdowns are found in real durations: the last ones of each action are made longer.

What is raised before is a false alarm, as far as anybody knows; what is raised after is a find. The CUSUM
that runs live is scored, and beside it an Isolation Forest (`isolation_forest`), for the extra [ml].
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from session_buddy.analytics.duration_cusum import DurationCusum
from session_buddy.analytics.suggesting.evaluation import LoggedUse

SLOWDOWN: Final = 3.0
PLANTED: Final = 60
FEWEST: Final = 150
WITHIN: Final = 30

Series = Sequence[tuple[float, str]]
"""(seconds, session) of one action, in order of time."""
Detector = Callable[[Series, int], Sequence[int]]
"""(series, where the plant begins) -> the places from 60 on at which it raises."""


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """How one method did. false_alarms_per_1000: uses before the plant. found_share: within 30 uses, 0..1."""

    method: str
    action_count: int
    use_count: int
    false_alarms_per_1000: float
    found_share: float
    median_delay: float | None


def durations_of(uses: Iterable[LoggedUse]) -> list[list[tuple[float, str]]]:
    """The durations of every action that has 150 of them, in order of time."""
    found: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for use in sorted((use for use in uses if use.seconds is not None), key=lambda use: use.at):
        made = found.setdefault((use.source, use.fine or use.skill_name or ""), [])
        made.append((use.seconds or 0.0, use.session_id))
    return [series for series in found.values() if len(series) >= FEWEST]


def score_detectors(known: Sequence[Series], detectors: Mapping[str, Detector]) -> list[DetectionScore]:
    """Every method on the same series, each with its last 60 durations made three times as long."""
    return [_score(name, known, detect) for name, detect in detectors.items()]


def cusum(series: Series, begin: int) -> list[int]:  # noqa: ARG001 - it is not told where the plant begins
    """Where the detector that runs live raises."""
    follow = DurationCusum()
    return [
        place
        for place, (seconds, session) in enumerate(series)
        if follow.update(seconds, session) is not None
    ]


def _score(name: str, known: Sequence[Series], detect: Detector) -> DetectionScore:
    alarms = watched = 0
    delays: list[float] = []
    for series in known:
        begin = len(series) - PLANTED
        planted = [
            (seconds * SLOWDOWN if place >= begin else seconds, session)
            for place, (seconds, session) in enumerate(series)
        ]
        raised = detect(planted, begin)
        alarms += sum(place < begin for place in raised)
        watched += begin
        delays.append(min((place - begin + 1 for place in raised if place >= begin), default=math.inf))
    middle = median(delays)
    return DetectionScore(
        method=name,
        action_count=len(known),
        use_count=watched,
        false_alarms_per_1000=1000 * alarms / watched,
        found_share=sum(delay <= WITHIN for delay in delays) / len(delays),
        median_delay=middle if math.isfinite(middle) else None,
    )
