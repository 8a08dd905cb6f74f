"""Real experiments of real sessions on the page: one that is decided, and one whose groups lose units."""

import random
from pathlib import Path
from typing import Any

import pytest

from session_buddy.analytics.experiments.assignment import arms_of, assigned
from tests.experiments.window import Window, begin, goes_through, habit
from tests.page.browser import Browser
from tests.page.conftest import is_served
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.node]

AT_MOST = 10_000


def of(decision: str) -> str:
    return f"li[data-decision={decision}]"


def goes_on_until_it_ends(window: Window, name: str, lots: random.Random, keeps: Any) -> dict[str, Any]:
    """Sessions come until the experiment is over. keeps: whether a session of a group gets to be counted."""
    arms = arms_of(["repeat_last", "markov"])
    for number in range(AT_MOST):
        user = f"{name} {number}"
        if keeps(assigned(name, f"session of {user}", arms).group_name, number):
            goes_through(window, user, lots, helps=True, user=False)
        if number % 20 == 0:
            read = window.call("run_ab_test", test_name=name)
            if read["status"] != "running":
                return read
    raise AssertionError(f"{name} did not end")


def test_experiments_are_followed_to_their_ends(browser: Browser, tmp_path: Path) -> None:
    window = Window(tmp_path / "home")
    with window.client:
        habit(window)
        begin(window, "helps", unit="session", promote_winner=True)
        lots = random.Random(20261122)
        wait_for(lambda: is_served(window.port), "the page is served")
        browser.open(f"http://127.0.0.1:{window.port}/")
        browser.wait_for_text(f"{of('too_few_units')} .badge", "running")
        browser.wait_for_text(f"{of('too_few_units')} > p", "sessions more")
        read = goes_on_until_it_ends(window, "helps", lots, lambda _group, _number: True)
        assert (read["decision"], read["promoted"]) == ("treatment_better", True)
        browser.wait_for_text(f"{of('treatment_better')} .badge", "completed, promoted")
        browser.wait_for_text(f"{of('treatment_better')} > p", read["conclusion"])
        browser.wait_for_text(f"{of('treatment_better')} .winner", "treatment, markov")
        for group, line in zip(
            read["groups"], browser.texts(f"{of('treatment_better')} .groups li"), strict=True
        ):
            assert f"{100 * group['value']:.1f} % of {group['outcome_count']} outcomes" in line
            assert f"{group['unit_count']} sessions" in line

        begin(window, "lossy")

        def half_of_the_treated_are_lost(group: str, number: int) -> bool:
            return group == "control" or number % 2 == 0

        read = goes_on_until_it_ends(window, "lossy", lots, half_of_the_treated_are_lost)
        assert read["decision"] == "assignment_broken"
        browser.wait_for_text(f"{of('assignment_broken')} .badge", "stopped")
        browser.wait_for_text(
            f"{of('assignment_broken')} > p", "the groups have other sizes than they should"
        )
        assert browser.texts(f"{of('assignment_broken')} .winner") == []
        assert browser.texts("#experiment-list .name") == ["lossy", "helps"]
