"""An experiment from beginning to end through the real server: 200 users, each in a session of theirs."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from session_buddy.analytics.experiments.assignment import arms_of, assigned
from tests.experiments.window import USERS, Window, begin, goes_through, habit
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    opened = Window(tmp_path / "home")
    with opened.client:
        habit(opened)
        yield opened


def test_a_better_strategy_is_found_promoted_and_used(window: Window) -> None:
    begun = begin(window, "helps", unit="user", promote_winner=True)
    assert (begun["created"], begun["default_strategy"]) == (True, "markov_blend")
    lots = random.Random(20261122)
    answers = [goes_through(window, f"user {number}", lots, helps=True, user=True) for number in range(USERS)]
    assert {answer["group_name"] for answer in answers if "test_name" in answer} == {"control", "treatment"}

    read = window.call("run_ab_test", test_name="helps")
    assert (read["status"], read["decision"]) == ("completed", "treatment_better")
    assert (read["winner_strategy"], read["promoted"], read["unit"]) == ("markov", True, "user")
    assert "markov is better than repeat_last: completion_rate" in read["conclusion"]
    assert "valid at every look" in read["conclusion"]
    groups = read["groups"]
    assert all(group["unit_count"] >= 40 for group in groups)

    afterwards = window.call("suggest_next_skill", session_id="afterwards")
    assert afterwards["strategy"] == "markov"
    assert "test_name" not in afterwards
    shown = window.command("ab", "show", "helps")
    assert (shown["decision"], shown["winner"], shown["conclusion"]) == (
        "treatment_better",
        "treatment",
        read["conclusion"],
    )
    (change,) = window.command("ab", "list")["trail"]
    assert (change["kind"], change["strategy"], change["replaced_strategy"]) == (
        "promoted",
        "markov",
        "markov_blend",
    )
    wait_for(
        lambda: [test["status"] for test in window.experiments_of_feed()] == ["completed"], "its end shown"
    )
    (row,) = window.experiments_of_feed()
    assert (row["winner_strategy"], row["promoted"], row["conclusion"]) == (
        "markov",
        True,
        read["conclusion"],
    )
    lines = window.metrics()
    assert 'session_buddy_ab_test_decided{test_name="helps"} 1.0' in lines
    assert 'session_buddy_ab_test_min_sample_size{test_name="helps"} 40.0' in lines
    for group in groups:
        labels = f'group_name="{group["group_name"]}",test_name="helps"'
        assert f"session_buddy_ab_test_samples{{{labels}}} {float(group['outcome_count'])}" in lines

    assert "ended at" in window.refused("record_ab_outcome", test_name="helps", value=1, user_id="user 1")
    window.command("ab", "revert", "--reason", "to see that it can be")
    assert window.call("suggest_next_skill", session_id="later")["strategy"] == "markov_blend"


def test_strategies_that_are_equally_good_stay_undecided_and_it_says_for_how_long(window: Window) -> None:
    begin(window, "equal", minimum_detectable_effect=0.1, promote_winner=True)
    lots = random.Random(7)
    for number in range(USERS):
        goes_through(window, f"user {number}", lots, helps=False, user=False)
    read = window.call("run_ab_test", test_name="equal")
    assert (read["status"], read["decision"]) == ("running", "undecided")
    assert "winner" not in read
    assert read["further_unit_count"] > USERS
    assert f"it takes about {read['further_unit_count']:,} sessions more" in read["conclusion"]
    assert read["default_strategy"] == "markov_blend"
    assert window.command("ab", "show", "equal")["decision"] == "undecided"
    assert "has no proven winner" in window.failure("ab", "promote", "equal")
    wait_for(lambda: window.experiments_of_feed()[0]["decision"] == "undecided", "the live page's")
    assert 'session_buddy_ab_test_decided{test_name="equal"} 0.0' in window.metrics()
    stopped = window.call("stop_ab_test", test_name="equal", reason="it would take too long")
    assert stopped["status"] == "stopped"
    assert "test_name" not in window.call("suggest_next_skill", session_id="afterwards")


def test_groups_that_lose_units_stop_the_experiment_and_it_says_why(window: Window) -> None:
    begin(window, "lossy", promote_winner=True)
    lots = random.Random(5)
    arms = arms_of(["repeat_last", "markov"])
    seen = 0
    for number in range(10_000):
        treated = assigned("lossy", f"session of user {number}", arms).group_name == "treatment"
        if treated and number % 3:
            continue  # of the treatment group a third gets to where it is counted
        goes_through(window, f"user {number}", lots, helps=True, user=False)
        seen += 1
        if seen == USERS:
            break
    read = window.call("run_ab_test", test_name="lossy")
    assert (read["status"], read["decision"]) == ("stopped", "assignment_broken")
    assert "winner" not in read
    assert "the groups have other sizes than they should" in read["conclusion"]
    assert (read["promoted"], read["default_strategy"]) == (False, "markov_blend")
    assert window.command("ab", "show", "lossy")["conclusion"] == read["conclusion"]
    wait_for(lambda: window.experiments_of_feed()[0]["decision"] == "assignment_broken", "the live page's")


def test_wrong_use_is_refused_with_a_reason(window: Window) -> None:
    refused = window.refused
    arms = {"control_strategy": "repeat_last", "treatment_strategy": "markov"}
    assert "must be more than 0 (got 0" in refused("run_ab_test", test_name="r", assignment_ratio=0, **arms)
    assert "must be less than 1 (got 7" in refused("run_ab_test", test_name="r", assignment_ratio=7, **arms)
    unknown = {**arms, "treatment_strategy": "oracle"}
    assert "There is no strategy 'oracle'; use two" in refused("run_ab_test", test_name="r", **unknown)
    assert "There is no experiment 'r'" in refused("run_ab_test", test_name="r")
    begin(window, "taken", metrics=["completion_rate", "user_rating"])
    other = {**arms, "treatment_strategy": "popularity"}
    assert "is the name of another experiment" in refused("run_ab_test", test_name="taken", **other)
    told = {"test_name": "taken", "metric": "user_rating", "session_id": "assigned"}
    assert "is in no group of 'taken'" in refused("record_ab_outcome", value=5, **told)
    window.call("suggest_next_skill", session_id="assigned")
    assert "between 1 and 5, not 6" in refused("record_ab_outcome", value=6, **told)
    assert window.call("record_ab_outcome", value=5, **told)["value"] == 5
