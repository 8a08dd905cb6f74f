"""Many experiments at once, looked at after every observation: the shipped rules over arrays of runs.

`first_verdicts` does over all runs with numpy what `session_buddy.analytics.experiments` does with one;
`replayed` follows one run with the shipped code itself, and the two have to agree.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.generators.experiments import Flags, Usage
from session_buddy.analytics.experiments.comparing import Look, compared
from session_buddy.analytics.experiments.confidence import ALPHA, boundary
from session_buddy.analytics.experiments.planning import FEWEST_UNITS
from session_buddy.analytics.experiments.sums import NO_UNIT, GroupSums, Unit

Numbers = NDArray[np.float64]
NEVER = -1
_DUST = 1e-12
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Seen:
    """First look (0-based) of each run at which something was found, and its sign; NEVER where nothing was.

    decided: by the shipped rules. peeked: by a two-proportion z test of the outcomes. interval: the interval
    alone lay on one side of zero, without the caution.
    """

    decided: NDArray[np.int64]
    sign: NDArray[np.int64]
    peeked: NDArray[np.int64]
    interval: NDArray[np.int64]


class _Sums:
    """The six sums of both groups in every run, of shape (2, runs)."""

    def __init__(self, usage: Usage) -> None:
        runs = len(usage.units)
        self.units, self.outcomes, self.total, self.squares = (np.zeros((2, runs)) for _ in range(4))
        self.outcomes_squared, self.total_squared, self.product = (np.zeros((2, runs)) for _ in range(3))
        self._total = np.zeros((runs, int(usage.units.max()) + 1))
        self._outcomes = np.zeros_like(self._total)
        self._runs = np.arange(runs)

    def add(self, unit: NDArray[np.int64], treated: NDArray[np.int64], value: Numbers) -> None:
        """One outcome in every run."""
        runs = self._runs
        total, outcomes = self._total[runs, unit], self._outcomes[runs, unit]
        self._total[runs, unit] = total + value
        self._outcomes[runs, unit] = outcomes + 1
        self.units[treated, runs] += outcomes == 0
        self.outcomes[treated, runs] += 1
        self.total[treated, runs] += value
        self.squares[treated, runs] += value * value
        self.outcomes_squared[treated, runs] += 2 * outcomes + 1
        self.total_squared[treated, runs] += value * (2 * total + value)
        self.product[treated, runs] += total + value * (outcomes + 1)


def first_verdicts(
    usage: Usage,
    planned_units: float,
    minimum_outcomes: int = 100,
    bounds: tuple[float, float] | None = (0.0, 1.0),
    alpha: float = ALPHA,
) -> Seen:
    """Every run of the usage, looked at after every observation."""
    runs, length = usage.units.shape
    sums = _Sums(usage)
    reach = np.array(
        [0.0, *(boundary(units, planned_units, alpha) for units in range(1, usage.treated.shape[1] + 1))]
    )
    decided, sign, peeked, interval = (np.full(runs, NEVER) for _ in range(4))
    every = np.arange(runs)
    for look in range(length):
        unit = usage.units[:, look]
        sums.add(unit, usage.treated[every, unit].astype(np.int64), usage.values[:, look])
        if (sums.units.max(axis=1) < FEWEST_UNITS).any():
            continue
        enough = (sums.units.min(axis=0) >= FEWEST_UNITS) & (sums.outcomes.min(axis=0) >= minimum_outcomes)
        with np.errstate(divide="ignore", invalid="ignore"):
            difference, alone, found = _found(sums, reach, planned_units, bounds, alpha)
            alone &= enough
            found &= enough
            naive = (sums.units.min(axis=0) >= FEWEST_UNITS) & (np.abs(_two_proportion(sums)) > _Z)
        sign[(decided == NEVER) & found] = np.sign(difference)[(decided == NEVER) & found]
        for first, now in ((decided, found), (interval, alone), (peeked, naive)):
            first[(first == NEVER) & now] = look
    return Seen(decided, sign, peeked, interval)


def _found(
    sums: _Sums, reach: Numbers, planned_units: float, bounds: tuple[float, float] | None, alpha: float
) -> tuple[Numbers, Flags, Flags]:
    """(difference, whether the interval lies on one side of zero, and with the caution), each (runs,)."""
    mean = sums.total / sums.outcomes
    difference: Numbers = mean[1] - mean[0]
    products = sums.total_squared - 2 * mean * sums.product + mean * mean * sums.outcomes_squared
    squares = np.maximum(products, 0.0)
    own = squares / (sums.units - 1) * sums.units / sums.outcomes**2
    units = sums.units.sum(axis=0)
    half = reach[units.astype(np.int64)] * np.sqrt(own.sum(axis=0))
    varies = (squares > _DUST * np.maximum(1.0, sums.total_squared)).all(axis=0)
    alone = varies & (np.abs(difference) > half)
    rate = sums.total.sum(axis=0) / sums.outcomes.sum(axis=0)
    extra = 0.0 if bounds is None else (bounds[1] - rate) ** 2 + (rate - bounds[0]) ** 2
    pooled = (squares.sum(axis=0) + extra) / (units - 2) * sums.units / sums.outcomes**2
    variance = np.maximum(own.sum(axis=0), pooled.sum(axis=0))
    scatter = np.maximum(sums.squares - mean * sums.total, 0.0)
    each = (scatter.sum(axis=0) + extra) / (sums.outcomes.sum(axis=0) - 2)
    independent = np.maximum(
        (scatter / (sums.outcomes - 1) / sums.outcomes).sum(axis=0), (each / sums.outcomes).sum(axis=0)
    )
    clock = sums.outcomes.sum(axis=0) * independent / variance
    parts = np.maximum(own, pooled)
    degrees = parts.sum(axis=0) ** 2 / (parts**2 / (sums.units - 1)).sum(axis=0)
    scaled = _boundary(clock, planned_units, alpha) * (8 * degrees + 3) / (8 * degrees + 1)
    limit = np.sqrt(degrees * np.expm1(np.minimum(scaled * scaled / degrees, 700.0)))
    return difference, alone, (alone | ~varies) & (np.abs(difference) > np.sqrt(variance) * limit)


def _boundary(units: Numbers, planned_units: float, alpha: float) -> Numbers:
    doubled = -2 * np.log(alpha)
    spent = units * (doubled + np.log(doubled + 1)) / planned_units
    found: Numbers = np.sqrt(2 * (1 + 1 / spent) * np.log(np.sqrt(1 + spent) / alpha))
    return found


def _two_proportion(sums: _Sums) -> Numbers:
    """The z of the outcomes, as if each stood alone."""
    rate = sums.total / sums.outcomes
    pooled = sums.total.sum(axis=0) / sums.outcomes.sum(axis=0)
    z: Numbers = (rate[1] - rate[0]) / np.sqrt(pooled * (1 - pooled) * (1 / sums.outcomes).sum(axis=0))
    return np.nan_to_num(z, nan=0.0)


def replayed(
    usage: Usage,
    run: int,
    planned_units: float,
    minimum_outcomes: int = 100,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> int:
    """The first look at which the shipped code decides in this run."""
    known: dict[int, Unit] = {}
    groups = [GroupSums.of(), GroupSums.of()]
    look_at = Look(planned_units, bounds)
    values = zip(usage.units[run].tolist(), usage.values[run].tolist(), strict=True)
    for look, (unit, value) in enumerate(values):
        before = known.get(unit, NO_UNIT)
        known[unit] = before.with_value(value)
        treated = int(usage.treated[run, unit])
        groups[treated] = groups[treated].changed(before, known[unit])
        if min(one.units for one in groups) < FEWEST_UNITS:
            continue
        if min(one.outcomes for one in groups) < minimum_outcomes:
            continue
        if compared(groups[0], groups[1], look_at).proven:
            return look
    return NEVER


def sums_of(usage: Usage, run: int) -> tuple[GroupSums, GroupSums]:
    """Both groups of a run at its end."""
    values: dict[int, list[float]] = {}
    for unit, value in zip(usage.units[run].tolist(), usage.values[run].tolist(), strict=True):
        values.setdefault(unit, []).append(value)
    control, treatment = (
        GroupSums.of(kept for unit, kept in values.items() if usage.treated[run, unit] == treated)
        for treated in (False, True)
    )
    return control, treatment
