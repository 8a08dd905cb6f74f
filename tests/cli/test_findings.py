"""`anomalies`, `trend`, `deps` and `baselines`."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from session_buddy.models.events import SkillEvent
from tests.cli.conftest import DOCS, Run, acknowledge, use


def uses_until_now(count: int, **fields: Any) -> list[SkillEvent]:
    """Uses of `deploy`, one a minute, the last 40 of which fail two times in five."""
    now = datetime.now(UTC)
    made = []
    for number in range(count):
        moment = now - timedelta(minutes=count - number)
        good = number % 20 != 7 if number < count - 40 else number % 5 > 1
        given = {
            "occurred_at": now,
            "invoked_at": moment,
            "ended_at": moment,
            "outcome": "completed" if good else "failed",
        }
        made.append(use(number, "deploy", f"{DOCS}-{number // 4}", **given | fields))
    return made


@pytest.mark.slow
def test_a_planted_drop_is_listed_and_the_skill_declines(run: Run, home: Path) -> None:
    acknowledge(home, uses_until_now(140))
    shown = run("anomalies")
    assert shown.returncode == 0, shown.stderr
    assert "deploy" in shown.stdout
    assert "performance drop" in shown.stdout.replace("\n", " ")
    (found,) = json.loads(run("anomalies", "--json").stdout)["anomalies"]
    assert (found["measure"], found["status"]) == ("completion", "active")
    assert "declining" in run("trend", "deploy").stdout


@pytest.mark.slow
def test_little_data_is_said_to_be_little(run: Run, recorded: Path) -> None:
    assert "Nothing left its baseline" not in run("anomalies", "--hours", "8000").stdout  # there is none
    assert "insufficient" in run("trend", "review", "--days", "3650").stdout
    assert "insufficient_data" in run("deps", "review").stdout
    baselines = run("baselines")
    assert "review" in baselines.stdout
    assert json.loads(run("baselines", "--json").stdout)["skills_total"] == 2
    assert json.loads(run("anomalies", "--method", "zscore", "--json").stdout)["method"] == "zscore"


@pytest.mark.slow
def test_an_unknown_skill_is_an_error_in_one_line(run: Run, recorded: Path) -> None:
    result = run("trend", "nonsense")
    assert (result.returncode, result.stdout) == (1, "")
    assert "No skill 'nonsense' is in the record" in result.stderr


@pytest.mark.slow
def test_a_category_is_shown_said_and_shown_again(run: Run, recorded: Path) -> None:
    assert "quality (by the words" in run("category", "review").stdout
    said = run("category", "review", "house rules", "--modality", "text")
    assert said.returncode == 0, said.stderr
    assert "house rules (as you said)" in said.stdout
    known = json.loads(run("category", "review", "--json").stdout)
    assert (known["category"], known["category_by"], known["modality"]) == ("house rules", "user", "text")
    assert "house rules" in run("show", "review").stdout
    refused = run("category", "nonsense", "quality")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "No skill 'nonsense'" in refused.stderr
