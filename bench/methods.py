"""The methods behind the findings against records whose truth is known.

`python -m bench.methods [completion duration trend zscore month ab ...] [--short] [--seed N]`

Each line has a bound and the figure reached, with the 99 % interval of the share it rests on; a bound is
missed where that interval excludes it. Without a seed, every run is on new data. The long form makes 2,000
runs and takes some minutes; `--short` makes 200, for CI. The generators (`bench/generators/`) were written
before the methods. Where the real event log is not beside the checkout, its lines are left out. Exit status 1
where anything is missed.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from statistics import median

import numpy as np

from bench.generators import completions, durations, months, real_sessions, series
from bench.judging import Line, at_least, at_most
from bench.methods_ab import ab
from session_buddy.analytics.completion_cusum import CompletionCusum
from session_buddy.analytics.completion_trend import completion_trend
from session_buddy.analytics.duration_cusum import DurationCusum, log_seconds
from session_buddy.analytics.duration_trend import duration_trend
from session_buddy.analytics.intervals import wilson
from session_buddy.analytics.overdispersion import BLOCK, overdispersion
from session_buddy.analytics.skill_watch import SkillWatch, Use
from session_buddy.analytics.zscore import DEFAULT_THRESHOLD, deviation

LONG, SHORT = 2_000, 200
PER_DAY = 20
DAYS = 63
"""Days of a run without a change: three pass before there is a baseline, sixty are judged."""
JUDGED_DAYS = DAYS - 3
COMPARABLE = 0.03
"""The bounds on false alarms suppose that two uses of a day are correlated by .01. Real calls of one tool may
be correlated far more; where it is over three times as much, the figure is shown without a verdict."""
NEVER = 10**6


def false_alarms(name: str, alarms: int, days: int) -> Line:
    line = at_most(name, alarms, days, 1 / 150, "<= 1")
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


def first_alarm(values: Iterable[float], start: int, update: Callable[[float], object]) -> int:
    """Invocations from `start` to the first alarm after it."""
    for number, value in enumerate(values):
        if update(value) and number >= start:
            return number - start + 1
    return NEVER


def completion(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Drops of the completion rate."""
    for rate in (0.5, 0.75, 0.9, 0.95, 0.98):
        alarms = 0
        for _ in range(runs // 2):
            cusum = CompletionCusum()
            made = completions.steady(rng, DAYS, PER_DAY, rate)
            alarms += sum(cusum.update(bool(good)) is not None for good in made)
        yield false_alarms(f"completion {rate:.2f}, nothing changes", alarms, runs // 2 * JUDGED_DAYS)
    for history in (10, 30):
        found = []
        for _ in range(runs):
            before = completions.steady(rng, history, PER_DAY, 0.9)
            made, start = completions.drop(rng, before, 10, PER_DAY, 0.6)
            cusum = CompletionCusum()
            found.append(first_alarm(made, start, lambda good, cusum=cusum: cusum.update(bool(good))))
        yield from delays(f"completion .90 to .60 after {history * PER_DAY} uses", found, 25, 45)
    yield from _real(rng, runs, "completion")


def duration(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Invocations that become slow."""
    alarms = 0
    for _ in range(runs // 2):
        cusum = DurationCusum()
        made = durations.steady(rng, DAYS, PER_DAY)
        alarms += sum(cusum.update(float(seconds)) is not None for seconds in made)
    yield false_alarms("duration, nothing changes", alarms, runs // 2 * JUDGED_DAYS)
    for history in (3, 10, 30):
        found = []
        for _ in range(runs):
            before = durations.steady(rng, history, PER_DAY)
            made, start = durations.slowdown(rng, before, 8, PER_DAY, 3.0)
            found.append(first_alarm(map(float, made), start, DurationCusum().update))
        yield from delays(f"duration x3 after {history * PER_DAY} uses", found, None, 30)
    yield from _real(rng, runs, "duration")


def _real(rng: np.random.Generator, runs: int, measure: str) -> Iterator[Line]:
    """The same on resampled real sessions, in which nothing changes either."""
    if not real_sessions.DATA.exists():
        return
    sessions = real_sessions.Sessions()
    for tool in sessions.tools:
        alarms, scatter = 0, []
        for _ in range(runs // 4):
            good, seconds = sessions.draw(rng, tool, DAYS * PER_DAY)
            if measure == "completion":
                follow = CompletionCusum()
                alarms += sum(follow.update(bool(one)) is not None for one in good)
                scatter.append(overdispersion(good.astype(float).tolist()))
            else:
                slow = DurationCusum()
                alarms += sum(slow.update(float(one)) is not None for one in seconds)
                scatter.append(overdispersion([log_seconds(one) for one in seconds]))
        correlation = (float(np.mean(scatter)) - 1) / (BLOCK - 1)
        line = false_alarms(
            f"{measure}, real {tool} calls, correlation {correlation:.3f}", alarms, runs // 4 * JUDGED_DAYS
        )
        yield line if correlation <= COMPARABLE else line._replace(bound="-", missed=False)


def trend(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Trends where there are none, and where there is one."""
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


def zscore(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """How often the classic reading raises where nothing changes: for comparison, no bound."""
    alarms = 0
    hours = 10
    for _ in range(runs):
        outcomes = completions.steady(rng, 15, PER_DAY, 0.9).reshape(15, PER_DAY)
        rates = [day[hour::hours].mean() for day in outcomes for hour in range(hours)]
        before, today = rates[:-hours], rates[-hours:]
        mean, spread = float(np.mean(before)), float(np.std(before, ddof=1))
        scores = [deviation(float(rate), mean, spread, len(before)) for rate in today]
        alarms += sum(score is not None and abs(score) >= DEFAULT_THRESHOLD for score in scores)
    yield Line(
        "zscore by the hour, nothing changes", f"{alarms / runs:.2f} a skill and day", "-", missed=False
    )


def month(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Quiet months of 20 skills, all detectors together."""
    raised, longest = [], 0.0
    for _ in range(max(20, runs // 20)):
        count = 0
        watches: dict[str, SkillWatch] = {}
        uses = months.quiet(rng, datetime(2026, 3, 2, tzinfo=UTC))
        for number, use in enumerate(uses):
            watch = watches.setdefault(use.skill_name, SkillWatch())
            for change in watch.update(Use(use.invoked_at, use.completed, use.seconds, str(number))):
                count += change.kind == "raised"
                if change.kind == "resolved":
                    longest = max(longest, (change.at - change.finding.detected_at).total_seconds() / 3600)
        raised.append(count)
    line = at_least(
        "quiet months with 9 anomalies or fewer", sum(n <= 9 for n in raised), len(raised), 0.95, "<= 9"
    )
    yield line._replace(figure=f"mean {np.mean(raised):.1f}, most {max(raised)} in {len(raised)} months")
    yield Line("longest false anomaly", f"{longest:.0f} h", "<= 48 h unless confirmed", missed=False)


PARTS: dict[str, Callable[[np.random.Generator, int], Iterator[Line]]] = {
    "completion": completion,
    "duration": duration,
    "trend": trend,
    "zscore": zscore,
    "month": month,
    "ab": ab,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all, if none is named")
    parser.add_argument("--short", action="store_true", help=f"{SHORT} runs instead of {LONG}")
    parser.add_argument("--seed", type=int, help="to see one run again")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else secrets.randbits(32)
    rng = np.random.default_rng(seed)
    print(f"seed {seed}")
    missed = 0
    for part in given.parts or PARTS:
        for line in PARTS[part](rng, SHORT if given.short else LONG):
            missed += line.missed
            print(
                f"{line.name:48} {line.figure:44} {line.bound:16} {'MISSED' if line.missed else ''}",
                flush=True,
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
