"""The default: variable-order Markov chains, recency and the phase, mixed, and the words of the request."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from session_buddy.analytics.suggesting.context import HISTORY_KEPT, Context, Scored
from session_buddy.analytics.suggesting.mixing import GeometricMixture
from session_buddy.analytics.suggesting.recency import FadingCounts, faded
from session_buddy.analytics.suggesting.successors import Followed, Successors, following
from session_buddy.analytics.suggesting.text_match import TextMatch
from session_buddy.analytics.suggesting.vocabulary import Array, Vocabulary, uniform
from session_buddy.analytics.suggesting.workflow_aware import WorkflowAware

EXPERTS = ("everywhere", "changes", "latest", "place", "session", "session_recency", "project", "phase")
Views = dict[str, Array]
_ORDER = 3
_SESSION_ORDER = 2
_LATEST = 4
_LAST_PLACE = 32
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


@dataclass(slots=True)
class _Seen:
    """A context that was looked at. history: the numbers of its known skills. views: empty until asked."""

    context: Context
    history: tuple[int, ...]
    views: Views = field(default_factory=dict)


class _Project:
    """What is known of one project. tail: its latest skills, from which a new session goes on."""

    __slots__ = ("recent", "successors", "tail", "uses")

    def __init__(self) -> None:
        self.successors = Successors(_SESSION_ORDER)
        self.recent = FadingCounts(_PROJECT_HALF_LIFE)
        self.tail: tuple[int, ...] = ()
        self.uses: dict[int, int] = {}

    def learn(self, history: tuple[int, ...], item: int) -> None:
        """`item` was used after the history of its session."""
        self.successors.learn(history or self.tail, item)
        self.recent.learn(item)
        self.tail = (*self.tail, item)[-_SESSION_ORDER:]
        self.uses[item] = self.uses.get(item, 0) + 1

    def distribution(self, history: tuple[int, ...], popular: Array) -> Array:
        """Probability of each skill; popular, shape (n,): among all projects."""
        return self.successors.distribution(history or self.tail, self.recent.distribution(popular))


class _Everywhere:
    """What is known of all sessions together, by several readings of what came before."""

    __slots__ = ("chain", "changes", "latest", "place")

    def __init__(self) -> None:
        self.chain = Successors(_ORDER)
        self.changes = Successors(_ORDER)
        self.latest = Successors(2)
        self.place = Successors(2)

    def learn(self, history: tuple[int, ...], item: int) -> None:
        """`item` was used after the history of its session."""
        self.chain.learn(history, item)
        if history:
            self.changes.learn(_changes(history), item)
            self.latest.learn(_latest(history), item)
            self.place.learn(_place(history), item)

    def views(self, history: tuple[int, ...], popular: Array, pairs: Array) -> Views:
        """Readings of the history; pairs, shape (n,): what followed its last skill."""
        views = {"everywhere": self.chain.distribution(history, popular, lowest=1)}
        if history:
            views["changes"] = self.changes.distribution(_changes(history), popular, lowest=1)
            views["latest"] = self.latest.distribution(_latest(history), pairs, lowest=2)
            views["place"] = self.place.distribution(_place(history), pairs, lowest=2)
        return views


class MarkovBlend:
    """Several views of what comes next, mixed with weights that learn while they are used.

    Model: a `GeometricMixture` of
    - everywhere: `Successors` of order 3 over all sessions of all projects,
    - changes: the same, a run of the same skill counted once,
    - latest: the last skill with the set of the latest 4, whatever their order,
    - place: the last skill with how far the session has come, in doublings up to 32 uses,
    - session: `Successors` of order 2 over this session alone, falling back to the pairs seen everywhere,
    - session_recency: `FadingCounts` of this session with a half-life of 3 uses,
    - project: `Successors` of order 2 over the project's sessions, the first use of a session following the
      last ones of the session before, falling back to `FadingCounts` of the project with a half-life of 50,
    - phase: `WorkflowAware`, where a phase is given.
    Everything counts a use as soon as it is learned, also inside the session that is going on. A query
    multiplies a skill's score by exp(10 x BM25 relevance, 0..1); a skill that was never used has the share
    that Witten-Bell leaves for what is new, so the words of the request can bring it to the top.

    The views and the steps of the mixture were chosen on the first 80 % of one log's sessions, cut into
    parts; the figures stated for the default are of the others. What adapts to a user are the weights.

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
        self._everywhere = _Everywhere()
        self._phases = WorkflowAware()
        self._phases.vocabulary = self.vocabulary
        self._projects: dict[str | None, _Project] = {}
        self._uses: dict[int, int] = {}
        self._seen: _Seen | None = None

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
        seen = self._looked(context)
        history = seen.history
        if weigh and skill_name in self.vocabulary.numbers:
            self.mixture.learn(self._views(seen), self.vocabulary.numbers[skill_name])
        self._seen = None
        item = self.vocabulary.number(skill_name)
        project = self._projects.get(context.project)
        if project is None:
            project = self._projects[context.project] = _Project()
        project.learn(history, item)
        self._everywhere.learn(history, item)
        self._phases.learn(context, skill_name)
        self.text.learn(context, skill_name)
        self._uses[item] = self._uses.get(item, 0) + 1

    def projects(self) -> list[str]:
        """The projects that skills were used in."""
        return [name for name in self._projects if name]

    def rank(self, context: Context) -> list[Scored]:
        """Every known skill by its probability of coming next."""
        if not self.vocabulary.names:
            return []
        scores = self.mixture.distribution(self._views(self._looked(context)))
        if context.query:
            for name, relevance in self.text.relevance(context.query).items():
                scores[self.vocabulary.numbers[name]] *= math.exp(_TEXT_WEIGHT * relevance)
        return self.vocabulary.ranked(scores)

    def uses_in(self, project: str | None, skill_name: str) -> int:
        """How often a skill was used in a project; of `support`, what may be asked of every skill."""
        found = self._projects.get(project)
        return found.uses.get(self.vocabulary.numbers.get(skill_name, -1), 0) if found else 0

    def support(self, context: Context, skill_name: str) -> Support:
        """The counts behind a suggestion."""
        item = self.vocabulary.numbers.get(skill_name, -1)
        followed = self._everywhere.chain.longest(self._looked(context).history, item)
        return Support(
            uses=self._uses.get(item, 0),
            project_uses=self.uses_in(context.project, skill_name),
            followed=followed,
            after=tuple(self.vocabulary.names[number] for number in followed.context) if followed else (),
            matched_words=tuple(self.text.matched(context.query, skill_name)) if context.query else (),
        )

    def _looked(self, context: Context) -> "_Seen":
        """The context, looked at once until something is learned: of what is ranked more is asked next."""
        if self._seen is None or self._seen.context != context:
            history = self.vocabulary.known(context.history[-HISTORY_KEPT:])
            self._seen = _Seen(context, history)
        return self._seen

    def _views(self, seen: "_Seen") -> Views:
        """What each view says."""
        if not seen.views:
            seen.views = self._viewed(seen.context, seen.history)
        return seen.views

    def _viewed(self, context: Context, history: tuple[int, ...]) -> Views:
        base = uniform(len(self.vocabulary.names))
        popular = self._everywhere.chain.distribution((), base)
        pairs = self._everywhere.chain.distribution(history[-1:], popular, lowest=1)
        views = self._everywhere.views(history, popular, pairs)
        session = np.array(history, dtype=np.int64)
        views["session"] = following(session, _SESSION_ORDER, pairs)
        views["session_recency"] = faded(session, _SESSION_HALF_LIFE, base)
        project = self._projects.get(context.project)
        if project is not None:
            views["project"] = project.distribution(history, popular)
        if context.phase is not None and context.phase != "unknown":
            views["phase"] = self._phases.distribution(context, popular)
        return views


def _changes(history: tuple[int, ...]) -> tuple[int, ...]:
    """The latest skills, each run of the same one counted once."""
    found: list[int] = []
    for item in reversed(history):
        if not found or found[-1] != item:
            found.append(item)
        if len(found) == _ORDER:
            break
    return tuple(reversed(found))


def _latest(history: tuple[int, ...]) -> tuple[int, int]:
    """Which skills were used lately in whatever order, as bits of a number below 0, and the last of them."""
    return -1 - sum(1 << item for item in set(history[-_LATEST:])), history[-1]


def _place(history: tuple[int, ...]) -> tuple[int, int]:
    """How far the session has come, in doubling steps below 0, and its last skill."""
    return -1 - min(len(history), _LAST_PLACE).bit_length(), history[-1]
