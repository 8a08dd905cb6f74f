"""Runs of CI stages and quality gates, in every store."""

from uuid import uuid4

import pytest

from session_buddy.models.events import parse_event, to_line
from session_buddy.models.protocols import SkillsStorageProtocol
from session_buddy.models.runs import Fix, RunFilter
from session_buddy.models.values import Batch, Dimensions, ForgetRequest, Window
from tests.storage.conftest import keyed_hash
from tests.support.events import at, recorded
from tests.support.runs import gate_run, stage_run

DAY = 86_400


def fold(store: SkillsStorageProtocol, *events: object) -> int:
    return store.fold(Batch(tuple(events))).new_events


@pytest.mark.parametrize("event", [stage_run(exit_code=-9, error="killed"), gate_run("ruff", "mypy")])
def test_a_run_comes_back_from_its_line_as_it_was(event: object) -> None:
    assert parse_event(to_line(event)) == event


def test_an_empty_store_has_no_runs(store: SkillsStorageProtocol) -> None:
    runs = store.runs
    assert not runs.is_known(uuid4())
    assert list(runs.stage_totals(RunFilter())) == []
    assert list(runs.stage_days(RunFilter())) == []
    assert list(runs.gate_totals(RunFilter())) == []
    assert list(runs.failed_checks(RunFilter())) == []
    assert list(runs.fixes()) == []
    assert list(runs.open_failures()) == []
    assert list(runs.runs_of_session("nobody")) == []


def test_a_run_counts_once_however_often_it_is_told(store: SkillsStorageProtocol) -> None:
    run = stage_run()
    assert fold(store, run, run) == 1
    assert fold(store, run) == 0
    assert store.runs.is_known(run.id)
    assert [total.run_count for total in store.runs.stage_totals(RunFilter())] == [1]


def test_stages_are_counted_by_pipeline_in_the_order_in_which_they_run(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        stage_run("build", 0, duration_seconds=10.0),
        stage_run("build", 100, duration_seconds=30.0, outcome="failed", exit_code=2),
        stage_run("Deploy", 200, outcome="abandoned"),
        stage_run("build", 300, pipeline_name="api"),
    )
    found = store.runs.stage_totals(RunFilter())
    assert [(total.pipeline_name, total.stage) for total in found] == [
        ("api", "build"),
        ("shop", "build"),
        ("shop", "Deploy"),
    ]
    build = found[1]
    assert (build.run_count, build.completed_count, build.failed_count) == (2, 1, 1)
    assert (build.mean_seconds, build.p50_seconds, build.p95_seconds) == (20.0, 20.0, 29.0)
    assert (build.workflow_phase, build.last_run_at) == ("setup", at(100))
    assert [total.stage for total in store.runs.stage_totals(RunFilter(pipeline_name="shop"))] == [
        "build",
        "Deploy",
    ]


def test_a_window_and_a_project_narrow_what_is_counted(store: SkillsStorageProtocol) -> None:
    fold(store, stage_run("build", 0, project="/a"), stage_run("build", 100, project="/b"))
    window = Window(at(50), at(150))
    assert [total.run_count for total in store.runs.stage_totals(RunFilter(window))] == [1]
    assert [total.run_count for total in store.runs.stage_totals(RunFilter(project="/a"))] == [1]
    assert list(store.runs.stage_totals(RunFilter(window, project="/a"))) == []


def test_days_show_how_a_stage_went_over_time(store: SkillsStorageProtocol) -> None:
    fold(store, stage_run("test", 0), stage_run("test", DAY, outcome="failed"), stage_run("test", DAY + 60))
    found = store.runs.stage_days(RunFilter())
    assert [(total.run_count, total.completed_count) for total in found] == [(1, 1), (2, 1)]
    assert [total.day.isoformat() for total in found if total.day] == [
        "2026-03-02T00:00:00+00:00",
        "2026-03-03T00:00:00+00:00",
    ]


def test_gates_are_counted_by_phase_with_what_failed(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        gate_run("ruff", "mypy", seconds=0, phase="fast_hooks"),
        gate_run("ruff", seconds=100, phase="fast_hooks"),
        gate_run(seconds=200, phase="fast_hooks"),
        gate_run("a", seconds=50, project="/other"),
    )
    asked = RunFilter(project="/shop")
    (phase,) = store.runs.gate_totals(asked)
    assert (phase.phase, phase.run_count, phase.completed_count, phase.failed_count) == (
        "fast_hooks",
        3,
        1,
        2,
    )
    assert (phase.last_outcome, phase.last_run_at) == ("completed", at(200))
    checks = [(check.check_name, check.run_count) for check in store.runs.failed_checks(asked)]
    assert checks == [("ruff", 2), ("mypy", 1)]


