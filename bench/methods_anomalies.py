"""The detectors of anomalies against records whose truth is known; a part of `bench.methods`."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.generators import completions, durations, months, real_sessions
from bench.generators.sessions import sessions_of
from bench.judging import FEW_RUNS, Line, at_least, delays, false_alarms
from session_buddy.analytics.completion_cusum import CompletionCusum
from session_buddy.analytics.duration_cusum import DurationCusum
from session_buddy.analytics.session_ties import intraclass_correlation
from session_buddy.analytics.signals import Signal
from session_buddy.analytics.skill_watch import Change, SkillWatch, Use
from session_buddy.analytics.zscore import DEFAULT_THRESHOLD, deviation

PER_DAY = 20
DAYS = 63
"""Days of a run without a change: three pass before there is a baseline, sixty are judged."""
JUDGED_DAYS = DAYS - 3
COMPARABLE = 0.01
"""The bounds on false alarms suppose that two uses of a day are correlated by this much."""
NEVER = 10**6
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
MOST_A_MONTH, MOST_HOURS = 9, 48
MONTHS_SHARE = 0.99
"""Of quiet months that keep to both."""
FEW_MONTHS = 20


Update = Callable[[float, str], Signal | None]
"""A detector takes a use's value and session."""


def first_alarm(values: Iterable[float], sessions: Iterable[str], start: int, update: Update) -> int:
    """Invocations from `start` to the first alarm after it."""
    for number, (value, session) in enumerate(zip(values, sessions, strict=True)):
        if update(value, session) and number >= start:
            return number - start + 1
    return NEVER


