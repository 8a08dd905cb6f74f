"""The methods behind the findings beside reference libraries, brute force, and what they promise."""

import doctest
import importlib
import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.generators import completions, durations, series
from session_buddy.analytics.baselines import percentiles
from session_buddy.analytics.clusters import LEAST_SIMILARITY, clusters
from session_buddy.analytics.completion_cusum import (
    THRESHOLD,
    CompletionCusum,
    cautious_rate,
    log_ratio,
    worse_rate,
)
from session_buddy.analytics.completion_trend import completion_trend
from session_buddy.analytics.distributions import incomplete_beta, normal_two_sided, student_two_sided
from session_buddy.analytics.duration_cusum import DurationBaseline, DurationCusum, quantile
from session_buddy.analytics.duration_spikes import spike_of
from session_buddy.analytics.duration_trend import duration_trend
from session_buddy.analytics.lagged_window import LaggedWindow
from session_buddy.analytics.lift import lift_of
from session_buddy.analytics.overdispersion import caution, overdispersion
from session_buddy.analytics.session_ties import PRIOR, SessionTies, intraclass_correlation
from session_buddy.analytics.similar_users import Neighbour, Usage, from_neighbours, from_popularity, jaccard
from session_buddy.analytics.skill_watch import SkillWatch, Use
from session_buddy.analytics.taxonomy import CATEGORIES, category_of, modality_of
from session_buddy.analytics.volume_shift import shift_of
from session_buddy.analytics.zscore import deviation
from tests.support.references import Reference

scipy_stats = Reference("scipy.stats")
hierarchy = Reference("scipy.cluster.hierarchy")
spatial = Reference("scipy.spatial.distance")

MODULES = (
    "baselines",
    "clusters",
    "completion_cusum",
    "completion_trend",
    "distributions",
    "duration_cusum",
    "duration_spikes",
    "duration_trend",
    "lagged_window",
    "lift",
    "overdispersion",
    "session_ties",
    "similar_users",
    "skill_watch",
    "taxonomy",
    "volume_shift",
    "zscore",
)
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("name", MODULES)
def test_the_example_of_a_method_is_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"session_buddy.analytics.{name}"))
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.slow
@given(st.floats(0.05, 300), st.floats(0.05, 300), st.floats(0, 1))
def test_the_incomplete_beta_function_is_scipys(a: float, b: float, x: float) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(scipy_stats.beta.cdf(x, a, b), abs=1e-9)


@pytest.mark.slow
@given(st.floats(-40, 40), st.floats(0.5, 500))
def test_tail_probabilities_are_scipys(value: float, degrees: float) -> None:
    assert student_two_sided(value, degrees) == pytest.approx(
        2 * scipy_stats.t.sf(abs(value), degrees), abs=1e-7
    )
    assert normal_two_sided(value) == pytest.approx(2 * scipy_stats.norm.sf(abs(value)), abs=1e-12)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30), st.floats(0, 1))
def test_quantiles_are_numpys(values: list[float], q: float) -> None:
    assert quantile(sorted(values), q) == pytest.approx(np.quantile(values, q), abs=1e-9)


def test_the_completion_trend_is_that_of_cochran_and_armitage() -> None:
    statsmodels = pytest.importorskip("statsmodels.stats.contingency_tables")
    completed, decided = np.array([18, 17, 19, 15, 14, 12]), np.array([20, 19, 21, 20, 20, 18])
    table = statsmodels.Table(np.column_stack([decided - completed, completed]), shift_zeros=False)
    expected = table.test_ordinal_association(row_scores=np.arange(6), col_scores=np.array([0, 1]))
    found = completion_trend(range(6), completed.tolist(), decided.tolist())
    assert found is not None
    assert found.overdispersion == 1.0
    assert found.slope / found.standard_error == pytest.approx(
        expected.zscore * math.sqrt(decided.sum() / (decided.sum() - 1)), rel=1e-6
    )


