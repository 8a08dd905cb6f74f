"""A command that takes long on a home that agent windows are at work in, and one that is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from session_buddy.cli.demo_client import StdioClient
from session_buddy.models.ids import hashed_id
from tests.cli.conftest import Run, acknowledge, use
from tests.cli.forks import Forks
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow
USES = 20_000


@pytest.fixture(scope="module")
def long_folded(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with so many uses that making its database anew takes seconds."""
    home = tmp_path_factory.mktemp("long") / "home"
    events = (
        use(
            number % 1000,
            f"skill {number % 20}",
            f"session {number // 10}",
            id=hashed_id("test", "event", str(number)),
            invocation_id=hashed_id("test", "use", str(number)),
        )
        for number in range(USES)
    )
    acknowledge(home, events)
    folded = forks.run(["status", "--home", str(home)], "", {"HOME": str(home)}, home)
    assert folded.returncode == 0, folded.stderr
    return home


@pytest.fixture
def long_record(long_folded: Path, home: Path) -> Path:
    """A copy of that home."""
    return Path(shutil.copytree(long_folded, home))


def counted(run: Run) -> int:
    status = json.loads(run("status", "--json").stdout)
    assert status["problem"] is None
    count: int = status["status"]["counts"]["skill_invocation"]
    return count


def rebuilding(home: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    """A rebuild that leads for itself, and is past the point where the database was emptied."""
    command = [sys.executable, "-m", "session_buddy", "rebuild"]
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for((home / "archive" / "rebuild-under-way").exists, "the rebuild has begun", seconds=60)
    return process


def test_windows_are_served_while_a_command_rebuilds(
    long_record: Path, environ: dict[str, str], run: Run
) -> None:
    process = rebuilding(long_record, environ)
    with StdioClient(str(long_record), environ) as window:
        said = window.call_tool("record_skill_invocation", {"skill_name": "deploy", "completed": True})
        assert (long_record / "archive" / "rebuild-under-way").exists(), "recorded before the rebuild ended"
        assert said["duplicate"] is False
        assert window.call_tool("get_skill_metrics", {})["skills_total"] == 21, "figures are whole again"
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
        assert "skills" in output
        assert window.call_tool("get_skill_metrics", {"skill_name": "deploy"})["skills_total"] == 1
    assert counted(run) == USES + 1


def test_a_rebuild_that_was_killed_is_ended_by_the_next_leader(
    long_record: Path, environ: dict[str, str], run: Run
) -> None:
    process = rebuilding(long_record, environ)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (long_record / "archive" / "rebuild-under-way").exists()
    assert counted(run) == USES
    assert not (long_record / "archive" / "rebuild-under-way").exists()


def test_a_rebuild_that_is_interrupted_ends_at_once_and_is_ended_by_the_next_leader(
    long_record: Path, environ: dict[str, str], run: Run
) -> None:
    process = rebuilding(long_record, environ)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    assert not (long_record / "leader.lock").exists()
    assert counted(run) == USES


def test_a_database_that_is_gone_is_made_anew(long_record: Path, run: Run) -> None:
    for path in long_record.glob("session-buddy.duckdb*"):
        path.unlink()
    assert counted(run) == USES


def test_a_command_that_leads_is_named_and_waited_for(
    recorded: Path, environ: dict[str, str], run: Run
) -> None:
    """`migrate down` asks before it goes on, with the database open and nobody served."""
    leader, terminal = os.openpty()
    command = [sys.executable, "-m", "session_buddy", "migrate", "down"]
    process = subprocess.Popen(command, env=environ, stdin=terminal, stdout=terminal, stderr=terminal)
    try:
        wait_for((recorded / "leader.json").exists, "the command leads")
        refused = run("doctor", "--json")
        findings = {found["check"]: found for found in json.loads(refused.stdout)["findings"]}
        assert findings["leader"]["state"] == "ok"
        assert f"migrate down` (process {process.pid}, since " in findings["leader"]["detail"]
    finally:
        process.kill()
        process.wait()
        os.close(leader)
        os.close(terminal)
    assert counted(run) == 4
