"""What sessions of other agents give: the same events whenever, and however often, they are read.

The sessions of Codex CLI and Gemini CLI were written by the real clients (`record_fixtures`); VS Code's and
Cursor's follow what is published, because neither can be had from a package registry.
"""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.ingest import hook, hook_cursor
from session_buddy.ingest.agents.codex_records import CodexRecords
from session_buddy.ingest.hook_records import HookRecords
from session_buddy.ingest.recorded_sessions import READERS, TranscriptFiles, open_session
from session_buddy.ingest.skill_files import skill_of_path, skill_read_by
from session_buddy.ingest.sources import Source, recognise_file
from session_buddy.ingest.transcripts import Reading
from session_buddy.live.merge import merge
from session_buddy.models.events import JournalEvent, SessionEvent, SkillEvent, parse_event, to_line
from session_buddy.models.values import ForgetRequest

FIXTURES = Path(__file__).parents[1] / "fixtures" / "agents"
READING = Reading(lambda text: (None, "hash", len(text)))
Use = tuple[str, str, str | None, str | None]


def cursor_records(home: Path) -> Path:
    """What our hook keeps of the hooks in the fixture, a second apart."""
    payloads = (FIXTURES / "cursor" / "hooks.jsonl").read_text().splitlines()
    for second, payload in enumerate(payloads):
        hook_cursor.record(str(home), json.loads(payload), 1_795_000_000_000_000_000 + second * 1_000_000_000)
    return home / "records" / "cursor-6f1c-cursor.jsonl"


