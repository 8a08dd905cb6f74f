"""Lots of exploring, and what they say of a strategy that was never tried; a part of `bench.methods`."""

import math
from collections import Counter
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from bench.generators import suggestions
from bench.judging import Line, between
from session_buddy.analytics.experiments.off_policy import judged
from session_buddy.analytics.suggesting.context import Scored
from session_buddy.analytics.suggesting.exploring import EPSILON, explored

LOTS_A_RUN = 100
SHOWN = 5
SURE = 0.99


def exploring(rng: np.random.Generator, runs: int) -> Iterator[Line]:
    """Exploration, and strategies compared on what was logged."""
    yield from _lots(rng, LOTS_A_RUN * runs)
    for count in (300, 1_500, 4_000):
        held = found = 0
        for _ in range(runs):
            one = judged(suggestions.logged(rng, count, "b"))
            if one is not None:
                held += one.lower <= suggestions.TAKEN["b"] <= one.upper
                found += one.lower > one.logged_mean
        name = f"off-policy 95 % interval, {count:,} suggestions"
        told = f"holds the truth in {held / runs:.3f}, tells .60 from .30 in {found / runs:.2f}"
        yield Line(name, told, "-", missed=False)


def _lots(rng: np.random.Generator, lots: int) -> Iterator[Line]:
    """How often the first candidate was not the best one, and each candidate stood at each place."""
    candidates = [Scored(name, 1 / SHOWN) for name in "abcde"]
    stood: Counter[tuple[int, str]] = Counter()
    said: dict[tuple[int, str], float] = {}
    for _ in range(lots):
        order = explored(candidates, SHOWN, int.from_bytes(rng.bytes(16)))
        for place, (candidate, propensity) in enumerate(order):
            stood[place, candidate.skill_name] += 1
            said[place, candidate.skill_name] = propensity
    moved = lots - stood[0, "a"]
    expected = EPSILON * (1 - 1 / SHOWN)
    yield between("another than the best stands first", moved, lots, expected, f"{expected:.2f}")
    gaps = [
        abs(stood[cell] / lots - share) / math.sqrt(share * (1 - share) / lots)
        for cell, share in said.items()
    ]
    bound = NormalDist().inv_cdf(1 - (1 - SURE) / 2 / len(gaps))
    yield Line(
        f"logged propensities, {len(gaps)} candidates by place",
        f"{max(gaps):.2f} standard errors from their share at most",
        f"<= {bound:.2f}",
        max(gaps) > bound,
    )


PARTS = {"exploring": exploring}
