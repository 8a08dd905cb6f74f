"""The harness itself: what the product's tests take for granted about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .client import BINARY_VARIABLE, ClaudeCode, find_claude
from .scenarios import acceptance, install_skills, play, scripts_of
from .scripted_api import Script, ScriptedMessagesApi, next_turn, say, use

pytestmark = pytest.mark.claude_code


def tool_uses(path: Path) -> dict[str, str]:
    """Return the tool name of each tool_use id in a transcript."""
    found: dict[str, str] = {}
    for line in path.read_text().splitlines():
        record: dict[str, Any] = json.loads(line)
        content = record.get("message", {}).get("content", "")
        blocks = content if isinstance(content, list) else []
        found |= {block["id"]: block["name"] for block in blocks if block.get("type") == "tool_use"}
    return found


def test_a_retried_request_gets_the_same_turn() -> None:
    script = Script("go", (use("toolu_1", "Bash", command="true"), say("done")))
    prompt = {"role": "user", "content": "please go"}
    assert next_turn([script], [prompt]) is script.turns[0]
    assert next_turn([script], [prompt]) is script.turns[0]
    assert next_turn([script], [prompt, {"role": "assistant", "content": []}]) is script.turns[1]


def test_a_binary_that_was_named_but_does_not_exist_is_not_replaced_by_another(tmp_path: Path) -> None:
    assert find_claude({BINARY_VARIABLE: str(tmp_path / "absent"), "PATH": "/usr/bin"}) is None


def test_every_scenario_plays_in_one_conversation(claude: ClaudeCode, api: ScriptedMessagesApi) -> None:
    scenarios = acceptance()
    api.scripts.extend(scripts_of(scenarios))
    install_skills(claude)

    run = play(claude, scenarios)

    main = claude.transcript(run.session_id)
    (side,) = claude.subagent_transcripts(run.session_id)
    for expected in (one for scenario in scenarios for one in scenario.expected):
        uses = tool_uses(side if expected.in_subagent else main)
        assert expected.tool_use_id is None or uses[expected.tool_use_id] == "Skill"
    text = main.read_text()
    assert "<command-name>/release-notes</command-name>" in text
    assert "Unknown skill: changelog-polisher" in text
    assert "[Request interrupted by user for tool use]" in text
