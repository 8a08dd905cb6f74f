"""`evaluate` on logs, and `suggest` in a terminal."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run


def log(tmp_path: Path) -> str:
    """Ten sessions of a, b, c; every second b fails."""
    lines = ["session_id,ts,tool,skill,is_error"]
    for number in range(10):
        for place, tool in enumerate("abc"):
            failed = tool == "b" and number % 2 == 0
            lines.append(f"s{number},2026-03-{number + 1:02}T10:00:0{place}Z,{tool},{tool},{failed}")
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


@pytest.mark.slow
def test_evaluate_scores_every_strategy_on_the_last_fifth(run: Run, tmp_path: Path) -> None:
    report: dict[str, Any] = json.loads(run("evaluate", log(tmp_path), "--json").stdout)
    by_tool, by_fine_action = report["next_action"]
    assert (by_tool["action"], by_fine_action["action"]) == ("tool", "fine_action")
    assert (by_tool["session_count"], by_tool["test_session_count"]) == (10, 2)
    scores = {score["strategy"]: score for score in by_tool["scores"]}
    assert scores["markov"]["hit_rate_1"] == scores["markov_blend"]["hit_rate_1"] == 1
    assert scores["repeat_last"]["hit_rate_1"] == 0
    assert scores["repeat_last"]["event_count"] == 4
    assert {score["event_count"] for score in report["next_skill"]} == {29}
    assert report["success"]["outcome_count"] == 30
    assert report["success"]["model"]["prediction_count"] == 30


@pytest.mark.slow
def test_evaluate_prints_tables(run: Run, tmp_path: Path) -> None:
    shown = run("evaluate", log(tmp_path))
    assert shown.returncode == 0
    assert "markov_blend (default)" in shown.stdout
    assert "Next skill" in shown.stdout
    assert "Success probability" in shown.stdout


def test_evaluate_says_what_is_wrong_with_a_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("session_id,ts,tool\ns1,2026-03-01T10:00:00Z,Bash\n", "utf-8")
    refused = run("evaluate", str(path))
    assert refused.returncode == 1
    assert "nothing to predict below 2" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.slow
def test_suggest_finds_what_was_used_and_what_was_not(
    run: Run, recorded: Path, environ: dict[str, str]
) -> None:
    folder = Path(environ["HOME"]) / ".claude" / "skills" / "draw"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: draw\ndescription: Draw a diagram\n---\nDo it.\n", "utf-8")
    best_first = {"SESSION_BUDDY_EXPLORATION": "0"}
    answer = json.loads(run("suggest", "draw a diagram", "--json", **best_first).stdout)
    assert answer["suggestions"][0]["skill_name"] == "draw"
    shown = run("suggest", "--after", "test-first")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "review" in shown.stdout
    assert "used" in shown.stdout
    assert "the order is little more than a guess" in " ".join(shown.stdout.split())


@pytest.mark.slow
def test_the_default_beats_repeating_and_the_chain_on_real_agents(run: Run, shared_data: Path) -> None:
    report = json.loads(run("evaluate", str(shared_data / "claude_code_events.csv.gz"), "--json").stdout)
    measures = ("hit_rate_1", "hit_rate_3", "mean_reciprocal_rank")
    by_tool = {}
    for part in report["next_action"]:
        scores = {score["strategy"]: score for score in part["scores"]}
        for measure in measures:
            best = max(scores[name][measure] for name in ("repeat_last", "markov"))
            assert scores["markov_blend"][measure] > best, (part["source"], part["action"], measure)
        by_tool[part["source"], part["action"]] = scores["markov_blend"]
    found = by_tool["entireio+cli", "tool"]
    assert [found[measure] for measure in measures] >= [0.545, 0.850, 0.708]
    skills = {score["strategy"]: score for score in report["next_skill"]}["markov_blend"]
    for measure, bound in zip(measures, (0.312, 0.507, 0.435), strict=True):
        assert skills[measure] >= bound
        assert found[measure] >= {"hit_rate_1": 0.545, "hit_rate_3": 0.850}.get(measure, 0.708)
    success = report["success"]
    assert success["model_on_test"]["log_loss"] < success["skill_rate_on_test"]["log_loss"]
