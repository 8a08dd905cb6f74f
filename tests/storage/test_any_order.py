"""Whatever the order and the batches in which events arrive, the tables say what a recount says."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_buddy.models.events import SessionEvent, SkillEvent, to_line
from session_buddy.models.values import Batch, Lines, SkillTotals, Window
from session_buddy.storage.duckdb_store import DuckDBStore
from session_buddy.storage.postgres_store import PostgresStore
from tests.storage import recount
from tests.storage.conftest import keyed_hash, opened
from tests.support.events import session_events, skill_events

Events = Sequence[SkillEvent | SessionEvent]
Store = DuckDBStore | PostgresStore


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def memory(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "duckdb":
        made: Store = DuckDBStore(None, keyed_hash)
    else:
        made = PostgresStore(request.getfixturevalue("team_databases").another(), keyed_hash)
    with opened(made):
        yield made


def _batches(events: Events, seed: int) -> Iterator[Batch]:
    """The events, some twice, shuffled and cut into batches, large ones among them."""
    random = Random(seed)
    shuffled = [*events, *random.sample(list(events), len(events) // 3)]
    random.shuffle(shuffled)
    while shuffled:
        size = random.choice([1, 2, 5, 20, 100])
        yield Batch(tuple(shuffled[:size]))
        del shuffled[:size]


def assert_same_in_any_order(store: Store, events: Events, seed: int) -> None:
    store.clear()
    results = [store.fold(batch) for batch in _batches(events, seed)]
    assert sum(result.new_events for result in results) == len({event.id for event in events})
    assert_recounted(store, events)


def assert_recounted(store: Store, events: Events) -> None:
    skill = [event for event in events if isinstance(event, SkillEvent)]
    invocations = recount.invocations_of(skill)
    stored = {row.invocation_id: row for batch in store.invocations(Window()) for row in batch}
    assert stored == invocations
    totals = {found.skill_name: found for found in store.all_totals()}
    expected = recount.totals_of(invocations.values())
    assert totals.keys() == expected.keys()
    for skill_name, wanted in expected.items():
        found = totals[skill_name]
        assert found.duration_sum == pytest.approx(wanted.duration_sum, abs=1e-5)
        assert found == _with_sum(wanted, found.duration_sum)
        assert store.totals(skill_name) == found
    assert recount.session_skill_rows(store) == recount.session_skills_of(invocations.values())
    assert _session_rows(store) == recount.sessions_of(events)


def _with_sum(totals: SkillTotals, duration_sum: float) -> SkillTotals:
    return replace(totals, duration_sum=duration_sum)


def _session_rows(store: Store) -> dict[str, tuple[object, ...]]:
    rows = store._database.rows(
        "SELECT session_id, agent, project, user_id, started_at, ended_at, end_reason, first_activity_at, "
        "last_activity_at, last_observed_at FROM agent_session"
    )
    return {
        row[0]: tuple(value.replace(tzinfo=UTC) if hasattr(value, "tzinfo") else value for value in row[1:])
        for row in rows
    }


_EVENTS = st.lists(skill_events() | session_events(), max_size=12, unique_by=lambda event: event.id)
_QUIET = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=_QUIET)
@given(events=_EVENTS, seed=st.integers(0, 2**32))
def test_the_order_and_the_batches_of_events_change_nothing(memory: Store, events: Events, seed: int) -> None:
    assert_same_in_any_order(memory, events, seed)


@pytest.mark.slow
@settings(max_examples=400, suppress_health_check=_QUIET)
@given(
    events=st.lists(skill_events() | session_events(), max_size=60, unique_by=lambda event: event.id),
    seed=st.integers(0, 2**32),
)
def test_the_order_of_many_events_changes_nothing(memory: Store, events: Events, seed: int) -> None:
    assert_same_in_any_order(memory, events, seed)


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=_QUIET)
@given(
    events=st.lists(skill_events(), max_size=20, unique_by=lambda event: event.id),
    seed=st.integers(0, 2**32),
)
def test_lines_as_they_stand_say_the_same_as_events(
    memory: Store, events: Sequence[SkillEvent], seed: int
) -> None:
    memory.clear()
    for number, batch in enumerate(_batches(events, seed)):
        text = "".join(f"{to_line(event)}\n" for event in batch.events)
        if memory.fold_lines(Lines("a.jsonl", number, number + 1, text)) is None:
            memory.fold(batch)
    assert_recounted(memory, events)