def test_a_skill_between_a_failure_and_the_next_pass_fixed_it(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        gate_run("test_cart", seconds=0, session_id="s"),
        recorded("a", 100, skill_name="mend", session_id="s"),
        recorded("b", 110, skill_name="elsewhere", session_id="t"),
        recorded("c", 120, skill_name="gave-up", session_id="s", outcome="failed"),
        gate_run(seconds=200, session_id="s"),
    )
    assert list(store.runs.fixes()) == [
        Fix("tests", "", "mend", 1, 1),
        Fix("tests", "test_cart", "mend", 1, 1),
    ]


def test_a_check_that_fails_no_more_is_fixed_though_another_fails(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        gate_run("a", "b", seconds=0),
        recorded("use", 100, skill_name="mend", project="/shop"),
        gate_run("b", seconds=200),
    )
    assert list(store.runs.fixes()) == [
        Fix("tests", "", "mend", 1, 0),
        Fix("tests", "a", "mend", 1, 1),
        Fix("tests", "b", "mend", 1, 0),
    ]


def test_a_pass_long_after_a_failure_says_nothing(store: SkillsStorageProtocol) -> None:
    use = recorded("use", 100, skill_name="mend", project="/shop")
    fold(store, gate_run("a"), use, gate_run(seconds=2 * DAY))
    assert list(store.runs.fixes()) == []


def test_a_failure_is_open_until_the_gate_passes_in_that_project(store: SkillsStorageProtocol) -> None:
    fold(store, gate_run("a", seconds=0), gate_run("b", seconds=10, project=None), gate_run("c", seconds=20))
    found = store.runs.open_failures()
    assert [(failure.project, failure.failed_checks) for failure in found] == [
        ("/shop", ("c",)),
        (None, ("b",)),
    ]
    fold(store, gate_run(seconds=30))
    assert [failure.project for failure in store.runs.open_failures()] == [None]


def test_the_runs_of_a_session_stand_in_the_order_in_which_they_began(store: SkillsStorageProtocol) -> None:
    fold(
        store, stage_run("deploy", 50, session_id="s"), gate_run("a", seconds=10, session_id="s"), stage_run()
    )
    found = [(run.kind, run.name, run.workflow_phase, run.outcome) for run in store.runs.runs_of_session("s")]
    assert found == [
        ("gate", "crackerjack: tests", "execution", "failed"),
        ("stage", "shop: deploy", "deployment", "completed"),
    ]


@pytest.mark.slow
def test_forgetting_a_session_takes_its_runs_and_refuses_them_from_then_on(
    store: SkillsStorageProtocol,
) -> None:
    runs = (gate_run("a", session_id="s"), stage_run(session_id="s"), stage_run("build", session_id="t"))
    fold(store, *runs)
    store.forget(ForgetRequest(session_id="s"), keyed_hash("s"), at(1000))
    assert fold(store, *runs) == 0
    assert [total.stage for total in store.runs.stage_totals(RunFilter())] == ["build"]
    assert list(store.runs.gate_totals(RunFilter())) == []
    fold(store, gate_run("later", seconds=2000, session_id="s"))
    assert [total.run_count for total in store.runs.gate_totals(RunFilter())] == [1]


@pytest.mark.slow
def test_forgetting_by_time_takes_the_runs_that_began_before(store: SkillsStorageProtocol) -> None:
    fold(store, gate_run("a", seconds=0), gate_run("b", seconds=100), stage_run(seconds=0))
    store.forget(ForgetRequest(before=at(50)), "", at(1000))
    assert [check.check_name for check in store.runs.failed_checks(RunFilter())] == ["b"]
    assert list(store.runs.stage_totals(RunFilter())) == []


def test_totals_can_be_those_of_one_project_agent_or_user(store: SkillsStorageProtocol) -> None:
    fold(
        store,
        recorded("a", 0, project="/shop", agent="codex", user_id="u1"),
        recorded("b", 10, project="/shop", user_id="u2"),
        recorded("c", 20, project="/web", user_id="u2", skill_name="test"),
    )

    def counted(**only: str) -> dict[str, int]:
        found = store.window_totals(Window(), None, Dimensions(**only))
        return {totals.skill_name: totals.invocation_count for totals in found}

    assert counted() == {"review": 2, "test": 1}
    assert counted(project="/shop") == {"review": 2}
    assert counted(project="/shop", agent="codex") == {"review": 1}
    assert counted(user_id="u2") == {"review": 1, "test": 1}
    one = store.window_totals(Window(), "review", Dimensions(user_id="u2"))
    assert [totals.invocation_count for totals in one] == [1]
    assert list(store.window_totals(Window(), "review", Dimensions(project="/web"))) == []
