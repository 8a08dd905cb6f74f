"""Transcripts that the real client wrote, against what their fixtures say of them."""

import json
from pathlib import Path

import pytest

from session_buddy.ingest.transcripts import SessionTranscript, TranscriptCounts
from session_buddy.models.answers import Invocation
from session_buddy.models.events import JournalEvent, SkillEvent
from tests.support.transcripts import READING, final

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "transcripts"
EXPECTED: dict[str, dict[str, int]] = json.loads((FIXTURES / "expected.json").read_text())

OUTCOMES = {
    "good_skill": [("commit-helper", "agent", "completed", None)],
    "failing_command": [("test-first", "agent", "failed", "exit_code")],
    "unknown_skill": [("changelog-polisher", "agent", "failed", "unknown_skill")],
    "slash_command": [("release-notes", "user", "completed", None)],
    "subagent": [("code-reader", "agent", "completed", None)],
    "interrupted": [("test-first", "agent", "abandoned", "interrupted")],
    "interrupted_answer": [("code-reader", "agent", "abandoned", "interrupted")],
    "ended_by_signal": [("test-first", "agent", "abandoned", "session_ended")],
    "denied": [("test-first", "agent", "failed", "permission_denied")],
    "built_in_commands": [],
    "interactive": [
        ("commit-helper", "agent", "completed", None),
        ("release-notes", "user", "completed", None),
    ],
    "background_task": [("commit-helper", "agent", "completed", None)],
    "background_failure": [("commit-helper", "agent", "failed", "background_failed")],
    "forked_skill": [("audit", "agent", "completed", None)],
    "forked_skill_typed": [("audit", "user", "completed", None)],
    "refused_skill": [("deploy", "agent", "failed", "load_failed")],
    "compacted": [("commit-helper", "agent", "completed", None)] * 2,
    "resumed": [("commit-helper", "agent", "completed", None)] * 3,
    "checkpointed": [
        ("commit-helper", "agent", "completed", None),
        ("test-first", "agent", "failed", "exit_code"),
        ("changelog-polisher", "agent", "failed", "unknown_skill"),
    ],
    "torn": [("commit-helper", "agent", "completed", None), ("test-first", "agent", "failed", "exit_code")],
}


def read(name: str) -> tuple[list[JournalEvent], TranscriptCounts]:
    """Events and counts of all sessions of a fixture, copies and all."""
    events: list[JournalEvent] = []
    counts = TranscriptCounts()
    for path in sorted((FIXTURES / name).rglob("*.jsonl")):
        if path.parent.name != "subagents":
            transcript = SessionTranscript(path, READING)
            events += transcript.read("session", to_end=True)
            counts += transcript.counts
    return events, counts


def only(name: str) -> Invocation:
    (invocation,) = final(read(name)[0])
    return invocation


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_recorded_conversation_gives_its_expected_uses(name: str) -> None:
    events, counts = read(name)
    uses = final(events)
    expected = EXPECTED[name]
    assert sum(one.origin == "agent" for one in uses) == expected["skill_calls"]
    assert sum(one.origin == "user" for one in uses) == expected["typed_skills"]
    assert sum(one.error_type == "unknown_skill" for one in uses) == expected["unknown_skills"]
    assert counts.unparseable == expected["unparseable_lines"]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_recorded_conversation_gives_its_expected_outcomes(name: str) -> None:
    uses = final(read(name)[0])
    assert [(one.skill_name, one.origin, one.outcome, one.error_type) for one in uses] == OUTCOMES[name]
    assert all(one.outcome_source == "inferred" and one.evidence for one in uses)


def test_a_skill_in_a_subagent_belongs_to_the_subagents_thread() -> None:
    use = only("subagent")
    assert use.thread not in {"main", "sidechain"}
    assert use.session_id == next((FIXTURES / "subagent").glob("*.jsonl")).stem


def test_a_background_notification_does_not_end_the_span() -> None:
    use = only("background_task")
    assert use.ended_at is not None
    assert (use.ended_at - use.invoked_at).total_seconds() > 1.0
    assert use.duration_seconds is not None
    assert use.duration_seconds < 1.0


def test_a_forked_skill_is_judged_by_what_its_fork_did() -> None:
    use = only("forked_skill")
    assert use.thread == "main"
    assert use.tool_call_count == 1
    assert use.duration_seconds is not None
    assert 0.1 < use.duration_seconds < 0.5


def test_the_arguments_of_a_typed_skill_are_its_query() -> None:
    assert only("slash_command").query_length == len("for the shop since v1.4")
    assert only("slash_command").query_text is None


def test_a_fork_of_a_session_adds_only_what_is_new_in_it() -> None:
    events, counts = read("resumed")
    started = [event for event in events if isinstance(event, SkillEvent) and event.kind == "started"]
    assert counts.skill_calls == 5
    assert len({event.id for event in started}) == 3
