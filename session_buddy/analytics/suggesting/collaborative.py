"""What similar users use."""

from session_buddy.analytics.suggesting.context import Context, Scored, ranked


class _Tally:
    """Uses of one skill by one user. completed, decided: uses with a known outcome."""

    __slots__ = ("completed", "decided", "uses")

    def __init__(self) -> None:
        self.uses = self.completed = self.decided = 0

    @property
    def rate(self) -> float:
        """Completion rate, drawn to one half while little is known (Laplace's rule of succession)."""
        return (self.completed + 1.0) / (self.decided + 2.0)


class Collaborative:
    """Ranks by what users with similar skills use, and how it went for them.

    Model: score(skill) = sum over other users of Jaccard(their skills, mine) x the skill's share of their
    uses x their completion rate with it (user-based filtering: Herlocker et al., "An Algorithmic Framework
    for Performing Collaborative Filtering", SIGIR 1999; Jaccard 1901). Where nobody is similar, popularity
    ranks. No parameters.

    >>> model = Collaborative()
    >>> for user, skill in (("ada", "test"), ("ada", "lint"), ("bob", "test"), ("cid", "draw")):
    ...     model.learn(Context(user=user), skill)
    >>> [candidate.skill_name for candidate in model.rank(Context(user="bob"))]
    ['test', 'lint', 'draw']
    """

    name = "collaborative"

    def __init__(self) -> None:
        self.users: dict[str, dict[str, _Tally]] = {}
        self.counts: dict[str, int] = {}

    def learn(self, context: Context, skill_name: str, completed: bool | None = None) -> None:
        """Count a use by its user."""
        self.counts[skill_name] = self.counts.get(skill_name, 0) + 1
        tallies = self.users.setdefault(context.user or "", {})
        tally = tallies.get(skill_name)
        if tally is None:
            tally = tallies[skill_name] = _Tally()
        tally.uses += 1
        if completed is not None:
            tally.decided += 1
            tally.completed += completed

    def rank(self, context: Context) -> list[Scored]:
        """Skills of similar users by similarity, use and completion, then the others by popularity."""
        mine = self.users.get(context.user or "", {})
        scores: dict[str, float] = {}
        for user, theirs in self.users.items():
            if user == (context.user or ""):
                continue
            similarity = _jaccard(mine, theirs)
            if similarity > 0:
                uses = sum(tally.uses for tally in theirs.values())
                for name, tally in theirs.items():
                    scores[name] = scores.get(name, 0.0) + similarity * tally.rate * tally.uses / uses
        total = sum(self.counts.values()) + 1.0
        return ranked(
            (name, scores.get(name, 0.0) + count / (1e6 * total)) for name, count in self.counts.items()
        )


def _jaccard(mine: dict[str, _Tally], theirs: dict[str, _Tally]) -> float:
    """Skills in common as a share of the skills of both."""
    common = len(mine.keys() & theirs.keys())
    return common / (len(mine) + len(theirs) - common) if common else 0.0
