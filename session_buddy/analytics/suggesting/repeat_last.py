"""The same again."""

from session_buddy.analytics.suggesting.context import Context, Scored, ranked
from session_buddy.analytics.suggesting.popularity import Popularity


class RepeatLast(Popularity):
    """Ranks the skill used last first, the others by popularity.

    Model: whatever was done last is done again. No parameters. Hard to beat where work comes in runs
    (an agent reads file after file), which is why it stands beside every figure.

    >>> model = RepeatLast()
    >>> for skill in ("test", "commit", "test"):
    ...     model.learn(Context(), skill)
    >>> [candidate.skill_name for candidate in model.rank(Context(history=("test", "commit")))]
    ['commit', 'test']
    """

    name = "repeat_last"

    def rank(self, context: Context) -> list[Scored]:
        """The last skill of the session with half the score, then the most used."""
        last = context.history[-1] if context.history else None
        total = sum(self.counts.values())
        known = {**self.counts, last: self.counts.get(last, 0)} if last is not None else self.counts
        return ranked((name, count + (total + 1.0) * (name == last)) for name, count in known.items())
