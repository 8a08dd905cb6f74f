"""Each view on rows with a known answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from session_buddy.models.values import Batch
from session_buddy.storage.duckdb_store import DuckDBStore
from tests.support.events import at, installed, recorded, session_event, skill_event


def rows(store: DuckDBStore, view: str, order: str = "ALL") -> list[dict[str, Any]]:
    return store._database.records(f"SELECT * FROM {view} ORDER BY {order}")


def fold(store: DuckDBStore, *events: Any) -> None:
    store.fold(Batch(tuple(events)))


def write(store: DuckDBStore, table: str, *values: str) -> None:
    store._database.writer.execute(f"INSERT INTO {table} VALUES {', '.join(values)}")


def parts(row: dict[str, Any], names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names.split())


@pytest.mark.slow
def test_skill_summary(duckdb_store: DuckDBStore) -> None:
    fold(
        duckdb_store,
        recorded("a", 1, duration_seconds=10.0),
        recorded("b", 2, duration_seconds=20.0, outcome="failed"),
        skill_event("c", "started", 3),
        skill_event("a", "rated", 9, rating=4),
        installed("unused"),
    )
    (row,) = rows(duckdb_store, "v_skill_summary")
    assert parts(row, "skill_name invocation_count completed_count failed_count open_count") == (
        "review",
        3,
        1,
        1,
        1,
    )
    assert parts(row, "completion_rate mean_duration_seconds mean_rating") == (0.5, 15.0, 4.0)


def test_session_summary(duckdb_store: DuckDBStore) -> None:
    fold(
        duckdb_store,
        session_event("session_started", "morning", 0, project="/w"),
        recorded("a", 1),
        recorded("b", 2, skill_name="test", outcome="abandoned"),
        session_event("session_ended", "morning", 300, reason="exit"),
    )
    (row,) = rows(duckdb_store, "v_session_summary")
    assert parts(row, "session_id project skill_count invocation_count completed_count abandoned_count") == (
        "morning",
        "/w",
        2,
        2,
        1,
        1,
    )
    assert parts(row, "duration_seconds end_reason") == (120.0, "exit")
    assert row["ended_at"].replace(tzinfo=UTC) == at(300)


@pytest.mark.slow
def test_workflow_phase_summary(duckdb_store: DuckDBStore) -> None:
    fold(
        duckdb_store,
        *(recorded(f"u{n}", n, duration_seconds=float(n), workflow_phase="setup") for n in range(1, 4)),
        recorded(
            "f", 9, workflow_phase="setup", outcome="failed", duration_seconds=4.0, session_id="evening"
        ),
        skill_event("open", "started", 10),
    )
    setup, unknown = rows(duckdb_store, "v_workflow_phase_summary", "workflow_phase")
    assert parts(setup, "workflow_phase skill_name invocation_count completed_count session_count") == (
        "setup",
        "review",
        4,
        3,
        2,
    )
    assert parts(setup, "completion_rate mean_duration_seconds p50_duration_seconds") == (0.75, 2.5, 2.5)
    assert parts(unknown, "workflow_phase invocation_count decided_count completion_rate") == (
        "unknown",
        1,
        0,
        None,
    )


@pytest.mark.slow
def test_workflow_phase_transitions(duckdb_store: DuckDBStore) -> None:
    path = ["setup", "execution", "verification", "execution", "verification"]
    fold(
        duckdb_store,
        *(recorded(f"u{n}", n, workflow_phase=phase) for n, phase in enumerate(path)),
        recorded("x", 0, workflow_phase="setup", session_id="evening"),
        recorded("y", 1, workflow_phase="cleanup", session_id="evening"),
    )
    found = rows(duckdb_store, "v_workflow_phase_transitions")
    assert [tuple(row.values()) for row in found] == [
        ("execution", "verification", 2, 1.0),
        ("setup", "cleanup", 1, 0.5),
        ("setup", "execution", 1, 0.5),
        ("verification", "execution", 1, 1.0),
    ]


def test_realtime_skill_dashboard(duckdb_store: DuckDBStore) -> None:
    now = datetime.now(UTC)
    recent = {"occurred_at": now, "invoked_at": now - timedelta(hours=23)}
    old = {"occurred_at": now, "invoked_at": now - timedelta(hours=25)}
    fold(
        duckdb_store,
        recorded("a", duration_seconds=10.0, **recent),
        recorded("b", duration_seconds=20.0, outcome="failed", session_id="evening", **recent),
        recorded("c", **old),
        recorded("d", skill_name="asleep", **old),
    )
    anomaly = (
        "(uuid(), 'review', 'performance_drop', 'completion', 'cusum', 0.9, 0.5, 4.0, 60, now(), {}, NULL)"
    )
    write(duckdb_store, "skill_anomalies", anomaly.format("NULL"), anomaly.format("now()"))
    (row,) = rows(duckdb_store, "v_realtime_skill_dashboard")
    assert parts(row, "skill_name invocation_count completed_count completion_rate") == ("review", 2, 1, 0.5)
    assert parts(row, "mean_duration_seconds p95_duration_seconds session_count anomaly_count") == (
        15.0,
        pytest.approx(19.5),
        2,
        1,
    )


def test_effectiveness_trend_is_a_slope_and_not_a_difference_of_extremes(duckdb_store: DuckDBStore) -> None:
    day = 86_400
    outcomes = {0: "ccccffff", 1: "cccccfff", 2: "ccccccff", 3: "cccccccf"}
    events = [
        recorded(
            f"{n}-{i}",
            n * day + i,
            outcome="completed" if letter == "c" else "failed",
            duration_seconds=5.0 - n,
        )
        for n, letters in outcomes.items()
        for i, letter in enumerate(letters)
    ]
    noise = [
        recorded(f"n{n}", n * day, skill_name="noisy", outcome=outcome)
        for n, outcome in enumerate(["failed", "completed", "completed", "failed"])
    ]
    fold(duckdb_store, *events, *noise, skill_event("open", "started", 0))
    noisy, review = rows(duckdb_store, "v_skill_effectiveness_trend", "skill_name")
    assert parts(review, "decided_count day_count completion_rate") == (32, 4, pytest.approx(22 / 32))
    assert review["completion_slope_per_day"] == pytest.approx(0.125)
    assert review["duration_slope_seconds_per_day"] == pytest.approx(-1.0)
    assert noisy["completion_slope_per_day"] == pytest.approx(0.0)


def test_community_baseline_comparison(duckdb_store: DuckDBStore) -> None:
    fold(duckdb_store, recorded("a"))
    write(duckdb_store, "skill_user_interactions", "('ada', 'review', 10, 8, 6, 0, 0, now())")
    write(
        duckdb_store,
        "skill_community_baselines",
        "('review', 12, 40, 100, 80, 40, 0.5, 30.0, 20.0, 90.0, 4.0, 0.25, now())",
    )
    (row,) = rows(duckdb_store, "v_community_baseline_comparison")
    assert parts(row, "user_id skill_name completion_rate community_completion_rate difference") == (
        "ada",
        "review",
        0.75,
        0.5,
        0.25,
    )
    assert parts(row, "community_user_count skill_percentile") == (12, 0.25)


@pytest.mark.slow
def test_dependency_network_has_lift_and_jaccard(duckdb_store: DuckDBStore) -> None:
    sessions = {"s1": ["a", "b"], "s2": ["a", "b"], "s3": ["a"], "s4": ["b"], "s5": ["c"], "s6": ["c"]}
    fold(
        duckdb_store,
        *(recorded(f"{s}{k}", session_id=s, skill_name=k) for s, skills in sessions.items() for k in skills),
    )
    write(duckdb_store, "skill_dependencies", "('a', 'b', 2, 2, 0, now())")
    (row,) = rows(duckdb_store, "v_skill_dependency_network")
    assert parts(row, "skill_a skill_b session_count a_session_count b_session_count") == ("a", "b", 2, 3, 3)
    assert row["lift"] == pytest.approx((2 / 6) / (3 / 6 * 3 / 6))
    assert row["jaccard"] == pytest.approx(2 / 4)


def test_ab_test_summary_averages_units_before_groups(duckdb_store: DuckDBStore) -> None:
    write(
        duckdb_store,
        "ab_test_configs (test_name, control_strategy, treatment_strategy, unit, metric, method, "
        "assignment_ratio, min_sample_size, planned_sample_size, start_date, created_at, status, status_at)",
        "('t', 'markov', 'popularity', 'user', 'completion_rate', 'sequential', 0.5, 20, 90, now(), now(), "
        "'running', now())",
    )
    write(
        duckdb_store,
        "ab_test_assignments",
        "('t', 'u1', 'control', 'markov', 0.5, now())",
        "('t', 'u2', 'control', 'markov', 0.5, now())",
        "('t', 'u3', 'treatment', 'popularity', 0.5, now())",
    )
    outcome = "(uuid(), 't', '{}', 'control', NULL, NULL, NULL, NULL, 'completion_rate', {}, 'told', now())"
    write(duckdb_store, "ab_test_outcomes", *[outcome.format("u1", 1)] * 9, outcome.format("u2", 0))
    treated, control = rows(duckdb_store, "v_ab_test_summary", "group_name DESC")
    assert parts(control, "group_name strategy metric decides unit_count outcome_count") == (
        "control",
        "markov",
        "completion_rate",
        True,
        2,
        10,
    )
    assert parts(control, "mean mean_of_units min_sample_size") == (0.9, 0.5, 20)
    assert control["standard_deviation_of_units"] == pytest.approx(0.5**0.5)
    assert parts(treated, "group_name unit_count outcome_count mean_of_units decides") == (
        "treatment",
        1,
        0,
        None,
        False,
    )


def test_multimodal_skill_catalog_lists_what_is_installed_and_what_was_used(
    duckdb_store: DuckDBStore,
) -> None:
    fold(
        duckdb_store,
        installed("draw"),
        installed("draw", 5, scope="plugin", description="newer"),
        recorded("a"),
    )
    write(duckdb_store, "skill_categories", "('design', 'd', TRUE)", "('docs', 'd', TRUE)")
    write(
        duckdb_store,
        "skill_category_mapping",
        "('draw', 'docs', 0.4, 'rule', NULL)",
        "('draw', 'design', 0.9, 'rule', NULL)",
    )
    write(
        duckdb_store,
        "skill_modalities",
        "('draw', 'text', 0.5, 'rule', NULL)",
        "('draw', 'image', 0.9, 'rule', NULL)",
    )
    draw, review = rows(duckdb_store, "v_multimodal_skill_catalog", "skill_name")
    assert parts(draw, "skill_name installed description scopes categories modalities multimodal") == (
        "draw",
        True,
        "newer",
        "plugin, user",
        "design, docs",
        "image, text",
        True,
    )
    assert parts(draw, "invocation_count completion_rate") == (0, None)
    assert parts(review, "skill_name installed multimodal invocation_count completion_rate") == (
        "review",
        False,
        False,
        1,
        1.0,
    )


def test_no_view_fails_on_an_empty_database(duckdb_store: DuckDBStore) -> None:
    views = duckdb_store._database.rows("SELECT view_name FROM duckdb_views() WHERE NOT internal")
    assert len(views) >= 10
    for (view,) in views:
        assert rows(duckdb_store, view) == []
