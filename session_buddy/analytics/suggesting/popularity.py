"""The most used first."""

from session_buddy.analytics.suggesting.context import Context, Scored, ranked


class Popularity:
    """Ranks by how often a skill was used at all.

    Model: the empirical distribution of all uses, whatever the context. No parameters. What any other
    strategy has to beat before it is worth its complexity.

    >>> model = Popularity()
    >>> for skill in ("test", "commit", "test"):
    ...     model.learn(Context(), skill)
    >>> [candidate.skill_name for candidate in model.rank(Context())]
    ['test', 'commit']
    """

    name = "popularity"

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def learn(self, context: Context, skill_name: str, completed: bool | None = None) -> None:  # noqa: ARG002
        """Count a use."""
        self.counts[skill_name] = self.counts.get(skill_name, 0) + 1

    def rank(self, context: Context) -> list[Scored]:  # noqa: ARG002 - the same in every context
        """Every used skill by its share of all uses."""
        return ranked((name, float(count)) for name, count in self.counts.items())
