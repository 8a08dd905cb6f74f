"""The recorded transcripts hold what `expected.json` beside them says, counted in the plainest way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "tests" / "fixtures" / "transcripts"
DEMO = REPOSITORY / "session_buddy" / "assets" / "demo"
EXPECTED: dict[str, dict[str, int]] = json.loads((FIXTURES / "expected.json").read_text())


def lines(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.jsonl")):
        yield from path.read_text().splitlines()


def records(folder: Path) -> tuple[dict[str, dict[str, Any]], int]:
    """The distinct records that have a uuid, and the number of lines that do not parse."""
    found: dict[str, dict[str, Any]] = {}
    unparseable = 0
    for line in lines(folder):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            unparseable += 1
            continue
        if "uuid" in record:
            found[record["uuid"]] = record
    return found, unparseable


def blocks(record: dict[str, Any]) -> list[dict[str, Any]]:
    content = record.get("message", {}).get("content", "")
    return content if isinstance(content, list) else []


def is_typed_skill(record: dict[str, Any]) -> bool:
    # A skill that runs in a fork leaves the bare line that was typed.
    text = str(record.get("message", {}).get("content", ""))
    return record["type"] == "user" and text.startswith(("<command-message>", "/"))


def is_prompt(record: dict[str, Any]) -> bool:
    notified = record.get("origin", {}).get("kind") == "task-notification"
    return record["type"] == "user" and not notified and ("promptSource" in record or is_typed_skill(record))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_fixture_holds_what_is_expected_of_it(name: str) -> None:
    found, unparseable = records(FIXTURES / name)
    used = [(block, record) for record in found.values() for block in blocks(record)]
    skills = {block["id"] for block, _ in used if block["type"] == "tool_use" and block["name"] == "Skill"}
    unknown = {
        block["tool_use_id"]
        for block, _ in used
        if block["type"] == "tool_result" and "Unknown skill" in str(block.get("content"))
    }
    assert {
        "skill_calls": len(skills),
        "typed_skills": sum(is_typed_skill(record) for record in found.values()),
        "unknown_skills": len(unknown),
        "unparseable_lines": unparseable,
        "prompts": sum(is_prompt(record) for record in found.values()),
    } == EXPECTED[name]


@pytest.mark.parametrize("folder", [FIXTURES, DEMO], ids=["fixtures", "demo"])
def test_no_recording_shows_a_path_of_the_machine_that_made_it(folder: Path) -> None:
    text = "\n".join(lines(folder))
    assert set(re.findall(r"/home/[a-z]+", text)) == {"/home/dev"}
    assert not re.search(r"/root\b|/tmp/(?!claude-1000)", text)


def test_the_demo_calls_each_skill_it_describes_and_one_that_nobody_has() -> None:
    described = {path.parent.name for path in (DEMO / "skills").glob("*/SKILL.md")}
    found, _ = records(DEMO / "projects")
    called = {
        block["input"]["skill"]
        for record in found.values()
        for block in blocks(record)
        if block["type"] == "tool_use" and block["name"] == "Skill"
    }
    assert called == described | {"changelog-polisher"}
