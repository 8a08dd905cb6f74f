"""Suggesting the next skill and predicting how a use would go."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from session_buddy.analytics.success.scoring import Score
from session_buddy.analytics.success.uses import Use
from session_buddy.analytics.suggesting.context import Context, Scored
from session_buddy.analytics.suggesting.exploring import EPSILON, explored
from session_buddy.analytics.suggesting.strategies import DEFAULT, STRATEGIES
from session_buddy.errors import InvalidInput, NotFound
from session_buddy.models.answers_recommending import (
    ModelScore,
    SuccessFeatures,
    SuccessPrediction,
    Suggestion,
    Suggestions,
)
from session_buddy.models.events import SuggestedEvent, SuggestedSkill
from session_buddy.models.ids import hashed_id, time_ordered_id
from session_buddy.models.problems import shown
from session_buddy.models.protocols import Clock, Journal
from session_buddy.models.values import Acceptance, Caller
from session_buddy.models.vocabulary import WorkflowPhase
from session_buddy.models.weights import WeightsKeeper
from session_buddy.services.learned import Learned
from session_buddy.services.learning import Learning
from session_buddy.services.near_names import known_names
from session_buddy.services.reasons import MOVED_UP, message, odds_in_words, reason
from session_buddy.services.record import Record
from session_buddy.services.remembering import Remembering

_LOAD_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """The strategy for one session, and the experiment and group that it comes from, if any.

    unit_id: who is in the group, with probability `propensity`.
    """

    strategy: str = DEFAULT
    test_name: str | None = None
    group_name: str | None = None
    unit_id: str | None = None
    propensity: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a suggestion is asked for. recent_skills: instead of what the record says of the session.

    remember: journal what is suggested, so that it is seen whether it is taken. user_id: keyed hash of whom
    it is for, by default this home's user. project: by default the caller's folder. agent: without what only
    other agents have used; by default whatever is known.
    """

    session_id: str | None = None
    user_id: str | None = None
    project: str | None = None
    workflow_phase: WorkflowPhase | None = None
    query: str | None = None
    recent_skills: Sequence[str] | None = None
    limit: int = 5
    strategy: str | None = None
    agent: str | None = None
    remember: bool = True
    request_key: str | None = None


Chooser = Callable[[str, str], Chosen]
"""(session id, keyed hash of the user) -> the strategy that is to suggest there."""


