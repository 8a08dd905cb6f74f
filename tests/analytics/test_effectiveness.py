"""The effectiveness score is what docs/reference/effectiveness.md says it is."""

import pytest

from session_buddy.analytics.effectiveness import effectiveness_score


def test_below_three_decided_invocations_there_is_no_score() -> None:
    assert effectiveness_score([(True, None), (True, 5)]) is None


def test_without_ratings_it_is_the_share_of_completed_invocations() -> None:
    assert effectiveness_score([(True, None), (True, None), (False, None), (False, None)]) == 50


def test_a_rating_counts_for_thirty_percent_of_its_invocation() -> None:
    assert effectiveness_score([(True, 1)] * 3) == pytest.approx(70)
    assert effectiveness_score([(True, 5)] * 3) == pytest.approx(100)
    assert effectiveness_score([(False, 5)] * 3) == pytest.approx(30)
