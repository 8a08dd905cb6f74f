"""What users with the same habits use, and this one does not: Jaccard similarity times completion rate.

The similarity of two users is the number of skills that both use over the number that either uses. A skill
that the user does not use scores the mean of its completion rates with the similar users, weighed by their
similarity, times the share of that similarity which uses it at all. Where nobody is similar, skills are
ranked by how many users they have, times their completion rate.

P. Jaccard, "Etude comparative de la distribution florale", Bulletin de la Societe Vaudoise 37 (1901);
G. Linden, B. Smith and J. York, "Amazon.com recommendations", IEEE Internet Computing 7 (2003), for the
setting. Completion rates are shrunk towards one half by two invocations each way, so that one lucky use
does not lead.

>>> jaccard(shared=2, one=3, other=3)
0.5
>>> near = [Neighbour(0.5, {"lint": Usage(10, 9), "deploy": Usage(2, 0)})]
>>> near.append(Neighbour(0.2, {"lint": Usage(4, 4)}))
>>> [(found.skill_name, round(found.score, 2), found.user_count) for found in from_neighbours(near, {"plan"})]
[('lint', 0.78, 2), ('deploy', 0.24, 1)]
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NEIGHBOURS: Final = 50
LEAST_SIMILARITY: Final = 0.1
_PRIOR = 2


@dataclass(frozen=True, slots=True)
class Usage:
    """How one user's invocations of a skill went, or everybody's."""

    decided: int
    completed: int

    @property
    def shrunk_rate(self) -> float:
        """Completion rate with two completed and two failed invocations added."""
        return (self.completed + _PRIOR) / (self.decided + 2 * _PRIOR)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A similar user. skills: name -> how they went."""

    similarity: float
    skills: Mapping[str, Usage]


@dataclass(frozen=True, slots=True)
class Recommended:
    """score: 0..1. user_count: similar users who use it, or all users where nobody is similar."""

    skill_name: str
    score: float
    user_count: int
    usage: Usage


def jaccard(shared: int, one: int, other: int) -> float:
    """Similarity of two sets of `one` and `other` members, 0..1; 0 for two empty sets."""
    either = one + other - shared
    return shared / either if either else 0.0


def from_neighbours(neighbours: Sequence[Neighbour], known: Collection[str]) -> list[Recommended]:
    """Skills of the neighbours that are not in `known`, best first, ties by name."""
    similarity = sum(neighbour.similarity for neighbour in neighbours)
    scores: dict[str, float] = {}
    users: dict[str, int] = {}
    decided: dict[str, int] = {}
    completed: dict[str, int] = {}
    for neighbour in neighbours:
        for name, usage in neighbour.skills.items():
            if name not in known:
                scores[name] = scores.get(name, 0.0) + neighbour.similarity * usage.shrunk_rate
                users[name] = users.get(name, 0) + 1
                decided[name] = decided.get(name, 0) + usage.decided
                completed[name] = completed.get(name, 0) + usage.completed
    found = [
        Recommended(name, score / similarity, users[name], Usage(decided[name], completed[name]))
        for name, score in scores.items()
    ]
    return sorted(found, key=lambda skill: (-skill.score, skill.skill_name))


def from_popularity(
    skills: Mapping[str, tuple[int, Usage]], users: int, known: Collection[str]
) -> list[Recommended]:
    """Skills that are not in `known`, from (users, usage) of each skill among `users`; best first."""
    found = [
        Recommended(name, usage.shrunk_rate * count / max(users, 1), count, usage)
        for name, (count, usage) in skills.items()
        if name not in known
    ]
    return sorted(found, key=lambda skill: (-skill.score, skill.skill_name))
