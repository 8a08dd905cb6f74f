"""The real Codex CLI and Gemini CLI, with our server and our hooks as an install sets them up.

Their model is scripted and on loopback; everything else is what a user has.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.agents.clients import Client, CodexClient, GeminiClient
from tests.agents.scenarios import codex_session, gemini_session
from tests.agents.scripted_models import Call, Turn
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.node, pytest.mark.slow]

Buddy = Callable[..., Any]


def buddy_in(home: Path) -> Buddy:
    """`session-buddy` as the user of a home runs it; of `doctor`, what its JSON says."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "SESSION_BUDDY_PORT": "0"}

    def run(*words: str, status: int = 0) -> Any:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "session_buddy", *words],
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return json.loads(done.stdout) if words[0] == "doctor" else done.stdout

    return run


def made(kind: type[Client], modules: Path, folder: Path) -> Any:
    """A fresh installation of a client."""
    client = kind(modules, folder / "home", folder / "home" / "shop")
    if not (modules / ".bin" / ("codex" if kind is CodexClient else "gemini")).exists():
        reason = "SESSION_BUDDY_NODE_MODULES lacks the client that .ci/node/package.json names"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    client.home.mkdir()
    client.prepare()
    return client


@pytest.fixture
def codex(node_modules: Path, tmp_path: Path) -> CodexClient:
    return made(CodexClient, node_modules, tmp_path)


@pytest.fixture
def gemini(node_modules: Path, tmp_path: Path) -> GeminiClient:
    return made(GeminiClient, node_modules, tmp_path)


def settings_of(client: Client) -> dict[str, bytes]:
    names = [".codex/config.toml", ".codex/hooks.json", ".gemini/settings.json"]
    return {name: (client.home / name).read_bytes() for name in names if (client.home / name).exists()}


def used(buddy: Buddy) -> dict[tuple[str, str], list[str]]:
    """(agent, skill) -> outcomes, of all that was recorded."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in buddy("export", "--json").splitlines():
        use = json.loads(line)
        found.setdefault((use["agent"], use["skill_name"]), []).append(str(use.get("outcome")))
    return found


EXPECTED_OF_CODEX = {
    ("codex", "polish"): ["completed"],
    ("codex", "greet"): ["failed"],
    ("codex", "nosuch"): ["failed"],
}
EXPECTED_OF_GEMINI = {("gemini", name): outcome for (_, name), outcome in EXPECTED_OF_CODEX.items()}


def test_codex_records_by_its_hooks_once_they_are_trusted(codex: CodexClient) -> None:
    buddy = buddy_in(codex.home)
    before = settings_of(codex)
    buddy("install", "codex", "--yes")
    assert {hook["trustStatus"] for hook in codex.hooks()} == {"untrusted"}
    findings = {each["check"]: each for each in buddy("doctor", "--json", status=1)["findings"]}
    assert findings["Codex CLI: hooks"]["state"] == "ok"
    assert findings["Codex CLI: trust"]["state"] == "problem"

    untrusted = settings_of(codex)
    codex.trust()
    assert {hook["trustStatus"] for hook in codex.hooks()} == {"trusted"}
    findings = {each["check"]: each["state"] for each in buddy("doctor", "--json")["findings"]}
    assert findings["Codex CLI: trust"] == findings["Codex CLI: MCP server"] == "ok"

    codex_session(codex)
    wait_for(lambda: used(buddy) == EXPECTED_OF_CODEX, "all of the session in the record")
    buddy("import", "--yes")
    assert used(buddy) == EXPECTED_OF_CODEX  # the same uses, told by hooks and read from the rollouts

    (codex.home / ".codex" / "config.toml").write_bytes(untrusted[".codex/config.toml"])
    buddy("uninstall", "codex", "--yes")
    assert settings_of(codex) == before


def test_codex_is_recorded_by_an_import_alone_and_what_it_reports_counts_once(codex: CodexClient) -> None:
    buddy = buddy_in(codex.home)
    buddy("install", "codex", "--yes", "--no-import")
    polish = codex.skill(".agents", "polish")
    report = {"skill_name": "polish", "outcome": "abandoned"}
    script: list[Turn] = [
        [Call("exec_command", {"cmd": f"cat {polish}"}, "call_1")],
        [Call("record_skill_invocation", report, "call_2", "mcp__session_buddy")],
        "I gave up.",
    ]
    done = codex.run(script, "polish it")
    assert done.returncode == 0, done.stderr
    assert "mcp__session_buddy" in {tool.get("name") for tool in done.model.requests[0]["body"]["tools"]}
    buddy("import", "--yes")
    assert used(buddy) == {("codex", "polish"): ["abandoned"]}


def test_gemini_records_by_its_hooks_and_a_report_counts_once(gemini: GeminiClient) -> None:
    buddy = buddy_in(gemini.home)
    before = settings_of(gemini)
    buddy("install", "gemini", "--yes")
    findings = {each["check"]: each["state"] for each in buddy("doctor", "--json")["findings"]}
    assert findings["Gemini CLI: MCP server and hooks"] == "ok"

    report = {"skill_name": "greet", "outcome": "abandoned"}
    gemini_session(gemini, [Call("mcp_session-buddy_record_skill_invocation", report, "seven")])
    expected = EXPECTED_OF_GEMINI | {("gemini", "greet"): ["abandoned"]}
    wait_for(lambda: used(buddy) == expected, "all of the session in the record, the report in its use")
    buddy("import", "--yes")
    assert used(buddy) == expected

    buddy("uninstall", "gemini", "--yes")
    assert settings_of(gemini) == before
