"""The README says what is captured for which agent; this holds it to what the code does."""

import json
import re
from pathlib import Path

import pytest

from session_buddy.cli.agents import ADAPTERS
from session_buddy.config import load_settings
from session_buddy.ingest.recorded_sessions import open_session
from session_buddy.ingest.transcripts import SessionTranscript
from session_buddy.models.events import SkillEvent
from tests.agents.test_records import FIXTURES, READING, cursor_records

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "fixtures" / "transcripts"
FORMS = {"`Skill` call", "`/skill`", "`SKILL.md` read", "`$skill`", "`activate_skill` call"}


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user whose agents keep their files where they do by default."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("CODEX_HOME", "GEMINI_CLI_HOME", "CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME", "COPILOT_HOME"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def rows() -> dict[str, list[str]]:
    """The table's rows by the agent's title, without links."""
    text = (ROOT / "README.md").read_text("utf-8")
    table = text.partition("| Agent | `install` sets up |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [
        [cell.strip() for cell in re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", row).split("|")[1:-1]]
        for row in table
    ]
    return {row[0]: row[1:] for row in cells}


def packages() -> dict[str, str]:
    found: dict[str, str] = json.loads((ROOT / ".ci" / "node" / "package.json").read_text())["dependencies"]
    return found


PACKAGES = {"claude": "@anthropic-ai/claude-code", "codex": "@openai/codex", "gemini": "@google/gemini-cli"}


def test_every_agent_has_its_row() -> None:
    assert list(rows()) == [adapter.title for adapter in ADAPTERS.values()]


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_what_is_set_up_imported_and_tried_is_what_the_row_says(name: str, user: Path) -> None:
    (user / ".config/Code/User/workspaceStorage/1/GitHub.copilot-chat/transcripts").mkdir(parents=True)
    adapter = ADAPTERS[name]
    sets_up, forms, _, imports, tried = rows()[adapter.title]
    assert sets_up == ", ".join(file.name for file in adapter.files(load_settings({}, {"HOME": str(user)})))
    assert set(forms.split(", ")) <= FORMS
    read = [str(folder).replace(str(user), "~") for folder in adapter.sessions()]
    said = [folder.strip("`") for folder in imports.split(", ") if folder != "nothing"]
    assert len(read) == len(said)
    assert all(place in folder for place, folder in zip(said, read, strict=True))
    package = PACKAGES.get(name)
    assert tried == (f"the real client, {packages()[package]}" if package else "its documentation")


LIVE = {
    "each batch of calls": {"PostToolBatch"},
    "each call": {"postToolUse", "postToolUseFailure"},
    "each turn": {"Stop", "AfterAgent"},
}
"""What the row says -> events of the agent's hooks of which one at least has to be installed."""


def installed_events(name: str, home: Path) -> set[str]:
    """The events at which the agent will run a hook of ours, from the files that an install writes."""
    settings = load_settings({}, {"HOME": str(home)})
    events: set[str] = set()
    for change in ADAPTERS[name].plan_install(settings):
        if change.path.suffix == ".json":
            events |= set(json.loads(change.after or b"{}").get("hooks", {}))
    return events


@pytest.mark.parametrize("name", list(ADAPTERS))
def test_how_live_an_agent_is_follows_from_the_hooks_that_are_installed(name: str, user: Path) -> None:
    events = installed_events(name, user)
    said = rows()[ADAPTERS[name].title][2]
    finest = next(words for words, wanted in LIVE.items() if wanted & events)
    assert said == finest


def test_claude_codes_ways_to_use_a_skill_are_seen_in_sessions_of_the_real_client() -> None:
    origins = {
        event.origin
        for folder in ("good_skill", "slash_command")
        for path in sorted((RECORDED / folder).glob("*.jsonl"))
        for event in SessionTranscript(path, READING).read("session", to_end=True)
        if isinstance(event, SkillEvent) and event.kind == "started"
    }
    shown = {"`Skill` call": "agent", "`/skill`": "user"}
    assert set(rows()[ADAPTERS["claude"].title][1].split(", ")) == set(shown)
    assert set(shown.values()) <= origins


@pytest.mark.parametrize("name", ["codex", "cursor", "gemini", "vscode"])
def test_the_ways_to_use_a_skill_are_those_that_its_sessions_show(name: str, tmp_path: Path) -> None:
    """Of the recorded session, each way of the row gives a use: nothing that stands there goes unseen."""
    path = {
        "codex": FIXTURES / "codex" / "rollout.jsonl",
        "gemini": FIXTURES / "gemini" / "shop" / "chats" / "session.jsonl",
        "vscode": FIXTURES / "vscode" / "transcript.jsonl",
    }.get(name) or cursor_records(tmp_path)
    began = {
        (event.skill_name, event.origin)
        for event in open_session(path, READING).read("session", to_end=True)
        if isinstance(event, SkillEvent) and event.kind == "started"
    }
    shown = {
        "codex": {"`SKILL.md` read": ("polish", "agent"), "`$skill`": ("greet", "user")},
        "gemini": {"`activate_skill` call": ("polish", "agent"), "`SKILL.md` read": ("greet", "agent")},
        "vscode": {"`SKILL.md` read": ("polish", "agent")},
        "cursor": {"`SKILL.md` read": ("polish", "agent")},
    }[name]
    assert set(rows()[ADAPTERS[name].title][1].split(", ")) == set(shown)
    assert set(shown.values()) <= began
