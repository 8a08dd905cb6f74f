"""One story from end to end: a session, its gate, a wrapped deployment, VS Code asking what is next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.editors.extension import try_extension

from .client import ClaudeCode
from .scenarios import install_skills
from .scripted_api import Script, ScriptedMessagesApi, say, use
from .test_recording import Person

pytestmark = [pytest.mark.claude_code, pytest.mark.node]
GATE = "session-buddy gate --phase tests --json -- ./check"
DEPLOY = "session-buddy ci --pipeline shop --stage deploy --environment production -- ./deploy"


@pytest.fixture
def person(claude: ClaudeCode, tmp_path: Path) -> Person:
    return Person(claude, tmp_path / "bin")


def make_project(claude: ClaudeCode) -> None:
    for name, text in {"check": "test ! -e broken", "deploy": "echo deployed"}.items():
        script = claude.project / name
        script.write_text(f"#!/bin/sh\n{text}\n")
        script.chmod(0o755)


def add_gate_at_stop(claude: ClaudeCode) -> None:
    path = claude.home / ".claude" / "settings.json"
    settings: dict[str, Any] = json.loads(path.read_text())
    gate = {"hooks": [{"type": "command", "command": GATE}]}
    settings["hooks"].setdefault("Stop", []).append(gate)
    path.write_text(json.dumps(settings))


def test_the_record_is_one_line_of_phases_and_the_editor_is_told_what_fixed_it(
    person: Person, api: ScriptedMessagesApi, node_modules: Path, tmp_path: Path
) -> None:
    prompts = {
        "Add the cart": (use("toolu_1", "Bash", command="touch broken"), say("Added.")),
        "Mend the tests": (
            use("toolu_2", "Skill", skill="test-first"),
            use("toolu_3", "Bash", command="rm broken"),
            say("Mended."),
        ),
        "Ship it": (use("toolu_4", "Bash", command=DEPLOY), say("Shipped.")),
        "Add the stock": (use("toolu_5", "Bash", command="touch broken"), say("Added, too.")),
    }
    api.scripts.extend(Script(prompt, turns) for prompt, turns in prompts.items())
    claude = person.claude
    make_project(claude)
    install_skills(claude)
    person.run("install", "claude", "--yes")
    add_gate_at_stop(claude)

    run = claude.converse(list(prompts))

    told = json.loads(person.run("quality", "--session", run.session_id, "--json"))
    line = [(step["kind"], step["name"], step["outcome"], step["source"]) for step in told["steps"]]
    assert line == [
        ("gate", "crackerjack: tests", "failed", "gate"),
        ("skill", "test-first", "completed", "transcript"),
        ("gate", "crackerjack: tests", "completed", "gate"),
        ("stage", "shop: deploy", "completed", "ci"),
        ("gate", "crackerjack: tests", "completed", "gate"),
        ("gate", "crackerjack: tests", "failed", "gate"),
    ]
    phases = [step["workflow_phase"] for step in told["steps"]]
    assert phases == ["execution", "verification", "execution", "deployment", "execution", "execution"]
    assert told["message"].endswith("Phases of the session: execution, verification, deployment.")
    stages = json.loads(person.run("pipelines", "shop", "--json"))["stages"]
    assert [(stage["stage"], stage["run_count"]) for stage in stages] == [("deploy", 1)]

    seen = try_extension(
        node_modules,
        f"{tmp_path}/bin/session-buddy",
        claude.home / ".session-buddy",
        claude.project,
        str(claude.project / "cart.py"),
        "",
        person.environment | {"SESSION_BUDDY_PORT": "0"},
    )
    assert seen["errors"] == []
    assert seen["picks"][0]["label"] == "test-first"
    assert "tests fails now, and this fixed it 1 of 1 times" in seen["picks"][0]["detail"]
    assert seen["clipboard"] == "/test-first"

    failed = ("--phase", "tests", "--outcome", "failed", "--project", str(claude.project), "--json")
    answer = json.loads(person.run("gate", *failed))
    assert [skill["skill_name"] for skill in answer["recommended_skills"]] == ["test-first"]
