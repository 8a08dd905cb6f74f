"""`top`, `show`, `session` and `status`, with and without a leader."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import DOCS, SHOP, Run


@pytest.mark.slow
def test_top_lists_skills_by_use_with_intervals(run: Run, recorded: Path) -> None:
    result = run("top")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[1].startswith("review")
    assert "67 % (21-94)" in lines[1]
    assert "1/2" in lines[1]
    assert lines[2].startswith("test-first")
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.slow
def test_top_in_a_window_counts_only_what_began_in_it(run: Run, recorded: Path) -> None:
    answer = json.loads(run("top", "--since", "2026-03-01T09:30:00Z", "--json").stdout)
    assert [(skill["skill_name"], skill["invocation_count"]) for skill in answer["skills"]] == [("review", 1)]


@pytest.mark.slow
def test_json_is_the_same_answer_as_the_agent_gets(run: Run, recorded: Path) -> None:
    answer = json.loads(run("top", "--json", "--limit", "1").stdout)
    (skill,) = answer["skills"]
    assert answer["skills_total"] == 2
    assert skill["completion_rate"]["denominator"] == 3
    assert skill["last_invoked_at"] == "2026-03-01T10:00:00Z"


@pytest.mark.slow
def test_show_tells_how_a_skill_went_and_what_surrounds_it(run: Run, recorded: Path) -> None:
    result = run("show", "review")
    assert result.returncode == 0, result.stderr
    assert "2 completed, 1 failed, 0 abandoned, 0 open" in result.stdout
    assert "1 reported, 2 inferred" in result.stdout
    assert "test-first (1)" in result.stdout
    answer = json.loads(run("show", "review", "--json").stdout)
    assert set(answer) == {"description", "metrics"}


@pytest.mark.slow
def test_sessions_are_listed_newest_first(run: Run, recorded: Path) -> None:
    result = run("session")
    assert result.stdout.index(DOCS[:8]) < result.stdout.index(SHOP[:8])
    answer = json.loads(run("session", "--json").stdout)
    assert [session["session_id"] for session in answer] == [DOCS, SHOP]


@pytest.mark.slow
def test_a_session_is_shown_by_the_beginning_of_its_id_with_evidence(run: Run, recorded: Path) -> None:
    result = run("session", SHOP[:6])
    assert result.returncode == 0, result.stderr
    assert f"Session {SHOP}" in result.stdout
    assert "test-first > review > review" in result.stdout
    shown = " ".join(result.stdout.split())
    assert "failed, inferred check failed: pytest -q" in shown
    assert "completed, reported" in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "nonsense"], "No skill 'nonsense' is in the record. Known are: review, "),
        (["show", "Revew"], "No skill 'Revew' is in the record. Did you mean 'review'?"),
        (["trend", "revie"], "Did you mean 'review'?"),
        (["deps", "revie"], "Did you mean 'review'?"),
        (["category", "revie"], "Did you mean 'review'?"),
        (["forget", "revie", "--yes"], "Did you mean 'review'?"),
        (["ab", "show", "blend"], "There is no experiment 'blend'. None was begun yet; run_ab_test or"),
        (["session", "nonsense"], "There is no session 'nonsense'"),
        (["show", ""], "skill_name"),
        (["forget", "nonsense", "--yes"], "Neither a session nor a skill 'nonsense' is in the record"),
        (["top", "--since", "2026-03-02", "--until", "2026-03-01"], "not before until"),
    ],
)
def test_what_is_not_in_the_record_is_one_line_and_status_one(
    words: list[str], said: str, run: Run, recorded: Path
) -> None:
    result = run(*words)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr


@pytest.mark.slow
def test_status_counts_what_is_recorded_and_says_that_nobody_leads(run: Run, recorded: Path) -> None:
    result = run("status")
    assert (result.returncode, result.stderr) == (0, "")
    assert "4 events, 4 invocations, 2 skills, 2 sessions" in result.stdout
    assert "none; this command looked for itself" in result.stdout
    answer = json.loads(run("status", "--json").stdout)
    assert answer["leader"] is None
    assert answer["status"]["pending_events"] == 0
    assert answer["problem"] is None


@pytest.mark.slow
def test_a_command_that_led_leaves_no_trace_of_leading(run: Run, recorded: Path) -> None:
    assert run("top").returncode == 0
    left = {path.name for path in recorded.iterdir()}
    assert "leader.lock" not in left
    assert "leader.json" not in left
    assert not [path for path in (recorded / "journal").iterdir() if path.suffix == ".jsonl"]


@pytest.mark.parametrize(
    "words", [["top"], ["status"], ["session"], ["export"], ["rebuild"], ["migrate", "status"]]
)
def test_a_home_that_is_not_there_is_not_made(words: list[str], run: Run, home: Path) -> None:
    result = run(*words)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "there is no record at" in result.stderr
    assert not home.exists()


def test_a_folder_of_somebody_else_does_not_become_a_home(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o755)
    (other / "notes.txt").write_text("mine")
    assert run("top", "--home", str(other)).returncode == 1
    assert [path.name for path in other.iterdir()] == ["notes.txt"]
    assert other.stat().st_mode & 0o777 == 0o755
