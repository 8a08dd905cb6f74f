"""What was learned from the uses of one home: every strategy, the success model, and what explains them."""

import math
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple
from uuid import UUID

from session_buddy.analytics.success.model import Prediction, SuccessModel
from session_buddy.analytics.success.scoring import ProgressiveScore
from session_buddy.analytics.success.uses import Use
from session_buddy.analytics.suggesting.context import HISTORY_KEPT, Context, Strategy
from session_buddy.analytics.suggesting.markov_blend import MarkovBlend
from session_buddy.analytics.suggesting.strategies import STRATEGIES
from session_buddy.analytics.suggesting.text_match import TextMatch
from session_buddy.models.values import PastUse
from session_buddy.models.weights import KeptWeights

USES_LEARNED: Final = 20_000
"""Latest uses from which a new leader learns: older habits say little, and learning takes its time."""
BLURRED_SECONDS: Final = 3_600.0
"""Sessions run side by side: what began so shortly before the latest use is still learned as it comes."""
_USES_KEPT = 2 * USES_LEARNED
_SESSIONS_KEPT = 2_000
_DURATIONS_KEPT = 50


@dataclass(slots=True)
class _Begun:
    """A use whose outcome is not known, or was settled: then `prediction` is gone."""

    use: Use
    prediction: Prediction | None
    completed: bool | None = None
    timed: bool = False


class _History(NamedTuple):
    """Skills of one session, oldest first. began: when the first of them that was learned began."""

    began: float
    skills: deque[str]


