"""MCP Inspector on the real stdio server, and the official conformance suite.

The suite's scenarios that fit any server are run. Its others call tools and prompts of a reference server
by name (`tools-call-image`, `prompts-get-with-args`, `json-schema-2020-12` ...) or try what we do not
offer: logging, completion, sampling, elicitation, legacy subscriptions, and the HTTP transport itself,
which exists in these tests alone.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from session_buddy.serve.tools import TOOLS

pytestmark = [pytest.mark.node, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
SCENARIOS = ("server-initialize", "ping", "tools-list", "resources-list", "prompts-list")
SECONDS = 60


def inspect(node_modules: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run MCP Inspector's command line on `session-buddy serve`."""
    environment = os.environ | {"SESSION_BUDDY_HOME": str(home)}
    server = [sys.executable, "-m", "session_buddy", "serve"]
    passed_on = ["-e", f"SESSION_BUDDY_HOME={home}"]
    return subprocess.run(
        [
            node_modules / ".bin/node",
            node_modules / ".bin/mcp-inspector",
            "--cli",
            *server,
            *passed_on,
            *arguments,
        ],
        cwd=ROOT,
        env=environment | {"HOME": str(home.parent)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_inspector_finds_nothing_to_report_in_the_list_of_tools(
    node_modules: Path, tmp_path: Path, era: str
) -> None:
    listed = inspect(
        node_modules, tmp_path / "home", "--protocol-era", era, "--method", "tools/list", "--strict"
    )
    assert listed.returncode == 0, listed.stderr
    assert "Warning:" not in listed.stderr
    tools = [tool["name"] for tool in json.loads(listed.stdout)["tools"]]
    assert tools == [spec.name for spec in TOOLS]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_inspector_calls_tools_in_both_eras(node_modules: Path, tmp_path: Path, era: str) -> None:
    def call(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        called = inspect(
            node_modules,
            tmp_path / "home",
            *("--protocol-era", era, "--method", "tools/call", "--tool-name", tool),
            *("--tool-args-json", json.dumps(arguments)),
        )
        assert called.returncode == 0, called.stdout + called.stderr
        return dict(json.loads(called.stdout)["structuredContent"])

    recorded = call(
        "record_skill_invocation", {"skill_name": "lint", "completed": True, "duration_seconds": 2}
    )
    metrics = call("get_skill_metrics", {"skill_name": "lint"})
    assert recorded["duplicate"] is False
    assert metrics["skills"][0]["completed_count"] == 1


@pytest.fixture(scope="module")
def http_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("http") / "home"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.serve.http_server", str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_conformance_scenario_passes(
    node_modules: Path, http_address: str, tmp_path: Path, scenario: str
) -> None:
    run = subprocess.run(
        [
            *(node_modules / ".bin/node", node_modules / ".bin/conformance"),
            *("server", "--url", http_address, "--scenario", scenario, "--output-dir", tmp_path),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (checks,) = tmp_path.rglob("checks.json")
    statuses = [check["status"] for check in json.loads(checks.read_text("utf-8"))]
    assert statuses
    assert set(statuses) <= {"SUCCESS", "INFO"}
