"""Skills that are used alike: average-linkage clustering of how often they meet in a session.

The similarity of two skills is the Jaccard index of the sessions that used them. Clusters are joined while
the mean similarity between their members is at least .25; a skill that joins nobody is in none.

R. R. Sokal and C. D. Michener, "A statistical method for evaluating systematic relationships", University of
Kansas Science Bulletin 38 (1958), for average linkage (UPGMA).

>>> found = clusters(["lint", "test", "deploy"], {("lint", "test"): 0.8, ("deploy", "lint"): 0.1})
>>> [(sorted(cluster.strengths), round(cluster.cohesion, 2)) for cluster in found]
[(['lint', 'test'], 0.8)]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_SIMILARITY: Final = 0.25
MOST_SKILLS: Final = 500


@dataclass(frozen=True, slots=True)
class Cluster:
    """strengths: member -> mean similarity to the others, 0..1. cohesion: mean over all pairs."""

    strengths: Mapping[str, float]
    cohesion: float

    @property
    def label(self) -> str:
        """The member that is nearest to all others."""
        return min(self.strengths, key=lambda name: (-self.strengths[name], name))


def clusters(
    names: Sequence[str], similarities: Mapping[tuple[str, str], float], least: float = LEAST_SIMILARITY
) -> list[Cluster]:
    """Clusters of two or more skills, largest first.

    names: at most 500, the most used ones. similarities: of pairs, in either order; 0 for those not given.

    Raises:
        ValueError: too many names: the work grows with their cube.
    """
    if len(names) > MOST_SKILLS:
        raise ValueError(f"{len(names)} skills are more than {MOST_SKILLS}")
    matrix = _matrix(names, similarities)
    groups = [
        _cluster([names[place] for place in group], matrix[np.ix_(group, group)])
        for group in _joined(matrix, least)
        if len(group) > 1
    ]
    return sorted(groups, key=lambda cluster: (-len(cluster.strengths), cluster.label))


def _matrix(names: Sequence[str], similarities: Mapping[tuple[str, str], float]) -> NDArray[np.float64]:
    place = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))
    for (one, other), value in similarities.items():
        if one in place and other in place:
            matrix[place[one], place[other]] = matrix[place[other], place[one]] = value
    return matrix


def _joined(matrix: NDArray[np.float64], least: float) -> list[list[int]]:
    """Groups of places, joined nearest first; the lower place wins a tie."""
    near = matrix.copy()
    np.fill_diagonal(near, -1.0)
    groups = [[place] for place in range(len(near))]
    while near.size and near.max() >= least:
        one, other = divmod(int(near.argmax()), len(near))
        size, more = len(groups[one]), len(groups[other])
        mean = (size * near[one] + more * near[other]) / (size + more)
        mean[[one, other]] = -1.0
        near[one], near[:, one] = mean, mean
        near[other], near[:, other] = -1.0, -1.0
        groups[one] += groups[other]
        groups[other] = []
    return [sorted(group) for group in groups if group]


def _cluster(members: Sequence[str], matrix: NDArray[np.float64]) -> Cluster:
    strengths = matrix.sum(axis=0) / (len(members) - 1)
    return Cluster(
        {name: float(value) for name, value in zip(members, strengths, strict=True)}, float(strengths.mean())
    )
