"""What a strategy is told, what it answers, and the protocol that all strategies share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

HISTORY_KEPT = 100
"""How many of a session's latest skills a strategy looks at."""


@dataclass(frozen=True, slots=True)
class Context:
    """The situation in which the next skill is asked for, or was used.

    history: skills of the session so far, oldest first. project, user: who asks, where known. phase: the
    workflow phase, None if unknown. query: the request in the user's words.
    """

    history: tuple[str, ...] = ()
    project: str | None = None
    user: str | None = None
    phase: str | None = None
    query: str | None = None


class Scored(NamedTuple):
    """A candidate. score: 0..1; the scores of one ranking add up to at most 1."""

    skill_name: str
    score: float


class Strategy(Protocol):
    """A way to rank what comes next. State is plain data: `pickle` keeps and restores it."""

    name: str

    def learn(self, context: Context, skill_name: str, completed: bool | None = None) -> None:
        """`skill_name` was used next in this context; `completed` if its outcome is known."""

    def rank(self, context: Context) -> Sequence[Scored]:
        """Every candidate, best first, equal scores by name."""


def ranked(scores: Iterable[tuple[str, float]]) -> list[Scored]:
    """Scores made to add up to 1, best first, equal scores by name; all 0 stay 0.

    >>> ranked([("b", 1.0), ("a", 1.0), ("c", 2.0)])[:2]
    [Scored(skill_name='c', score=0.5), Scored(skill_name='a', score=0.25)]
    """
    given = list(scores)
    total = sum(score for _, score in given) or 1.0
    return [
        Scored(name, score / total) for name, score in sorted(given, key=lambda pair: (-pair[1], pair[0]))
    ]