@pytest.fixture(params=["codex", "gemini", "vscode", "cursor"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """An agent's name, and a session of it."""
    found = {
        "codex": FIXTURES / "codex" / "rollout.jsonl",
        "gemini": FIXTURES / "gemini" / "shop" / "chats" / "session.jsonl",
        "vscode": FIXTURES / "vscode" / "transcript.jsonl",
    }
    return request.param, found[request.param] if request.param in found else cursor_records(tmp_path)


def events_of(path: Path) -> list[JournalEvent]:
    return list(open_session(path, READING).read("session", to_end=True))


def uses(events: list[JournalEvent]) -> list[Use]:
    """(skill, who began it, outcome, error) of each use, in order."""
    by_use: dict[Any, list[SkillEvent]] = {}
    for event in events:
        if isinstance(event, SkillEvent):
            by_use.setdefault(event.invocation_id, []).append(event)
    found = [use for each in by_use.values() if (use := merge(each)) is not None]
    return [(use.skill_name, use.origin, use.outcome, use.error_type) for use in found]


EXPECTED: dict[str, list[Use]] = {
    "codex": [
        ("polish", "agent", "completed", None),
        ("greet", "user", "failed", "test_failed"),
        ("nosuch", "agent", "failed", "unknown_skill"),
    ],
    "gemini": [
        ("nosuch", "agent", "failed", "unknown_skill"),
        ("polish", "agent", "completed", None),
        ("greet", "agent", "failed", "test_failed"),
    ],
    "vscode": [
        ("polish", "agent", "completed", None),
        ("greet", "agent", "failed", "test_failed"),
    ],
    "cursor": [
        ("polish", "agent", "completed", None),
        ("greet", "agent", "abandoned", "interrupted"),
    ],
}


def test_uses_and_their_outcomes_are_read(session: tuple[str, Path]) -> None:
    agent, path = session
    events = events_of(path)
    assert uses(events) == EXPECTED[agent]
    assert {event.agent for event in events if isinstance(event, SkillEvent | SessionEvent)} == {agent}
    assert {event.project for event in events if isinstance(event, SkillEvent)} == {"/home/dev/shop"}
    assert {event.source for event in events if isinstance(event, SkillEvent)} == {"transcript"}


def test_reading_again_or_in_pieces_gives_the_same_events(session: tuple[str, Path], tmp_path: Path) -> None:
    _, path = session
    whole = {event.id: event for event in events_of(path)}
    assert {event.id for event in events_of(path)} == set(whole)
    folder = tmp_path / "copy" / "chats"
    shutil.copytree(path.parent.parent, tmp_path / "copy", dirs_exist_ok=True)
    growing = folder / "growing.jsonl"
    folder.mkdir(exist_ok=True)
    growing.write_bytes(b"")
    files = TranscriptFiles(READING)
    pieces: list[JournalEvent] = []
    for line in path.read_bytes().splitlines(keepends=True):
        with growing.open("ab") as file:
            file.write(line)
        pieces += files.read("s", str(growing))
    pieces += files.read("s", str(growing), "SessionEnd")
    assert uses(pieces) == uses(list(whole.values()))
    assert {event.id for event in pieces if isinstance(event, SkillEvent)} >= {
        event.id for event in whole.values() if isinstance(event, SkillEvent) and event.kind == "started"
    }


def test_an_import_knows_the_file_and_events_survive_the_journal(session: tuple[str, Path]) -> None:
    _, path = session
    found = recognise_file(path)
    assert isinstance(found, Source)
    assert found.kind == "transcript"
    events = events_of(path)
    assert [parse_event(to_line(event)) for event in events] == events


def test_a_copied_session_repeats_the_uses_that_it_copied(tmp_path: Path) -> None:
    path = FIXTURES / "codex" / "rollout.jsonl"
    lines = path.read_text().splitlines()
    fork = json.loads(lines[0])
    fork["payload"]["id"] = fork["payload"]["session_id"] = "01a20456-ffff-77d0-ab7a-15a914a9cf46"
    copy = tmp_path / "rollout-fork.jsonl"
    copy.write_text("\n".join([json.dumps(fork), *lines]) + "\n")
    assert {each.invocation_id for each in events_of(copy) if isinstance(each, SkillEvent)} == {
        each.invocation_id for each in events_of(path) if isinstance(each, SkillEvent)
    }


def test_a_report_through_our_own_tool_joins_the_use_that_the_session_shows(tmp_path: Path) -> None:
    lines = (FIXTURES / "codex" / "rollout.jsonl").read_text().splitlines()
    at = next(index for index, line in enumerate(lines) if '"task_complete"' in line)
    stamp = json.loads(lines[at])["timestamp"]
    arguments = json.dumps({"skill_name": "polish", "outcome": "failed"})
    call = {"type": "function_call", "name": "record_skill_invocation", "namespace": "mcp__session_buddy"}
    said = [
        {
            "timestamp": stamp,
            "type": "response_item",
            "payload": call | {"call_id": "c9", "arguments": arguments},
        },
        {
            "timestamp": stamp,
            "type": "response_item",
            "payload": {"type": "function_call_output", "call_id": "c9", "output": "Output:\n{}"},
        },
    ]
    path = tmp_path / "rollout.jsonl"
    path.write_text("\n".join([*lines[:at], *map(json.dumps, said), *lines[at:]]) + "\n")
    assert uses(events_of(path))[0] == ("polish", "agent", "failed", None)
    superseded = [
        each for each in events_of(path) if isinstance(each, SkillEvent) and each.kind == "superseded"
    ]
    assert len(superseded) == 1


def test_what_cursor_said_is_kept_without_words_contents_and_secrets(tmp_path: Path) -> None:
    kept = cursor_records(tmp_path).read_text()
    for word in ("secret", "readme", "ada@example.org", "sk-ant-0123456789abcdef0123", "stdout", "content"):
        assert word not in kept
    assert (tmp_path / "records").stat().st_mode & 0o077 == 0


def test_what_is_forgotten_is_taken_out_of_what_cursor_said(tmp_path: Path) -> None:
    path = cursor_records(tmp_path)
    kept = HookRecords(path.parent)
    lines = len(path.read_text().splitlines())
    kept.forget(ForgetRequest(skill_name="greet"))
    assert uses(events_of(path)) == [("polish", "agent", "completed", None)]
    assert len(path.read_text().splitlines()) == lines - 1
    kept.forget(ForgetRequest(session_id="another"))
    kept.forget(ForgetRequest(before=datetime(2020, 1, 1, tzinfo=UTC)))
    assert path.exists()
    kept.prune(datetime.now(UTC) + timedelta(days=31))
    assert not path.exists()
    path = cursor_records(tmp_path)
    kept.forget(ForgetRequest(session_id="6f1c-cursor"))
    assert not path.exists()


def test_hooks_of_vs_code_and_cursor_are_told_apart_from_claude_codes(tmp_path: Path) -> None:
    vscode = {"hookEventName": "SessionStart", "sessionId": "s1", "cwd": "/x", "transcript_path": "/t.jsonl"}
    lines = [json.loads(line) for line in hook.journal_lines(vscode, 1_795_000_000_000_000_000)]
    assert [(line["kind"], line.get("agent")) for line in lines] == [
        ("session_started", "vscode"),
        ("transcript_ready", None),
    ]
    cursor = {"hook_event_name": "Stop", "session_id": "s1", "cursor_version": "3", "transcript_path": "/t"}
    assert hook.journal_lines(cursor, 1_795_000_000_000_000_000) == []
    gemini = {"hook_event_name": "AfterAgent", "session_id": "s1", "transcript_path": "/t"}
    stop = json.loads(hook.journal_lines(gemini, 1_795_000_000_000_000_000, "gemini")[0])
    assert (stop["kind"], stop["hook"]) == ("transcript_ready", "Stop")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "skill_name"),
    [
        ("cat ~/.agents/skills/polish/SKILL.md", "polish"),
        ("cd x && sed -n '1,200p' /a/skills/polish/SKILL.md", "polish"),
        ("head -c 100 'C:\\skills\\polish\\SKILL.md'", "polish"),
        ("cat /h/.codex/plugins/cache/market/shop/1.0/skills/refund/SKILL.md", "shop:refund"),
        ("echo x > skills/polish/SKILL.md", None),
        ("sed -i s/a/b/ skills/polish/SKILL.md", None),
        ("cat SKILL.md", None),
        ("git add skills/polish/SKILL.md", None),
        ("cat 'unclosed/SKILL.md", None),
        ("ls", None),
    ],
)
def test_a_skill_is_taken_up_by_reading_its_file_not_by_writing_it(
    command: str, skill_name: str | None
) -> None:
    assert skill_read_by(command) == skill_name