def completion(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Anomalies of completion."""
    for rate in (0.5, 0.75, 0.9, 0.95, 0.98):
        alarms = _quiet_alarms(rng, runs, rate, COMPARABLE)
        name = f"completion {rate:.2f}, overdispersion {COMPARABLE}, no change"
        yield false_alarms(name, alarms, runs * JUDGED_DAYS)
    for clustered in (0.03, 0.06):
        alarms = _quiet_alarms(rng, runs // 2, 0.9, clustered)
        name = f"completion 0.90, overdispersion {clustered}, no change"
        yield false_alarms(name, alarms, runs // 2 * JUDGED_DAYS)._replace(bound="-", missed=False)
    for rate, history in ((0.9, 10), (0.9, 30), (0.95, 30)):
        found = []
        for _ in range(runs):
            before = completions.steady(rng, history, PER_DAY, rate)
            made, start = completions.drop(rng, before, 10, PER_DAY, 0.6)
            cusum = CompletionCusum()
            found.append(first_alarm(made, sessions_of(rng, len(made)), start, cusum.update))
        yield from delays(f"completion {rate:.2f} to 0.60 after {history * PER_DAY} uses", found, 25, 45)
    yield from _real(rng, runs, "completion")


def _quiet_alarms(rng: np.random.Generator, runs: int, rate: float, correlation: float) -> int:
    alarms = 0
    for _ in range(runs):
        update = CompletionCusum().update
        made = completions.steady(rng, DAYS, PER_DAY, rate, correlation)
        alarms += sum(map(_raises(update), made, sessions_of(rng, len(made))))
    return alarms


def _raises(update: Update) -> Callable[[float, str], bool]:
    return lambda value, session: update(value, session) is not None


def duration(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Anomalies of duration."""
    alarms = 0
    for _ in range(runs):
        made = durations.steady(rng, DAYS, PER_DAY)
        alarms += sum(map(_raises(DurationCusum().update), made, sessions_of(rng, len(made))))
    yield false_alarms("duration, no change", alarms, runs * JUDGED_DAYS)
    for history in (3, 10, 30):
        found = []
        for _ in range(runs):
            before = durations.steady(rng, history, PER_DAY)
            made, start = durations.slowdown(rng, before, 8, PER_DAY, 3.0)
            sessions = sessions_of(rng, len(made))
            found.append(first_alarm(made, sessions, start, DurationCusum().update))
        yield from delays(f"duration x3 after {history * PER_DAY} uses", found, None, 30)
    yield from _real(rng, runs, "duration")


def _real(rng: np.random.Generator, runs: int, measure: str) -> Iterator[Line]:
    """The same on resampled real sessions, in which nothing changes either.

    A tool's durations hold the waits for the user's permission, which a skill's do not: shown, not judged.
    """
    if not real_sessions.DATA.exists():
        return
    real = real_sessions.Sessions()
    for tool in real.tools:
        alarms, tied = 0, []
        for _ in range(runs):
            good, seconds, sessions = real.draw(rng, tool, DAYS * PER_DAY)
            values = good.astype(float) if measure == "completion" else seconds
            update = (CompletionCusum if measure == "completion" else DurationCusum)().update
            alarms += sum(map(_raises(update), values.tolist(), sessions))
            told = values if measure == "completion" else np.log(np.maximum(values, 0.001))
            tied.append(intraclass_correlation(told.tolist(), [float(name) for name in sessions]))
        name = f"{measure}, real {tool} calls, sessions tied {np.mean(tied):.2f}"
        line = false_alarms(name, alarms, runs * JUDGED_DAYS)
        yield line if measure == "completion" else line._replace(bound="-", missed=False)


def zscore(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """The classic reading, for comparison."""
    alarms = 0
    hours = 10
    for _ in range(runs):
        outcomes = completions.steady(rng, 15, PER_DAY, 0.9).reshape(15, PER_DAY)
        rates = [day[hour::hours].mean() for day in outcomes for hour in range(hours)]
        before, today = rates[:-hours], rates[-hours:]
        mean, spread = float(np.mean(before)), float(np.std(before, ddof=1))
        scores = [deviation(float(rate), mean, spread, len(before)) for rate in today]
        alarms += sum(score is not None and abs(score) >= DEFAULT_THRESHOLD for score in scores)
    yield Line("zscore by the hour, no change", f"{alarms / runs:.2f} a skill and day", "-", missed=False)


def month(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Quiet months of 20 skills, all detectors together."""
    months_seen = FEW_MONTHS if runs <= FEW_RUNS else runs
    raised, longest = [], []
    for _ in range(months_seen):
        changes = list(_quiet_month(rng))
        raised.append(sum(change.kind == "raised" for change in changes))
        over = [change for change in changes if change.kind == "resolved"]
        assert len(over) == raised[-1], "each is over some day"
        lasted = [(change.at - change.finding.detected_at).total_seconds() / 3600 for change in over]
        longest.append(max(lasted, default=0.0))
    few = sum(count <= MOST_A_MONTH for count in raised)
    line = at_least("raised in a month", few, months_seen, MONTHS_SHARE, f"<= {MOST_A_MONTH}")
    p50, p99 = (int(np.quantile(raised, share, method="higher")) for share in (0.5, 0.99))
    figure = f"median {p50}, p99 {p99}, most {max(raised)} in {months_seen:,} months"
    yield line._replace(figure=figure)
    short = sum(hours <= MOST_HOURS for hours in longest)
    line = at_least("the longest of a month", short, months_seen, MONTHS_SHARE, f"<= {MOST_HOURS} h")
    yield line._replace(figure=f"{max(longest):.0f} h at most; beyond in {months_seen - short} months")


def _quiet_month(rng: np.random.Generator) -> Iterator[Change]:
    """What the watches of all skills say, until long after the last use."""
    watches: dict[str, SkillWatch] = {}
    for number, use in enumerate(months.quiet(rng, BEGIN)):
        watch = watches.setdefault(use.skill_name, SkillWatch())
        shown = Use(use.invoked_at, use.completed, use.seconds, str(number), use.session)
        yield from watch.update(shown)
    for watch in watches.values():
        yield from watch.tick(BEGIN + timedelta(days=60))


PARTS = {"completion": completion, "duration": duration, "zscore": zscore, "month": month}
