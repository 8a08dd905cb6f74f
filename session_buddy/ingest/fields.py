"""Fields of Claude Code's records, read with no trust in their types."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from session_buddy.ingest.names import clean_name

MAIN: Final = "main"
_OF_PROMPTS: Final = ("permissionMode", "promptSource", "thinkingMetadata", "todos", "imagePasteIds")
_ERRORS: Final = (
    ("<tool_use_error>Unknown skill", "unknown_skill"),
    ("<tool_use_error> Unknown skill", "unknown_skill"),
    ("Unknown skill", "unknown_skill"),
    ("[Request interrupted by user", "interrupted"),
    ("Request interrupted by user", "interrupted"),
    ("The user doesn't want to proceed", "rejected"),
    ("Claude requested permissions", "permission_denied"),
    ("Permission to use ", "permission_denied"),
)
"""How an error's text begins, and what class of error that is."""


def instant(value: object) -> datetime | None:
    """A record's timestamp as aware UTC; None if it has none that can be used."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is UTC:
            return at
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def thread_of(record: Mapping[str, Any]) -> str:
    """The agent thread of a record: a subagent's id, or `main`."""
    agent = record.get("agentId")
    if agent is None:
        return "sidechain" if record.get("isSidechain") is True else MAIN
    return clean_name(agent) or MAIN


def text_of(content: object) -> str:
    """The text of a record's content: a string, or the text blocks of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    blocks = [block for block in content if isinstance(block, dict) and block.get("type") == "text"]
    return "\n".join(text for block in blocks if isinstance(text := block.get("text"), str))


def skill_named(given: Mapping[str, Any]) -> str | None:
    """The name in a `Skill` call's input, without a leading slash; None if there is none to record."""
    name = given.get("skill", given.get("command"))
    return clean_name(name.strip().removeprefix("/")) if isinstance(name, str) else None


def error_class(text: str) -> str:
    """The class of a failed call's error, from how its text begins."""
    text = text.lstrip()
    for beginning, name in _ERRORS:
        if text.startswith(beginning):
            return name
    if "disable-model-invocation" in text[:300]:
        return "not_for_agents"
    if text.startswith("Exit code"):
        return "timeout" if "Command timed out" in text[:200] else "exit_code"
    return "tool_use_error" if text.startswith("<tool_use_error>") else "tool_error"


def typed_by_user(record: Mapping[str, Any]) -> bool:
    """A prompt's record has fields that the client's own words lack."""
    return any(name in record for name in _OF_PROMPTS)


def in_background(details: Mapping[str, Any]) -> bool:
    """Whether an answered call goes on: a subagent or a shell in the background."""
    return details.get("status") == "async_launched" or bool(details.get("backgroundTaskId"))
