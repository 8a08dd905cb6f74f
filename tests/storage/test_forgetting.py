"""What is forgotten is gone from every table, and does not come back."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from session_buddy.models.events import JournalEvent
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import Batch, ForgetRequest, Window
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.storage.conftest import keyed_hash
from tests.support.events import at, forgotten, installed, invocation_id, recorded, session_event, skill_event

EVENTS: Sequence[JournalEvent] = (
    session_event("session_started", "morning", 0, project="/w"),
    recorded("a", 10, error_type="E", outcome="failed"),
    recorded("b", 20, skill_name="secret-skill"),
    recorded("c", 30, session_id="evening", skill_name="secret-skill"),
    recorded("d", 40, session_id="evening"),
    skill_event("d", "rated", 50, session_id="evening", rating=5),
    installed("secret-skill", 5),
)


def everything(store: SkillsStorageProtocol) -> object:
    exported = [found for batch in store.invocations(Window()) for found in batch]
    return store.all_totals(), store.sessions(9), exported, store.catalogue(), store.counts()


@pytest.mark.slow
def test_a_forgotten_session_leaves_the_rest_as_if_it_had_never_been(store: SkillsStorageProtocol) -> None:
    store.fold(Batch(tuple(EVENTS[2:])))
    store.clear()
    store.fold(Batch(tuple(event for event in EVENTS if getattr(event, "session_id", "") != "morning")))
    expected = everything(store)
    store.clear()
    store.fold(Batch(tuple(EVENTS)))
    assert store.forget(ForgetRequest(session_id="morning"), keyed_hash("morning"), at(1000)) == 2
    assert everything(store) == expected
    assert store.session_summary("morning") is None


@pytest.mark.slow
def test_a_forgotten_skill_leaves_no_trace_of_its_name(duckdb_store: DuckDBStore) -> None:
    duckdb_store.fold(Batch(tuple(EVENTS)))
    writer = duckdb_store._database.writer
    writer.execute("INSERT INTO skill_time_series (skill_name, bucket_start) VALUES ('secret-skill', now())")
    writer.execute("INSERT INTO skill_dependencies VALUES ('review', 'secret-skill', 1, 0, 0, now())")
    assert (
        duckdb_store.forget(ForgetRequest(skill_name="secret-skill"), keyed_hash("secret-skill"), at(1000))
        == 2
    )
    tables = [
        row[0]
        for row in duckdb_store._database.rows("SELECT table_name FROM duckdb_tables() WHERE NOT temporary")
    ]
    assert len(tables) > 25
    for table in tables:
        named = duckdb_store._database.rows(
            f"SELECT count(*) FROM {table} AS t WHERE to_json(t)::VARCHAR LIKE '%secret%'"
        )
        assert (table, named) == (table, [(0,)])
    assert [found.skill_name for found in duckdb_store.all_totals()] == ["review"]


@pytest.mark.slow
def test_all_events_of_a_use_that_began_before_the_moment_go(store: SkillsStorageProtocol) -> None:
    late_end = skill_event("a", "ended", 500, invoked_at=at(10), outcome="completed")
    store.fold(Batch((*EVENTS, late_end)))
    assert store.forget(ForgetRequest(before=at(25)), "", at(1000)) == 2
    assert store.invocation(invocation_id("a")) is None
    assert store.totals("review").invocation_count == 1
    assert store.totals("review").first_invoked_at == at(40)
    assert store.totals("secret-skill").invocation_count == 1
    assert list(store.catalogue()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "request_",
    [
        ForgetRequest(session_id="evening"),
        ForgetRequest(skill_name="secret-skill"),
        ForgetRequest(before=at(35)),
    ],
)
def test_what_was_forgotten_is_refused_when_it_comes_again(
    store: SkillsStorageProtocol, request_: ForgetRequest
) -> None:
    value = keyed_hash(request_.session_id or request_.skill_name or "") if request_.before is None else ""
    store.fold(Batch(tuple(EVENTS)))
    store.forget(request_, value, at(1000))
    expected = everything(store)
    result = store.fold(Batch(tuple(EVENTS)))
    assert result.new_events == 0
    assert result.forgotten_events > 0
    assert everything(store) == expected


@pytest.mark.slow
def test_refusing_survives_clearing_and_reopening(tmp_path: object) -> None:
    store = DuckDBStore(f"{tmp_path}/store.duckdb", keyed_hash)
    store.open()
    store.forget(ForgetRequest(session_id="morning"), keyed_hash("morning"), at(1000))
    store.clear()
    assert store.fold(Batch((recorded("a", 10),))).forgotten_events == 1
    store.close()
    store.open()
    assert store.fold(Batch((recorded("a", 10),))).forgotten_events == 1
    assert store.counts()["skill_event"] == 0
    store.close()


@pytest.mark.slow
def test_what_happens_after_the_request_is_recorded(store: SkillsStorageProtocol) -> None:
    store.fold(Batch(tuple(EVENTS)))
    store.forget(ForgetRequest(skill_name="secret-skill"), keyed_hash("secret-skill"), at(1000))
    result = store.fold(Batch((recorded("new", 1000, skill_name="secret-skill"),)))
    assert (result.new_invocations, result.forgotten_events) == (1, 0)
    assert store.totals("secret-skill").invocation_count == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scope", "name"), [("session", "evening"), ("skill", "secret-skill"), ("before", "")]
)
@pytest.mark.parametrize("order", ["request first", "request last", "one batch"])
def test_a_journaled_request_forgets_whatever_the_order(
    store: SkillsStorageProtocol, scope: str, name: str, order: str
) -> None:
    wish = forgotten(scope, keyed_hash(name) if name else "", before=35, seconds=60)
    parts = {
        "request first": [(wish,), EVENTS],
        "request last": [EVENTS, (wish,)],
        "one batch": [(*EVENTS, wish)],
    }
    for events in parts[order]:
        store.fold(Batch(tuple(events)))
    found = everything(store)
    store.clear()
    store.fold(Batch(tuple(EVENTS)))
    assert everything(store) == found
    assert store.invocation(invocation_id("c")) is None
    assert store.invocation(invocation_id("d")) is not None


@pytest.mark.slow
def test_a_request_that_a_fold_already_carried_out_still_says_how_much_went(
    store: SkillsStorageProtocol,
) -> None:
    store.fold(Batch(tuple(EVENTS)))
    moment = at(1000)
    store.fold(Batch((forgotten("session", keyed_hash("evening"), before=1000, seconds=1000),)))
    assert store.forget(ForgetRequest(session_id="evening"), keyed_hash("evening"), moment) == 2
    assert (
        store.forget(ForgetRequest(session_id="evening"), keyed_hash("evening"), moment + timedelta(1)) == 0
    )
