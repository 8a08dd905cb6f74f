"""Experiments whose truth is known: how often equal groups are found different, and different ones found.

Every run is looked at after every observation. What is judged are the rules as they are shipped: some runs
are followed by the shipped code itself, and have to be decided at the same observation.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from bench.experiment_runs import NEVER, Seen, first_verdicts, replayed, sums_of
from bench.generators import experiments, real_sessions
from bench.generators.experiments import Usage
from bench.judging import Line, at_least, at_most
from session_buddy.analytics.experiments.assignment import arms_of
from session_buddy.analytics.experiments.comparing import Look, compared
from session_buddy.analytics.experiments.decision import METRICS, Group, Rules, decide
from session_buddy.analytics.experiments.planning import ALPHA, FEWEST_UNITS, FIXED_SHARE, plan, rate_variance
from session_buddy.analytics.experiments.srm import ALPHA as MISMATCH_ALPHA
from session_buddy.analytics.experiments.srm import CONCENTRATION, mismatch
from session_buddy.analytics.experiments.sums import GroupSums

LENGTH = 5_000
AT_ONCE = 1_000
REPLAYED = 5
PLANNED = 1_000
RATES = (0.5, 0.9, 0.98)
Made = Callable[[int], Usage]


def ab(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Experiments (A/B), looked at after every outcome."""
    yield from _equal_groups(rng, runs)
    yield from _other_metrics(rng, runs)
    yield from _power(rng, runs)
    yield from _fixed_horizon(rng, runs)
    yield _three_groups(rng, runs)
    yield _few_users(rng, runs)
    yield from _wrong_sizes(rng, runs)