class Recommender:
    """Answers from what was learned. Thread-safe."""

    def __init__(
        self,
        record: Record,
        journal: Journal,
        clock: Clock,
        session_of: Callable[[Caller], str],
        user_id: str,
        keeper: WeightsKeeper,
    ) -> None:
        """user_id: keyed hash of this home's user. keeper: of what is learned of weighing suggestions."""
        self._record = record
        self._remembering = Remembering(journal)
        self._clock = clock
        self._session_of = session_of
        self._user_id = user_id
        self.epsilon = EPSILON
        self.predictions_given = 0
        self._choose: Chooser = lambda _session_id, _user_id: Chosen()
        self.learning = Learning(record, clock, user_id, keeper)

    def start(self, delay: float = 0.0) -> None:
        """Begin to learn in the background, after so many seconds unless somebody asks before."""
        self.learning.start(delay)
        self._remembering.start()

    def stop(self) -> None:
        """End learning, everything that was suggested journaled first."""
        self.learning.stop()
        self._remembering.stop()

    def choose_by(self, choose: Chooser) -> None:
        """Let `choose` say which strategy suggests where none is asked for."""
        self._choose = choose

    def suggest(self, asked: Asked, caller: Caller) -> Suggestions:
        """The skills that fit best now, with what speaks for each.

        Raises:
            InvalidInput: there is no such strategy.
        """
        session_id = asked.session_id or self._session_of(caller)
        user_id = asked.user_id or self._user_id
        chosen = self._chosen(asked.strategy, session_id, user_id)
        complete = self.learning.loaded(_LOAD_SECONDS)
        foreign = self._only_of_others(asked.agent)
        with self.learning.current() as learned:
            context = Context(
                history=self._history(learned, session_id, asked.recent_skills),
                project=asked.project or caller.project,
                user=user_id,
                phase=asked.workflow_phase,
                query=asked.query,
            )
            ranking = learned.strategies[chosen.strategy].rank(context)
            worth = (
                found
                for found in ranking
                if found.skill_name not in foreign and learned.worth_suggesting(found.skill_name)
            )
            key = asked.request_key
            suggestion_id = hashed_id("request", key, "suggested") if key else time_ordered_id()
            placed = explored(list(islice(worth, asked.limit)), asked.limit, suggestion_id.int, self.epsilon)
            suggestions = [
                self._suggestion(learned, context, found.candidate, session_id) for found in placed
            ]
            uses = learned.uses
        if asked.remember and (placed or chosen.test_name):
            skills = [
                SuggestedSkill(
                    skill_name=found.candidate.skill_name,
                    score=min(1.0, found.candidate.score),
                    propensity=found.propensity,
                )
                for found in placed
            ]
            self._remember(suggestion_id, session_id, user_id, chosen, skills)
        return Suggestions(
            suggestion_id=suggestion_id,
            session_id=session_id,
            strategy=chosen.strategy,
            test_name=chosen.test_name,
            group_name=chosen.group_name,
            learned_uses=uses,
            suggestions=suggestions,
            message=message(uses, len(suggestions), asked_in_words=bool(asked.query), complete=complete)
            + (MOVED_UP if placed and placed[0].propensity < 0.5 else ""),
        )

    def predict(
        self, skill_name: str, workflow_phase: WorkflowPhase, session_id: str | None, caller: Caller
    ) -> SuccessPrediction:
        """How likely a use of a skill that began now would be to complete.

        Raises:
            NotFound: the skill is neither installed nor was it ever used.
        """
        self.learning.loaded(_LOAD_SECONDS)
        session_id = session_id or self._session_of(caller)
        with self.learning.current() as learned:
            if not learned.is_known(skill_name):
                told = known_names(skill_name, learned.names(), "Nothing has been recorded yet.")
                raise NotFound(f"No skill {shown(skill_name)} is installed or in the record. {told}")
            self.predictions_given += 1
            prediction = learned.success.predict(self._use(skill_name, session_id, workflow_phase, caller))
            score = learned.score.summary()
            decided = learned.decided(skill_name)
        known = score is not None
        features = prediction.features
        return SuccessPrediction(
            skill_name=skill_name,
            probability=prediction.probability if known else None,
            skill_rate=prediction.skill_rate if known else None,
            decided_count=decided,
            workflow_phase=workflow_phase,
            features=SuccessFeatures(**features._asdict()),
            model_score=_model_score(score),
            message=odds_in_words(decided, score),
        )

    def flush(self) -> None:
        """Journal now what was suggested, so that it comes before what follows it."""
        self._remembering.flush()

    def acceptance(self) -> Sequence[Acceptance]:
        """What became of the suggestions, by strategy."""
        self.flush()
        self._record.catch_up()
        return self._record.storage.acceptance()

    def prediction_score(self) -> tuple[Score | None, datetime | None]:
        """How good the success probabilities were, and until when the record was learned; runs no SQL."""
        return self.learning.score()

    def _chosen(self, strategy: str | None, session_id: str, user_id: str) -> Chosen:
        if strategy is None:
            return self._choose(session_id, user_id)
        if strategy not in STRATEGIES:
            names = ", ".join(STRATEGIES)
            raise InvalidInput(f"There is no strategy {shown(strategy)}; use one of: {names}.")
        return Chosen(strategy)

    def _only_of_others(self, agent: str | None) -> Collection[str]:
        """Skills that agents use, but not this one."""
        if agent is None:
            return ()
        self._record.catch_up()
        storage = self._record.storage
        return storage.invocation_counts().keys() - set(storage.skills_of_agent(agent))

    def _history(
        self, learned: Learned, session_id: str, recent_skills: Sequence[str] | None
    ) -> tuple[str, ...]:
        if recent_skills is not None:
            return tuple(recent_skills)
        known = learned.history(session_id)
        if known is not None or learned.sessions_since == -math.inf:
            return known or ()
        # Going through millions of uses for what one session used takes longer than all the rest.
        storage = self._record.storage
        heard = storage.first_activity(session_id)
        if heard is None or heard.timestamp() > learned.sessions_since:
            return ()
        return tuple(use.skill_name for use in storage.session_invocations(session_id))

    def _use(self, skill_name: str, session_id: str, phase: str, caller: Caller) -> Use:
        at = self._clock().timestamp()
        return Use(skill_name, at, session_id, self._user_id, caller.project or "", phase)

    def _suggestion(
        self, learned: Learned, context: Context, candidate: Scored, session_id: str
    ) -> Suggestion:
        name = candidate.skill_name
        support = learned.blend.support(context, name)
        decided = learned.decided(name)
        at = self._clock().timestamp()
        use = Use(name, at, session_id, self._user_id, context.project or "", context.phase or "unknown")
        self.predictions_given += bool(decided)
        return Suggestion(
            skill_name=name,
            score=round(min(1.0, candidate.score), 4),
            reason=reason(support),
            uses=support.uses,
            project_uses=support.project_uses,
            followed_count=int(support.followed.times) if support.followed else 0,
            followed_of=int(support.followed.seen) if support.followed else 0,
            expected_seconds=learned.expected_seconds(name),
            success_probability=round(learned.success.predict(use).probability, 4) if decided else None,
            decided_count=decided,
        )

    def _remember(
        self,
        suggestion_id: UUID,
        session_id: str,
        user_id: str,
        chosen: Chosen,
        skills: Sequence[SuggestedSkill],
    ) -> None:
        self._remembering.remember(
            SuggestedEvent(
                id=suggestion_id,
                occurred_at=self._clock(),
                kind="suggested",
                session_id=session_id,
                user_id=user_id,
                strategy=chosen.strategy,
                skills=tuple(skills),
                test_name=chosen.test_name,
                group_name=chosen.group_name,
                unit_id=chosen.unit_id,
                assignment_propensity=chosen.propensity,
            )
        )
        if chosen.test_name is not None:  # who was told of a group is in it, whatever happens next
            self.flush()


def _model_score(score: Score | None) -> ModelScore | None:
    if score is None:
        return None
    return ModelScore(**asdict(score))
