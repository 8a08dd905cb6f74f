"""The payloads that the installed hooks hand over to `ingest_tool_calls`."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.errors import InvalidInput
from session_buddy.ingest.agents.claude_hooks import wanted_hooks
from session_buddy.ingest.hook_payloads import HookPayloads
from session_buddy.ingest.redaction import describe_query
from session_buddy.models.events import JournalEvent, SkillEvent, TranscriptReady, parse_event, to_line
from session_buddy.models.ids import invocation_id_of_prompt, invocation_id_of_tool_use
from tests.support.hooks import SESSION, payload
from tests.support.settings_files import JSON

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SKILL_CALL = {
    "tool_name": "Skill",
    "tool_input": {"skill": "greet"},
    "tool_use_id": "toolu_A1",
    "tool_response": "Launching skill: greet",
}


def follower() -> HookPayloads:
    return HookPayloads(lambda text: describe_query(text, b"k" * 32, store=False))


def handed_over(event: str, **fields: Any) -> Any:
    """`calls` as the client fills it in: `${path}` from the payload, nothing for what is missing."""
    (handler,) = wanted_hooks("hook")[event]["hooks"]
    given_payload = payload(event, **fields)

    def filled(value: str) -> str:
        def look(match: re.Match[str]) -> str:
            found = given_payload.get(match[1], "")
            return found if isinstance(found, str) else json.dumps(found, separators=(",", ":"))

        return re.sub(r"\$\{(\w+)\}", look, value)

    return [{name: filled(text) for name, text in call.items()} for call in handler["input"]["calls"]]


def skills(events: Sequence[JournalEvent]) -> list[tuple[str, str, str]]:
    return [(event.kind, event.skill_name, event.thread) for event in events if isinstance(event, SkillEvent)]


def test_a_skill_call_of_the_main_agent_starts_an_invocation() -> None:
    count, events = follower().feed(SESSION, handed_over("PostToolBatch", tool_calls=[SKILL_CALL]), AT)
    assert (count, skills(events)) == (1, [("started", "greet", "main")])
    (event,) = events
    assert isinstance(event, SkillEvent)
    assert event.invocation_id == invocation_id_of_tool_use("toolu_A1")


def test_a_subagents_skill_call_belongs_to_its_own_thread() -> None:
    calls = handed_over("PostToolBatch", tool_calls=[SKILL_CALL], agent_id="a41f18c7", agent_type="general")
    _, events = follower().feed(SESSION, calls, AT)
    assert skills(events) == [("started", "greet", "a41f18c7")]


def test_a_typed_skill_starts_an_invocation_of_the_user() -> None:
    calls = handed_over(
        "UserPromptExpansion", prompt_id="9206", command_name="greet", command_args="secret words"
    )
    count, (event,) = follower().feed(SESSION, calls, AT)
    assert isinstance(event, SkillEvent)
    assert (count, event.skill_name, event.origin) == (1, "greet", "user")
    assert event.invocation_id == invocation_id_of_prompt("9206")
    assert "secret words" not in to_line(event)


def test_a_prompt_says_that_the_transcript_has_grown() -> None:
    calls = handed_over("UserPromptSubmit", prompt_id="9206", prompt="secret words")
    count, (event,) = follower().feed(SESSION, calls, AT)
    assert isinstance(event, TranscriptReady)
    assert (count, event.hook, event.session_id) == (0, "UserPromptSubmit", SESSION)
    assert event.transcript_path == payload("UserPromptSubmit")["transcript_path"]
    assert "secret words" not in json.dumps(calls)


def test_a_repeated_payload_changes_nothing() -> None:
    live = follower()
    calls = handed_over("PostToolBatch", tool_calls=[SKILL_CALL])
    live.feed(SESSION, calls, AT)
    assert live.feed(SESSION, calls, AT)[1] == []


@pytest.mark.parametrize("calls", [[SKILL_CALL], json.dumps([SKILL_CALL])])
def test_bare_tool_calls_are_taken_too(calls: object) -> None:
    assert skills(follower().feed(SESSION, calls, AT)[1]) == [("started", "greet", "main")]


def test_an_unknown_hook_changes_nothing() -> None:
    assert follower().feed(SESSION, [{"hook_event_name": "FromTheFuture"}], AT) == (0, [])


OPTIONAL = dict.fromkeys(("agent_id", "prompt_id", "command_name", "transcript_path", "tool_calls"), JSON)
PAYLOADS = st.fixed_dictionaries(
    {"hook_event_name": st.sampled_from(sorted(wanted_hooks("hook")))}, optional=OPTIONAL
)


@pytest.mark.slow
@given(st.lists(PAYLOADS) | JSON)
def test_whatever_is_handed_over_gives_events_or_a_reason(calls: object) -> None:
    try:
        _, events = follower().feed(SESSION, calls, AT)
    except InvalidInput as error:
        events = []
        assert str(error).startswith("calls must be")  # noqa: PT017 - most inputs are no error
    for event in events:
        assert parse_event(to_line(event)) == event