def test_the_completion_slope_is_the_weighted_least_squares_slope() -> None:
    times, completed, decided = [0.0, 1.5, 2.0, 6.0], [5, 9, 3, 8], [10, 10, 8, 9]
    rates = np.array(completed) / decided
    expected = np.polyfit(times, rates, 1, w=np.sqrt(decided))[0]
    found = completion_trend(times, completed, decided)
    assert found is not None
    assert found.slope == pytest.approx(expected)


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 20), st.integers(0, 20)), max_size=12),
)
def test_no_counts_make_the_completion_trend_fail(rows: list[tuple[int, int, int]]) -> None:
    known = [(float(time), done, done + failed) for time, done, failed in rows if done + failed]
    found = completion_trend(*([row[place] for row in known] for place in range(3)))
    if found is not None:
        assert 0 <= found.p_value <= 1
        assert math.isfinite(found.slope)
        assert math.isfinite(found.standard_error)


@pytest.mark.slow
def test_without_memory_the_duration_trend_is_that_of_theil_sen_and_mann_kendall() -> None:
    values = [3.0, 1.0, 2.5, 2.0, 4.0, 3.5, 6.0, 2.2, 5.0, 4.4, 5.5, 4.9]
    times = [0.0, 1.0, 2.0, 3.5, 4.0, 5.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]
    found = duration_trend(times, values)
    assert found is not None
    expected = scipy_stats.theilslopes(values, times, 0.95)
    assert found.slope == pytest.approx(expected.slope)
    assert found.memory == 0.0
    assert (found.lower, found.upper) == (
        pytest.approx(expected.low_slope, abs=0.05),
        pytest.approx(expected.high_slope, abs=0.05),
    )
    tau = scipy_stats.kendalltau(times, values, method="asymptotic")
    score = tau.statistic * 12 * 11 / 2
    corrected = (abs(score) - 1) / math.sqrt(12 * 11 * 29 / 18)
    assert found.p_value == pytest.approx(2 * scipy_stats.norm.sf(corrected))


@given(st.lists(st.floats(-50, 50), max_size=40))
def test_no_series_makes_the_duration_trend_fail(values: list[float]) -> None:
    found = duration_trend(range(len(values)), values)
    assert (found is None) == (len(values) < 8)
    if found is not None:
        assert 0 <= found.p_value <= 1
        assert found.lower <= found.slope <= found.upper or found.p_value == 1
        assert 0 <= found.memory <= 0.9


def test_memory_makes_a_trend_less_sure() -> None:
    rng = np.random.default_rng(3)
    remembers = [series.noise(rng, 60, 0.8) for _ in range(40)]
    found = [duration_trend(range(60), values.tolist()) for values in remembers]
    assert np.mean([one.memory for one in found if one]) > 0.5


@given(st.lists(st.booleans(), max_size=300))
def test_the_cusum_is_the_one_of_its_definition(outcomes: list[bool]) -> None:
    cusum = CompletionCusum(LaggedWindow(lag=5, length=30, minimum=10))
    total, raised = 0.0, []
    for number, completed in enumerate(outcomes):
        signal = cusum.update(completed)
        if number >= 10:
            end = number - min(5, number - 10)
            window = outcomes[max(0, end - 30) : end]
            expected = cautious_rate(sum(window), len(window))
            total = max(0.0, total + log_ratio(completed, worse_rate(expected), expected))
            raised.append(total >= THRESHOLD)
            total = 0.0 if total >= THRESHOLD else total
            assert (signal is not None) == raised[-1]
        else:
            assert signal is None


