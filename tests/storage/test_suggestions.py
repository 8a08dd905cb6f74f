"""What was suggested is kept, and what was taken of it follows from the rows."""

from collections.abc import Iterator, Sequence

import pytest

from session_buddy.models.events import JournalEvent, SuggestedEvent, SuggestedSkill
from session_buddy.models.ids import hashed_id
from session_buddy.models.values import Acceptance, Batch, ForgetRequest
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.support.events import at, recorded


@pytest.fixture
def store() -> Iterator[DuckDBStore]:
    opened = DuckDBStore(":memory:", lambda text: f"hash of {text}")
    opened.open()
    yield opened
    opened.close()


def suggested(*skills: str, seconds: float = 0, session_id: str = "morning", **fields: str) -> SuggestedEvent:
    return SuggestedEvent(
        id=hashed_id("test", "suggested", session_id, str(seconds)),
        occurred_at=at(seconds),
        kind="suggested",
        session_id=session_id,
        strategy="markov_blend",
        skills=tuple(SuggestedSkill(skill_name=name, score=0.3, propensity=0.96) for name in skills),
        **fields,
    )


def fold(store: DuckDBStore, *events: JournalEvent) -> None:
    store.fold(Batch(events))


def taken(store: DuckDBStore) -> Sequence[tuple[int, int, float]]:
    return [(row.suggestion_count, row.accepted_count, row.reciprocal_sum) for row in store.acceptance()]


def test_nothing_suggested_is_nothing_accepted(store: DuckDBStore) -> None:
    assert store.acceptance() == []


def test_the_next_use_takes_it_at_its_place(store: DuckDBStore) -> None:
    fold(store, suggested("lint", "test"), recorded("use", 10, skill_name="test"))
    assert store.acceptance() == [Acceptance("markov_blend", 1, 1, 0.5)]


def test_a_later_use_does_not(store: DuckDBStore) -> None:
    fold(store, suggested("test"), recorded("a", 10, skill_name="plan"), recorded("b", 20, skill_name="test"))
    assert taken(store) == [(1, 0, 0.0)]


@pytest.mark.slow
def test_neither_does_one_of_another_session_or_after_the_hour(store: DuckDBStore) -> None:
    fold(store, suggested("test"), suggested("test", session_id="evening"))
    fold(store, recorded("a", 10, skill_name="test", session_id="night"))
    fold(store, recorded("b", 3_601, skill_name="test"))
    assert taken(store) == [(2, 0, 0.0)]


def test_the_order_of_arrival_does_not_matter(store: DuckDBStore) -> None:
    fold(store, recorded("use", 10, skill_name="test"))
    fold(store, suggested("test"))
    assert taken(store) == [(1, 1, 1.0)]
    fold(store, recorded("earlier", 5, skill_name="plan"))
    assert taken(store) == [(1, 0, 0.0)]


def test_a_repeated_suggestion_is_one(store: DuckDBStore) -> None:
    fold(store, suggested("test"))
    fold(store, suggested("test"))
    assert taken(store) == [(1, 0, 0.0)]


def test_an_unknown_experiment_is_left_out(store: DuckDBStore) -> None:
    fold(store, suggested("test", test_name="never created", group_name="treatment"))
    assert taken(store) == [(1, 0, 0.0)]


@pytest.mark.slow
def test_a_forgotten_session_keeps_no_suggestion(store: DuckDBStore) -> None:
    fold(store, suggested("test"), recorded("use", 10, skill_name="test"))
    store.forget(ForgetRequest(session_id="morning"), "hash of morning", at(100))
    fold(store, suggested("test"))
    assert store.acceptance() == []


@pytest.mark.slow
def test_a_forgotten_skill_is_not_suggested_again(store: DuckDBStore) -> None:
    fold(store, suggested("test", "lint"), recorded("use", 10, skill_name="plan"))
    store.forget(ForgetRequest(skill_name="test"), "hash of test", at(100))
    fold(store, suggested("test", "lint"))
    assert "test" not in store.invocation_counts()


def test_past_uses_are_the_latest_in_their_order(store: DuckDBStore) -> None:
    fold(store, *(recorded(name, seconds) for name, seconds in (("c", 30), ("a", 10), ("b", 20))))
    assert [use.invoked_at for use in store.past_uses(2)] == [at(20), at(30)]
    (use,) = store.past_uses(1)
    assert (use.skill_name, use.session_id, use.completed, use.duration_seconds) == (
        "review",
        "morning",
        True,
        60.0,
    )
