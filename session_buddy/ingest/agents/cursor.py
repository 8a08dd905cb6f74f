"""Cursor: our MCP server goes into `mcp.json`, its hooks into `hooks.json`, both in `~/.cursor`.

From Cursor's documentation; Cursor cannot be had from a package registry, so it was never run here.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.ingest import hook_cursor
from session_buddy.ingest.agents.claude_hooks import hook_command
from session_buddy.ingest.agents.json_text import append_value, remove_value, set_value
from session_buddy.ingest.agents.places import cursor_home
from session_buddy.ingest.agents.protocol import SettingsFile
from session_buddy.ingest.agents.settings_files import (
    FileAdapter,
    edit_bytes,
    server_file,
    server_words,
    unusual_home,
)

_MATCHERS = {
    "sessionStart": None,
    "beforeSubmitPrompt": None,
    "postToolUse": "Read|Shell|MCP:record_skill_invocation",
    "postToolUseFailure": "Read|Shell",
    "stop": None,
    "sessionEnd": None,
}
"""Our hooks, and of which tools they want to know."""
_MARK = "hook_cursor.py"


class Cursor(FileAdapter):
    """The adapter for Cursor, for all projects of this user."""

    name = "cursor"
    title = "Cursor"
    next_step = ""

    def detect(self) -> Path | None:
        """Its folder; None if it never ran here."""
        return cursor_home() if cursor_home().is_dir() else None

    def sessions(self) -> Sequence[Path]:
        """None: its transcripts have no times. What its hooks said lies in the home, and is read anyway."""
        return ()

    def files(self, settings: Settings) -> Sequence[SettingsFile]:
        """MCP server and hooks, with absolute paths."""
        home = unusual_home(settings)
        command, *args = server_words(home)
        run = hook_command(home, agent=self.name, script=Path(hook_cursor.__file__))
        wanted = {
            event: {"command": run} | ({"matcher": matcher} if matcher else {})
            for event, matcher in _MATCHERS.items()
        }
        path = cursor_home() / "hooks.json"
        return (
            server_file(
                cursor_home() / "mcp.json",
                {"command": command, "args": args},
                under="mcpServers",
                title=self.title,
            ),
            SettingsFile(
                "hooks",
                path,
                edit_bytes(path, lambda text, where: _with_hooks(text, wanted, where), self.title),
                edit_bytes(path, _without_hooks, self.title),
                "hooks that tell which skills are read",
            ),
        )


def _with_hooks(text: str, wanted: Mapping[str, Mapping[str, Any]], where: Path) -> str:
    ours = _ours(text, where)
    if {event: hook for event, _, hook in ours} == wanted and len(ours) == len(wanted):
        return text
    text = _without_hooks(text, where)
    if "version" not in json.loads(text):
        text = set_value(text, ("version",), 1)
    for event, hook in wanted.items():
        text = append_value(text, ("hooks", event), dict(hook))
    return text


def _without_hooks(text: str, where: Path) -> str:
    ours = _ours(text, where)
    for event, index, _ in reversed(ours):
        text = remove_value(text, ("hooks", event, index))
    for event in dict.fromkeys(event for event, _, _ in ours):
        if not json.loads(text)["hooks"][event]:
            text = remove_value(text, ("hooks", event))
    if ours and not json.loads(text)["hooks"]:
        text = remove_value(text, ("hooks",))
    return text


def _ours(text: str, where: Path) -> list[tuple[str, int, dict[str, Any]]]:
    """(event, index in its list, hook) of every hook of ours."""
    hooks = json.loads(text).get("hooks", {})
    if not isinstance(hooks, dict) or not all(isinstance(listed, list) for listed in hooks.values()):
        raise ConfigurationError(f"hooks in {where} is not an object of lists. Correct that, then try again.")
    return [
        (event, index, hook)
        for event, listed in hooks.items()
        for index, hook in enumerate(listed)
        if isinstance(hook, dict) and _MARK in str(hook.get("command"))
    ]