@given(st.integers(0, 400), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_a_lagged_window_is_what_came_before_the_newest(
    count: int, lag: int, length: int, minimum: int
) -> None:
    length = max(length, minimum)
    window = LaggedWindow(lag, length, minimum)
    for value in range(count):
        window.add(float(value))
    end = count - min(lag, max(0, count - minimum))
    assert window.values() == [float(value) for value in range(max(0, end - length), end)]
    assert window.total == sum(window.values())
    assert window.ready == (window.count >= minimum)


def test_a_drop_is_caught_and_a_steady_skill_left_alone() -> None:
    rng = np.random.default_rng(11)
    caught, alarms = [], 0
    for _ in range(40):
        before = completions.steady(rng, 20, 20, 0.9)
        made, start = completions.drop(rng, before, 8, 20, 0.6)
        cusum = CompletionCusum()
        signals = [cusum.update(bool(good)) is not None for good in made]
        alarms += sum(signals[:start])
        caught.append(signals[start:].index(True) + 1 if any(signals[start:]) else 10**6)
    assert np.median(caught) <= 30
    assert alarms / (40 * 17) <= 3 / 150


def test_a_slowdown_is_caught_and_a_single_long_use_is_not_one() -> None:
    rng = np.random.default_rng(12)
    before = durations.steady(rng, 20, 20)
    made, start = durations.slowdown(rng, before, 3, 20, 3.0)
    cusum = DurationCusum()
    signals = [cusum.update(float(seconds)) is not None for seconds in made]
    assert not any(signals[:start])
    assert signals[start:].index(True) <= 30
    alone = DurationCusum()
    assert not any(alone.update(float(seconds)) for seconds in [*before, 1e6, *before])


def test_values_that_come_in_clusters_raise_the_threshold_and_others_do_not() -> None:
    rng = np.random.default_rng(13)
    alone = [overdispersion(rng.normal(size=400).tolist()) for _ in range(200)]
    assert np.mean(alone) == pytest.approx(1.0, abs=0.1)
    clustered = (rng.normal(size=(20, 1)) + rng.normal(size=(20, 20))).reshape(-1).tolist()
    assert caution(clustered) > 2
    assert caution([1.0] * 400) == caution([]) == 1.0


def tied_sessions(rng: np.random.Generator, count: int, size: int, rate: float) -> list[tuple[float, str]]:
    """Outcomes in sessions, of which one in ten goes wrong altogether."""
    made = []
    for session in range(count):
        good = rng.random(size) < (0.3 if rng.random() < 0.1 else rate)
        made += [(float(one), f"session {session}") for one in good]
    return made


@pytest.mark.slow
def test_the_correlation_within_sessions_is_that_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(14)
    groups = [rng.normal(rng.normal(), 1.0, size=size) for size in rng.integers(1, 9, size=40)]
    sessions = [float(number) for number, group in enumerate(groups) for _ in group]
    ratio = scipy_stats.f_oneway(*groups).statistic
    sizes = np.array([len(group) for group in groups])
    usual = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
    found = intraclass_correlation(np.concatenate(groups).tolist(), sessions)
    assert found == pytest.approx((ratio - 1) / (ratio + usual - 1), abs=1e-9)
    assert intraclass_correlation([], []) == intraclass_correlation([1.0, 1.0], [1.0, 1.0]) == 0.0


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from(["", "a", "b", "c"])), max_size=200))
def test_a_use_tells_at_most_one_and_at_least_nothing(uses: list[tuple[float, str]]) -> None:
    values = LaggedWindow(lag=5, length=30, minimum=10)
    ties = SessionTies(values)
    assert ties.correlation == pytest.approx(PRIOR)
    for value, session in uses:
        assert 0.0 <= ties.weight(session) <= 1.0 == ties.weight("")
        values.add(value)
        ties.add(session)
        assert 0.0 <= ties.correlation <= 1.0


@pytest.mark.slow
def test_sessions_that_go_wrong_altogether_raise_less_than_uses_that_are_not_told_to_belong_together() -> (
    None
):
    rng = np.random.default_rng(15)
    told, untold = 0, 0
    for _ in range(20):
        knows, knows_not = CompletionCusum(), CompletionCusum()
        for good, session in tied_sessions(rng, 120, 8, 0.95):
            told += knows.update(bool(good), session) is not None
            untold += knows_not.update(bool(good)) is not None
    assert untold > 60
    assert told < untold / 3


