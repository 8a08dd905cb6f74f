"""The intervals of experiments beside those of GrowthBook's gbstats; a part of `bench.methods`.

gbstats needs older numpy and pandas, so it stands in an environment of its own: SESSION_BUDDY_GBSTATS names
its Python.
"""

import json
import math
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.judging import Line
from session_buddy.analytics.experiments.confidence import Difference, sequential
from session_buddy.analytics.experiments.sums import GroupSums

TOLERANCE = 1e-9
_SCRIPT = Path(__file__).with_name("gbstats_intervals.py")
_NAME = "intervals equal to those of gbstats"
Case = dict[str, Any]


class Compared(NamedTuple):
    """What gbstats is asked, and what we say."""

    case: Case
    found: Difference | None


def gbstats(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Intervals of random groups: rates of units with several outcomes, and log-durations."""
    interpreter = os.environ.get("SESSION_BUDDY_GBSTATS")
    bound = f"<= {TOLERANCE:g}"
    if not interpreter:
        yield Line(_NAME, "not tried: SESSION_BUDDY_GBSTATS names no Python", bound, missed=False)
        return
    cases = [random_case(rng) for _ in range(runs)]
    expected = from_gbstats(Path(interpreter), [case for case, _ in cases])
    gaps = [gap(found, told) for (_, found), told in zip(cases, expected, strict=True)]
    yield Line(_NAME, f"{max(gaps):.1g} apart at most in {runs:,}", bound, max(gaps) > TOLERANCE)


def random_case(rng: np.random.Generator) -> Compared:
    """Two groups of 20 to 400 units each, a plan and a level, all by lot."""
    alpha = float(rng.choice([0.01, 0.05, 0.1, 0.025]))
    planned, relative = float(rng.integers(50, 20_000)), bool(rng.integers(2))
    if rng.integers(2):
        groups = [clustered(rng, int(rng.integers(20, 400)), float(rng.uniform(0.1, 0.95))) for _ in "ab"]
        told = [ratio_case(sums) for sums in groups]
    else:
        seconds = [rng.lognormal(4, 1, size=int(rng.integers(20, 400))) for _ in "ab"]
        groups = [GroupSums.of([[math.log(value)] for value in values]) for values in seconds]
        told = [mean_case(sums) for sums in groups]
    case = {
        "control": told[0],
        "treatment": told[1],
        "planned": planned,
        "alpha": alpha,
        "relative": relative,
    }
    return Compared(case, sequential(groups[0], groups[1], planned, alpha, relative=relative))


def clustered(rng: np.random.Generator, units: int, rate: float) -> GroupSums:
    """Units with a geometric number of outcomes and a rate of their own."""
    sizes = rng.geometric(0.2, size=units)
    return GroupSums.of([(rng.random(size) < rng.beta(5 * rate, 5 * (1 - rate))).tolist() for size in sizes])


def mean_case(sums: GroupSums) -> Case:
    """A group of single values, as gbstats is told of it."""
    return {"n": sums.units, "m": [sums.total, sums.total_squared]}


def ratio_case(sums: GroupSums) -> Case:
    """A group of units with several outcomes each, as gbstats is told of it."""
    denominator = [sums.outcomes, sums.outcomes_squared]
    return mean_case(sums) | {"d": denominator, "product": sums.product}


def from_gbstats(interpreter: Path, cases: Sequence[Case]) -> list[Case]:
    """{"difference", "interval", "p_value"} of each case."""
    ran = subprocess.run(
        [interpreter, _SCRIPT], input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    found: list[Case] = json.loads(ran.stdout)
    return found


def gap(found: Difference | None, expected: Case) -> float:
    """The largest distance of a figure from its own, absolute below 1 and relative above; inf for none."""
    if found is None:
        return math.inf
    pairs = [
        (found.difference, expected["difference"]),
        (found.p_value, expected["p_value"]),
        *zip((found.lower, found.upper), expected["interval"], strict=True),
    ]
    return max(abs(ours - theirs) / max(1.0, abs(theirs)) for ours, theirs in pairs)


PARTS = {"gbstats": gbstats}
