"""The live state of a real record: journals, database, folds, restarts."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_buddy.live.selections import Subscribed
from session_buddy.live.windows import DAY, HOUR
from session_buddy.models.answers import ActiveAnomaly
from session_buddy.models.events import AnomalyEvent, SessionEvent, SkillEvent
from session_buddy.models.ids import hashed_id
from session_buddy.models.values import ForgetRequest, Window
from session_buddy.services.live_record import LiveRecord
from session_buddy.storage.database import Database
from tests.page.recorded_day import anomaly_event
from tests.support.events import START, invocation_id
from tests.support.live import HandClock, LiveHome, begin, ended_now, keyed_hash, live_home
from tests.support.waiting import wait_for

NOON = START + timedelta(days=1)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
def home(tmp_path: Path, clock: HandClock) -> Iterator[LiveHome]:
    with live_home(tmp_path, clock) as opened:
        yield opened


def event(use: str, kind: str, hours_ago: float = 0.0, **fields: Any) -> SkillEvent:
    values: dict[str, Any] = {
        "id": hashed_id("test", use, kind, str(hours_ago), repr(sorted(fields.items(), key=str))),
        "occurred_at": NOON - timedelta(hours=hours_ago),
        "kind": kind,
        "invocation_id": invocation_id(use),
        "skill_name": "review",
        "session_id": "morning",
        "source": "hook",
        "authority": 10,
    }
    return SkillEvent(**values | fields)


def started(use: str, hours_ago: float = 0.0, **fields: Any) -> SkillEvent:
    return event(use, "started", hours_ago, invoked_at=NOON - timedelta(hours=hours_ago), **fields)


def ended(use: str, outcome: str, hours_ago: float = 0.0, **fields: Any) -> SkillEvent:
    return event(
        use, "ended", hours_ago, outcome=outcome, outcome_source="inferred", duration_seconds=9.0, **fields
    )


def top(live: LiveRecord, window: int = HOUR) -> dict[str, dict[str, Any]]:
    [update] = live.updates([Subscribed(window=window)], 100)
    return {row["skill_name"]: row for row in json.loads(update)["data"]["top_skills"]}


def counted(live: LiveRecord) -> dict[tuple[str, str, str], int]:
    return dict(live.snapshot().counted.invocations)


def restarted(home: LiveHome, clock: HandClock) -> LiveRecord:
    """What the next leader sees; it is stopped by the test's end of the process, as it has little to do."""
    live = LiveRecord(home.record, clock)
    begin(live)
    live.stop()
    return live


def test_an_acknowledged_use_shows_before_it_is_folded(home: LiveHome) -> None:
    home.acknowledge(started("a"))
    home.settled()
    assert top(home.live)["review"]["invocation_count"] == 1
    assert counted(home.live) == {}
    home.acknowledge(ended("a", "failed"))
    home.settled()
    assert top(home.live)["review"]["completion_rate"] == 0.0
    assert counted(home.live) == {("review", "unknown", "failed"): 1}


def test_a_repeated_event_changes_nothing(home: LiveHome) -> None:
    for _ in range(2):
        home.acknowledge(started("a"), ended("a", "completed"))
        home.settled()
        home.record.fold()
    assert top(home.live)["review"]["invocation_count"] == 1
    assert counted(home.live) == {("review", "unknown", "completed"): 1}


def test_a_later_report_overrules_the_figures_and_not_the_counters(home: LiveHome) -> None:
    home.acknowledge(started("a"), ended("a", "completed"))
    report = event("a", "reported", outcome="failed", outcome_source="reported", authority=30, source="mcp")
    home.acknowledge(report)
    home.settled()
    assert top(home.live)["review"]["completed_count"] == 0
    assert sum(counted(home.live).values()) == 1


def test_a_superseded_use_goes_from_the_windows(home: LiveHome) -> None:
    home.acknowledge(started("a"))
    home.settled()
    home.acknowledge(event("a", "superseded"))
    home.settled()
    assert top(home.live) == {}


