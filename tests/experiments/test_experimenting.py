"""Experiments over real services, a real journal and a real DuckDB file."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from session_buddy.analytics.experiments.assignment import assigned
from session_buddy.errors import InvalidInput, NotFound
from session_buddy.live.counters import Histogram
from session_buddy.models.answers_recommending import Suggestions
from session_buddy.models.values import Caller, ForgetRequest
from session_buddy.serve.experiment_metrics import experiment_source
from session_buddy.services import InvocationReport, Services
from session_buddy.services.experiment_reading import arms
from session_buddy.services.experiment_requests import Told, Wanted
from session_buddy.services.recommending import Asked
from tests.support.services import open_services
from tests.support.waiting import wait_for

CALLER = Caller(connection_id="c1", session_id="now", project="/shop")
NOW = datetime.now(UTC)


def wanted(name: str, **fields: Any) -> Wanted:
    values: dict[str, Any] = {
        "control_strategy": "repeat_last",
        "treatment_strategy": "popularity",
        "min_sample_size": 20,
    }
    return Wanted(name, **values | fields)


def suggest(services: Services, session_id: str, **asked: Any) -> Suggestions:
    return services.recommender.suggest(Asked(session_id=session_id, **asked), CALLER)


def use(services: Services, session_id: str, *, completed: bool = True, skill: str = "plan") -> None:
    report = InvocationReport(
        skill_name=skill,
        completed=completed,
        session_id=session_id,
        duration_seconds=5,
        invoked_at=datetime.now(UTC),
    )
    services.recorder.record_invocation(report, CALLER)


def units(name: str, count: int, group: str | None = None) -> list[str]:
    """Sessions, those of one group alone if named."""
    made = (f"{name}-{number}" for number in range(100_000))
    found: list[str] = []
    groups = arms(wanted(name).config(NOW, 1))
    for unit in made:
        if group is None or assigned(name, unit, groups).group_name == group:
            found.append(unit)
        if len(found) == count:
            return found
    raise AssertionError


def go_through(services: Services, sessions: Sequence[str], *, better: str | None) -> None:
    """Each session asks once and uses a skill: it completes in the better group (None: both), else half."""
    for number, session_id in enumerate(sessions):
        group = suggest(services, session_id).group_name
        use(services, session_id, completed=better in (None, group) or number % 4 < 2)


def refused(services: Services, what: str, **fields: Any) -> None:
    with pytest.raises(InvalidInput, match=what):
        services.experimenter.run(wanted(**{"name": "refused", **fields}))


def test_an_experiment_begins_once_and_says_whom_it_assigns(services: Services) -> None:
    first = services.experimenter.run(wanted("once", description="does it?"))
    again = services.experimenter.run(wanted("once"))
    alone = services.experimenter.run(Wanted("once"))
    assert (first.created, again.created, alone.created) == (True, False, False)
    assert first.created_at == again.created_at == alone.created_at
    assert (first.unit, first.decision, first.status) == ("session", "too_few_units", "running")
    assert "The unit is the session, whoever works in it (the record has" in first.message
    assert "At least 40 sessions more" in first.conclusion


def test_what_cannot_be_an_experiment_is_refused_with_a_reason(services: Services) -> None:
    refused(services, r"assignment_ratio must be more than 0 \(got 0", assignment_ratio=0.0)
    refused(services, r"assignment_ratio must be less than 1 \(got 7", assignment_ratio=7.0)
    refused(
        services,
        "There is no strategy 'crystal_ball'; use two or more of:",
        treatment_strategy="crystal_ball",
    )
    refused(services, "must differ", treatment_strategy="repeat_last")
    refused(services, "give control_strategy and treatment_strategy", control_strategy=None)
    refused(services, "metrics.0 must be one of 'completion_rate'", metrics=["happiness"])
    refused(services, "name each metric once", metrics=["user_rating", "user_rating"])
    refused(services, "lies in the past", start_date=NOW - timedelta(2), end_date=NOW - timedelta(1))
    refused(services, "end_date must be later", start_date=NOW, end_date=NOW - timedelta(1))
    refused(services, "test_name is empty", name="")
    refused(services, "fixed_horizon compares two", method="fixed_horizon", further_strategies=["markov"])
    assert "refused" not in [test.test_name for test in services.experimenter.overview().experiments]


def test_a_name_stands_for_one_configuration_and_one_experiment_is_at_work(services: Services) -> None:
    services.experimenter.run(wanted("taken"))
    with pytest.raises(InvalidInput, match="its treatment_strategy is 'popularity', not 'markov'"):
        services.experimenter.run(wanted("taken", treatment_strategy="markov"))
    with pytest.raises(InvalidInput, match="its min_sample_size is 20, not 50"):
        services.experimenter.run(wanted("taken", min_sample_size=50))
    with pytest.raises(InvalidInput, match="'taken' is at work"):
        services.experimenter.run(wanted("second"))
    with pytest.raises(NotFound, match=r"There is no experiment 'unheard-of'\. Known are: taken"):
        services.experimenter.read("unheard-of")


def test_a_suggestion_follows_its_group_and_names_it(services: Services) -> None:
    services.experimenter.run(wanted("groups"))
    groups = arms(wanted("groups").config(NOW, 1))
    for session_id in units("groups", 6):
        answer = suggest(services, session_id)
        arm = assigned("groups", session_id, groups)
        assert (answer.test_name, answer.group_name) == ("groups", arm.group_name)
        assert answer.strategy == arm.strategy
    assert suggest(services, "groups-0", strategy="markov").test_name is None
    read = services.experimenter.read("groups")
    assert sum(group.unit_count for group in read.groups) == 6


def test_a_look_by_a_person_exposes_nobody(services: Services) -> None:
    services.experimenter.run(wanted("unseen"))
    assert suggest(services, "unseen-0", remember=False).test_name == "unseen"
    assert sum(group.unit_count for group in services.experimenter.read("unseen").groups) == 0


def test_a_user_has_one_group_in_all_sessions_where_the_unit_is_the_user(services: Services) -> None:
    begun = services.experimenter.run(wanted("users", unit="user"))
    assert "Nothing is concluded below 20 users in each group" in begun.message
    user_of = services.experimenter.user_of
    assert user_of("ann") == user_of(user_of("ann")) != user_of("bob")
    found = {suggest(services, f"users-{n}", user_id=user_of("ann")).group_name for n in range(5)}
    assert len(found) == 1
    told = services.experimenter.record_outcome(Told("users", 1), "elsewhere", "ann")
    assert {told.group_name} == found
    with pytest.raises(InvalidInput, match="The user 'stranger' is in no group of 'users'"):
        services.experimenter.record_outcome(Told("users", 1), "users-1", "stranger")


def test_an_outcome_that_cannot_be_is_refused_with_a_reason(services: Services) -> None:
    services.experimenter.run(wanted("told", metrics=["completion_rate", "user_rating"]))
    record = services.experimenter.record_outcome
    suggest(services, "told-1")
    assert record(Told("told", 1), "told-1").metric == "completion_rate"
    with pytest.raises(InvalidInput, match=r"user_rating is between 1 and 5, not 6"):
        record(Told("told", 6, "user_rating"), "told-1")
    with pytest.raises(InvalidInput, match="completion_rate is 0 or 1"):
        record(Told("told", 0.5), "told-1")
    with pytest.raises(
        InvalidInput, match="does not measure acceptance_rate; it measures completion_rate, user"
    ):
        record(Told("told", 1, "acceptance_rate"), "told-1")
    with pytest.raises(InvalidInput, match="The session 'stranger' is in no group of 'told'"):
        record(Told("told", 1), "stranger")
    with pytest.raises(NotFound, match="There is no experiment 'never'"):
        record(Told("never", 1), "told-1")
    services.experimenter.stop_test("told", "enough")
    with pytest.raises(InvalidInput, match=r"ended at .*: enough\. Outcomes are not taken any more"):
        record(Told("told", 1), "told-1")


def test_a_repeated_outcome_counts_once(services: Services) -> None:
    services.experimenter.run(wanted("repeated"))
    suggest(services, "repeated-1")
    for _ in range(2):
        services.experimenter.record_outcome(Told("repeated", 1, request_key="same"), "repeated-1")
    read = services.experimenter.read("repeated")
    assert sum(group.outcome_count for group in read.groups) == 1


@pytest.mark.slow
def test_two_sessions_with_many_outcomes_are_no_result(services: Services) -> None:
    services.experimenter.run(wanted("few", min_sample_size=8))
    for group, value in (("control", 0), ("treatment", 1)):
        (session_id,) = units("few", 1, group)
        suggest(services, session_id)
        for _ in range(9):
            services.experimenter.record_outcome(Told("few", value), session_id)
    read = services.experimenter.read("few")
    assert (read.decision, read.winner, read.status) == ("too_few_units", None, "running")
    assert [group.outcome_count for group in read.groups] == [9, 9]
    assert "however many outcomes they have" in read.conclusion


def test_a_stop_keeps_its_reason_and_cannot_be_repeated(services: Services) -> None:
    services.experimenter.run(wanted("stopped"))
    with pytest.raises(InvalidInput, match="say why"):
        services.experimenter.stop_test("stopped", " ")
    services.experimenter.stop_test("stopped", "the catalogue changed")
    read = services.experimenter.read("stopped")
    assert (read.status, read.conclusion, read.winner) == ("stopped", "the catalogue changed", None)
    assert read.ended_at is not None
    with pytest.raises(InvalidInput, match=r"ended at .* the catalogue changed"):
        services.experimenter.stop_test("stopped", "again")
    assert suggest(services, "stopped-1").test_name is None


def test_a_plan_says_how_large_and_how_long_and_begins_nothing(services: Services) -> None:
    plan = services.experimenter.plan(wanted("planned", minimum_detectable_effect=0.1))
    small = services.experimenter.plan(wanted("planned", minimum_detectable_effect=0.02))
    assert small.units > 20 * plan.units > 0
    assert plan.units > plan.fixed_units
    assert "To find a difference of 10.0 points in completion_rate" in plan.message
    assert [estimate.strategy for estimate in plan.estimates] == ["popularity"]
    with pytest.raises(NotFound):
        services.experimenter.read("planned")


def test_nothing_is_promoted_or_taken_back_without_a_reason_to(services: Services) -> None:
    services.experimenter.run(wanted("unproven"))
    with pytest.raises(InvalidInput, match="'unproven' has no proven winner"):
        services.experimenter.promote("unproven")
    with pytest.raises(InvalidInput, match="no promotion to take back; the default strategy is markov_blend"):
        services.experimenter.revert("")


@pytest.mark.slow
def test_an_experiment_whose_time_is_over_says_what_it_saw(services: Services) -> None:
    end = datetime.now(UTC) + timedelta(seconds=0.5)
    services.experimenter.run(wanted("short", end_date=end))
    assert suggest(services, "short-1").test_name == "short"
    wait_for(lambda: services.experimenter.read("short").status == "completed", "its end")
    read = services.experimenter.read("short")
    assert (read.status, read.decision) == ("completed", "too_few_units")
    assert read.conclusion.startswith("Its end date has come. Too early")


@pytest.mark.slow
def test_a_better_treatment_wins_is_promoted_used_and_taken_back(tmp_path: Path) -> None:
    with open_services(tmp_path / "home") as services:
        services.recommender.epsilon = 0.0
        services.experimenter.run(wanted("better", promote_winner=True))
        go_through(services, units("better", 90), better="treatment")
        read = services.experimenter.read("better")
        assert (read.status, read.decision, read.winner_strategy) == (
            "completed",
            "treatment_better",
            "popularity",
        )
        assert (read.promoted, read.default_strategy) == (True, "popularity")
        assert suggest(services, "afterwards").strategy == "popularity"
        services.keeper.rebuild(lambda _progress: None)
        rebuilt = services.experimenter.read("better")
        assert rebuilt == read
        assert "already" in services.experimenter.promote("better").message
        taken_back = services.experimenter.revert("slower")
        assert taken_back.default_strategy == "markov_blend"
        assert suggest(services, "later").strategy == "markov_blend"
        assert [change.kind for change in services.experimenter.overview().trail] == ["reverted", "promoted"]
        services.experimenter.promote("better")
        session_id = units("better", 1, "control")[0]
        services.keeper.forget(ForgetRequest(session_id=session_id))
        forgotten = services.experimenter.read("better")
        assert forgotten.groups[0].unit_count == read.groups[0].unit_count - 1
        assert forgotten.winner == "treatment"
    with open_services(tmp_path / "home") as services:
        assert suggest(services, "in another process").strategy == "popularity"


@pytest.mark.slow
def test_an_experiment_ends_by_itself_while_nobody_looks(tmp_path: Path) -> None:
    with open_services(tmp_path / "home") as services:
        services.experimenter.run(wanted("alone"))
        go_through(services, units("alone", 90), better="treatment")
        services.recommender.flush()
        services.keeper.fold_now()
        services.experimenter.look()
        (latest,) = services.experimenter.latest
        assert (latest.status, latest.promoted) == ("completed", False)
        assert "`session-buddy ab promote 'alone'`" in latest.message
        assert measured(services, "ab_test_decided") == measured(services, "ab_test_adopted") + 1
        services.experimenter.promote("alone")
        wait_for(lambda: measured(services, "ab_test_adopted") == 1, "what is shown follows")
        assert measured(services, "ab_test_sample_ratio_mismatch") == 0


def measured(services: Services, name: str) -> float:
    """What `/metrics` shows of the one experiment that there is."""
    [(_, value)] = experiment_source(services.experimenter)()[name]
    assert not isinstance(value, Histogram)
    return value


@pytest.mark.slow
def test_groups_in_which_all_succeed_give_no_nonsense(tmp_path: Path) -> None:
    with open_services(tmp_path / "home") as services:
        services.experimenter.run(wanted("perfect", metrics=["completion_rate", "duration_seconds"]))
        go_through(services, units("perfect", 25, "control") + units("perfect", 25, "treatment"), better=None)
        read = services.experimenter.read("perfect")
        text = read.model_dump_json()
        assert "NaN" not in text
        assert "Infinity" not in text
        assert [group.value for group in read.groups] == [1.0, 1.0]
        assert read.winner is None


@pytest.mark.slow
def test_groups_of_the_wrong_size_end_an_experiment_without_a_winner(tmp_path: Path) -> None:
    with open_services(tmp_path / "home") as services:
        services.experimenter.run(wanted("broken", promote_winner=True))
        lost = units("broken", 100, "control") + units("broken", 30, "treatment")
        go_through(services, lost, better="treatment")
        read = services.experimenter.read("broken")
        assert (read.status, read.decision, read.winner) == ("stopped", "assignment_broken", None)
        services.experimenter.look()
        assert measured(services, "ab_test_sample_ratio_mismatch") == 1
        assert list(experiment_source(services.experimenter)()["ab_test_adopted"]) == []
        assert "the groups have other sizes than they should" in read.conclusion
        assert read.default_strategy == "markov_blend"
