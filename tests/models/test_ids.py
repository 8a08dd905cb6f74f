"""One key for one thing, and where keys of one time lie."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from session_buddy.models.ids import hashed_id, hashed_id_at

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.integers(0, 200_000_000_000_000).map(lambda ms: EPOCH + timedelta(milliseconds=ms))


@given(TIMES, st.text(), st.integers(1, 2**40))
def test_an_id_with_a_time_lies_before_all_of_a_later_time(at: datetime, key: str, later: int) -> None:
    assert hashed_id_at(at, key) < hashed_id_at(at + timedelta(milliseconds=later), key, "other")


@given(TIMES, st.text())
def test_an_id_with_a_time_is_a_uuid_of_version_8_of_what_it_is_of(at: datetime, key: str) -> None:
    made = hashed_id_at(at, key)
    assert (made.version, made.variant) == (8, hashed_id(key).variant)
    assert made == hashed_id_at(at, key) != hashed_id_at(at, key, "")


def test_the_same_moment_in_another_zone_gives_the_same_id_and_what_was_before_1970_the_first() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert hashed_id_at(noon, "a") == hashed_id_at(noon.astimezone(timezone(timedelta(hours=5))), "a")
    long_ago = datetime(1, 1, 1, tzinfo=UTC)
    assert hashed_id_at(long_ago, "a") == hashed_id_at(EPOCH, "a")