class Learned:
    """Learns uses in the order in which they began. Not thread-safe.

    sessions_since: of a session that was first heard of after this, `history` knows every use; seconds since
    1970. Whoever lets something learn from a part of the record only sets it.
    """

    def __init__(self, described: Mapping[str, str], user_id: str = "", only: str | None = None) -> None:
        """described: installed skills -> description. user_id: whose uses are those that name no user.

        only: a strategy to learn and nothing else, neither the others nor how uses go, which takes longest.
        """
        self._user_id = user_id
        self.blend = MarkovBlend()
        self.strategies: dict[str, Strategy] = {name: make() for name, make in STRATEGIES.items()}
        self.strategies[self.blend.name] = self.blend
        self.strategies[TextMatch.name] = self.blend.text
        self._only = only
        if only is not None:
            self.strategies = {only: self.strategies[only]}
        self.success = SuccessModel()
        self.score = ProgressiveScore()
        self.uses = 0
        self.latest = 0.0
        self.stale = False
        self.sessions_since = -math.inf
        self._weighed_until = 0.0
        self._histories: OrderedDict[str, _History] = OrderedDict()
        self._known: OrderedDict[UUID, _Begun] = OrderedDict()
        self._durations: dict[str, deque[float]] = {}
        self._decided: dict[str, int] = {}
        self._worked: set[str] = set()
        self._installed: set[str] = set()
        self.describe(described)

    @property
    def weights(self) -> KeptWeights:
        """How far each view of the blend is trusted by now."""
        mixture = self.blend.mixture
        return KeptWeights(dict(mixture.weights), mixture.uses, self._weighed_until)

    def go_on_from(self, kept: KeptWeights) -> bool:
        """Trust the views as far as they were trusted before; False if those were other views."""
        mixture = self.blend.mixture
        if kept.weights.keys() != mixture.weights.keys():
            return False
        mixture.weights, mixture.uses = dict(kept.weights), kept.uses
        self._weighed_until = kept.until
        return True

    def describe(self, described: Mapping[str, str]) -> None:
        """The installed skills as they are now."""
        self._installed = set(described)
        self.blend.describe(described)

    def take(self, use: PastUse, *, weigh: bool = True) -> None:
        """A use of which more is known now. weigh: also learn which views of the blend to trust.

        What would have been learned otherwise had it been known before sets `stale`: then only learning
        everything anew gives what the record says.
        """
        begun = self._known.get(use.invocation_id)
        if begun is None:
            begun = self._begin(use, weigh=weigh)
        elif begun.use.skill_name != use.skill_name or begun.use.session_id != use.session_id:
            self.stale = True
        if use.completed is not None:
            self._settle(begun, completed=use.completed)
        if use.duration_seconds is not None and not begun.timed:
            begun.timed = True
            kept = self._durations.setdefault(use.skill_name, deque(maxlen=_DURATIONS_KEPT))
            kept.append(use.duration_seconds)

    def withdraw(self, invocation_id: UUID) -> None:
        """What seemed to be a use was none."""
        self.stale = self.stale or invocation_id in self._known

    def knows(self, invocation_id: UUID) -> bool:
        """Whether a use was learned."""
        return invocation_id in self._known

    def history(self, session_id: str) -> tuple[str, ...] | None:
        """Skills of a session, oldest first; None if nothing of it was learned."""
        found = self._histories.get(session_id)
        return tuple(found.skills) if found is not None else None

    def expected_seconds(self, skill_name: str) -> float | None:
        """Median active seconds of the latest uses; None if none is known."""
        known = self._durations.get(skill_name)
        return median(known) if known else None

    def decided(self, skill_name: str) -> int:
        """How many outcomes of a skill are known."""
        return self._decided.get(skill_name, 0)

    def is_known(self, skill_name: str) -> bool:
        """Whether a skill is installed or was used."""
        return skill_name in self._installed or skill_name in self.blend.vocabulary.numbers

    def names(self) -> list[str]:
        """Every skill that is installed or was used."""
        return [*dict.fromkeys((*self.blend.vocabulary.numbers, *self._installed))]

    def worth_suggesting(self, skill_name: str) -> bool:
        """Whether a skill is installed, or was used and did not fail each time."""
        return skill_name in self._installed or skill_name in self._worked

    def _begin(self, past: PastUse, *, weigh: bool) -> _Begun:
        past = past if past.user_id else past._replace(user_id=self._user_id)
        use = use_of(past)
        self.stale = self.stale or use.at < self.latest - BLURRED_SECONDS
        self.latest = max(self.latest, use.at)
        history = self._history(use)
        context = Context(tuple(history), past.project, past.user_id, past.workflow_phase)
        for strategy in self.strategies.values():
            if strategy is not self.blend:
                strategy.learn(context, past.skill_name, past.completed)
        if self._only in (None, self.blend.name):
            self.blend.learn(context, past.skill_name, past.completed, weigh=weigh)
        if weigh:
            self._weighed_until = max(self._weighed_until, use.at)
        history.append(past.skill_name)
        prediction = self.success.begin(use) if self._only is None else None
        begun = self._known[past.invocation_id] = _Begun(use, prediction)
        self.uses += 1
        if past.completed is not False:
            self._worked.add(past.skill_name)
        if len(self._known) > _USES_KEPT:
            self._known.popitem(last=False)
        return begun

    def _history(self, use: Use) -> deque[str]:
        """The skills of a use's session."""
        known = self._histories.get(use.session_id)
        if known is None:
            known = self._histories[use.session_id] = _History(use.at, deque(maxlen=HISTORY_KEPT))
            if len(self._histories) > _SESSIONS_KEPT:
                began = self._histories.popitem(last=False)[1].began
                # It may have been heard of a while after its first use began, which was told of late.
                self.sessions_since = max(self.sessions_since, began + BLURRED_SECONDS)
        return known.skills

    def _settle(self, begun: _Begun, *, completed: bool) -> None:
        if begun.prediction is None:
            self.stale = self.stale or begun.completed != completed
            return
        self.score.add(begun.prediction.probability, completed=completed)
        self.success.settle(begun.use, begun.prediction, completed=completed)
        self._decided[begun.use.skill_name] = self.decided(begun.use.skill_name) + 1
        begun.prediction = None
        begun.completed = completed
        if completed:
            self._worked.add(begun.use.skill_name)


def use_of(past: PastUse) -> Use:
    """A use as the success model sees it."""
    return Use(
        skill_name=past.skill_name,
        at=past.invoked_at.timestamp(),
        session_id=past.session_id,
        user=past.user_id or "",
        project=past.project or "",
        phase=past.workflow_phase,
    )
