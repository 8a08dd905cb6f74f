"""An experiment from beginning to end through the real server: 200 users, each in a session of theirs."""

import json
import os
import random
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from session_buddy.analytics.experiments.assignment import arms_of, assigned
from tests.support.live import free_port
from tests.support.stdio_client import StdioClient
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
USERS = 200
HABIT = ("plan", "test", "commit")


class Window:
    """One agent window over a real `session-buddy serve`, and the other ways to look at its home."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.environ = {
            **os.environ,
            "SESSION_BUDDY_HOME": str(home),
            "SESSION_BUDDY_PORT": str(self.port),
            "CLAUDE_CONFIG_DIR": str(home.parent / "claude"),
            "PYTHONPATH": str(CHECKOUT),
        }
        words = [sys.executable, "-m", "session_buddy", "serve"]
        self.client = StdioClient(words, env=self.environ, stderr=home.parent / "serve.log")
        self.client.handshake()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers."""
        result = self.client.call(tool, arguments, timeout=60)
        assert not result.get("isError"), result
        return dict(result["structuredContent"])

    def refused(self, tool: str, **arguments: Any) -> str:
        """Why a tool refuses."""
        result = self.client.call(tool, arguments, timeout=60)
        assert result["isError"]
        return str(result["content"][0]["text"])

    def used(self, skill: str, session: str, *, completed: bool = True) -> None:
        self.call("record_skill_invocation", skill_name=skill, completed=completed, session_id=session)

    def command(self, *words: str) -> dict[str, Any]:
        """What a command prints with --json."""
        words = (sys.executable, "-m", "session_buddy", *words, "--json")
        done = subprocess.run(words, env=self.environ, capture_output=True, text=True, timeout=60, check=True)
        return dict(json.loads(done.stdout))

    def metrics(self) -> list[str]:
        """The lines of a scrape."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            return answer.read().decode().splitlines()

    def experiments_of_feed(self) -> list[dict[str, Any]]:
        """What the live page has to show now."""
        with connect(f"ws://127.0.0.1:{self.port}/", proxy=None) as connection:
            while True:
                message = json.loads(connection.recv(timeout=30))
                if message["type"] == "metrics_update":
                    return list(message["data"]["experiments"])


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    opened = Window(tmp_path / "home")
    with opened.client:
        for number in range(12):
            for skill in HABIT:
                opened.used(skill, f"before-{number}")
        yield opened


def goes_through(
    window: Window, name: str, lots: random.Random, *, helps: bool, user: bool
) -> dict[str, Any]:
    """A user plans, asks what comes next, and tests; a suggestion of just that helps, where it is to."""
    session = f"session of {name}"
    window.used("plan", session)
    of_user = {"user_id": name} if user else {}
    answer = window.call("suggest_next_skill", session_id=session, limit=3, **of_user)
    fits = [found["skill_name"] for found in answer["suggestions"]][:1] == ["test"]
    rate = (0.95 if fits else 0.5) if helps else 0.75
    window.used("test", session, completed=lots.random() < rate)
    return answer


def begin(window: Window, name: str, **fields: Any) -> dict[str, Any]:
    given = {"control_strategy": "repeat_last", "treatment_strategy": "markov", "min_sample_size": 40}
    return window.call("run_ab_test", test_name=name, **given | fields)


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
    assert "has no proven winner" in _failure(window, "ab", "promote", "equal")
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
        if treated and number % 2:
            continue  # half of the treatment group never gets to where it is counted
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


def _failure(window: Window, *words: str) -> str:
    """What a command says that fails."""
    words = (sys.executable, "-m", "session_buddy", *words)
    done = subprocess.run(words, env=window.environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    return done.stderr
