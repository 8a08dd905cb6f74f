"""In which session each of a skill's uses is: one to four of them a session, one after the other."""

import numpy as np

FEWEST, MOST = 1, 4


def sessions_of(rng: np.random.Generator, uses: int) -> list[str]:
    """A session's id for each of `uses` uses in order."""
    sizes = rng.integers(FEWEST, MOST + 1, size=uses)
    return [str(session) for session in np.repeat(np.arange(uses), sizes)[:uses]]
