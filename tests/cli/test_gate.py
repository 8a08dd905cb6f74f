"""`gate`, `quality` and `pipelines` on the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

JUNIT = Path(__file__).parents[1] / "fixtures" / "gates" / "junit.xml"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--phase", "tests"],
        ["--outcome", "failed"],
        ["--failed", "test_cart"],
        ["--seconds", "3", "--tool", "ruff"],
    ],
    ids=["nothing", "a phase alone", "an outcome alone", "a check without a phase", "only the side matters"],
)
def test_a_gate_that_records_nothing_is_wrong_usage_and_names_what_to_give(
    run: Run, home: Path, words: list[str]
) -> None:
    ended = run("gate", *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    for way in ("a command behind --", "--report FILE", "--phase with --outcome or --failed"):
        assert way in line
    assert not home.exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--phase", "breakfast", "--outcome", "failed"], "'breakfast' is not one of"),
        (["--phase", "tests", "--outcome", "great"], "'great' is not one of"),
        (["--seconds", "-1", "--phase", "tests", "--outcome", "failed"], "-1"),
    ],
)
def test_a_value_that_cannot_be_is_wrong_usage(
    run: Run, home: Path, words: list[str], complaint: str
) -> None:
    ended = run("gate", *words)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert complaint in ended.stderr
    assert not home.exists()


@pytest.mark.slow
def test_in_a_fresh_home_a_gate_begins_the_record(run: Run) -> None:
    ended = run("gate", "--phase", "tests", "--", "sh", "-c", "echo shown; exit 3")
    assert (ended.returncode, ended.stderr) == (3, "")
    assert ended.stdout.startswith("shown\n")
    assert "No skill is known yet to have fixed such a failure" in " ".join(ended.stdout.split())
    told = json.loads(run("quality", "--json").stdout)
    (phase,) = told["phases"]
    assert (phase["phase"], phase["workflow_phase"], phase["run_count"]) == ("tests", "execution", 1)
    assert phase["failed_count"] == 1
    assert told["diagram"].startswith("execution    tests ")
    assert "tests" in run("quality").stdout


@pytest.mark.slow
def test_a_report_names_the_checks_and_the_commands_status_is_kept(run: Run) -> None:
    ended = run("gate", "--json", "--report", str(JUNIT), "--", "sh", "-c", "echo noise; exit 1")
    assert ended.returncode == 1
    assert ended.stderr == "noise\n"  # with --json the answer alone is on stdout
    (seen,) = json.loads(ended.stdout)["runs"]
    assert (seen["phase"], seen["outcome"]) == ("tests", "failed")
    assert seen["failed_checks"]


@pytest.mark.slow
def test_what_cannot_be_recorded_leaves_the_commands_status(run: Run, home: Path) -> None:
    home.write_text("not a folder")
    ended = run("gate", "--phase", "tests", "--", "sh", "-c", "exit 4")
    assert (ended.returncode, ended.stdout) == (4, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("session-buddy: this gate was not recorded: ")
    home.unlink()
    unnamed = run("gate", "--", "true")
    assert unnamed.returncode == 0
    assert "add --phase, or --report" in unnamed.stderr


@pytest.mark.slow
def test_a_command_that_cannot_be_run_or_is_killed_ends_as_in_a_shell(run: Run) -> None:
    assert run("gate", "--phase", "tests", "--", "no-such-command").returncode == 127
    assert run("gate", "--phase", "tests", "--", "/").returncode == 126
    assert run("gate", "--phase", "tests", "--", "sh", "-c", "kill -9 $$").returncode == 137
    (phase,) = json.loads(run("quality", "--json").stdout)["phases"]
    assert phase["failed_count"] == 3


@pytest.mark.slow
def test_stages_of_the_wrapper_are_analysed_and_exported(run: Run) -> None:
    for words in (["true"], ["true"], ["false"]):
        run("ci", "--pipeline", "shop", "--stage", "test", "--", *words)
    told = json.loads(run("pipelines", "shop", "--json").stdout)
    (stage,) = told["stages"]
    assert (stage["run_count"], stage["failed_count"], stage["workflow_phase"]) == (3, 1, "execution")
    assert told["days"][0]["run_count"] == 3
    assert told["bottlenecks"] == []
    shown = " ".join(run("pipelines").stdout.split())
    assert "Too few to name bottlenecks: a stage is judged from 5 runs on." in shown
    unknown = run("pipelines", "web")
    assert unknown.returncode == 1
    assert "Known are: shop" in unknown.stderr
