"""The default: variable-order Markov chains, recency and the phase, mixed, and the words of the request."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from session_buddy.analytics.suggesting.context import HISTORY_KEPT, Context, Scored, ranked
from session_buddy.analytics.suggesting.mixing import GeometricMixture
from session_buddy.analytics.suggesting.recency import FadingCounts
from session_buddy.analytics.suggesting.successors import Followed, Successors
from session_buddy.analytics.suggesting.text_match import TextMatch
from session_buddy.analytics.suggesting.vocabulary import Vocabulary, uniform
from session_buddy.analytics.suggesting.workflow_aware import WorkflowAware

EXPERTS = ("everywhere", "session", "session_recency", "project", "project_recency", "phase")
Views = dict[str, list[float]]
_ORDER = 3
_SESSION_ORDER = 2
_SESSION_HALF_LIFE = 3.0
_PROJECT_HALF_LIFE = 50.0
_TEXT_WEIGHT = 10.0


@dataclass(frozen=True, slots=True)
class Support:
    """What speaks for a skill in a context: counts, not conclusions.

    followed: how often it came next after the skills `after`, the longest end of the history that it ever
    followed.
    """

    uses: int
    project_uses: int
    followed: Followed | None
    after: tuple[str, ...]
    matched_words: tuple[str, ...]


class _Project:
    """What is known of one project. tail: its latest skills, from which a new session goes on."""

    __slots__ = ("recent", "successors", "tail", "uses")

    def __init__(self) -> None:
        self.successors = Successors(_SESSION_ORDER)
        self.recent = FadingCounts(_PROJECT_HALF_LIFE)
        self.tail: tuple[int, ...] = ()
        self.uses: dict[int, int] = {}


class MarkovBlend:
    """Several views of what comes next, mixed with weights that learn while they are used.

    Model: a `GeometricMixture` of
    - everywhere: `Successors` of order 3 over all sessions of all projects,
    - session: `Successors` of order 2 over this session alone, falling back to the pairs seen everywhere,
    - session_recency: `FadingCounts` of this session with a half-life of 3 uses,
    - project: `Successors` of order 2 over the project's sessions, the first use of a session following the
      last ones of the session before,
    - project_recency: `FadingCounts` of the project with a half-life of 50 uses,
    - phase: `WorkflowAware`, where a phase is given.
    Everything counts a use as soon as it is learned, also inside the session that is going on. A query
    multiplies a skill's score by exp(10 x BM25 relevance, 0..1); a skill that was never used has the share
    that Witten-Bell leaves for what is new, so the words of the request can bring it to the top.

    Parameters are constants of this file, chosen for their meaning and not fitted to a data set; what
    should adapt to the data are the weights.

    >>> model = MarkovBlend()
    >>> for skill, before in (("plan", ()), ("test", ("plan",)), ("commit", ("plan", "test"))) * 3:
    ...     model.learn(Context(history=before), skill)
    >>> model.rank(Context(history=("plan",)))[0].skill_name
    'test'
    """

    name = "markov_blend"

    def __init__(self) -> None:
        self.vocabulary = Vocabulary()
        self.text = TextMatch()
        self.mixture = GeometricMixture(EXPERTS)
        self._everywhere = Successors(_ORDER)
        self._phases = WorkflowAware()
        self._phases.vocabulary = self.vocabulary
        self._projects: dict[str | None, _Project] = {}
        self._uses: dict[int, int] = {}
        self._seen: tuple[Context, Views] | None = None

    def describe(self, skills: Mapping[str, str]) -> None:
        """The installed skills, used or not: name -> description."""
        self._seen = None
        self.text.describe(skills)
        for name in sorted(skills):
            self.vocabulary.number(name)

    def learn(
        self,
        context: Context,
        skill_name: str,
        completed: bool | None = None,  # noqa: ARG002 - of the protocol
        *,
        weigh: bool = True,
    ) -> None:
        """A use; weigh: also learn which view to trust, which costs as much as ranking."""
        history = self._history(context)
        if weigh and skill_name in self.vocabulary.numbers:
            self.mixture.learn(self._views(context), self.vocabulary.numbers[skill_name])
        self._seen = None
        item = self.vocabulary.number(skill_name)
        project = self._projects.get(context.project)
        if project is None:
            project = self._projects[context.project] = _Project()
        project.successors.learn(history or project.tail, item)
        project.recent.learn(item)
        project.tail = (*project.tail, item)[-_SESSION_ORDER:]
        project.uses[item] = project.uses.get(item, 0) + 1
        self._everywhere.learn(history, item)
        self._phases.learn(context, skill_name)
        self.text.learn(context, skill_name)
        self._uses[item] = self._uses.get(item, 0) + 1

    def projects(self) -> list[str]:
        """The projects that skills were used in."""
        return [name for name in self._projects if name]

    def rank(self, context: Context) -> list[Scored]:
        """Every known skill by its probability of coming next."""
        names = self.vocabulary.names
        if not names:
            return []
        scores = self.mixture.distribution(self._views(context))
        if context.query:
            relevance = self.text.relevance(context.query)
            scores = [
                score * math.exp(_TEXT_WEIGHT * relevance.get(name, 0.0))
                for name, score in zip(names, scores, strict=True)
            ]
        return ranked(zip(names, scores, strict=True))

    def support(self, context: Context, skill_name: str) -> Support:
        """The counts behind a suggestion."""
        item = self.vocabulary.numbers.get(skill_name, -1)
        project = self._projects.get(context.project)
        followed = self._everywhere.longest(self._history(context), item)
        return Support(
            uses=self._uses.get(item, 0),
            project_uses=project.uses.get(item, 0) if project else 0,
            followed=followed,
            after=tuple(self.vocabulary.names[number] for number in followed.context) if followed else (),
            matched_words=tuple(self.text.matched(context.query, skill_name)) if context.query else (),
        )

    def _history(self, context: Context) -> tuple[int, ...]:
        return self.vocabulary.known(context.history[-HISTORY_KEPT:])

    def _views(self, context: Context) -> Views:
        """What each view says; kept until something is learned: what is ranked is often learned next."""
        if self._seen is None or self._seen[0] != context:
            self._seen = (context, self._looked(context, self._history(context)))
        return self._seen[1]

    def _looked(self, context: Context, history: tuple[int, ...]) -> Views:
        base = uniform(len(self.vocabulary.names))
        popular = self._everywhere.distribution((), base)
        pairs = self._everywhere.distribution(history[-1:], popular, lowest=1)
        session = Successors(_SESSION_ORDER)
        for place, item in enumerate(history):
            session.learn(history[max(0, place - _SESSION_ORDER) : place], item)
        views = {
            "everywhere": self._everywhere.distribution(history, popular, lowest=1),
            "session": session.distribution(history, pairs),
            "session_recency": FadingCounts(_SESSION_HALF_LIFE, history).distribution(base),
        }
        project = self._projects.get(context.project)
        if project is not None:
            views["project"] = project.successors.distribution(history or project.tail, popular)
            views["project_recency"] = project.recent.distribution(base)
        if context.phase is not None and context.phase != "unknown":
            views["phase"] = self._phases.distribution(context, popular)
        return views
