"""The intervals of experiments equal those of gbstats, scipy and statsmodels."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.methods_gbstats import clustered, from_gbstats, mean_case, random_case
from session_buddy.analytics.experiments.caution import cautious, student_reach
from session_buddy.analytics.experiments.confidence import Difference, around, boundary, sequential
from session_buddy.analytics.experiments.fixed import student_quantile, two_proportion_z, welch
from session_buddy.analytics.experiments.planning import FIXED_SHARE, plan, rate_variance
from session_buddy.analytics.experiments.sums import NO_UNIT, GroupSums, Unit
from tests.support.references import Reference

scipy_stats = Reference("scipy.stats")
power = Reference("statsmodels.stats.power")
proportion = Reference("statsmodels.stats.proportion")

RATES = st.floats(0.02, 0.98)


def counts(successes: int, failures: int) -> GroupSums:
    return GroupSums.of([[1.0]] * successes + [[0.0]] * failures)


def assert_equal(found: Difference | None, expected: dict[str, Any]) -> None:
    assert found is not None
    assert found.difference == pytest.approx(expected["difference"], rel=1e-9, abs=1e-9)
    assert [found.lower, found.upper] == pytest.approx(expected["interval"], rel=1e-9, abs=1e-9)
    assert found.p_value == pytest.approx(expected["p_value"], rel=1e-9, abs=1e-9)


def mean_of(units: int, total: float, total_squared: float) -> GroupSums:
    """A mean of so many units with one value each."""
    return GroupSums(units, units, total, total_squared, units, total_squared, total)


@pytest.mark.slow
def test_intervals_equal_those_that_growthbook_publishes(gbstats_python: Path) -> None:
    """The two cases of its own tests that are about means and rates, and what it says of them, rounded."""
    control, treatment = mean_of(3000, 1396.87, 52377.9767), mean_of(3461, 2422.7, 134698.29)
    found = sequential(control, treatment, 1000, relative=True)
    assert found is not None
    assert [round(value, 5) for value in (found.difference, found.lower, found.upper)] == [
        0.50336,
        -0.55844,
        1.56516,
    ]
    assert found.p_value == 1
    case = {"planned": 1000, "alpha": 0.05, "relative": True}
    proportions = case | {"control": {"n": 3000, "m": [1396]}, "treatment": {"n": 3461, "m": [2422]}}
    means = case | {"control": mean_case(control), "treatment": mean_case(treatment)}
    expected = from_gbstats(gbstats_python, [means, proportions | {"planned": 5000}])
    assert_equal(found, expected[0])
    first, second = 1396 / 3000, 2422 / 3461
    variance = second * (1 - second) / 3461 / first**2
    variance += first * (1 - first) / 3000 * second**2 / first**4
    of_rates = around((second - first) / first, variance, 6461, 5000)
    assert [round(of_rates.lower, 5), round(of_rates.upper, 5)] == [0.40098, 0.60675]
    assert_equal(of_rates, expected[1])


@pytest.mark.slow
def test_intervals_equal_those_of_growthbook_on_random_groups(gbstats_python: Path) -> None:
    rng = np.random.default_rng()
    cases = [random_case(rng) for _ in range(300)]
    told = from_gbstats(gbstats_python, [case for case, _ in cases])
    for (_, found), expected in zip(cases, told, strict=True):
        assert_equal(found, expected)


@pytest.mark.slow
@given(st.integers(1, 500), st.integers(1, 500), RATES, RATES)
def test_two_proportions_equal_statsmodels(first: int, second: int, rate: float, other: float) -> None:
    successes = [round(first * rate), round(second * other)]
    if sum(successes) in {0, first + second}:
        assert two_proportion_z(successes[0], first, successes[1], second) == (0.0, 1.0)
        return
    z, p_value = proportion.proportions_ztest(successes[::-1], [second, first])
    assert two_proportion_z(successes[0], first, successes[1], second) == pytest.approx(
        (z, p_value), rel=1e-9, abs=1e-12
    )


@pytest.mark.slow
@given(st.integers(0, 2**32), st.integers(3, 200), st.integers(3, 200))
def test_welch_equals_scipy(seed: int, first: int, second: int) -> None:
    rng = np.random.default_rng(seed)
    control, treatment = rng.normal(0, 1, first), rng.normal(0.3, 2, second)
    expected = scipy_stats.ttest_ind(treatment, control, equal_var=False)
    found = welch(*(GroupSums.of([[value] for value in values.tolist()]) for values in (control, treatment)))
    assert found is not None
    interval = expected.confidence_interval()
    assert (found.p_value, found.lower, found.upper) == pytest.approx(
        (expected.pvalue, interval.low, interval.high), rel=1e-8, abs=1e-9
    )


@pytest.mark.slow
@given(st.floats(0.001, 0.2), st.floats(1, 1000))
def test_quantiles_of_student_equal_scipy(alpha: float, degrees: float) -> None:
    assert student_quantile(alpha, degrees) == pytest.approx(scipy_stats.t.isf(alpha / 2, degrees), rel=1e-9)


@pytest.mark.slow
@given(st.floats(1.96, 4.0), st.floats(19, 1000))
def test_the_reach_of_few_units_is_that_of_student(reach: float, degrees: float) -> None:
    expected = scipy_stats.t.isf(scipy_stats.norm.sf(reach), degrees)
    assert student_reach(reach, degrees) == pytest.approx(expected, rel=3e-3)


@pytest.mark.slow
@given(st.floats(0.05, 0.95), st.floats(0.02, 0.2), st.floats(0.1, 0.9))
def test_the_sample_for_one_look_equals_statsmodels(rate: float, effect: float, share: float) -> None:
    variance = rate_variance(rate)
    made = plan(variance, effect, [1 - share, share], power=0.9)
    first = power.NormalIndPower().solve_power(
        effect / math.sqrt(variance), alpha=0.05, power=0.9, ratio=share / (1 - share)
    )
    assert made.fixed_units == pytest.approx(first / (1 - share), rel=0.01, abs=1)
    assert made.units == pytest.approx(
        max(1.8 * first / (1 - share), 20 / min(share, 1 - share)), rel=0.01, abs=2
    )


def test_a_fixed_horizon_is_hardly_longer_than_one_look() -> None:
    hybrid = plan(rate_variance(0.9), 0.05, [0.5, 0.5], method="fixed_horizon")
    assert hybrid.fixed_units < hybrid.units < 1.1 * hybrid.fixed_units
    assert FIXED_SHARE < 1


def test_more_groups_need_more_units_and_have_their_own_share() -> None:
    two, three = (plan(0.09, 0.05, shares) for shares in ([0.5, 0.5], [0.5, 0.25, 0.25]))
    assert three.units > 1.5 * two.units
    assert three.units_of_group[0] == pytest.approx(2 * three.units_of_group[1], abs=1)


def test_a_plan_for_nothing_is_refused() -> None:
    for variance, effect in ((0.09, 0.0), (0.0, 0.05)):
        with pytest.raises(ValueError, match="positive effect"):
            plan(variance, effect, [0.5, 0.5])


@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=4), min_size=2, max_size=12), st.randoms())
def test_sums_do_not_depend_on_the_order_of_outcomes(units: list[list[int]], random: Any) -> None:
    whole = GroupSums.of(units)
    outcomes = [(number, value) for number, values in enumerate(units) for value in values]
    random.shuffle(outcomes)
    sums = GroupSums.of()
    known: dict[int, Unit] = {}
    for number, value in outcomes:
        before = known.get(number, NO_UNIT)
        known[number] = before.with_value(value)
        sums = sums.changed(before, known[number])
    assert sums == whole


def test_the_variance_of_a_mean_of_units_is_what_a_bootstrap_finds() -> None:
    rng = np.random.default_rng(5)
    units = [(rng.random(size) < rng.beta(4, 1)).astype(float).tolist() for size in rng.geometric(0.2, 400)]
    sums = GroupSums.of(units)
    totals, sizes = np.array([sum(unit) for unit in units]), np.array([len(unit) for unit in units])
    drawn = rng.integers(len(units), size=(4000, len(units)))
    means = totals[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    assert math.sqrt(sums.variance / sums.units) == pytest.approx(means.std(), rel=0.05)


def test_the_interval_is_tightest_near_the_plan() -> None:
    reaches = {units: boundary(units, 1000) for units in (50, 200, 1000, 5000, 50_000)}
    assert min(reaches, key=lambda units: reaches[units]) == 1000


def test_the_cautious_error_is_never_the_smaller_one() -> None:
    rng = np.random.default_rng()
    for _ in range(100):
        control, treatment = (clustered(rng, int(rng.integers(5, 60)), 0.9) for _ in "ab")
        found = cautious(control, treatment, (0.0, 1.0))
        interval = sequential(control, treatment, 200)
        assert found is not None
        assert interval is None or found.error >= interval.error * (1 - 1e-12)


def test_the_clock_of_single_outcomes_counts_units() -> None:
    found = cautious(counts(70, 30), counts(80, 40), (0.0, 1.0))
    assert found is not None
    assert found.clock == pytest.approx(220)
    assert asdict(found.after(2)) == {
        "error": found.error / math.sqrt(2),
        "clock": 2 * found.clock,
        "degrees": 2 * found.degrees,
    }


def test_the_clock_goes_on_while_the_same_users_come_back() -> None:
    """Outcomes that are independent say as much as those of new users, and fully correlated ones nothing."""
    rng = np.random.default_rng(1)
    independent = [GroupSums.of((rng.random((50, 40)) < 0.8).astype(float).tolist()) for _ in "ab"]
    correlated = [GroupSums.of([[float(good)] * 40 for good in rng.random(50) < 0.8]) for _ in "ab"]
    first, second = (cautious(*groups, (0.0, 1.0)) for groups in (independent, correlated))
    assert first is not None
    assert second is not None
    assert first.clock > 2000
    assert second.clock == pytest.approx(100, rel=0.05)
