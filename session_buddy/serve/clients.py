"""What a client says of itself and of the call it makes: which agent it is, in which of its sessions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from session_buddy.models.values import Caller

CLAUDE_CODE_KEY: Final = "claudecode/toolUseId"
"""In a request's `_meta`: Claude Code's id of the model's tool call; its hooks' calls have none."""
CODEX_CALL: Final = "callId"
CODEX_SESSION: Final = "sessionId"
CODEX_TURN: Final = "x-codex-turn-metadata"
"""In a request's `_meta` as Codex CLI 0.169 sends it: the model's call, and its session."""
_AGENTS: Final = (
    ("codex", "codex"),
    ("gemini-cli", "gemini"),
    ("cursor", "cursor"),
    ("visual studio code", "vscode"),
    ("vscode", "vscode"),
    ("github-copilot", "vscode"),
)
"""How the name that a client gives itself begins, and the agent that it is; any other is Claude Code's."""


def identified(caller: Caller, client_name: str | None, meta: Mapping[str, Any]) -> Caller:
    """The caller with what its client says of itself and of this call."""
    lowered = (client_name or "").lower()
    agent = next((agent for beginning, agent in _AGENTS if lowered.startswith(beginning)), None)
    if agent is None:
        return caller
    return replace(caller, agent=agent, session_id=_session(meta) or caller.session_id)


def key_of_call(meta: Mapping[str, Any]) -> str | None:
    """The client's own id of the model's tool call, in which session if it is not unique by itself."""
    key, call = meta.get(CLAUDE_CODE_KEY), meta.get(CODEX_CALL)
    if isinstance(key, str):
        return key
    session = _session(meta)
    return f"{session}:{call}" if session is not None and isinstance(call, str) and call else None


def _session(meta: Mapping[str, Any]) -> str | None:
    turn = meta.get(CODEX_TURN)
    named = turn.get("session_id") if isinstance(turn, Mapping) else meta.get(CODEX_SESSION)
    return named if isinstance(named, str) and 0 < len(named) <= 200 and named.isprintable() else None