def test_a_spike_needs_a_baseline_and_ten_seconds() -> None:
    baseline = DurationBaseline()
    for number in range(59):
        baseline.add(0.01 + number % 3 / 1000)
    assert spike_of(1e6, baseline) is None
    baseline.add(0.01)
    assert spike_of(5.0, baseline) is None
    assert spike_of(50.0, baseline) is not None


def test_weekends_and_busy_days_shift_no_pattern() -> None:
    assert shift_of([20, 21, 19, 25, 22, 3, 0] * 4, 45) is None
    assert shift_of([1, 0, 0, 1, 2, 1, 0, 1, 1, 1, 3], 12) is None
    assert shift_of([5] * 6, 500) is None
    found = shift_of([20, 21, 19, 25, 22, 3, 0] * 4, 80)
    assert found is not None
    assert found.deviation_score > 2


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.none() | st.booleans(), st.none() | st.floats(0, 1e7)),
        max_size=200,
    )
)
def test_whatever_is_used_every_anomaly_is_over_at_last(
    uses: list[tuple[int, bool | None, float | None]],
) -> None:
    watch = SkillWatch()
    raised: Counter[str] = Counter()
    for number, (minutes, completed, seconds) in enumerate(uses):
        moment = BEGIN + timedelta(minutes=minutes)
        for change in watch.update(Use(moment, completed, seconds, str(number))):
            raised[change.kind] += 1
            assert math.isfinite(change.finding.signal.deviation_score)
    for change in watch.tick(BEGIN + timedelta(days=4000)):
        raised[change.kind] += 1
    assert watch.active == []
    assert raised["raised"] == raised["resolved"]


def test_lift_is_that_of_a_count() -> None:
    rng = np.random.default_rng(4)
    sessions = [set(rng.choice(list("abcdef"), size=rng.integers(1, 5), replace=False)) for _ in range(200)]
    for one, other in combinations("abcdef", 2):
        a, b = (sum(name in used for used in sessions) for name in (one, other))
        both = sum({one, other} <= used for used in sessions)
        found = lift_of(both, a, b, len(sessions))
        assert found.value == pytest.approx((both / 200) / ((a / 200) * (b / 200)))
        assert found.lower <= found.value <= found.upper


def test_the_interval_of_a_lift_is_that_of_a_bootstrap() -> None:
    rng = np.random.default_rng(5)
    cells = rng.multinomial(300, [60 / 300, 40 / 300, 50 / 300, 150 / 300], size=20_000)
    both, a, b = cells[:, 0], cells[:, 0] + cells[:, 1], cells[:, 0] + cells[:, 2]
    lower, upper = np.quantile(both * 300 / (a * b), [0.025, 0.975])
    found = lift_of(60, 100, 110, 300)
    assert found.lower == pytest.approx(lower, rel=0.03)
    assert found.upper == pytest.approx(upper, rel=0.03)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_no_counts_make_a_lift_fail(both: int, only_a: int, only_b: int, neither: int) -> None:
    a, b, sessions = both + only_a, both + only_b, both + only_a + only_b + neither
    if a and b:
        found = lift_of(both, a, b, sessions)
        assert 0 <= found.lower <= found.value <= found.upper < math.inf
        assert not (found.certain and both < 5)
    else:
        with pytest.raises(ValueError, match="sessions"):
            lift_of(both, a, b, sessions)


@given(st.sets(st.integers(0, 20)), st.sets(st.integers(0, 20)))
def test_similarity_is_that_of_the_sets(one: set[int], other: set[int]) -> None:
    found = jaccard(len(one & other), len(one), len(other))
    assert found == (len(one & other) / len(one | other) if one | other else 0.0)