@pytest.mark.slow
def test_the_next_leader_begins_with_the_last_day_and_counters_of_its_own(
    home: LiveHome, clock: HandClock
) -> None:
    home.acknowledge(started("a"), ended("a", "completed"), started("b", 23), started("c", 25))
    home.record.fold()
    live = restarted(home, clock)
    assert top(live, DAY) == top(home.live, DAY)
    assert top(live, DAY)["review"]["invocation_count"] == 2
    assert counted(live) == {}
    assert live.snapshot().skills_tracked == 1


@pytest.mark.slow
def test_an_event_of_a_use_that_an_earlier_leader_recorded_is_merged_with_what_it_knew(
    tmp_path: Path, clock: HandClock
) -> None:
    with live_home(tmp_path, clock, start=False) as home:
        home.acknowledge(started("a", 2, workflow_phase="setup"), started("old", 30))
        home.record.fold()
        begin(home.live)
        home.acknowledge(ended("a", "completed"), ended("old", "completed"))
        home.settled()
        assert top(home.live, DAY)["review"] == {
            "skill_name": "review",
            "invocation_count": 1,
            "completed_count": 1,
            "decided_count": 1,
            "completion_rate": 1.0,
            "avg_duration": 9.0,
            "p95_duration": 9.0,
            "last_invocation_at": "2026-03-03T07:00:00Z",
        }
        assert counted(home.live) == {
            ("review", "setup", "completed"): 1,
            ("review", "unknown", "completed"): 1,
        }


@pytest.mark.slow
def test_a_transcript_that_is_read_again_after_a_restart_counts_nothing(
    tmp_path: Path, clock: HandClock
) -> None:
    with live_home(tmp_path, clock, start=False) as home:
        home.acknowledge(started("a", 0.5), ended("a", "completed", 0.4))
        home.record.fold()
        begin(home.live)
        home.acknowledge(started("a", 0.5), ended("a", "completed", 0.4))
        home.settled()
        assert top(home.live)["review"]["invocation_count"] == 1
        assert counted(home.live) == {}


@pytest.mark.slow
def test_what_happens_before_the_first_load_is_counted_once(tmp_path: Path, clock: HandClock) -> None:
    with live_home(tmp_path, clock, start=False) as home:
        home.acknowledge(started("pending"))
        home.live.follow()
        home.acknowledge(ended("pending", "completed"), started("a"), ended("a", "failed"))
        home.record.fold()
        home.live.start()
        home.settled()
        assert top(home.live)["review"]["invocation_count"] == 2
        assert counted(home.live) == {
            ("review", "unknown", "completed"): 1,
            ("review", "unknown", "failed"): 1,
        }


def test_imports_move_the_windows_and_only_the_counter_of_imports(home: LiveHome) -> None:
    home.acknowledge(
        started("now"),
        ended("now", "completed"),
        event("export", "recorded", 0.1, invoked_at=NOON, outcome="completed", source="import"),
        event("history", "recorded", 5, invoked_at=NOON - timedelta(hours=5), outcome="failed"),
        event("old", "recorded", 900, invoked_at=NOON - timedelta(hours=900), outcome="failed"),
    )
    home.settled()
    home.record.fold()
    assert top(home.live, DAY)["review"]["invocation_count"] == 3
    assert counted(home.live) == {("review", "unknown", "completed"): 1}
    assert home.live.measures().imported_invocations == 3


@pytest.mark.slow
def test_what_is_forgotten_goes_from_the_live_state(home: LiveHome, clock: HandClock) -> None:
    home.acknowledge(started("a"), started("b", skill_name="secret"))
    home.settled()
    home.record.fold()
    clock.pass_seconds(1)
    home.store.forget(ForgetRequest(skill_name="secret"), keyed_hash("secret"), clock())
    home.record.restart()
    home.settled()
    assert list(top(home.live)) == ["review"]
    assert "secret" not in str(home.live.snapshot())


