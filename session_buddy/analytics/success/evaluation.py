"""Scoring success probabilities on a log, each outcome predicted before it is learned."""

from collections.abc import Sequence
from dataclasses import dataclass

from session_buddy.analytics.success.features import Features
from session_buddy.analytics.success.model import SuccessModel
from session_buddy.analytics.success.scoring import ProgressiveScore, Score
from session_buddy.analytics.success.shrinkage import FadingRate
from session_buddy.analytics.success.uses import Use

TEST_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class SuccessScores:
    """Scores of the model and of simpler ones.

    model: over all outcomes. The others are of the last 20 % alone: the model, the skill's own shrunken
    rate, the one rate of all skills. features: of every use, for another model; its outcomes beside.
    """

    model: Score
    model_on_test: Score
    skill_rate_on_test: Score
    overall_rate_on_test: Score
    features: Sequence[Features]
    outcomes: Sequence[bool]
    first_test: int


def score_success(uses: Sequence[tuple[Use, bool]]) -> SuccessScores | None:
    """Score the model over uses in time order; None for fewer than 5, of which none would be test."""
    if len(uses) < 5:
        return None
    model, overall = SuccessModel(), FadingRate()
    whole, test, of_skill, of_all = (ProgressiveScore() for _ in range(4))
    first_test = int(len(uses) * (1.0 - TEST_SHARE))
    features = []
    for number, (use, completed) in enumerate(uses):
        prediction = model.begin(use)
        whole.add(prediction.probability, completed=completed)
        if number >= first_test:
            test.add(prediction.probability, completed=completed)
            of_skill.add(prediction.skill_rate, completed=completed)
            of_all.add(overall.drawn_to(0.5, 2.0), completed=completed)
        model.settle(use, prediction, completed=completed)
        overall.learn(completed, 1.0)
        features.append(prediction.features)
    summaries = (kept.summary() for kept in (whole, test, of_skill, of_all))
    known = [score for score in summaries if score is not None]
    outcomes = [completed for _, completed in uses]
    return SuccessScores(known[0], known[1], known[2], known[3], features, outcomes, first_test)