FIELDS = [
    "type",
    "payload",
    "data",
    "id",
    "content",
    "toolCalls",
    "name",
    "args",
    "text",
    "item",
    "status",
    "call_id",
    "arguments",
    "output",
    "timestamp",
    "result",
    "tool_input",
    "tool_name",
    "at",
]
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)


@pytest.mark.slow
@given(st.lists(JSON, max_size=6), st.sampled_from(range(len(READERS))))
def test_any_json_is_taken(records: list[Any], number: int) -> None:
    reader = READERS[number](READING.keep_query)
    reader.session_id = "s"
    for record in records:
        if isinstance(record, dict):
            stamped = record | {"timestamp": "2026-11-20T09:00:00Z", "at": "2026-11-20T09:00:00Z"}
            assert isinstance(reader.read(stamped), tuple | list)


@given(st.text(max_size=60))
def test_any_path_and_command_is_taken(text: str) -> None:
    for made in (text, f"{text}/SKILL.md", f"cat {text}/SKILL.md"):
        assert skill_of_path(made) is None or skill_of_path(made)
        assert skill_read_by(made) is None or skill_read_by(made)


def test_older_rollouts_tell_prompt_and_exit_status_in_their_own_way() -> None:
    reader = CodexRecords(READING.keep_query)
    assert CodexRecords.recognises({"type": "session_meta", "payload": {"id": "s"}})
    stamp = {"timestamp": "2025-10-01T00:00:00Z"}
    reader.read(stamp | {"type": "session_meta", "payload": {"id": "s", "cwd": "/x"}})
    reader.read(stamp | {"type": "event_msg", "payload": {"type": "user_message", "message": "go"}})
    call = {"type": "function_call", "name": "shell", "call_id": "c1"}
    command = json.dumps({"command": ["bash", "-lc", "cat a/SKILL.md"]})
    seen = reader.read(stamp | {"type": "response_item", "payload": call | {"arguments": command}})
    assert [type(each).__name__ for each in seen] == ["SkillCalled"]
    output = json.dumps({"output": "cat: a/SKILL.md: No such file", "metadata": {"exit_code": 1}})
    answer = {"type": "function_call_output", "call_id": "c1", "output": output}
    answered = reader.read(stamp | {"type": "response_item", "payload": answer})
    assert [getattr(each, "error", None) for each in answered] == ["unknown_skill"]
