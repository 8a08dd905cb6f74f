"""Commands beside a real server: they ask it over its socket and leave the database to it."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from session_buddy import __version__
from session_buddy.cli.demo_client import StdioClient
from tests.cli.conftest import Run


@pytest.fixture(params=["unix", pytest.param("tcp", marks=pytest.mark.slow)])
def window(request: pytest.FixtureRequest, recorded: Path, environ: dict[str, str]) -> Iterator[StdioClient]:
    """An agent's window, whose server leads."""
    environ["SESSION_BUDDY_TRANSPORT"] = request.param
    with StdioClient(str(recorded), environ) as client:
        client.call_tool("get_skill_metrics", {})
        yield client


@pytest.mark.slow
def test_commands_ask_the_leader_and_see_what_was_just_recorded(
    window: StdioClient, run: Run, recorded: Path
) -> None:
    window.call_tool("record_skill_invocation", {"skill_name": "deploy", "completed": True})
    status = json.loads(run("status", "--json").stdout)
    assert status["leader"]["version"] == __version__
    assert status["leader"]["pid"] == status["status"]["pid"] == window.pid
    (shown,) = status["status"]["windows"]
    assert (shown["pid"], shown["version"]) == (window.pid, __version__)
    assert re.search(rf"windows +process {window.pid}, since .*, leads", run("status").stdout)
    top = json.loads(run("top", "--json").stdout)
    assert {skill["skill_name"]: skill["invocation_count"] for skill in top["skills"]} == {
        "review": 3,
        "test-first": 1,
        "deploy": 1,
    }
    assert len(run("export", "--json").stdout.splitlines()) == 5
    assert run("show", "nonsense").stderr.count("\n") == 1
    result = run("doctor")
    assert f"process {window.pid}" in result.stdout


@pytest.mark.slow
def test_the_record_is_cared_for_by_the_leader(window: StdioClient, run: Run) -> None:
    assert run("forget", "test-first", "--yes").stdout == "Forgotten: 1 invocation.\n"
    assert json.loads(run("rebuild", "--json").stdout)["skill_invocation"] == 3
    assert "has it at the newest version already" in run("migrate", "up").stdout
    refused = run("migrate", "down", "--yes")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "close the agent's windows" in refused.stderr
    assert window.call_tool("get_skill_metrics", {})["skills_total"] == 1


@pytest.mark.slow
def test_a_leader_that_is_stopped_is_named_after_the_patience_that_it_gets(
    window: StdioClient, run: Run
) -> None:
    os.kill(window.pid, signal.SIGSTOP)
    try:
        result = run("doctor", "--json")
    finally:
        os.kill(window.pid, signal.SIGCONT)
    findings = {finding["check"]: finding for finding in json.loads(result.stdout)["findings"]}
    assert findings["leader"]["state"] == "problem"
    assert str(window.pid) in findings["leader"]["detail"]


@pytest.mark.slow
def test_when_the_window_closes_the_next_command_leads_for_itself(
    recorded: Path, environ: dict[str, str], run: Run
) -> None:
    with StdioClient(str(recorded), environ) as window:
        window.call_tool("record_skill_invocation", {"skill_name": "deploy", "completed": True})
    status = json.loads(run("status", "--json").stdout)
    assert status["leader"] is None
    assert status["status"]["counts"]["skill_invocation"] == 5
