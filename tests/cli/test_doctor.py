"""`doctor`: each problem is found, with its remedy, and what can be set right is."""

import json
import os
import re
import socket
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from session_buddy.cli import checks
from session_buddy.config import Settings
from tests.cli.conftest import Run
from tests.support.live import free_port


def _findings(run: Run, **environ: str) -> dict[str, dict[str, Any]]:
    answer = json.loads(run("doctor", "--json", **environ).stdout)
    return {finding["check"]: finding for finding in answer["findings"]}


def test_a_home_without_a_record_is_the_first_thing_said(run: Run, home: Path) -> None:
    result = run("doctor")
    assert result.returncode == 1
    assert re.search(r"PROBLEM\s+home", result.stdout)
    assert "install claude" in result.stdout
    assert not home.exists()


@pytest.mark.slow
def test_every_problem_has_a_remedy(run: Run, recorded: Path) -> None:
    found = _findings(run)
    assert {
        "python",
        "duckdb",
        "home",
        "disk",
        "journal",
        "quarantine",
        "clock",
        "leader",
        "database",
    } <= set(found)
    for finding in found.values():
        assert (finding["remedy"] is not None) == (finding["state"] in ("problem", "warning"))


@pytest.mark.slow
def test_the_status_tells_whether_there_is_a_problem(run: Run, recorded: Path) -> None:
    assert run("doctor").returncode == 1
    assert run("install", "claude", "--yes").returncode == 0
    result = run("doctor")
    assert result.returncode == 0, result.stdout
    assert "All is well." in result.stdout


@pytest.mark.slow
def test_what_others_could_read_is_closed_to_them(run: Run, recorded: Path) -> None:
    (recorded / "journal").chmod(0o755)
    leaked = recorded / "journal" / "leak.tmp"
    leaked.write_text("x")
    leaked.chmod(0o644)
    assert _findings(run)["home"]["state"] == "repaired"
    assert stat.S_IMODE((recorded / "journal").stat().st_mode) == 0o700
    assert stat.S_IMODE(leaked.stat().st_mode) == 0o600
    assert _findings(run)["home"]["state"] == "ok"


@pytest.mark.slow
def test_the_socket_of_a_killed_leader_is_removed(run: Run, recorded: Path) -> None:
    left = recorded / "leader.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(left))
    assert _findings(run)["leader"]["state"] == "repaired"
    assert not left.exists()


@pytest.mark.slow
def test_a_file_from_the_future_means_that_the_clock_was_set_back(run: Run, recorded: Path) -> None:
    later = time.time() + 3600
    (archived,) = (recorded / "archive").iterdir()
    os.utime(archived, (later, later))
    finding = _findings(run)["clock"]
    assert finding["state"] == "problem"
    assert "in the future" in finding["detail"]


@pytest.mark.slow
def test_a_journal_that_cannot_be_written_is_a_problem(run: Run, recorded: Path) -> None:
    (recorded / "journal").chmod(0o500)
    try:
        assert _findings(run)["journal"]["state"] == "problem"
    finally:
        (recorded / "journal").chmod(0o700)


def test_the_range_of_duckdb_is_the_one_that_the_package_asks_for() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    asked = f'"duckdb>={".".join(map(str, checks.DUCKDB_FROM))},<{checks.DUCKDB_BELOW[0]}"'
    assert asked in project


def test_a_full_disk_is_told_before_it_is_full(monkeypatch: pytest.MonkeyPatch, recorded: Path) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 5_000_000}))
    found = {finding.check: finding for finding in checks.files(Settings(home=str(recorded)))}
    assert found["disk"].state == "problem"


@pytest.mark.slow
def test_errors_that_hooks_logged_are_shown(run: Run, recorded: Path, tmp_path: Path) -> None:
    assert run("install", "claude", "--yes").returncode == 0
    (recorded / "hook-errors.log").write_text("2026-03-01T09:00:00Z cannot write\n")
    findings = json.loads(run("doctor", "--json").stdout)["findings"]
    assert any("cannot write" in finding["detail"] for finding in findings)


@pytest.mark.slow
def test_what_monitoring_lacks_is_told_step_by_step(run: Run, recorded: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    words = ("--monitoring", f"--prometheus={nowhere}", f"--alertmanager={nowhere}", "--json")
    answer = json.loads(run("doctor", *words, SESSION_BUDDY_PORT=str(free_port())).stdout)
    found = {finding["check"]: finding for finding in answer["findings"]}
    assert "websocket-server" in found["metrics"]["remedy"]
    for check in ("scrape", "rules", "alerting"):
        assert found[check]["state"] == "problem"
        assert nowhere in found[check]["detail"]
        assert "docs/how-to/deploy-monitoring.md" in found[check]["remedy"]
