"""Success probabilities against references, and what they say while little is known."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.generators.uses import made_up
from session_buddy.analytics.success.evaluation import score_success
from session_buddy.analytics.success.features import FeatureState
from session_buddy.analytics.success.logistic import Input, OnlineLogistic
from session_buddy.analytics.success.model import SuccessModel
from session_buddy.analytics.success.scoring import BINS, ProgressiveScore
from session_buddy.analytics.success.shrinkage import FadingRate, ShrunkenRates
from session_buddy.analytics.success.uses import Use
from tests.support.references import Reference

stats = Reference("scipy.stats")
river_metrics = Reference("river.metrics")
river_models = Reference("river.linear_model")

MONDAY_NOON = 1_767_614_400.0  # 2026-01-05 12:00 UTC
USES = st.builds(
    Use,
    skill_name=st.sampled_from(["test", "lint"]),
    at=st.floats(0, 4e9),
    session_id=st.sampled_from(["s1", "s2"]),
    user=st.sampled_from(["", "ada"]),
    project=st.sampled_from(["", "/a"]),
    phase=st.sampled_from(["unknown", "verification", "a phase of the future"]),
)


def use(minutes: float = 0, **fields: str) -> Use:
    values = {"skill_name": "test", "session_id": "s1", "user": "ada"} | fields
    return Use(at=MONDAY_NOON + 60 * minutes, **values)


def learn(model: SuccessModel, outcomes: Sequence[bool], **fields: str) -> None:
    for minute, completed in enumerate(outcomes):
        one = use(minute, **fields)
        model.settle(one, model.begin(one), completed=completed)


def test_the_features_are_of_the_use_s_own_time_and_without_itself() -> None:
    state = FeatureState()
    first = state.of(use(), rate=0.5)
    assert first == (12, 0, 0, 0.5, 6, 0.0, 0)
    state.begin(use())
    state.settle(use(), completed=True)
    later = state.of(use(90, phase="verification"), rate=0.5)
    assert later == (13, 0, 1, 0.75, 2, 90.0, 1)


def test_what_lies_more_than_a_day_back_is_not_in_the_features_of_the_day() -> None:
    state = FeatureState()
    state.begin(use())
    state.settle(use(), completed=False)
    later = state.of(use(60 * 24 + 1), rate=0.5)
    assert (later.invocation_count_24h, later.avg_completion_rate_24h) == (0, 0.5)
    assert later.user_skill_familiarity == 1
    assert later.day_of_week == 1


def test_an_open_use_counts_as_a_use_but_not_as_an_outcome() -> None:
    state = FeatureState()
    state.begin(use())
    later = state.of(use(1), rate=0.3)
    assert (later.invocation_count_24h, later.avg_completion_rate_24h) == (1, 0.3)


def test_another_user_is_not_familiar_and_another_skill_not_counted() -> None:
    state = FeatureState()
    state.begin(use())
    assert state.of(use(1, user="bob"), rate=0.5).user_skill_familiarity == 0
    assert state.of(use(1, skill_name="lint"), rate=0.5).invocation_count_24h == 0


@pytest.mark.slow
@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.05, 0.95), st.floats(0.5, 30))
def test_a_rate_is_the_mean_of_the_beta_posterior(
    completed: int, failed: int, mean: float, strength: float
) -> None:
    rate = FadingRate()
    for outcome in [True] * completed + [False] * failed:
        rate.learn(outcome, keep=1.0)
    posterior = stats.beta(mean * strength + completed, (1 - mean) * strength + failed)
    assert rate.drawn_to(mean, strength) == pytest.approx(posterior.mean())


def test_a_new_skill_begins_at_the_rate_of_all() -> None:
    rates = ShrunkenRates()
    for _ in range(50):
        rates.learn("lint", ("ada",), completed=True)
    rate, of_user = rates.estimate("new", "ada")
    assert rate == of_user == pytest.approx(rates.estimate("other", "bob")[0])
    assert rate > 0.9


def test_one_outcome_moves_a_skill_a_little_and_many_move_it_all_the_way() -> None:
    rates = ShrunkenRates()
    for _ in range(100):
        rates.learn("lint", (), completed=True)
    before = rates.estimate("test", "")[0]
    rates.learn("test", (), completed=False)
    after_one = rates.estimate("test", "")[0]
    for _ in range(100):
        rates.learn("test", (), completed=False)
    assert before > after_one > 0.8
    assert rates.estimate("test", "")[0] < 0.12


def test_the_regression_finds_the_weights_that_made_the_data() -> None:
    rng = np.random.default_rng(3)
    truth = np.array([1.5, -1.0, 0.5])
    model = OnlineLogistic(restlessness=0.0)
    rows = rng.normal(size=(6_000, 3))
    for row in rows:
        inputs = [Input(key, float(value), 0.0, 10.0) for key, value in enumerate(row)]
        model.learn(inputs, completed=bool(rng.random() < 1 / (1 + np.exp(-row @ truth))))
    for row in rows[:50]:
        said = model.probability([Input(key, float(value), 0.0, 10.0) for key, value in enumerate(row)])
        assert said == pytest.approx(1 / (1 + np.exp(-row @ truth)), abs=0.06)


def test_one_step_of_the_regression_is_the_kalman_step() -> None:
    """With one weight the diagonal is everything, so the step can be computed by hand."""
    model = OnlineLogistic(restlessness=0.0)
    model.learn([Input(0, 2.0, 0.3, 0.5)], completed=True)
    expected = 1 / (1 + math.exp(-0.6))
    information = expected * (1 - expected)
    variance = 1 / (1 / 0.5 + information * 4)
    mean = 0.3 + 0.5 * 2 * (1 - expected) / (1 + information * 2.0)
    said = model.probability([Input(0, 1.0, 0.3, 0.5)])
    assert said == pytest.approx(1 / (1 + math.exp(-mean / math.sqrt(1 + math.pi / 8 * variance))))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_scores_are_those_of_their_definitions(predictions: list[tuple[float, bool]]) -> None:
    score = ProgressiveScore()
    for probability, completed in predictions:
        score.add(probability, completed=completed)
    found = score.summary()
    said = np.clip([probability for probability, _ in predictions], 1e-6, 1 - 1e-6)
    came = np.array([completed for _, completed in predictions], dtype=float)
    assert found is not None
    assert found.log_loss == pytest.approx(-np.mean(came * np.log(said) + (1 - came) * np.log(1 - said)))
    assert found.brier == pytest.approx(np.mean((said - came) ** 2))
    bins = np.minimum(BINS - 1, (said * BINS).astype(int))
    gaps = [abs(said[bins == b].mean() - came[bins == b].mean()) * (bins == b).sum() for b in set(bins)]
    assert found.calibration_error == pytest.approx(sum(gaps) / len(said))


@pytest.mark.slow
def test_log_loss_and_brier_equal_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(2)
    said, came = rng.random(500), rng.random(500) < 0.7
    score = ProgressiveScore()
    for probability, completed in zip(said, came, strict=True):
        score.add(float(probability), completed=bool(completed))
    found = score.summary()
    assert found is not None
    assert found.log_loss == pytest.approx(metrics.log_loss(came, said))
    assert found.brier == pytest.approx(metrics.brier_score_loss(came, said))


@pytest.mark.slow
def test_the_progressive_loss_is_that_of_river_and_below_its_regression_s() -> None:
    """Both predict each outcome before they learn it, from the same features."""
    ours, score, our_loss = OnlineLogistic(), ProgressiveScore(), river_metrics.LogLoss()
    theirs, their_loss = river_models.LogisticRegression(), river_metrics.LogLoss()
    keys: dict[str, int] = {}
    for made_use, completed in made_up(np.random.default_rng(), 4_000):
        names = [f"{name} {getattr(made_use, name)}" for name in ("skill_name", "user", "project")]
        inputs = [Input(keys.setdefault(name, len(keys)), 1.0, 0.0, 1.0) for name in names]
        probability = ours.probability(inputs)
        score.add(probability, completed=completed)
        our_loss.update(completed, {True: probability, False: 1 - probability})
        their_loss.update(completed, theirs.predict_proba_one(dict.fromkeys(names, 1.0)))
        ours.learn(inputs, completed=completed)
        theirs.learn_one(dict.fromkeys(names, 1.0), completed)
    found = score.summary()
    assert found is not None
    assert found.log_loss == pytest.approx(our_loss.get(), rel=1e-9)
    assert our_loss.get() < their_loss.get()


def test_before_any_outcome_the_probability_is_one_half() -> None:
    assert SuccessModel().predict(use()).probability == 0.5


def test_three_successes_are_no_certainty() -> None:
    model = SuccessModel()
    learn(model, [True] * 3)
    assert 0.5 < model.predict(use(5)).probability < 0.9


def test_the_model_tells_skills_and_users_apart() -> None:
    model = SuccessModel()
    for _ in range(20):
        learn(model, [True] * 3, skill_name="lint")
        learn(model, [False] * 3, skill_name="test")
        learn(model, [True] * 3, skill_name="test", user="bob")
    assert model.predict(use(5, skill_name="lint")).probability > 0.85
    assert model.predict(use(5)).probability < 0.3
    assert model.predict(use(5, user="bob")).probability > 0.7


def test_a_prediction_changes_nothing() -> None:
    model = SuccessModel()
    learn(model, [True, False, True])
    first = model.predict(use(5))
    assert model.predict(use(5)) == first


@given(st.lists(st.tuples(USES, st.booleans()), max_size=30), USES)
def test_no_history_gives_anything_but_a_probability(history: list[tuple[Use, bool]], asked: Use) -> None:
    model = SuccessModel()
    for one, completed in history:
        model.settle(one, model.begin(one), completed=completed)
    prediction = model.predict(asked)
    assert 0 < prediction.probability < 1
    assert all(math.isfinite(value) for value in prediction.features)


def test_too_few_outcomes_are_not_scored() -> None:
    assert score_success([(use(minute), True) for minute in range(4)]) is None
    scores = score_success([(use(minute), True) for minute in range(5)])
    assert scores is not None
    assert scores.model_on_test.prediction_count == 1
