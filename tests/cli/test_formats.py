"""Values as short text."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.analytics.intervals import wilson
from session_buddy.cli.formats import ago, clean, count, percentile, rate, seconds, share, size
from session_buddy.models.answers import Durations, Rate

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _rate(successes: int, trials: int) -> Rate:
    lower, upper = wilson(successes, trials)
    return Rate(value=successes / trials, lower=lower, upper=upper, denominator=trials)


def test_a_rate_stands_beside_its_interval() -> None:
    assert rate(Rate(value=0.83, lower=0.712, upper=0.909, denominator=60)) == "83 % (71-91)"

    assert share(50, 60) == "83 % (72-91)"


def test_a_rate_of_nothing_is_no_zero() -> None:
    assert rate(None) == share(0, 0) == "-"


@given(st.integers(1, 100_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_only_what_never_failed_is_shown_as_a_hundred_percent(counts: tuple[int, int]) -> None:
    shown = rate(_rate(*counts))
    assert shown.startswith("100 %") == (counts[0] == counts[1])
    assert shown.startswith("0 %") == (counts[0] == 0)


@given(st.floats(0, 1e9))
def test_a_duration_takes_at_most_seven_characters(value: float) -> None:
    assert len(seconds(value)) <= 7


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (99.4, "99 s"),
        (100, "2 min"),
        (5400, "90 min"),
        (7200, "2.0 h"),
        (864_000, "10 d"),
    ],
)
def test_durations_use_the_unit_in_which_a_person_would_say_them(value: float | None, shown: str) -> None:
    assert seconds(value) == shown


def test_a_percentile_that_is_far_from_exact_says_so() -> None:
    near = Durations(p50_seconds=4, p95_seconds=80, mean_seconds=9, sample_count=10, relative_error=0.01)
    far = near.model_copy(update={"relative_error": 0.05})
    assert percentile(near, "p50") == "4.0 s"
    assert percentile(far, "p95") == "~80 s"


@pytest.mark.parametrize(
    ("past", "shown"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=12), "12 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=5), "5 d ago"),
    ],
)
def test_recent_times_are_told_by_how_long_ago_they_were(past: timedelta, shown: str) -> None:
    assert ago(NOW - past, NOW) == shown


def test_times_long_past_or_in_the_future_are_told_by_their_date() -> None:
    assert ago(NOW - timedelta(days=60), NOW).startswith("2025-12-3")
    assert ago(NOW + timedelta(days=2), NOW).startswith("2026-03-0")
    assert ago(None, NOW) == "never"


@given(st.text())
def test_no_recorded_text_can_steer_the_terminal(text: str) -> None:
    shown = clean(text)
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "\r" not in shown


def test_sizes_and_counts_are_said_as_one_would_say_them() -> None:
    assert [size(number) for number in (0, 999, 1500)] == ["0 B", "999 B", "1.5 kB"]
    assert [size(number) for number in (1_400_000, 12_000_000_000)] == ["1.4 MB", "12.0 GB"]
    assert count(1, "skill") == "1 skill"
    assert count(3204, "skill") == "3,204 skills"