def test_a_session_is_active_until_it_ends(home: LiveHome) -> None:
    home.acknowledge(started("a", 0.1))
    home.settled()
    assert home.live.snapshot().active_sessions == 1
    end = SessionEvent(id=hashed_id("end"), occurred_at=NOON, kind="session_ended", session_id="morning")
    home.acknowledge(end)
    home.settled()
    assert home.live.snapshot().active_sessions == 0


def test_the_pending_events_and_their_age_are_told(home: LiveHome, clock: HandClock) -> None:
    home.acknowledge(started("a"))
    clock.pass_seconds(3)
    measures = home.live.measures()
    assert (measures.pending_events, measures.pending_since) == (1, NOON)
    home.record.fold()
    measures = home.live.measures()
    assert (measures.pending_events, measures.pending_since) == (0, None)
    assert sum(measures.fold_seconds.counts) == 1


@pytest.mark.slow
def test_updates_metrics_and_snapshots_run_no_sql(home: LiveHome, monkeypatch: pytest.MonkeyPatch) -> None:
    home.acknowledge(*(ended_now(f"skill {number}", now=NOON) for number in range(1000)))
    home.settled()
    asked: list[str] = []
    for name in ("rows", "records", "transaction", "snapshot"):
        monkeypatch.setattr(Database, name, lambda *_, **__: asked.append("SQL"))
    for _ in range(10):
        assert len(top(home.live)) == 100
        home.live.metrics(None)
        home.live.metrics("skill 1")
        home.live.snapshot()
    assert asked == []


@st.composite
def any_event(draw: st.DrawFn) -> SkillEvent:
    outcome = draw(st.none() | st.sampled_from(["completed", "failed", "abandoned"]))
    use = draw(st.sampled_from("abcd"))
    minutes = {"a": 1, "b": 61, "c": 1439, "d": 1441}[use]
    began = NOON - timedelta(minutes=minutes)
    return SkillEvent(
        id=hashed_id("test", str(draw(st.integers(0, 40)))),
        occurred_at=began + timedelta(minutes=draw(st.integers(0, minutes))),
        kind=draw(st.sampled_from(["started", "ended", "recorded", "reported", "superseded"])),
        invocation_id=invocation_id(use),
        skill_name=draw(st.sampled_from(["review", "test"])),
        session_id=draw(st.sampled_from(["morning", "evening"])),
        source="hook",
        authority=draw(st.sampled_from([10, 20, 30])),
        invoked_at=draw(st.none() | st.just(began)),
        duration_seconds=draw(st.none() | st.integers(0, 100)),
        outcome=outcome,
        outcome_source="inferred" if outcome else None,
    )


scripts = st.lists(any_event() | st.sampled_from(["fold", "new leader"]), max_size=14)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=scripts)
@pytest.mark.slow
def test_whenever_folds_and_leaders_come_the_live_state_equals_sql(
    tmp_path_factory: pytest.TempPathFactory, script: list[Any]
) -> None:
    clock = HandClock(NOON)
    with live_home(tmp_path_factory.mktemp("home"), clock) as home:
        known = set()
        for step in script:
            if isinstance(step, SkillEvent):
                if step.id not in known:
                    known.add(step.id)
                    home.acknowledge(step)
            elif step == "fold":
                home.settled()
                home.record.fold()
            else:
                home.settled()
                home.record.fold()
                home.live.stop()
                home.live = LiveRecord(home.record, clock)
                begin(home.live)
        home.settled()
        home.record.catch_up()
        for window, hours in ((HOUR, 1), (DAY, 24)):
            expected = home.store.top_skills(Window(NOON - timedelta(hours=hours), None), 100)
            shown = top(home.live, window)
            assert list(shown) == [row.skill_name for row in expected]
            for row in expected:
                found = shown[row.skill_name]
                assert found["last_invocation_at"] == _text(row.last_invocation_at)
                assert (found["invocation_count"], found["completed_count"]) == (
                    row.invocation_count,
                    row.completed_count,
                )
                assert found["p95_duration"] == (
                    None if row.p95_duration is None else pytest.approx(row.p95_duration)
                )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.slow
