"""`export`, `forget`, `rebuild`, `migrate`: care of the record."""

import csv
import io
import json
import re
import stat
from pathlib import Path
from typing import Any

import duckdb
import pytest

from session_buddy.models.answers import Invocation
from tests.cli.conftest import BEGAN, DOCS, SHOP, Run, acknowledge, use


def _rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
def test_export_prints_one_invocation_a_line_under_the_schema_s_names(run: Run, recorded: Path) -> None:
    result = run("export", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    rows = _rows(result.stdout)
    assert [row["skill_name"] for row in rows] == ["test-first", "review", "review", "review"]
    with duckdb.connect(str(recorded / "session-buddy.duckdb")) as database:
        described = database.execute("SELECT column_name FROM (DESCRIBE skill_invocation)").fetchall()
    assert set(rows[0]) >= {name for (name,) in described}
    assert Invocation.model_validate(rows[0]).invoked_at == BEGAN


@pytest.mark.slow
def test_export_without_json_is_a_table_for_a_spreadsheet(run: Run, recorded: Path, tmp_path: Path) -> None:
    acknowledge(recorded, [use(70, "=cmd()", DOCS, note="two\nlines, and a comma")])
    target = tmp_path / "out.csv"
    assert run("export", "--output", str(target)).returncode == 0
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert len(rows) == 5
    assert rows[-1]["note"] == "two\nlines, and a comma"
    assert rows[-1]["skill_name"] == "'=cmd()"
    assert json.loads(rows[1]["evidence"])[0]["kind"] == "check_failed"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.slow
def test_export_of_a_window_holds_what_began_in_it(run: Run, recorded: Path) -> None:
    rows = _rows(
        run("export", "--json", "--since", "2026-03-01T09:01:00Z", "--until", "2026-03-01T10:00:00Z").stdout
    )
    assert [row["invoked_at"] for row in rows] == ["2026-03-01T09:01:00Z", "2026-03-01T09:02:00Z"]


def test_an_export_to_a_place_that_cannot_be_written_is_one_line(
    run: Run, recorded: Path, tmp_path: Path
) -> None:
    result = run("export", "--output", str(tmp_path / "missing" / "out.csv"))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "No such file or directory" in result.stderr


@pytest.mark.slow
def test_forget_without_a_terminal_deletes_nothing_unless_told_to(run: Run, recorded: Path) -> None:
    result = run("forget", "review")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--yes" in result.stderr
    assert len(_rows(run("export", "--json").stdout)) == 4


@pytest.mark.slow
def test_a_forgotten_skill_is_gone_from_the_answers_and_the_files(run: Run, recorded: Path) -> None:
    result = run("forget", "test-first", "--yes")
    assert (result.returncode, result.stdout) == (0, "Forgotten: 1 invocation.\n")
    assert {row["skill_name"] for row in _rows(run("export", "--json").stdout)} == {"review"}
    assert run("rebuild").returncode == 0
    assert {row["skill_name"] for row in _rows(run("export", "--json").stdout)} == {"review"}


@pytest.mark.slow
def test_a_session_is_forgotten_by_the_beginning_of_its_id(run: Run, recorded: Path) -> None:
    answer = json.loads(run("forget", SHOP[:8], "--yes", "--json").stdout)
    assert (answer["scope"], answer["value"], answer["forgotten_invocations"]) == ("session", SHOP, 3)
    assert {row["session_id"] for row in _rows(run("export", "--json").stdout)} == {DOCS}


@pytest.mark.slow
def test_all_before_a_time_is_forgotten(run: Run, recorded: Path) -> None:
    assert run("forget", "--before", "2026-03-01T09:30:00Z", "--yes").stdout == "Forgotten: 3 invocations.\n"
    assert len(_rows(run("export", "--json").stdout)) == 1


@pytest.mark.slow
def test_a_name_of_a_session_and_a_skill_is_asked_back(run: Run, recorded: Path) -> None:
    acknowledge(recorded, [use(80, "twin", "twin")])
    result = run("forget", "twin", "--yes")
    assert result.returncode == 2
    assert "both a session and a skill" in result.stderr
    assert run("forget", "twin", "--skill", "--yes").returncode == 0


@pytest.mark.slow
def test_a_rebuild_says_the_same_as_before(run: Run, recorded: Path) -> None:
    before = run("export", "--json").stdout
    counts = json.loads(run("rebuild", "--json").stdout)
    assert counts["skill_invocation"] == 4
    assert run("export", "--json").stdout == before


@pytest.mark.slow
def test_migrate_up_makes_the_database_of_an_empty_home(run: Run) -> None:
    assert re.fullmatch(r"The database went from V0 to V[1-9]\d*\.\n", run("migrate", "up").stdout)
    assert all(version["applied_at"] for version in json.loads(run("migrate", "status", "--json").stdout))


@pytest.mark.slow
def test_migrate_goes_down_step_by_step_and_up_again(run: Run, recorded: Path) -> None:
    versions = json.loads(run("migrate", "status", "--json").stdout)
    newest = len(versions)
    assert all(version["applied_at"] for version in versions)
    down = run("migrate", "down", "--yes")
    assert (down.returncode, down.stdout.splitlines()[0]) == (
        0,
        f"The database went from V{newest} to V{newest - 1}.",
    )
    assert json.loads(run("migrate", "status", "--json").stdout)[-1]["applied_at"] is None
    assert run("migrate", "up").stdout == f"The database went from V{newest - 1} to V{newest}.\n"
    assert run("migrate", "down", "--all", "--yes").returncode == 0
    assert run("rebuild").returncode == 0
    assert len(_rows(run("export", "--json").stdout)) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["migrate", "down", "--to", "99", "--yes"], 1, "no way down"),
        (["migrate", "down", "--to", "1", "--all"], 2, "not both"),
        (["migrate", "down"], 2, "--yes"),
        (["migrate", "sideways"], 2, "No such command"),
    ],
)
def test_a_migration_that_cannot_be_is_one_line(
    words: list[str], status: int, said: str, run: Run, recorded: Path
) -> None:
    result = run(*words)
    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
