"""What every store answers, whichever it is."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from session_buddy.live.sketch import bucket_of
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import Batch, Dimensions, SkillTotals, Window
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.storage.conftest import keyed_hash
from tests.support.events import at, installed, invocation_id, recorded, session_event, skill_event


def fold(store: SkillsStorageProtocol, *events: object, **offsets: int) -> object:
    return store.fold(Batch(tuple(events), offsets))


def test_an_empty_store_answers_with_nothing(store: SkillsStorageProtocol) -> None:
    assert store.totals("review") is None
    assert list(store.all_totals()) == []
    assert list(store.window_totals(Window())) == []
    assert list(store.window_totals(Window(), "review")) == []
    assert list(store.top_skills(Window(), 10)) == []
    assert list(store.active_anomalies()) == []
    assert store.active_sessions(at(0)) == 0
    assert store.invocation(uuid4()) is None
    assert store.known_event(uuid4()) is None
    assert list(store.session_invocations("nobody")) == []
    assert store.session_summary("nobody") is None
    assert store.first_activity("nobody") is None
    assert list(store.sessions(5)) == []
    assert store.latest_invocation("review", None) is None
    assert store.neighbours("review", 5) == ([], [])
    assert list(store.catalogue()) == []
    assert list(store.invocations(Window())) == []
    assert dict(store.journal_offsets()) == {}
    assert set(store.counts().values()) == {0}


def test_an_observed_use_is_open_until_it_ends(store: SkillsStorageProtocol) -> None:
    first = fold(store, skill_event(kind="started", invoked_at=at(0)))
    second = fold(
        store,
        skill_event(
            kind="ended",
            seconds=30,
            ended_at=at(30),
            duration_seconds=28.5,
            outcome="failed",
            outcome_source="inferred",
            error_type="Exit code 1",
        ),
    )
    assert (first.new_events, first.new_invocations, first.touched_skills) == (1, 1, {"review"})
    assert (second.new_events, second.new_invocations, second.touched_skills) == (1, 0, {"review"})
    found = store.invocation(invocation_id("use"))
    assert found is not None
    assert (found.outcome, found.completed, found.duration_seconds) == ("failed", False, 28.5)
    assert (found.invoked_at, found.ended_at, found.error_type) == (at(0), at(30), "Exit code 1")


def test_a_repeated_event_changes_nothing(store: SkillsStorageProtocol) -> None:
    event = recorded("a")
    fold(store, event)
    again = fold(store, event, event)
    assert (again.new_events, again.new_invocations) == (0, 0)
    assert store.totals("review").invocation_count == 1
    assert store.counts()["skill_event"] == 1


def test_an_event_twice_in_one_batch_counts_once(store: SkillsStorageProtocol) -> None:
    event = recorded("a")
    result = fold(store, event, event)
    assert (result.new_events, result.new_invocations) == (1, 1)
    assert store.totals("review").invocation_count == 1


def test_an_id_that_comes_back_with_another_use_adds_nothing(store: SkillsStorageProtocol) -> None:
    event = recorded("a")
    fold(store, event)
    result = fold(store, recorded("b").model_copy(update={"id": event.id}))
    assert (result.new_events, result.new_invocations) == (0, 0)
    assert store.invocation(invocation_id("b")) is None


def test_a_report_overrules_what_was_inferred(store: SkillsStorageProtocol) -> None:
    fold(store, recorded("a", outcome="failed", error_type="Exit code 1"))
    fold(store, skill_event("a", "reported", 90, outcome="completed", outcome_source="reported"))
    totals = store.totals("review")
    assert (totals.completed_count, totals.failed_count) == (1, 0)
    assert (totals.reported_count, totals.inferred_count) == (1, 0)
    assert totals.errors == {}
    assert store.invocation(invocation_id("a")).duration_seconds == 60.0


def test_the_latest_rating_counts_with_its_note(store: SkillsStorageProtocol) -> None:
    fold(store, recorded("a"), skill_event("a", "rated", 100, rating=2, note="slow"))
    fold(store, skill_event("a", "rated", 200, rating=5))
    found = store.invocation(invocation_id("a"))
    assert (found.rating, found.note) == (5, None)
    assert (store.totals("review").rating_count, store.totals("review").rating_sum) == (1, 5)


def test_a_use_that_moves_to_another_skill_leaves_the_first_with_its_own_times(
    store: SkillsStorageProtocol,
) -> None:
    fold(store, skill_event("a", "reported", 5), recorded("b", 50))
    fold(store, recorded("a", 10, skill_name="deploy", session_id="evening"))
    assert store.totals("review").invocation_count == 1
    assert store.totals("review").first_invoked_at == at(50)
    assert store.totals("deploy").first_invoked_at == at(10)
    assert store.session_summary("morning").invocation_count == 1
    assert store.session_summary("evening").invocation_count == 1


def test_a_superseded_report_is_no_use_whatever_comes_later(store: SkillsStorageProtocol) -> None:
    fold(store, skill_event("alone", "reported", 5, outcome="completed"), recorded("b", 50))
    fold(store, skill_event("alone", "superseded", 60))
    fold(store, skill_event("alone", "rated", 70, rating=1))
    assert store.invocation(invocation_id("alone")) is None
    assert store.totals("review").invocation_count == 1
    assert store.totals("review").first_invoked_at == at(50)
    assert store.totals("review").rating_count == 0
    assert store.session_summary("morning").invocation_count == 1


def test_totals_of_all_time_hold_every_distribution(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        recorded("a", 0, duration_seconds=0.0, workflow_phase="setup"),
        recorded("b", 10, duration_seconds=10.0, workflow_phase="setup", outcome="failed", error_type="E"),
        recorded("c", 20, duration_seconds=10.0, outcome="abandoned"),
        recorded("d", 30, duration_seconds=None, outcome=None, outcome_source=None),
    )
    assert store.totals("review") == SkillTotals(
        skill_name="review",
        invocation_count=4,
        completed_count=1,
        failed_count=1,
        abandoned_count=1,
        inferred_count=3,
        duration_count=3,
        duration_sum=20.0,
        first_invoked_at=at(0),
        last_invoked_at=at(30),
        duration_buckets={bucket_of(0.0): 1, bucket_of(10.0): 2},
        errors={"E": 1},
        phases={"setup": 2, "unknown": 2},
    )


@pytest.mark.slow
def test_a_window_is_half_open_and_exact(store: SkillsStorageProtocol) -> None:
    fold(store, *(recorded(f"u{number}", number, duration_seconds=float(number)) for number in range(10)))
    window = Window(at(2), at(7))
    (found,) = store.window_totals(window, "review")
    assert (found.invocation_count, found.duration_sum) == (5, 20.0)
    assert (found.p50_seconds, found.p95_seconds) == (4.0, pytest.approx(5.8))
    assert (found.first_invoked_at, found.last_invoked_at) == (at(2), at(6))
    assert found.phases == {"unknown": 5}
    assert list(store.window_totals(window)) == [found]
    assert store.window_totals(Window(until=at(2)), "review")[0].invocation_count == 2
    assert store.window_totals(Window(since=at(9)), "review")[0].invocation_count == 1
    assert list(store.window_totals(Window(since=at(10)), "review")) == []


def test_skills_are_ranked_by_use_then_name(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        recorded("1", 1, skill_name="b"),
        recorded("2", 2, skill_name="a"),
        recorded("3", 3, skill_name="c"),
        recorded("4", 4, skill_name="c", outcome="failed"),
    )
    assert [found.skill_name for found in store.all_totals()] == ["c", "a", "b"]
    assert [found.skill_name for found in store.window_totals(Window())] == ["c", "a", "b"]
    top = store.top_skills(Window(since=at(0)), 2)
    assert [found.skill_name for found in top] == ["c", "a"]
    assert (top[0].invocation_count, top[0].completed_count, top[0].completion_rate) == (2, 1, 0.5)
    assert (top[0].avg_duration, top[0].p95_duration, top[0].last_invocation_at) == (60.0, 60.0, at(4))


@pytest.mark.slow
def test_the_latest_uses_and_sessions_of_one_project_agent_or_user(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        recorded("1", 1, skill_name="a", project="/shop", agent="codex", session_id="s1"),
        recorded("2", 2, skill_name="b", project="/docs", user_id="u", session_id="s2"),
    )
    for only, names in (
        (Dimensions(), ["a", "b"]),
        (Dimensions(project="/shop"), ["a"]),
        (Dimensions(agent="codex"), ["a"]),
        (Dimensions(user_id="u"), ["b"]),
        (Dimensions(project="/shop", user_id="u"), []),
    ):
        assert [found.skill_name for found in store.top_skills(Window(), 5, only)] == names
        assert store.active_sessions(at(0), only) == len(names)
    assert set(store.skills_of_agent("codex")) == {"a"}


@pytest.mark.slow
def test_a_session_is_summed_up_and_listed_newest_first(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        session_event("session_started", "morning", 0, project="/work", agent="codex"),
        recorded("a", 10, agent="codex"),
        recorded("b", 20, outcome="failed", agent="codex"),
        session_event("session_ended", "morning", 100, reason="exit", agent="codex"),
        recorded("c", 500, session_id="evening"),
    )
    summary = store.session_summary("morning")
    assert (summary.agent, summary.project) == ("codex", "/work")
    assert (summary.started_at, summary.last_activity_at, summary.ended_at) == (at(0), at(100), at(100))
    assert (summary.invocation_count, summary.completed_count, summary.failed_count) == (2, 1, 1)
    assert (store.first_activity("morning"), store.first_activity("evening")) == (at(0), at(500))
    assert [found.session_id for found in store.sessions(5)] == ["evening", "morning"]
    assert [found.session_id for found in store.sessions(1)] == ["evening"]
    assert store.sessions(5)[1] == summary
    assert [found.invocation_id for found in store.session_invocations("morning")] == [
        invocation_id("a"),
        invocation_id("b"),
    ]


@pytest.mark.slow
def test_a_resumed_session_is_active_again_and_a_late_rating_resumes_nothing(
    store: SkillsStorageProtocol,
) -> None:
    fold(store, session_event("session_started", "morning", 0), recorded("a", 10))
    assert store.active_sessions(at(5)) == 1
    assert store.active_sessions(at(11)) == 0
    fold(store, session_event("session_ended", "morning", 100))
    assert store.active_sessions(at(5)) == 0
    fold(store, skill_event("a", "rated", 200, rating=5))
    assert store.active_sessions(at(5)) == 0
    assert store.session_summary("morning").ended_at == at(100)
    fold(store, session_event("session_started", "morning", 300))
    assert store.active_sessions(at(5)) == 1
    assert store.session_summary("morning").ended_at is None


@pytest.mark.slow
def test_the_latest_use_is_found_in_a_session_or_anywhere(store: SkillsStorageProtocol) -> None:
    fold(store, recorded("a", 10), recorded("b", 30, session_id="evening"), recorded("c", 20))
    assert store.latest_invocation("review", None).invocation_id == invocation_id("b")
    assert store.latest_invocation("review", "morning").invocation_id == invocation_id("c")
    assert store.latest_invocation("review", "night") is None


@pytest.mark.slow
def test_neighbours_are_counted_within_sessions(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        recorded("1", 1, skill_name="plan"),
        recorded("2", 2),
        recorded("3", 3, skill_name="test"),
        recorded("4", 4),
        recorded("5", 5, skill_name="test"),
        recorded("6", 6, session_id="evening"),
        recorded("7", 7, session_id="evening", skill_name="ship"),
    )
    assert store.neighbours("review", 5) == ([("plan", 1), ("test", 1)], [("test", 2), ("ship", 1)])
    assert store.neighbours("review", 1) == ([("plan", 1)], [("test", 2)])


def test_the_catalogue_keeps_the_newest_word_and_all_scopes(store: SkillsStorageProtocol) -> None:
    fold(
        store, installed("ship", 50, description="new"), installed("ship", 10, scope="project", project="/w")
    )
    fold(store, installed("ship", 20, description="old"), installed("plan", 20))
    assert [(entry.skill_name, entry.description, entry.scopes) for entry in store.catalogue()] == [
        ("plan", "does plan", ("user",)),
        ("ship", "new", ("project", "user")),
    ]
    assert store.totals("ship") is None
    assert list(store.all_totals()) == []


def test_a_removed_skill_leaves_the_catalogue_until_it_is_installed_again(
    store: SkillsStorageProtocol,
) -> None:
    removed = installed("ship", 50).model_copy(update={"kind": "skill_removed", "id": uuid4()})
    fold(store, removed, installed("ship", 20), installed("ship", 30, scope="plugin"))
    assert [entry.scopes for entry in store.catalogue()] == [("plugin",)]
    kinds = [(event.scope, event.kind, event.occurred_at) for event in store.catalogue_events()]
    assert kinds == [("plugin", "skill_installed", at(30)), ("user", "skill_removed", at(50))]
    assert removed in store.catalogue_events()
    fold(store, installed("ship", 60))
    assert [entry.scopes for entry in store.catalogue()] == [("plugin", "user")]


@pytest.mark.slow
def test_sessions_that_are_not_known_to_be_over_are_found_latest_first(
    store: SkillsStorageProtocol,
) -> None:
    fold(
        store,
        skill_event("open", "started", 10),
        session_event("session_ended", "morning", 11),
        recorded("done", 20, session_id="evening"),
        session_event("session_ended", "evening", 90),
        recorded("running", 30, session_id="night"),
        skill_event("old", "started", 1, session_id="yesterday"),
    )
    assert list(store.unfinished_sessions(at(5))) == ["night", "morning"]
    assert list(store.unfinished_sessions(at(1000))) == []


def test_the_events_of_uses_come_back_as_they_were(store: SkillsStorageProtocol) -> None:
    events = [
        recorded("a", 10),
        skill_event("a", "rated", 20, rating=4),
        recorded("b", 30),
        recorded("c", 40),
    ]
    fold(store, *events)
    found = store.events_of([invocation_id("a"), invocation_id("b")])
    assert sorted(found, key=lambda event: event.occurred_at) == events[:3]
    assert list(store.events_of([])) == []
    assert dict(store.invocation_counts()) == {"review": 3}


def test_every_use_of_a_window_is_exported_in_order_and_in_batches(store: SkillsStorageProtocol) -> None:
    fold(store, *(recorded(f"u{number}", 100 - number) for number in range(25)))
    batches = list(store.invocations(Window(since=at(80)), batch_size=8))
    assert [len(batch) for batch in batches] == [8, 8, 5]
    moments = [found.invoked_at for batch in batches for found in batch]
    assert moments == [at(second) for second in range(80, 101)]


def test_offsets_are_kept_with_the_events_and_dropped_with_the_journal(store: SkillsStorageProtocol) -> None:
    fold(store, recorded("a"), one=10, two=5)
    fold(store, one=20)
    assert dict(store.journal_offsets()) == {"one": 20, "two": 5}
    store.drop_journal("one")
    assert dict(store.journal_offsets()) == {"two": 5}


def test_an_event_leads_to_its_use(store: SkillsStorageProtocol) -> None:
    event = recorded("a")
    fold(store, event)
    assert store.known_event(event.id) == invocation_id("a")


def test_every_text_comes_back_as_it_was(store: SkillsStorageProtocol) -> None:
    name = "plugin:r\u00e9view \U0001f600 'quoted' \"double\" \\ $x {y} \u2028 %"
    event = recorded("a", skill_name=name, note="line\nbreak\tand \x00 nul", session_id=name)
    fold(store, event)
    found = store.invocation(invocation_id("a"))
    assert (found.skill_name, found.session_id, found.note) == (name, name, event.note)
    assert store.totals(name).invocation_count == 1


def test_extreme_numbers_are_counted(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        recorded("a", duration_seconds=1e308),
        recorded("b", duration_seconds=5e-324),
        recorded("c", invoked_at=at(0) - timedelta(days=365 * 2000)),
        recorded("d", invoked_at=at(0) + timedelta(days=365 * 7000), tool_call_count=2**31 - 1),
    )
    assert store.totals("review").invocation_count == 4
    assert store.invocation(invocation_id("a")).duration_seconds == 1e308
    assert store.window_totals(Window(), "review")[0].invocation_count == 4


@pytest.mark.slow
def test_clearing_empties_every_table_and_a_rebuild_ends_the_same(store: SkillsStorageProtocol) -> None:
    events = [
        *(recorded(f"u{number}", number) for number in range(20)),
        installed("ship"),
        session_event("session_started", "morning", 0),
    ]
    fold(store, *events, one=10)
    before = (store.all_totals(), store.sessions(9), store.catalogue(), store.counts())
    store.clear()
    assert set(store.counts().values()) == {0}
    assert dict(store.journal_offsets()) == {}
    assert list(store.catalogue()) == []
    fold(store, *events)
    assert (store.all_totals(), store.sessions(9), store.catalogue(), store.counts()) == before


@pytest.mark.slow
def test_readers_in_other_threads_see_whole_folds_only(store: SkillsStorageProtocol) -> None:
    done = threading.Event()
    seen: list[tuple[int, int]] = []

    def read() -> None:
        while not done.is_set():
            totals = store.totals("review")
            if totals is not None:
                seen.append((totals.invocation_count, sum(totals.phases.values())))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(8):
        fold(store, recorded(f"x{number}", number), recorded(f"y{number}", number))
    done.set()
    for reader in readers:
        reader.join()
    assert all(count == phases and count % 2 == 0 for count, phases in seen)
    assert store.totals("review").invocation_count == 16


@pytest.mark.slow
def test_what_was_stored_is_there_after_reopening(tmp_path: Path) -> None:
    for _ in range(2):
        store = DuckDBStore(str(tmp_path / "store.duckdb"), keyed_hash)
        store.open()
        fold(store, recorded("a"), one=10)
        assert store.totals("review").invocation_count == 1
        assert dict(store.journal_offsets()) == {"one": 10}
        store.close()
        store.close()


def test_connections_at_work_are_counted_and_bounded(store: SkillsStorageProtocol) -> None:
    fold(store, *(recorded(f"u{number}", number) for number in range(3)))
    at_rest = store.connections()
    assert at_rest.in_use == 0
    assert at_rest.limit > 1
    reading = store.invocations(Window(), batch_size=1)
    next(iter(reading))
    assert store.connections() == (1, at_rest.limit)
    assert len(list(reading)) == 2
    assert store.connections() == at_rest


@pytest.mark.slow
def test_readers_in_many_threads_stay_within_the_connections_that_there_may_be(
    store: SkillsStorageProtocol,
) -> None:
    fold(store, recorded("u", 0))
    seen: list[int] = []

    def read(_number: int) -> int:
        count = store.counts()["skill_event"]
        seen.append(store.connections().in_use)
        return count

    with ThreadPoolExecutor(64) as threads:
        assert set(threads.map(read, range(300))) == {1}
    assert max(seen) <= store.connections().limit
    assert store.connections().in_use == 0
