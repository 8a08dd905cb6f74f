"""Suggestions as they are logged while exploring, with what came of them: two skills of known rates."""

import numpy as np

from session_buddy.analytics.experiments.off_policy import Logged

EXPLORED = 0.05
TAKEN = {"a": 0.3, "b": 0.6}
PER_SESSION = 3


def logged(rng: np.random.Generator, count: int, wanted: str) -> list[Logged]:
    """`a` is shown first but in one of twenty suggestions, in which it is `b`; each is taken at its rate.

    wanted: what the other strategy would have shown first.
    """
    made = []
    for number in range(count):
        first = "b" if rng.random() < EXPLORED else "a"
        taken = float(rng.random() < TAKEN[first])
        propensity = EXPLORED if first == "b" else 1 - EXPLORED
        session = f"s{number // PER_SESSION}"
        made.append(Logged(session, first, ("a", "b"), propensity, taken, {wanted: 1.0}))
    return made