def test_a_clock_that_is_set_back_moves_the_windows_back_with_it(home: LiveHome, clock: HandClock) -> None:
    home.acknowledge(started("before"), ended("before", "completed"))
    home.settled()
    assert top(home.live)["review"]["invocation_count"] == 1
    clock.pass_seconds(-3 * 3600)
    top(home.live)  # the next update sees it
    home.acknowledge(started("after", 3, skill_name="deploy"))
    wait_for(lambda: "deploy" in top(home.live), "what happens now is in the last hour")
    home.settled()
    assert home.live.snapshot().active_sessions == 1
    [update] = home.live.updates([Subscribed(window=DAY)], 100)
    assert json.loads(update)["timestamp"] == _text(clock.time)
    assert {row["skill_name"] for row in json.loads(update)["data"]["top_skills"]} == {"review", "deploy"}


def shown(home: LiveHome) -> list[list[Any]]:
    """The anomalies that the feed's update, its answers and `/metrics` show."""
    [update] = home.live.updates([Subscribed()], 10)
    snapshot, answer = home.live.snapshot().active_anomalies, home.live.metrics(None).anomalies
    return [json.loads(update)["data"]["anomalies"], list(snapshot), list(answer)]


def resolved(raised: AnomalyEvent) -> AnomalyEvent:
    return raised.model_copy(update={"id": hashed_id(str(raised.id)), "kind": "anomaly_resolved"})


def test_an_anomaly_shows_and_goes_with_its_acknowledgement_whatever_is_merged_meanwhile(
    home: LiveHome,
) -> None:
    raised, merging, go_on = anomaly_event(occurred_at=NOON), threading.Event(), threading.Event()

    def hold_up(_uses: object) -> None:
        merging.set()
        assert go_on.wait(20)

    home.live.on_change(hold_up)
    try:
        home.acknowledge(started("a"))
        assert merging.wait(20)
        home.acknowledge(raised)
        assert [len(found) for found in shown(home)] == [1, 1, 1]
        home.acknowledge(resolved(raised))
        assert shown(home) == [[], [], []]
    finally:
        go_on.set()
    home.settled()
    assert home.live.snapshot().counted.anomalies == {("db-migrate", "performance_drop"): 1}


def test_what_is_raised_and_resolved_while_the_database_is_read_goes_on_top_of_it(
    tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, new = anomaly_event(occurred_at=NOON), anomaly_event("deploy", occurred_at=NOON)
    with live_home(tmp_path, clock, start=False) as home:
        home.acknowledge(over)
        home.record.fold()
        read = home.store.active_anomalies

        def read_slowly() -> list[ActiveAnomaly]:
            found = list(read())
            home.acknowledge(resolved(over), new)
            assert shown(home) == [[], [], []]
            return found

        monkeypatch.setattr(home.store, "active_anomalies", read_slowly)
        begin(home.live)
        assert [found.skill_name for found in home.live.snapshot().active_anomalies] == ["deploy"]


def test_two_drops_of_one_use_end_one_by_one(home: LiveHome) -> None:
    failures = anomaly_event(occurred_at=NOON)
    slowness = failures.model_copy(
        update={"id": hashed_id("slow"), "anomaly_id": hashed_id("slow one")}
        | {"measure": "duration", "baseline_value": 60.0, "observed_value": 190.0}
    )
    home.acknowledge(failures, slowness)
    assert [len(found) for found in shown(home)] == [2, 2, 2]
    home.acknowledge(resolved(failures))
    assert [found.baseline_value for found in home.live.snapshot().active_anomalies] == [60.0]
