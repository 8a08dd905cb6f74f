"""A report through our own tool and the span that the transcript shows are one use."""

import json
from pathlib import Path

import pytest

from session_buddy.ingest.transcripts import Reading, SessionTranscript
from session_buddy.live.merge import merge
from session_buddy.models.events import SkillEvent
from session_buddy.models.ids import hashed_id, invocation_id_of_tool_use
from tests.support.records import Conversation

TOOL = "mcp__session-buddy__record_skill_invocation"


def events(tmp_path: Path, talk: Conversation) -> list[SkillEvent]:
    path = tmp_path / f"{talk.session}.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in talk.records))
    reading = Reading(lambda text: (None, "hash", len(text)))
    return [event for event in SessionTranscript(path, reading).read() if isinstance(event, SkillEvent)]


def report(
    talk: Conversation, call_id: str, skill: str = "greet", *, error: bool = False, **given: object
) -> None:
    talk.call(call_id, TOOL, skill_name=skill, **{"completed": False} | given)
    talk.answer(call_id, error=error)


def skill_used(talk: Conversation) -> None:
    talk.prompt()
    talk.skill("toolu_skill", "greet")


@pytest.mark.parametrize("tool", [TOOL, "mcp__plugin_session-buddy_session-buddy__record_skill_invocation"])
def test_a_report_speaks_of_the_open_span_and_supersedes_what_stood_alone(tmp_path: Path, tool: str) -> None:
    talk = Conversation()
    skill_used(talk)
    talk.call("toolu_report", tool, skill_name="greet", outcome="failed")
    talk.answer("toolu_report")
    talk.end_turn()
    found = events(tmp_path, talk)
    span_id = invocation_id_of_tool_use("toolu_skill")
    of_span = merge(event for event in found if event.invocation_id == span_id)
    assert of_span is not None
    assert (of_span.outcome, of_span.outcome_source) == ("failed", "reported")
    alone = [event for event in found if event.invocation_id == hashed_id("request", "toolu_report")]
    assert [event.kind for event in alone] == ["superseded"]


def test_a_report_under_a_key_of_its_own_is_superseded_under_that_key(tmp_path: Path) -> None:
    talk = Conversation()
    skill_used(talk)
    report(talk, "toolu_report", request_key="mine")
    [superseded] = [event for event in events(tmp_path, talk) if event.kind == "superseded"]
    assert superseded.invocation_id == hashed_id("request", "mine")


def test_a_report_that_was_refused_speaks_of_nothing(tmp_path: Path) -> None:
    talk = Conversation()
    skill_used(talk)
    report(talk, "toolu_refused", error=True)
    assert {event.kind for event in events(tmp_path, talk)} <= {"started", "ended"}


def test_a_second_report_of_the_same_span_stands_alone(tmp_path: Path) -> None:
    talk = Conversation()
    skill_used(talk)
    report(talk, "toolu_first")
    report(talk, "toolu_second")
    assert [event.kind for event in events(tmp_path, talk)].count("superseded") == 1


@pytest.mark.parametrize(("waited", "attached"), [(580, True), (610, False)])
def test_a_span_that_closed_ten_minutes_ago_is_not_the_one_reported(
    tmp_path: Path, waited: int, *, attached: bool
) -> None:
    talk = Conversation()
    skill_used(talk)
    talk.end_turn()
    talk.wait(waited)
    talk.prompt("and now?")
    report(talk, "toolu_report")
    assert ("superseded" in {event.kind for event in events(tmp_path, talk)}) is attached


def test_another_servers_tool_of_that_name_is_no_report(tmp_path: Path) -> None:
    talk = Conversation()
    skill_used(talk)
    talk.call("toolu_other", "mcp__other__record_skill_invocation", skill_name="greet", completed=True)
    talk.answer("toolu_other")
    assert "reported" not in {event.kind for event in events(tmp_path, talk)}
