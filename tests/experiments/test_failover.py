"""An experiment whose leader is killed: nothing of it is lost, and every process says the same of it."""

import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from session_buddy.analytics.experiments.assignment import arms_of, assigned
from tests.experiments.window import Window, begin, habit
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

ARMS = arms_of(["repeat_last", "markov"])
RATES = {"control": 0.4, "treatment": 0.95}
MEANWHILE, IN_THE_MIDST, ENOUGH = range(60), range(60, 70), range(70, 140)
LIKE_BEFORE = ("groups", "differences", "decision", "status", "assignment_p_value")


def group_of(number: int) -> str:
    return assigned("moved", session(number), ARMS).group_name


def session(number: int) -> str:
    return f"session {number}"


def completed(number: int) -> bool:
    return random.Random(number).random() < RATES[group_of(number)]


def asks(window: Window, number: int) -> str:
    """A session asks for the next skill; returns the group that it is told."""
    window.used("plan", session(number))
    return str(window.call("suggest_next_skill", session_id=session(number))["group_name"])


def follows(window: Window, number: int) -> None:
    window.used("test", session(number), completed=completed(number))


def sees(read: dict[str, Any], exposed: Sequence[int], measured: Sequence[int]) -> None:
    """An experiment has these sessions in the groups that their names give them, with their outcomes."""
    units = Counter(group_of(number) for number in exposed)
    outcomes = Counter(group_of(number) for number in measured)
    good = Counter(group_of(number) for number in measured if completed(number))
    for group in read["groups"]:
        name = group["group_name"]
        assert (group["unit_count"], group["outcome_count"]) == (units[name], outcomes[name])
        assert group["value"] == pytest.approx(good[name] / outcomes[name])


def test_an_experiment_goes_on_as_it_was_when_its_leader_is_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = Window(home)
    with first.client:
        habit(first)
        begin(first, "moved", unit="session", min_sample_size=45, promote_winner=True)
        second = Window(home, first.port)
        with second.client:
            for number in MEANWHILE:
                window = (first, second)[number % 2]
                assert asks(window, number) == group_of(number)
                follows(window, number)
            before = second.call("run_ab_test", test_name="moved")
            sees(before, MEANWHILE, MEANWHILE)
            assert first.command("suggest", "--session", session(500))["group_name"] == group_of(500)

            assert [asks(second, number) for number in IN_THE_MIDST] == [group_of(n) for n in IN_THE_MIDST]
            os.kill(first.client.pid, signal.SIGKILL)

            sees(second.call("run_ab_test", test_name="moved"), [*MEANWHILE, *IN_THE_MIDST], MEANWHILE)
            assert [asks(second, number) for number in range(20)] == [group_of(n) for n in range(20)]
            for number in IN_THE_MIDST:
                follows(second, number)
            decided_by_the_second(second)
            ended = second.call("run_ab_test", test_name="moved")
            os.kill(second.client.pid, signal.SIGKILL)

    alone = second.command("ab", "show", "moved")
    assert {key: alone[key] for key in LIKE_BEFORE} == {key: ended[key] for key in LIKE_BEFORE}
    assert (alone["winner"], alone["conclusion"]) == ("treatment", ended["conclusion"])
    second.command("rebuild")
    anew = second.command("ab", "show", "moved")
    assert {key: anew[key] for key in LIKE_BEFORE} == {key: ended[key] for key in LIKE_BEFORE}
    third = Window(home, first.port)
    with third.client:
        read = third.call("run_ab_test", test_name="moved")
        assert {key: read[key] for key in LIKE_BEFORE} == {key: ended[key] for key in LIKE_BEFORE}
        assert third.call("suggest_next_skill", session_id="afterwards")["strategy"] == "markov"


def decided_by_the_second(window: Window) -> None:
    for number in ENOUGH:
        window.used("plan", session(number))
        answer = window.call("suggest_next_skill", session_id=session(number))
        if "test_name" not in answer:
            break
        assert answer["group_name"] == group_of(number)
        follows(window, number)

    def decision() -> bool:
        return bool(window.call("run_ab_test", test_name="moved")["decision"] == "treatment_better")

    wait_for(decision, "the experiment is decided")
