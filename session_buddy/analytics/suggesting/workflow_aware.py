"""What is used in this phase of the work."""

from session_buddy.analytics.suggesting.context import Context, Scored
from session_buddy.analytics.suggesting.successors import Successors
from session_buddy.analytics.suggesting.vocabulary import Array, Vocabulary, uniform


class WorkflowAware:
    """Ranks by what was used in the same workflow phase, after the same skill where that was seen.

    Model: `Successors` of order 2 over the context (last skill, phase): the phase alone where the last
    skill was not seen in it, all uses where the phase is new or unknown. No parameters.

    >>> model = WorkflowAware()
    >>> model.learn(Context(phase="verification"), "test")
    >>> model.learn(Context(phase="deployment"), "release")
    >>> model.rank(Context(phase="deployment"))[0].skill_name
    'release'
    """

    name = "workflow_aware"

    def __init__(self) -> None:
        self.vocabulary = Vocabulary()
        self.successors = Successors(order=2)

    def learn(self, context: Context, skill_name: str, completed: bool | None = None) -> None:  # noqa: ARG002
        """Count a use in its phase."""
        item = self.vocabulary.number(skill_name)
        self.successors.learn(self._situation(context), item)

    def rank(self, context: Context) -> list[Scored]:
        """Every used skill by its probability in this phase."""
        scores = self.distribution(context, uniform(len(self.vocabulary.names)))
        return self.vocabulary.ranked(scores)

    def distribution(self, context: Context, base: Array) -> Array:
        """Probability of each skill in the vocabulary's order; base, shape (n,): where nothing is known."""
        return self.successors.distribution(self._situation(context), base)

    def _situation(self, context: Context) -> tuple[int, ...]:
        """(last skill, phase), so that the phase counts first; phases have numbers below 0."""
        if context.phase is None or context.phase == "unknown":
            return ()
        phase = -1 - sum(ord(letter) << (8 * place) for place, letter in enumerate(context.phase[:6]))
        last = self.vocabulary.numbers.get(context.history[-1]) if context.history else None
        return (phase,) if last is None else (last, phase)
