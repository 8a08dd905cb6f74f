"""Outcomes of an experiment in the order in which they come: whose they are, in which group, and their value.

The units (users or sessions) of a run are numbered from 0. A unit keeps its group and has a rate of its own,
drawn from a beta distribution: two outcomes of one unit are correlated by `correlation`, those of two units
are not.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.generators.real_sessions import Sessions

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


class Usage(NamedTuple):
    """units, values: of shape (runs, length), in order. treated: of shape (runs, units).

    A value is 1 or 0 for what completed or did not, a rating of 1 to 5, or the logarithm of seconds.
    """

    units: Integers
    treated: Flags
    values: Numbers


def one_each(
    rng: np.random.Generator, runs: int, length: int, rates: tuple[float, float], ratio: float = 0.5
) -> Usage:
    """Every outcome is of a new unit. rates: of control and treatment. ratio: share that is treated."""
    treated = rng.random((runs, length)) < ratio
    units = np.broadcast_to(np.arange(length), (runs, length))
    completed = rng.random((runs, length)) < np.where(treated, rates[1], rates[0])
    return Usage(units, treated, completed.astype(float))


def returning(
    rng: np.random.Generator,
    runs: int,
    length: int,
    rates: tuple[float, float],
    users: int,
    correlation: float,
    *,
    uneven: bool = False,
    ratio: float = 0.5,
) -> Usage:
    """Each outcome is of one of so many users, drawn anew. uneven: user k is seen in proportion to 1 / k."""
    treated = rng.random((runs, users)) < ratio
    weights = 1 / np.arange(1, users + 1) if uneven else np.ones(users)
    units = rng.choice(users, size=(runs, length), p=weights / weights.sum())
    rate = np.where(treated, rates[1], rates[0])
    if correlation > 0:
        scale = 1 / correlation - 1
        rate = rng.beta(rate * scale, (1 - rate) * scale)
    completed = rng.random((runs, length)) < np.take_along_axis(rate, units, axis=1)
    return Usage(units, treated, completed.astype(float))


def visits(
    rng: np.random.Generator,
    runs: int,
    length: int,
    rates: tuple[float, float],
    mean: float,
    correlation: float,
) -> Usage:
    """One session after another, each with a geometric number of outcomes of this mean."""
    lengths = rng.geometric(1 / mean, size=(runs, length))
    starts = np.cumsum(lengths, axis=1)
    units = np.array([np.searchsorted(row, np.arange(length), side="right") for row in starts])
    treated = rng.random((runs, length)) < 0.5
    rate = np.where(treated, rates[1], rates[0])
    scale = 1 / correlation - 1
    rate = rng.beta(rate * scale, (1 - rate) * scale)
    completed = rng.random((runs, length)) < np.take_along_axis(rate, units, axis=1)
    return Usage(units, treated, completed.astype(float))


def resampled(rng: np.random.Generator, runs: int, sessions: Sessions, tool: str, length: int) -> Usage:
    """Visits of real sessions to one tool, drawn with replacement. A visit is a unit; nothing is better."""
    units = np.empty((runs, length), dtype=np.int64)
    completed = np.empty((runs, length))
    for run in range(runs):
        drawn = sessions.visits(rng, tool, length)
        units[run] = np.repeat(np.arange(len(drawn)), [len(visit) for visit in drawn])[:length]
        completed[run] = np.concatenate(drawn)[:length]
    return Usage(units, rng.random((runs, length)) < 0.5, completed)


def durations(rng: np.random.Generator, runs: int, length: int, mean: float, spread: float) -> Usage:
    """Logarithms of seconds in sessions of a geometric number of uses; one in a hundred takes ten times that.

    spread: standard deviation of the sessions' own level, beside .8 within a session.
    """
    made = visits(rng, runs, length, (0.5, 0.5), mean, 0.5)
    level = rng.normal(0.0, spread, size=(runs, length))
    logs = np.log(60.0) + np.take_along_axis(level, made.units, axis=1) + rng.normal(0.0, 0.8, (runs, length))
    return made._replace(values=logs + np.log(10.0) * (rng.random((runs, length)) < 0.01))


def ratings(rng: np.random.Generator, runs: int, length: int) -> Usage:
    """One rating for each unit, mostly 5."""
    made = one_each(rng, runs, length, (0.5, 0.5))
    stars = rng.choice(np.arange(1.0, 6.0), size=(runs, length), p=[0.02, 0.03, 0.05, 0.2, 0.7])
    return made._replace(values=stars)


def assignments(rng: np.random.Generator, runs: int, length: int, share: float) -> Flags:
    """Which units were treated, of shape (runs, length), where each is with probability `share`."""
    drawn: Flags = rng.random((runs, length)) < share
    return drawn
