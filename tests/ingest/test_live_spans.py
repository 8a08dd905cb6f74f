"""Batches of tool calls from a hook."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.errors import InvalidInput
from session_buddy.ingest.live_spans import LiveSpans
from session_buddy.models.events import JournalEvent, SkillEvent
from session_buddy.models.ids import hashed_id, invocation_id_of_tool_use
from tests.support.transcripts import final, keep_query

AT = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


def call(use_id: str, name: str, response: Any, **given_input: Any) -> dict[str, Any]:
    return {"tool_name": name, "tool_input": given_input, "tool_use_id": use_id, "tool_response": response}


def skill(use_id: str, name: str, **more: Any) -> dict[str, Any]:
    return call(use_id, "Skill", f"Launching skill: {name}", skill=name, **more)


def kinds(events: Sequence[JournalEvent]) -> list[str]:
    return [event.kind for event in events if isinstance(event, SkillEvent)]


def test_a_skill_call_starts_an_invocation_with_the_authority_of_a_hook() -> None:
    count, events = LiveSpans(keep_query).feed("s", [skill("t1", "commit", args="it")], AT)
    (event,) = events
    assert isinstance(event, SkillEvent)
    assert count == 1
    assert (event.kind, event.source, event.authority) == ("started", "hook", 10)
    assert event.id == hashed_id("claude-code", "t1", "started", "hook")
    assert event.invocation_id == invocation_id_of_tool_use("t1")
    assert (event.invoked_at, event.query_length) == (AT, 2)


def test_an_unknown_skill_fails_at_once() -> None:
    response = "<tool_use_error>Unknown skill: nope</tool_use_error>"
    count, events = LiveSpans(keep_query).feed(
        "s", json.dumps([call("t1", "Skill", response, skill="nope")]), AT
    )
    (use,) = final(events)
    assert (count, use.outcome, use.error_type) == (1, "failed", "unknown_skill")


def test_the_next_skill_closes_the_span_with_what_was_seen_in_it() -> None:
    live = LiveSpans(keep_query)
    _, events = live.feed("s", [skill("t1", "first")], AT)
    seen = [*events]
    failing = call("b1", "Bash", "Exit code 1\n1 failed", command="pytest")
    seen += live.feed("s", [failing], AT + timedelta(seconds=40))[1]
    seen += live.feed("s", [skill("t2", "second")], AT + timedelta(seconds=50))[1]
    first, second = final(seen)
    assert (first.outcome, first.error_type, first.duration_seconds) == ("failed", "test_failed", 50.0)
    assert second.outcome is None


def test_sessions_and_threads_do_not_disturb_each_other() -> None:
    live = LiveSpans(keep_query)
    live.feed("s", [skill("t1", "first"), call("b1", "Bash", "x", command="ls")], AT)
    for session, thread, use_id in (("other", "main", "t2"), ("s", "a17", "t3")):
        _, events = live.feed(session, [skill(use_id, "second")], AT, thread)
        assert kinds(events) == ["started"]


def test_a_repeated_batch_changes_nothing() -> None:
    live = LiveSpans(keep_query)
    live.feed("s", [skill("t1", "first")], AT)
    assert live.feed("s", [skill("t1", "first")], AT) == (1, [])


@pytest.mark.parametrize("calls", [None, 5, "", "{", "nonsense", [5], "[5]", [{}], [{"tool_name": "Skill"}]])
def test_what_is_no_batch_is_refused_with_what_was_expected(calls: Any) -> None:
    with pytest.raises(InvalidInput, match="calls must be the hook's tool_calls"):
        LiveSpans(keep_query).feed("s", calls, AT)


@pytest.mark.parametrize("calls", [[], "[]", [call("b1", "Bash", None)], [call("t1", "Skill", "x", skill=7)]])
def test_a_batch_without_a_skill_gives_no_event(calls: Any) -> None:
    assert LiveSpans(keep_query).feed("s", calls, AT) == (0, [])


def test_a_session_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match="session must be"):
        LiveSpans(keep_query).feed(" ", [], AT)


VALUES = (
    st.none()
    | st.text(max_size=5)
    | st.just("Skill")
    | st.dictionaries(st.just("skill"), st.text(max_size=5))
)
KEYS = st.sampled_from(["tool_name", "tool_input", "tool_use_id", "tool_response"])


@given(st.text(max_size=60) | st.lists(st.dictionaries(KEYS, VALUES)))
def test_any_batch_is_taken_or_refused(calls: Any) -> None:
    with suppress(InvalidInput):
        count, events = LiveSpans(keep_query).feed("s", calls, AT)
        assert count <= len(calls)
        assert all(isinstance(event, SkillEvent) for event in events)
