"""`import` of so much that a process of its own reads it, while the command folds."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from session_buddy.cli.import_reader import WORTH_A_PROCESS_BYTES, worth_a_process
from tests.cli.conftest import Run
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow
USES = 24_000
TOTAL = "skill_invocation"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export that is worth a process, with two lines that nobody can use."""
    path = tmp_path_factory.mktemp("large") / "exported.jsonl"
    row = {
        "skill_name": "review",
        "completed": True,
        "duration_seconds": 1.0,
        "column of a later version": "",
    }
    row["column of a later version"] = "x" * (WORTH_A_PROCESS_BYTES // USES)
    with path.open("w") as file:
        for number in range(USES):
            time = f"2026-03-01T00:00:00.{number:06d}Z"
            file.write(json.dumps(row | {"session_id": f"s{number % 900}", "invoked_at": time}) + "\n")
        file.write('{"skill_name": ""}\nno JSON\n')
    assert worth_a_process([path])
    return path


@contextmanager
def importing(
    path: Path, environ: dict[str, str]
) -> Iterator[tuple["subprocess.Popen[str]", psutil.Process]]:
    """The command and its reader, which has put something into the journal."""
    words = [sys.executable, "-m", "session_buddy", "import", "--json", str(path)]
    home = Path(environ["SESSION_BUDDY_HOME"])
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environ
    ) as command:
        try:
            wait_for((home / "import-state.json").exists, "something is imported", seconds=60)
            yield command, psutil.Process(command.pid).children()[0]
        finally:
            command.kill()


def imported(run: Run, path: Path) -> dict[str, Any]:
    result = run("import", "--json", str(path))
    assert result.stderr.startswith(f"session-buddy: {path} was not imported: 2 of its lines cannot be used")
    answer: dict[str, Any] = json.loads(run("status", "--json").stdout)["status"]["counts"]
    return answer


def test_all_of_it_is_there_once_however_often_it_is_imported(run: Run, large: Path) -> None:
    assert imported(run, large)[TOTAL] == USES
    before = json.loads(run("show", "review", "--json").stdout)
    again = run("import", "--again", "--json", str(large))
    assert again.returncode == 1, "two of its lines cannot be used"
    assert json.loads(run("show", "review", "--json").stdout) == before


def test_ctrl_c_ends_both_processes_and_the_same_command_goes_on(
    run: Run, large: Path, environ: dict[str, str]
) -> None:
    with importing(large, environ) as (command, reader):
        command.send_signal(signal.SIGINT)
        errors = command.communicate(timeout=120)[1]
        assert command.returncode == 130, errors
        assert "the same command goes on from there" in errors
        assert "Traceback" not in errors
        assert not reader.is_running()
    assert imported(run, large)[TOTAL] == USES


def test_a_reader_that_was_killed_is_told_and_the_same_command_goes_on(
    run: Run, large: Path, environ: dict[str, str]
) -> None:
    with importing(large, environ) as (command, reader):
        reader.kill()
        errors = command.communicate(timeout=120)[1]
        assert (command.returncode, errors.count("\n")) == (1, 1), errors
        assert "ended with status -9" in errors
        assert "the same command goes on from there" in errors
    assert imported(run, large)[TOTAL] == USES


def test_a_reader_ends_with_its_command(run: Run, large: Path, environ: dict[str, str]) -> None:
    with importing(large, environ) as (command, reader):
        command.kill()
        wait_for(lambda: not reader.is_running() or reader.status() == "zombie", "the reader has ended")
    assert imported(run, large)[TOTAL] == USES


def test_what_stops_the_reader_is_told_as_it_is(run: Run, large: Path, home: Path) -> None:
    home.mkdir(0o700)
    (home / "hash.key").write_bytes(b"short")
    result = run("import", str(large))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "hash key" in result.stderr
    assert "is damaged" in result.stderr


def test_windows_record_while_a_large_import_goes_on(
    recorded: Path, run: Run, large: Path, environ: dict[str, str]
) -> None:
    before = json.loads(run("status", "--json").stdout)["status"]["counts"][TOTAL]
    leader = subprocess.Popen(
        [sys.executable, "-m", "session_buddy", "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=environ,
    )
    try:
        wait_for((recorded / "leader.json").exists, "a window leads")
        assert imported(run, large)[TOTAL] == before + USES
    finally:
        if leader.stdin is not None:
            leader.stdin.close()
        leader.wait(20)
