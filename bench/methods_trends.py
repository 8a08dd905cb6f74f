"""Trends against series whose truth is known; a part of `bench.methods`."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from bench.generators import series
from bench.judging import Line, at_least, at_most
from session_buddy.analytics.completion_trend import completion_trend
from session_buddy.analytics.duration_trend import duration_trend

PER_DAY = 20


def trend(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Trends."""
    length = 30
    moments = list(range(length))
    for memory, bound in ((0.0, 0.07), (0.6, 0.12)):
        hits = sum(_significant(moments, series.noise(rng, length, memory)) for _ in range(runs))
        yield at_most(f"duration trend, none, memory {memory}", hits, runs, bound, f"<= {bound:.0%}")
    hits = sum(_significant(moments, series.with_trend(rng, length, 1.5)) for _ in range(runs))
    yield at_least("duration trend of 1.5 sd", hits, runs, 0.5, ">= 50 %")
    for spread in (0.0, 0.01, 0.05):
        hits = 0
        for _ in range(runs):
            completed, decided = series.daily_counts(rng, length, PER_DAY, 0.9, 0.9, spread)
            found = completion_trend(moments, completed.tolist(), decided.tolist())
            hits += found is not None and found.p_value < 0.05
        yield at_most(f"completion trend, none, overdispersion {spread}", hits, runs, 0.07, "<= 7%")
    hits = 0
    for _ in range(runs):
        completed, decided = series.daily_counts(rng, length, PER_DAY, 0.92, 0.80, 0.01)
        found = completion_trend(moments, completed.tolist(), decided.tolist())
        hits += found is not None and found.p_value < 0.05
    yield at_least("completion trend .92 to .80 in 30 days", hits, runs, 0.5, ">= 50 %")
    values = [series.noise(rng, length) for _ in range(200)]
    counts = [series.daily_counts(rng, length, PER_DAY, 0.9, 0.9, 0.01) for _ in range(200)]
    took = min(_seconds(lambda: _all_trends(moments, values, counts)) for _ in range(5))
    yield Line("trends of 200 skills, both measures", f"{1000 * took:.0f} ms", "< 100 ms", took >= 0.1)


def _significant(moments: list[int], values: series.Series) -> bool:
    found = duration_trend(moments, values.tolist())
    return found is not None and found.p_value < 0.05


def _all_trends(
    moments: list[int], values: list[series.Series], counts: list[tuple[series.Series, series.Series]]
) -> None:
    for one, (completed, decided) in zip(values, counts, strict=True):
        duration_trend(moments, one.tolist())
        completion_trend(moments, completed.tolist(), decided.tolist())


def _seconds(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


PARTS = {"trend": trend}
