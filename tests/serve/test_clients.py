"""Which agent calls, and in which of its sessions: what the clients say of themselves."""

from typing import Any

import pytest

from session_buddy.models.values import Caller
from session_buddy.serve.clients import identified, key_of_call

CODEX_META: dict[str, Any] = {  # as codex-cli 0.169.0 sends it
    "callId": "call_1",
    "sessionId": "window-session",
    "threadId": "thread",
    "x-codex-turn-metadata": {"session_id": "the-session", "turn_id": "turn"},
}


@pytest.mark.parametrize(
    ("client", "agent"),
    [
        ("codex-mcp-client", "codex"),
        ("gemini-cli-mcp-client", "gemini"),
        ("cursor-vscode", "cursor"),
        ("Visual Studio Code", "vscode"),
        ("claude-code", "claude-code"),
        ("something", "claude-code"),
        (None, "claude-code"),
    ],
)
def test_a_client_is_known_by_the_name_that_it_gives_itself(client: str | None, agent: str) -> None:
    assert identified(Caller("1", "env", project="/x"), client, {}) == Caller("1", "env", agent, "/x")


def test_codex_names_its_session_with_each_call() -> None:
    assert identified(Caller("1"), "codex-mcp-client", CODEX_META).session_id == "the-session"
    without = {name: value for name, value in CODEX_META.items() if not name.startswith("x-")}
    assert identified(Caller("1"), "codex-mcp-client", without).session_id == "window-session"


def test_a_call_of_codex_is_only_unique_within_its_session() -> None:
    assert key_of_call(CODEX_META) == "the-session:call_1"
    assert key_of_call({"callId": "call_1"}) is None
    assert key_of_call({"claudecode/toolUseId": "toolu_1"}) == "toolu_1"


@pytest.mark.parametrize("session", ["", "a" * 201, "a\nb", 5, None])
def test_a_session_that_is_no_name_is_not_taken(session: object) -> None:
    meta = {"callId": "c", "x-codex-turn-metadata": {"session_id": session}}
    assert identified(Caller("1"), "codex-mcp-client", meta).session_id is None
    assert key_of_call(meta) is None