def test_similar_users_are_counted_by_hand() -> None:
    near = [
        Neighbour(0.5, {"a": Usage(8, 8), "b": Usage(10, 0)}),
        Neighbour(0.25, {"a": Usage(0, 0), "known": Usage(9, 9)}),
    ]
    found = {one.skill_name: one.score for one in from_neighbours(near, {"known"})}
    assert found == {
        "a": pytest.approx((0.5 * 10 / 12 + 0.25 * 0.5) / 0.75),
        "b": pytest.approx((0.5 * 2 / 14) / 0.75),
    }
    popular = from_popularity({"a": (3, Usage(6, 6)), "b": (1, Usage(1, 1))}, 4, {"c"})
    assert [one.skill_name for one in popular] == ["a", "b"]
    assert from_neighbours([], set()) == []


@pytest.mark.slow
@given(st.dictionaries(st.text(max_size=5), st.floats(0, 1), max_size=20))
def test_percentiles_are_scipys_mean_ranks(rates: dict[str, float]) -> None:
    for name, place in percentiles(rates).items():
        expected = scipy_stats.percentileofscore(list(rates.values()), rates[name], kind="mean")
        assert place == pytest.approx(expected / 100)


@pytest.mark.slow
def test_clusters_are_those_of_scipys_average_linkage() -> None:
    rng = np.random.default_rng(6)
    points = rng.normal(size=(40, 2))
    distance = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    near = np.exp(-distance)
    names = [f"skill-{number:02}" for number in range(40)]
    pairs = {(names[i], names[j]): float(near[i, j]) for i, j in combinations(range(40), 2)}
    tree = hierarchy.linkage(spatial.squareform(1 - near, checks=False), "average")
    labels = hierarchy.fcluster(tree, 1 - LEAST_SIMILARITY, "distance")
    expected = {frozenset(np.array(names)[labels == label]) for label in set(labels)}
    found = {frozenset(cluster.strengths) for cluster in clusters(names, pairs)}
    assert found == {group for group in expected if len(group) > 1}
    with pytest.raises(ValueError, match="501"):
        clusters(["x"] * 501, {})


def test_a_skill_that_meets_nobody_is_in_no_cluster() -> None:
    assert clusters(["a", "b"], {}) == []
    assert clusters([], {}) == []


@pytest.mark.parametrize(
    ("name", "description", "category", "modality"),
    [
        (
            "superpowers:test-driven-development",
            "Use before writing code: the failing test first",
            "testing",
            "code",
        ),
        ("code-review", "Review a pull request for bugs and style", "quality", "code"),
        ("release-notes", "Write the changelog of a release", "documentation", "text"),
        ("deploy", "Deploy the service to production", "deployment", "code"),
        ("brainstorming", "Explore an idea before planning", "analysis", None),
        ("pdf", "Extract text from PDF documents and fill forms", None, "document"),
        ("xlsx", "Work with a spreadsheet or csv", None, "data"),
        ("webapp-testing", "Test a website with a browser by playwright", "testing", "web"),
        ("transcribe", "Turn speech and audio into text", None, "audio"),
    ],
)
def test_skills_are_placed_by_their_words(
    name: str, description: str, category: str | None, modality: str | None
) -> None:
    placed = category_of(name, description)
    if category is not None:
        assert placed is not None
        assert placed.value == category
        assert placed.value in CATEGORIES
        assert 0 < placed.confidence < 1
    works_on = modality_of(name, description)
    if modality is not None:
        assert works_on is not None
        assert works_on.value == modality


@given(st.text(), st.text())
def test_any_words_can_be_placed(name: str, description: str) -> None:
    for placed in (category_of(name, description), modality_of(name, description)):
        assert placed is None or 0 < placed.confidence < 1


def test_a_scale_of_nothing_gives_no_score() -> None:
    assert deviation(1.0, None, None, 0) is None
    assert deviation(1.0, 0.5, 0.1, 7) is None
    assert deviation(0.7, 0.5, 0.1, 8) == pytest.approx(2.0)
