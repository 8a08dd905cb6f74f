"""Quantiles from buckets stay within the accuracy that the method promises."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.live.sketch import LOWEST_BUCKET, RELATIVE_ACCURACY, bucket_of, estimate_of, quantile

durations = st.floats(min_value=0, max_value=1e7, allow_nan=False)


@given(st.floats(min_value=0.00101, max_value=1e9))
def test_a_buckets_estimate_is_within_one_percent_of_every_duration_in_it(seconds: float) -> None:
    assert math.isclose(estimate_of(bucket_of(seconds)), seconds, rel_tol=RELATIVE_ACCURACY * 1.0001)


@pytest.mark.slow
@given(st.lists(durations, min_size=1, max_size=200), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_a_quantile_is_within_one_percent_of_the_exact_one(values: list[float], q: float) -> None:
    exact = float(np.quantile(values, q, method="inverted_cdf"))
    estimate = quantile(Counter(bucket_of(value) for value in values), q)
    assert estimate is not None
    assert math.isclose(estimate, exact, rel_tol=RELATIVE_ACCURACY * 1.0001, abs_tol=0.0011)


def test_no_duration_has_no_quantile() -> None:
    assert quantile({}, 0.5) is None
    assert quantile({3: 0}, 0.5) is None


def test_everything_up_to_a_millisecond_is_one_bucket() -> None:
    assert {bucket_of(0.0), bucket_of(0.0005), bucket_of(0.001)} == {LOWEST_BUCKET}
