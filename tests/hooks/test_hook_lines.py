"""The hook writes by hand what the package defines: the two must not drift apart."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session_buddy.config import default_home, load_settings
from session_buddy.ingest import hook
from session_buddy.models import ids
from session_buddy.models.events import (
    SKILL_NAME_LIMIT,
    JournalEvent,
    SessionEvent,
    TranscriptReady,
    parse_event,
    to_line,
)
from tests.support.hooks import SESSION, payload

NOW = 1_795_356_133_123_456_789


def parsed(event: str, **fields: Any) -> list[JournalEvent]:
    return [parse_event(line) for line in hook.journal_lines(payload(event, **fields), NOW)]


def test_a_session_start_is_recorded_with_where_and_why() -> None:
    started, ready = parsed("SessionStart", source="resume")
    assert isinstance(started, SessionEvent)
    assert (started.kind, started.session_id, started.project) == (
        "session_started",
        SESSION,
        "/home/ada/project",
    )
    assert (started.agent, started.reason) == ("claude-code", "resume")
    assert isinstance(ready, TranscriptReady)


def test_a_stop_says_that_the_transcript_has_grown() -> None:
    (ready,) = parsed("Stop", prompt_id="9206", stop_hook_active=False, last_assistant_message="done")
    assert isinstance(ready, TranscriptReady)
    assert (ready.session_id, ready.hook) == (SESSION, "Stop")
    assert ready.transcript_path.endswith(f"{SESSION}.jsonl")


def test_the_transcript_is_announced_before_the_session_is_closed() -> None:
    ready, ended = parsed("SessionEnd", reason="prompt_input_exit")
    assert isinstance(ready, TranscriptReady)
    assert isinstance(ended, SessionEvent)
    assert (ended.kind, ended.reason) == ("session_ended", "prompt_input_exit")


def test_any_other_hook_announces_the_transcript() -> None:
    assert [event.hook for event in parsed("SubagentStop") if isinstance(event, TranscriptReady)] == [
        "SubagentStop"
    ]


def test_the_time_is_the_hooks_own_in_utc() -> None:
    (ready,) = parsed("Stop")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert ready.occurred_at == epoch + timedelta(microseconds=NOW // 1000)


def test_lines_are_what_the_package_would_write() -> None:
    for event in ("SessionStart", "Stop", "SessionEnd"):
        for line in hook.journal_lines(payload(event, reason="other", source="startup"), NOW):
            assert json.loads(line) == json.loads(to_line(parse_event(line)))


def test_a_session_that_ends_twice_for_one_prompt_ended_once() -> None:
    first, again = (parsed("SessionEnd", prompt_id="9206")[-1] for _ in range(2))
    other = parsed("SessionEnd", prompt_id="9207")[-1]
    assert first.id == again.id == ids.hashed_id("claude-code-hook", "SessionEnd", SESSION, "9206")
    assert other.id != first.id


def test_every_announcement_counts_even_of_one_prompt() -> None:
    assert parsed("Stop", prompt_id="9206")[0].id != parsed("Stop", prompt_id="9206")[0].id


@given(st.lists(st.text(), max_size=5))
def test_ids_are_those_of_the_package(parts: list[str]) -> None:
    assert UUID(hook.hashed_id(*parts)) == ids.hashed_id(*parts)


def test_time_ordered_ids_are_version_7_and_sort_by_time() -> None:
    value = UUID(hook.time_ordered_id())
    assert (value.version, value.variant) == (7, "specified in RFC 4122")
    assert abs((value.int >> 80) - time.time_ns() // 1_000_000) < 60_000


def test_limits_are_those_of_the_package() -> None:
    assert hook.NAME_LIMIT == SKILL_NAME_LIMIT


@pytest.mark.parametrize("home", ["/home/ada/.session-buddy", "/home/" + "a" * 200])
def test_the_wake_socket_lies_beside_the_leaders(home: str) -> None:
    leader = load_settings({"home": home}, {}).socket
    assert hook.wake_path(home) == leader.replace("leader.sock", "wake.sock")
    assert len(hook.wake_path(home)) < 104


def test_the_home_is_that_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SESSION_BUDDY_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert (
        hook.home_of([])
        == load_settings({}, {"HOME": "/home/ada"}).home
        == default_home({"HOME": "/home/ada"})
    )
    monkeypatch.setenv("SESSION_BUDDY_HOME", "~/elsewhere")
    assert hook.home_of([]) == load_settings({}, {"SESSION_BUDDY_HOME": "~/elsewhere"}).home
    assert hook.home_of(["--home", "/a"]) == hook.home_of(["--home=/a"]) == "/a"


def test_secrets_in_what_is_kept_are_redacted() -> None:
    _, ended = parsed("SessionEnd", reason="password=hunter2", cwd="/x/https://ada:hunter2@host/")
    assert isinstance(ended, SessionEvent)
    assert "hunter2" not in to_line(ended)


def test_words_that_do_not_fit_are_cut() -> None:
    _, ended = parsed("SessionEnd", reason="r" * 1000, cwd="/" + "\u00e9" * 100_000)
    assert isinstance(ended, SessionEvent)
    assert len(ended.reason or "") == len(ended.project or "") == hook.TEXT_LIMIT


@pytest.mark.parametrize(
    "given_payload",
    [
        None,
        [],
        "Stop",
        {},
        {"hook_event_name": "Stop"},
        {"session_id": SESSION},
        {"hook_event_name": "Stop", "session_id": ""},
        {"hook_event_name": "Stop", "session_id": 7},
        {"hook_event_name": "Stop", "session_id": "s" * 201},
        {"hook_event_name": "Stop", "session_id": "two\nlines"},
    ],
)
def test_a_payload_without_event_or_session_is_refused(given_payload: object) -> None:
    with pytest.raises(ValueError, match="payload"):
        hook.journal_lines(given_payload, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("hook_event_name", "session_id", "transcript_path", "cwd", "source", "reason", "prompt_id")


@pytest.mark.slow
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: JSON | st.text(min_size=1) | st.sampled_from(["Stop", "SessionEnd"]) for name in FIELDS
        },
    )
)
def test_whatever_comes_in_every_line_is_an_event(given_payload: dict[str, Any]) -> None:
    try:
        lines = hook.journal_lines(given_payload, NOW)
    except ValueError:
        return
    for line in lines:
        assert "\n" not in line
        parse_event(line)