def _equal_groups(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    for rate in RATES:
        made = partial(experiments.one_each, rng, length=LENGTH, rates=(rate, rate))
        for planned in (200, PLANNED):
            yield from _false_positives(f"equal at {rate:.2f}, planned {planned:,}", made, runs, planned)
        unequal = partial(made, ratio=0.1)
        yield from _false_positives(f"equal at {rate:.2f}, groups of 1 to 9", unequal, runs, PLANNED)
    for users, uneven in ((50, False), (50, True), (200, False), (200, True)):
        come = partial(
            experiments.returning, rng, length=LENGTH, rates=(0.9, 0.9), users=users, uneven=uneven
        )
        for correlation in (0.0, 0.15):
            name = f"{users} users{', unevenly' if uneven else ''}, correlation {correlation:.2f}"
            yield from _false_positives(name, partial(come, correlation=correlation), runs, users)
    sessions = partial(experiments.visits, rng, length=LENGTH, rates=(0.9, 0.9), mean=5.0, correlation=0.15)
    yield from _false_positives("sessions of 5, correlation 0.15", sessions, runs, PLANNED)
    few = min(runs, 500)
    alarms = sum(int((one.decided != NEVER).sum()) for one in _seen(sessions, few, PLANNED, apart=True)[0])
    yield Line("the same, an outcome taken as a unit", f"{alarms / few:.4f}", "-", missed=False)
    if real_sessions.DATA.exists():
        real = real_sessions.Sessions()
        for tool in real.tools:
            drawn = partial(experiments.resampled, rng, sessions=real, tool=tool, length=LENGTH)
            yield from _false_positives(f"real visits to {tool}", drawn, runs, PLANNED)


def _other_metrics(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    slow = partial(experiments.durations, rng, length=LENGTH, mean=5.0, spread=0.4)
    yield from _false_positives("equal durations, sessions of 5", slow, runs, 200, None)
    stars = partial(experiments.ratings, rng, length=LENGTH)
    yield from _false_positives("equal ratings, mostly 5", stars, runs, 200, (1.0, 5.0))


def _false_positives(
    name: str, made: Made, runs: int, planned: int, bounds: tuple[float, float] | None = (0.0, 1.0)
) -> Iterator[Line]:
    seen, agreed = _seen(made, runs, planned, bounds)
    alarms, alone, peeked = (
        sum(int((first != NEVER).sum()) for first in firsts)
        for firsts in (
            [one.decided for one in seen],
            [one.interval for one in seen],
            [one.peeked for one in seen],
        )
    )
    line = at_most(name, alarms, runs, ALPHA, "<= 5 %")
    beside = f", interval {alone / runs:.3f}" + (f", z {peeked / runs:.2f}" if bounds == (0.0, 1.0) else "")
    yield line._replace(figure=line.figure + beside)
    if not agreed:
        yield Line(f"{name}: the shipped code", "decides otherwise", "the same", missed=True)


def _seen(
    made: Made,
    runs: int,
    planned: int,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    *,
    apart: bool = False,
) -> tuple[list[Seen], bool]:
    """All runs, some hundreds at once, and whether the shipped code agrees. apart: each outcome is a unit."""
    seen, agreed = [], True
    for start in range(0, runs, AT_ONCE):
        usage = made(min(AT_ONCE, runs - start))
        if apart:
            treated = np.take_along_axis(usage.treated, usage.units, axis=1)
            usage = usage._replace(
                units=np.broadcast_to(np.arange(LENGTH), usage.units.shape), treated=treated
            )
        found = first_verdicts(usage, planned, bounds=bounds)
        followed = 0 if apart or start else REPLAYED
        agreed &= all(
            replayed(usage, run, planned, bounds=bounds) == found.decided[run] for run in range(followed)
        )
        seen.append(found)
    return seen, agreed


def _power(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Differences as large as planned for, at 1.8 times the sample of one look."""
    for rates in ((0.5, 0.6), (0.8, 0.9), (0.9, 0.95), (0.98, 0.95)):
        effect = abs(rates[1] - rates[0])
        made = plan(rate_variance(rates[0]), effect, [0.5, 0.5], treated_variance=rate_variance(rates[1]))
        usage = experiments.one_each(rng, runs, made.units, rates)
        seen = first_verdicts(usage, made.units)
        right = int(((seen.decided != NEVER) & (seen.sign == np.sign(rates[1] - rates[0]))).sum())
        times = f"{made.units / made.fixed_units:.1f} x {made.fixed_units:,}"
        name = f"{rates[0]:.2f} to {rates[1]:.2f} in {made.units:,}, {times}"
        line = at_least(name, right, runs, 0.8, ">= 80 %")
        looks = np.where(seen.decided == NEVER, made.units, seen.decided)
        yield line._replace(figure=f"{line.figure}, median {np.median(looks):,.0f}")
    past = sums_of(experiments.visits(rng, 1, 20_000, (0.8, 0.8), 5.0, 0.15), 0)
    variance = (past[0] + past[1]).variance
    made = plan(variance, 0.1, [0.5, 0.5])
    usage = experiments.visits(rng, runs, 5 * made.units, (0.8, 0.9), 5.0, 0.15)
    seen = first_verdicts(usage, made.units)
    right = int(((seen.decided != NEVER) & (seen.sign > 0)).sum())
    name = f".80 to .90 in about {made.units:,} sessions of 5"
    yield at_least(name, right, runs, 0.8, ">= 80 %")


def _fixed_horizon(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Looks until the planned sample, then one."""
    made = plan(
        rate_variance(0.8), 0.1, [0.5, 0.5], treated_variance=rate_variance(0.9), method="fixed_horizon"
    )
    for treated, judge, bound in ((0.8, at_most, ALPHA), (0.9, at_least, 0.8)):
        usage = experiments.one_each(rng, runs, made.units, (0.8, treated))
        early = first_verdicts(usage, made.units, alpha=(1 - FIXED_SHARE) * ALPHA)
        look = Look(made.units, (0.0, 1.0), FIXED_SHARE * ALPHA, one_look=True)
        found = sum(
            early.decided[run] != NEVER or compared(*sums_of(usage, run), look).proven for run in range(runs)
        )
        sign = "<=" if judge is at_most else ">="
        yield judge(
            f"fixed horizon, .80 against {treated:.2f}", int(found), runs, bound, f"{sign} {bound:.0%}"
        )


def _three_groups(rng: np.random.Generator, runs: int) -> Line:
    """Three equal groups, by the shipped decision, looked at every 25 sessions."""
    arms = arms_of(["one", "two", "three"], 2 / 3)
    rules = Rules(METRICS["completion_rate"], "session", planned_units=600)
    alarms = 0
    for _ in range(runs):
        group = rng.integers(3, size=2_000)
        good = rng.random(2_000) < 0.9
        for look in range(100, 2_001, 25):
            groups = []
            for number, arm in enumerate(arms):
                of_group = group[:look] == number
                units, total = int(of_group.sum()), float(good[:look][of_group].sum())
                sums = GroupSums(units, units, total, total, units, total, total)
                groups.append(Group(arm.group_name, arm.strategy, arm.share, units, sums))
            if decide(groups, rules).winner is not None:
                alarms += 1
                break
    return at_most("three equal groups", alarms, runs, ALPHA, "<= 5 %")


def _few_users(rng: np.random.Generator, runs: int) -> Line:
    """Up to 19 users in a group with 200 outcomes each, and nothing but success in one of the groups."""
    verdicts = 0
    rules = Rules(METRICS["completion_rate"], "user", planned_units=40)
    for _ in range(runs):
        groups = []
        for name, rate in (("control", 0.1), ("treatment", 1.0)):
            users = int(rng.integers(1, FEWEST_UNITS))
            sums = GroupSums.of((rng.random((users, 200)) < rate).astype(float).tolist())
            groups.append(Group(name, name, 0.5, users, sums))
        verdicts += decide(groups, rules).winner is not None
    return Line("verdicts under 20 users in a group", f"{verdicts} in {runs:,}", "none", missed=verdicts > 0)


def _wrong_sizes(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Shares of the groups, looked at after every assignment."""
    for share in (0.5, 0.1):
        found = _mismatches(experiments.assignments(rng, runs, LENGTH, share), share)
        name = f"wrong sizes, {share:.0%} as meant"
        yield at_most(name, int((found != NEVER).sum()), runs, MISMATCH_ALPHA, "<= 1 %")
    found = _mismatches(experiments.assignments(rng, runs, LENGTH, 0.45), 0.5)
    late = np.where(found == NEVER, LENGTH, found + 1)
    line = at_least("55 to 45 instead of halves", int((late <= 1_500).sum()), runs, 0.5, "median <= 1,500")
    p90 = np.quantile(late, 0.9)
    yield line._replace(figure=f"median {np.median(late):,.0f}, p90 {p90:,.0f} units")


def _mismatches(treated: experiments.Flags, share: float) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """First look of each run at which the sizes are found wrong."""
    lgamma = np.vectorize(math.lgamma)
    counts = np.arange(LENGTH + 1)
    terms = [
        lgamma(CONCENTRATION * part + counts) - math.lgamma(CONCENTRATION * part) - counts * math.log(part)
        for part in (1 - share, share)
    ]
    whole = math.lgamma(CONCENTRATION) - lgamma(CONCENTRATION + counts)
    second = np.cumsum(treated, axis=1)
    total = np.arange(1, LENGTH + 1)
    alarms = whole[total] + terms[0][total - second] + terms[1][second] > -math.log(MISMATCH_ALPHA)
    found = np.where(alarms.any(axis=1), alarms.argmax(axis=1), NEVER)
    for run in range(REPLAYED):
        sizes = [(int(look - many), int(many)) for look, many in zip(total, second[run], strict=True)]
        shipped = next((n for n, size in enumerate(sizes) if mismatch(size, [1 - share, share]).found), NEVER)
        if shipped != found[run]:
            raise SystemExit("the shipped code finds wrong sizes elsewhere")
    return found
