"""The roll-ups of what is learned say what a recount of the invocations says, whenever they are moved."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_buddy.live.sketch import bucket_of, estimate_of
from session_buddy.models.answers import Invocation
from session_buddy.models.events import AnomalyEvent, CategorisedEvent, SkillEvent
from session_buddy.models.findings import HoursAsked, KeptCluster, Placed
from session_buddy.models.ids import hashed_id
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.values import Batch, ForgetRequest, Window
from session_buddy.storage import duckdb_store, postgres_store
from tests.storage.conftest import keyed_hash
from tests.support.events import at, forgotten, installed, invocation_id, recorded, skill_event

SKILLS = ("lint", "test", "deploy", "review")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def fold(store: SkillsStorageProtocol, *events: Any) -> None:
    store.fold(Batch(tuple(events)))


def random_events(random: Random, count: int) -> list[SkillEvent]:
    """Uses that begin, end, move to another session, are reported on, rated, and turn out to be none."""
    events: list[SkillEvent] = []
    for number in range(count):
        use, moment = f"use-{number}", random.uniform(0, 20_000)
        where: dict[str, Any] = {
            "skill_name": random.choice(SKILLS),
            "session_id": f"session-{random.randrange(6)}",
            "user_id": random.choice([None, "ada", "bob"]),
        }
        events.append(skill_event(use, "started", moment, invoked_at=at(moment), **where))
        if random.random() < 0.8:
            outcome = random.choice(["completed", "failed", "abandoned"])
            took = random.uniform(0, 900)
            ended = {"invoked_at": at(moment), "duration_seconds": took, "outcome": outcome}
            events.append(skill_event(use, "ended", moment + took, **where | ended))
        if random.random() < 0.2:
            events.append(skill_event(use, "rated", moment + 1000, rating=random.randint(1, 5), **where))
        if random.random() < 0.1:
            events.append(recorded(use, moment + 5, **where | {"session_id": "session-late"}))
        if random.random() < 0.05:
            events.append(skill_event(use, "superseded", moment + 2000, **where))
    return events


def all_uses(store: SkillsStorageProtocol) -> list[Invocation]:
    return [use for batch in store.invocations(Window()) for use in batch]


def as_recounted(store: SkillsStorageProtocol) -> bool:
    uses = all_uses(store)
    check_hours(store, uses)
    check_users(store, uses)
    check_pairs(store, uses)
    return True


def check_hours(store: SkillsStorageProtocol, uses: Iterable[Invocation]) -> None:
    hours: dict[tuple[str, datetime], list[Invocation]] = defaultdict(list)
    for use in uses:
        hours[use.skill_name, use.invoked_at.replace(minute=0, second=0, microsecond=0)].append(use)
    store.findings.learn()
    rows = store._database.rows(
        "SELECT skill_name, bucket_start, invocation_count, completed_count, failed_count, abandoned_count, "
        "duration_count, duration_sum, log_duration_sum FROM skill_time_series WHERE invocation_count <> 0"
    )
    found = {(row[0], row[1].replace(tzinfo=UTC)): row[2:] for row in rows}
    assert found.keys() == hours.keys()
    for key, known in hours.items():
        outcomes = Counter(use.outcome for use in known)
        seconds = [use.duration_seconds for use in known if use.duration_seconds is not None]
        counts = [outcomes[name] for name in ("completed", "failed", "abandoned")]
        assert list(found[key][:5]) == [len(known), *counts, len(seconds)]
        assert found[key][5] == pytest.approx(sum(seconds), abs=1e-6)
        assert found[key][6] == pytest.approx(sum(map(math.log1p, seconds)), abs=1e-6)


def check_users(store: SkillsStorageProtocol, uses: Iterable[Invocation]) -> None:
    expected: dict[tuple[str, str], list[Invocation]] = defaultdict(list)
    for use in uses:
        expected[use.user_id or "", use.skill_name].append(use)
    rows = store._database.rows("SELECT * FROM skill_user_interactions WHERE invocation_count <> 0")
    assert {row[:2]: row[2:] for row in rows} == {
        key: (
            len(known),
            sum(use.outcome is not None for use in known),
            sum(use.outcome == "completed" for use in known),
            sum(use.rating is not None for use in known),
            sum(use.rating or 0 for use in known),
            max(use.invoked_at for use in known).replace(tzinfo=None),
        )
        for key, known in expected.items()
    }


def check_pairs(store: SkillsStorageProtocol, uses: Sequence[Invocation]) -> None:
    sessions: dict[str, list[Invocation]] = defaultdict(list)
    for use in sorted(uses, key=lambda use: (use.invoked_at, use.invocation_id.bytes)):
        sessions[use.session_id].append(use)
    steps = Counter(
        (one.skill_name, other.skill_name) for path in sessions.values() for one, other in pairwise(path)
    )
    members = {name: {use.skill_name for use in path} for name, path in sessions.items()}
    assert store.findings.count_sessions() == len(members)
    for skill in SKILLS:
        found = {partner.skill_name: partner for partner in store.findings.partners(skill)}
        met = Counter(other for used in members.values() if skill in used for other in used - {skill})
        assert {name: partner.both_count for name, partner in found.items()} == met
        for name, partner in found.items():
            assert partner.own_count == sum(skill in used for used in members.values())
            assert partner.other_count == sum(name in used for used in members.values())
            assert (partner.before_count, partner.after_count) == (steps[name, skill], steps[skill, name])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_roll_ups_equal_a_recount_whatever_the_batches(store: SkillsStorageProtocol, seed: int) -> None:
    random = Random(seed)
    events = random_events(random, 60)
    random.shuffle(events)
    while events:
        size = random.choice([1, 3, 4, 5, 30])
        fold(store, *events[:size])
        del events[:size]
        if random.random() < 0.3:
            store.findings.learn()
    assert as_recounted(store)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_roll_ups_equal_a_recount_where_few_changes_are_learned_at_once(
    store: SkillsStorageProtocol, seed: int
) -> None:
    random = Random(seed)
    events = random_events(random, 40)
    random.shuffle(events)
    while events:
        for _ in range(random.choice([1, 1, 1, 2, 4])):
            fold(store, *events[-1:])
            del events[-1:]
        store.findings.learn()
    assert as_recounted(store)


def test_an_outcome_that_comes_later_moves_the_hour_alone(store: SkillsStorageProtocol) -> None:
    fold(store, skill_event("u1", "started", 0, invoked_at=at(0)), recorded("u2", 5, skill_name="test"))
    store.findings.learn()
    fold(store, recorded("u1", 9, invoked_at=at(0), outcome="failed"))
    assert as_recounted(store)


def test_a_use_that_is_another_users_after_all_leaves_no_time_behind(store: SkillsStorageProtocol) -> None:
    fold(store, recorded("u1", 9000, user_id="ada"))
    store.findings.learn()
    fold(store, skill_event("u1", "superseded", 9100))
    store.findings.learn()
    fold(store, recorded("u2", 60, user_id="ada"))
    assert as_recounted(store)


MOVES = st.tuples(
    st.integers(0, 2),
    st.sampled_from(["ada", "bob"]),
    st.sampled_from(["lint", "lint", "test"]),
    st.integers(0, 2),
    st.sampled_from(["recorded", "recorded", "superseded"]),
    st.booleans(),
)
"""Which use, whose, of which skill, at which hour; what is said of it; whether that is learned at once."""


@pytest.mark.slow
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(MOVES, min_size=3, max_size=8))
def test_roll_ups_equal_a_recount_in_whatever_order_uses_come_move_and_go(
    store: SkillsStorageProtocol, moves: list[tuple[int, str, str, int, str, bool]]
) -> None:
    store.clear()
    for number, (use, user_id, skill_name, hour, kind, learned) in enumerate(moves):
        where = {"user_id": user_id, "skill_name": skill_name, "occurred_at": at(number)}
        make = recorded if kind == "recorded" else partial(skill_event, kind=kind)
        fold(store, make(f"use-{use}", seconds=hour * 3600, **where))
        if learned:
            store.findings.learn()
    assert as_recounted(store)


@pytest.mark.slow
def test_a_long_import_moves_the_roll_ups_itself(
    store: SkillsStorageProtocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (duckdb_store, postgres_store):
        monkeypatch.setattr(kind, "LEARN_AT_ONCE", 1000)
    events = random_events(Random(1), 560)
    fold(store, *events[:500])
    assert store._database.rows("SELECT * FROM skill_change")
    fold(store, *events[500:])
    assert not store._database.rows("SELECT * FROM skill_change")
    assert as_recounted(store)


@pytest.mark.slow
def test_a_repeated_event_changes_no_roll_up(store: SkillsStorageProtocol) -> None:
    events = random_events(Random(2), 20)
    for _ in range(2):
        fold(store, *events)
        store.findings.learn()
    assert as_recounted(store)


@pytest.mark.slow
@pytest.mark.parametrize("learned_before", [True, False])
def test_what_is_forgotten_leaves_the_roll_ups_too(
    store: SkillsStorageProtocol, learned_before: bool
) -> None:
    fold(store, *random_events(Random(3), 60), anomaly("lint"))
    if learned_before:
        store.findings.learn()
    store.forget(ForgetRequest(skill_name="lint"), keyed_hash("lint"), at(1e9))
    assert {partner.skill_name for partner in store.findings.partners("test")} <= {"deploy", "review"}
    assert list(store.findings.anomalies(LONG_AGO)) == []
    store.forget(ForgetRequest(session_id="session-1"), keyed_hash("session-1"), at(1e9))
    assert as_recounted(store)
    names = store._database.rows(
        "SELECT skill_name FROM skill_time_series UNION SELECT skill_name FROM skill_change"
    )
    assert ("lint",) not in names


def anomaly(skill_name: str, kind: str = "anomaly_raised", **fields: Any) -> AnomalyEvent:
    values: dict[str, Any] = {
        "id": hashed_id("test", skill_name, kind, repr(sorted(fields.items(), key=str))),
        "occurred_at": at(100),
        "kind": kind,
        "anomaly_id": hashed_id("test", "anomaly", skill_name),
        "skill_name": skill_name,
        "anomaly_type": "performance_drop",
        "measure": "completion",
        "method": "cusum",
        "baseline_value": 0.9,
        "observed_value": 0.5,
        "deviation_score": -5.5,
        "sample_count": 20,
        "detected_at": at(90),
    }
    return AnomalyEvent(**values | fields)


@pytest.mark.slow
def test_an_anomaly_lasts_until_it_is_resolved_in_whatever_order(store: SkillsStorageProtocol) -> None:
    raised = anomaly("lint")
    over = anomaly("lint", "anomaly_resolved", resolved_at=at(500), resolution="recovered")
    for events in ([raised, over], [over, raised], [over, over]):
        store.clear()
        for event in events:
            fold(store, event)
        (kept,) = store.findings.anomalies(LONG_AGO)
        assert (kept.resolved_at, kept.resolution, kept.detected_at) == (at(500), "recovered", at(90))
        assert list(store.active_anomalies()) == []
        assert list(store.findings.anomalies(at(501))) == []
    store.clear()
    fold(store, raised)
    assert [kept.skill_name for kept in store.active_anomalies()] == ["lint"]


def test_an_anomaly_of_a_forgotten_skill_does_not_come_back(store: SkillsStorageProtocol) -> None:
    fold(store, forgotten("skill", keyed_hash("lint"), 1000))
    fold(store, anomaly("lint"), anomaly("test"))
    assert [kept.skill_name for kept in store.findings.anomalies(LONG_AGO)] == ["test"]


def test_the_word_of_the_user_overrules_the_rules_for_good(store: SkillsStorageProtocol) -> None:
    fold(store, installed("lint"), installed("pdf"))
    rule = [Placed("lint", "quality", 0.6, "rule"), Placed("pdf", "documentation", 0.5, "rule")]
    store.findings.keep_taxonomy({"quality": "q", "documentation": "d"}, rule, [])
    word = CategorisedEvent(
        id=hashed_id("test", "word"),
        occurred_at=at(1),
        kind="skill_categorised",
        skill_name="lint",
        category="house rules",
        modality="code",
    )
    fold(store, word)
    store.findings.keep_taxonomy({"quality": "q"}, rule, [Placed("lint", "text", 0.6, "rule")])
    assert [(one.skill_name, one.value, one.assigned_by) for one in store.findings.categories()] == [
        ("lint", "house rules", "user"),
        ("pdf", "documentation", "rule"),
    ]
    assert [(one.skill_name, one.value) for one in store.findings.modalities()] == [("lint", "code")]
    entry = next(entry for entry in store.catalogue() if entry.skill_name == "lint")
    assert (entry.category, entry.modality) == ("house rules", "code")


def test_of_what_the_user_said_the_latest_counts_in_whatever_order_it_is_read(
    store: SkillsStorageProtocol,
) -> None:
    def word(moment: float, category: str) -> CategorisedEvent:
        return CategorisedEvent(
            id=hashed_id("test", category),
            occurred_at=at(moment),
            kind="skill_categorised",
            skill_name="lint",
            category=category,
            modality="data" if moment == 2 else "text",
        )

    fold(store, word(2, "the second"))
    fold(store, word(1, "the first"))
    assert [(one.value, one.assigned_by) for one in store.findings.categories()] == [("the second", "user")]
    assert [one.value for one in store.findings.modalities()] == ["data"]


@pytest.mark.slow
def test_baselines_and_clusters_are_replaced_as_a_whole(store: SkillsStorageProtocol) -> None:
    fold(store, recorded("a"), recorded("b", 5, skill_name="deploy", duration_seconds=9.0))
    for _ in range(2):
        store.findings.keep_baselines(store.findings.usage(10), {"review": 0.5}, at(100))
        pair = KeptCluster("review", 0.5, {"review": 0.5, "deploy": 0.5})
        store.findings.keep_clusters([pair], "average_linkage", at(100))
    assert list(store.findings.clusters()) == [pair]
    rows = store._database.rows(
        "SELECT skill_name, percentile, p50_seconds FROM skill_community_baselines ORDER BY 1"
    )
    assert rows == [
        ("deploy", None, estimate_of(bucket_of(9.0))),
        ("review", 0.5, estimate_of(bucket_of(60.0))),
    ]


def test_uses_are_cut_into_periods_of_equal_size(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        *(
            recorded(
                f"u{n}", n * 100, duration_seconds=10.0 * (n + 1), outcome="completed" if n < 4 else "failed"
            )
            for n in range(8)
        ),
    )
    window = Window(at(0), at(10_000))
    assert store.findings.count_decided("review", window) == 8
    periods = store.findings.periods("review", window, 2)
    assert [(one.decided_count, one.completed_count) for one in periods] == [(4, 4), (4, 0)]
    assert [math.exp(one.median_log_duration or 0) for one in periods] == pytest.approx(
        [math.sqrt(20 * 30), math.sqrt(60 * 70)]
    )


def test_the_latest_decided_uses_come_in_order(store: SkillsStorageProtocol) -> None:
    fold(
        store, *(recorded(f"u{n}", n) for n in range(5)), skill_event("open", "started", 9, invoked_at=at(9))
    )
    assert [use.key for use in store.findings.latest_uses(["review"], 3)] == [
        str(invocation_id(f"u{n}")) for n in (2, 3, 4)
    ]
    assert [use.key for use in store.findings.uses([invocation_id("u1"), invocation_id("open")])] == [
        str(invocation_id("u1"))
    ]


@pytest.mark.slow
def test_hours_that_deviate_stand_beside_the_hours_before(store: SkillsStorageProtocol) -> None:
    fold(store, *(recorded(f"u{n}", n * 3600, outcome="completed" if n % 2 else "failed") for n in range(10)))
    fold(store, *(recorded(f"v{n}", 9 * 3600 + n) for n in range(4)))
    asked = HoursAsked(at(9 * 3600), at(0) - timedelta(days=1), 1.0, 8, 5)
    seen = store.findings.deviating_hours(asked)
    (newest,) = seen.hours
    assert (newest.invocation_count, newest.completed_count) == (5, 5)
    assert (newest.completion.hours, newest.completion.mean) == (9, pytest.approx(4 / 9))
    assert newest.completion.deviation == pytest.approx(math.sqrt(9 * (4 / 9) * (5 / 9) / 8))
    assert (seen.anomaly_count, seen.skill_count, seen.unready_count) == (1, 1, 0)
    none = store.findings.deviating_hours(replace(asked, threshold=9.0))
    assert (none.hours, none.anomaly_count, none.skill_count) == ([], 0, 1)
    few = store.findings.deviating_hours(replace(asked, least_hours=10))
    assert (few.hours, few.anomaly_count, few.skill_count, few.unready_count) == ([], 0, 1, 1)


@pytest.mark.slow
def test_the_hours_that_deviate_most_are_given_and_all_are_counted(store: SkillsStorageProtocol) -> None:
    before = [
        recorded(f"{name}{hour}-{n}", hour * 3600 + n, skill_name=name)
        for name in ("review", "test")
        for hour in range(8)
        for n in range(1 + hour % 2)
    ]
    busy = [recorded(f"t{n}", 8 * 3600 + n, skill_name="test") for n in range(6)]
    late = [recorded(f"r{n}", 9 * 3600 + n) for n in range(9)]
    fold(store, *before, *busy, *late)
    asked = HoursAsked(at(8 * 3600), at(0), 2.0, 8, 1)
    (most,), both = (store.findings.deviating_hours(replace(asked, limit=n)).hours for n in (1, 5))
    assert (most.skill_name, most.invocation_count) == ("review", 9)
    assert [(hour.skill_name, hour.invocation_count) for hour in both] == [("review", 9), ("test", 6)]
    assert store.findings.deviating_hours(asked).anomaly_count == 2
