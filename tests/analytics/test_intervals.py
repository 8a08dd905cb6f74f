"""The Wilson interval equals statsmodels', and behaves at its ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.analytics.intervals import wilson
from tests.support.references import Reference

proportion = Reference("statsmodels.stats.proportion")


@pytest.mark.slow
@given(
    st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.sampled_from([0.8, 0.95]),
)
def test_it_equals_the_reference(counts: tuple[int, int], confidence: float) -> None:
    successes, trials = counts
    expected = proportion.proportion_confint(successes, trials, alpha=1 - confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx(expected, abs=1e-9)


def test_without_trials_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_all_failures_and_all_successes_touch_the_ends_exactly() -> None:
    assert wilson(0, 7)[0] == 0.0
    assert wilson(7, 7)[1] == 1.0


@pytest.mark.parametrize(("successes", "trials", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_impossible_counts_are_refused(successes: int, trials: int, confidence: float) -> None:
    with pytest.raises(ValueError, match=r"trials|confidence"):
        wilson(successes, trials, confidence)
