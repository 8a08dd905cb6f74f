"""A real Claude Code works as always, and the record is true, though the model calls no tool of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .client import ClaudeCode
from .scenarios import ExpectedUse, acceptance, install_skills, play, scripts_of
from .scripted_api import Script, ScriptedMessagesApi, say, use

pytestmark = pytest.mark.claude_code
CHECKOUT = Path(__file__).parents[2]
FAILED_BECAUSE = {
    "commit-helper": {"turn_ended", "next_prompt"},
    "changelog-polisher": {"unknown_skill"},
    "test-first failed": {"check_failed", "tool_errors"},
    "test-first abandoned": {"interrupted"},
}
"""Evidence of which one kind at least has to be given."""


class Person:
    """A user of one machine: their client, and our command in their home."""

    def __init__(self, claude: ClaudeCode, bin_directory: Path) -> None:
        self.claude = claude
        bin_directory.mkdir()
        launcher = bin_directory / "session-buddy"
        launcher.write_text(
            f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" -m session_buddy "$@"\n'
        )
        launcher.chmod(0o755)
        path = f"{bin_directory}{os.pathsep}{os.environ['PATH']}"
        self.environment = {"HOME": str(claude.home), "PATH": path, "PYTHONPATH": str(CHECKOUT)}
        claude.environment |= {"PATH": path, "PYTHONPATH": str(CHECKOUT)}

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            ["session-buddy", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def record(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("export", "--json").splitlines()]


@pytest.fixture
def person(claude: ClaudeCode, tmp_path: Path) -> Person:
    return Person(claude, tmp_path / "bin")


def told(record: list[dict[str, Any]]) -> list[tuple[str, str | None, str | None]]:
    return sorted((use["skill_name"], use["outcome"], use["origin"]) for use in record)


def wanted(uses: list[ExpectedUse]) -> list[tuple[str, str | None, str | None]]:
    return sorted((use.skill, use.outcome, "agent" if use.tool_use_id else "user") for use in uses)


@pytest.mark.parametrize("way", ["install", "plugin"])
def test_a_conversation_leaves_exactly_its_uses_with_outcome_and_evidence(
    person: Person, api: ScriptedMessagesApi, way: str
) -> None:
    scenarios = acceptance()
    api.scripts.extend(scripts_of(scenarios))
    install_skills(person.claude)
    arguments = ("--plugin-dir", str(CHECKOUT / "plugin")) if way == "plugin" else ()
    if way == "install":
        person.run("install", "claude", "--yes")

    run = play(person.claude, scenarios, *arguments)

    record = person.record()
    assert told(record) == wanted([use for scenario in scenarios for use in scenario.expected])
    assert {use["session_id"] for use in record} == {run.session_id}
    assert {use["outcome_source"] for use in record} == {"inferred"}
    for told_use in record:
        kinds = {evidence["kind"] for evidence in told_use["evidence"]}
        assert kinds, told_use
        name = told_use["skill_name"]
        expected = FAILED_BECAUSE.get(f"{name} {told_use['outcome']}") or FAILED_BECAUSE.get(name)
        assert expected is None or kinds & expected, (name, kinds)
    in_subagents = [use["skill_name"] for use in record if use["thread"] != "main"]
    assert in_subagents == ["code-reader"]

    before = person.record()
    person.run("import", "--yes", str(person.claude.transcript(run.session_id).parent))
    assert person.record() == before


def test_what_the_agent_reports_itself_is_of_the_use_that_was_observed(
    person: Person, api: ScriptedMessagesApi
) -> None:
    report = {"skill_name": "commit-helper", "completed": False, "error_type": "hook refused it"}
    prompt = "Commit it and say how it went"
    turns = (
        use("toolu_observed", "Skill", skill="commit-helper"),
        use("toolu_said", "mcp__session-buddy__record_skill_invocation", **report),
        say("It went wrong."),
    )
    api.scripts.append(Script(prompt, turns))
    install_skills(person.claude)
    person.run("install", "claude", "--yes")

    person.claude.converse([prompt])

    [of_it] = person.record()
    assert (of_it["outcome"], of_it["outcome_source"]) == ("failed", "reported")
    assert of_it["error_type"] == "hook refused it"
