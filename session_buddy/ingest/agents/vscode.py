"""VS Code: our MCP server goes into the user's `mcp.json`, hooks into a file of ours in `~/.copilot/hooks`.

From VS Code's documentation; it cannot be had from a package registry, so it was never run here. VS Code
runs the hooks in Claude Code's settings, too: the hook knows VS Code by its payload, and both name the same
session and transcript, so nothing counts twice.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from session_buddy.config import Settings
from session_buddy.errors import ConfigurationError
from session_buddy.ingest.agents.claude_hooks import COMMAND_SECONDS, hook_command
from session_buddy.ingest.agents.places import copilot_home, vscode_user
from session_buddy.ingest.agents.protocol import SettingsFile
from session_buddy.ingest.agents.settings_files import (
    FileAdapter,
    server_file,
    server_words,
    unusual_home,
)

_EVENTS = ("SessionStart", "UserPromptSubmit", "Stop")
_MARK = b"hook.py"


class VSCode(FileAdapter):
    """The adapter for VS Code, for all workspaces of this user's default profile."""

    name = "vscode"
    title = "VS Code"
    next_step = ""

    def detect(self) -> Path | None:
        """Its settings' folder; None if it never ran here."""
        return vscode_user() if vscode_user().is_dir() else None

    def sessions(self) -> Sequence[Path]:
        """Transcripts of its own agent, one folder a workspace."""
        found = vscode_user() / "workspaceStorage"
        return tuple(sorted(found.glob("*/GitHub.copilot-chat/transcripts")))

    def files(self, settings: Settings) -> Sequence[SettingsFile]:
        """MCP server and hooks, with absolute paths."""
        home = unusual_home(settings)
        command, *args = server_words(home)
        run = {"type": "command", "command": hook_command(home, agent=self.name), "timeout": COMMAND_SECONDS}
        wanted = json.dumps({"hooks": {event: [run] for event in _EVENTS}}, indent=2) + "\n"
        path = copilot_home() / "hooks" / "session-buddy.json"

        def put(data: bytes) -> bytes:
            if data.strip() and _MARK not in data:
                raise ConfigurationError(f"{path} belongs to another program. Remove it, then try again.")
            return wanted.encode()

        return (
            server_file(
                vscode_user() / "mcp.json",
                {"type": "stdio", "command": command, "args": args},
                under="servers",
                title=self.title,
            ),
            SettingsFile(
                "hooks",
                path,
                put,
                lambda data: None if _MARK in data else data,
                "hooks that tell when a session has grown",
            ),
        )
