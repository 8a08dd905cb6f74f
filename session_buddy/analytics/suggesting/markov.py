"""What usually follows the last skill."""

from session_buddy.analytics.suggesting.context import Context, Scored, ranked


class Markov:
    """First-order Markov chain; what never followed the last skill comes after, by popularity.

    Model: P(next | last) by relative frequency (Markov 1906). No parameters. Pairs are counted inside a
    session only.

    >>> model = Markov()
    >>> for skill, before in (("test", ()), ("commit", ("test",)), ("test", ("test", "commit"))):
    ...     model.learn(Context(history=before), skill)
    >>> model.rank(Context(history=("commit",)))[0].skill_name
    'test'
    """

    name = "markov"

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.followed: dict[str, dict[str, int]] = {}

    def learn(self, context: Context, skill_name: str, completed: bool | None = None) -> None:  # noqa: ARG002
        """Count a use and what it followed."""
        self.counts[skill_name] = self.counts.get(skill_name, 0) + 1
        if context.history:
            after = self.followed.setdefault(context.history[-1], {})
            after[skill_name] = after.get(skill_name, 0) + 1

    def rank(self, context: Context) -> list[Scored]:
        """Followers of the last skill by frequency, then the others by popularity."""
        after = self.followed.get(context.history[-1], {}) if context.history else {}
        total = sum(self.counts.values()) + 1.0
        return ranked((name, after.get(name, 0) + count / total) for name, count in self.counts.items())
