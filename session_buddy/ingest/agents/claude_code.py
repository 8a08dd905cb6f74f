"""Claude Code: its hooks go into `settings.json`, our MCP server into `.claude.json`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from session_buddy.config import Settings
from session_buddy.ingest.agents.claude_checks import checks_of
from session_buddy.ingest.agents.claude_hooks import hook_command, wanted_hooks, with_hooks, without_hooks
from session_buddy.ingest.agents.places import claude_home
from session_buddy.ingest.agents.protocol import Check, SettingsFile
from session_buddy.ingest.agents.settings_files import (
    FileAdapter,
    edit_bytes,
    server_words,
    unusual_home,
    with_server,
    without_server,
)

_UNDER = "mcpServers"


class ClaudeCode(FileAdapter):
    """The adapter for Claude Code, for all projects of this user."""

    name = "claude"
    title = "Claude Code"
    next_step = ""

    def detect(self) -> Path | None:
        """Where its settings lie; None if it never ran here."""
        directory = settings_path().parent
        return directory if directory.is_dir() or servers_path().is_file() else None

    def sessions(self) -> Sequence[Path]:
        """Its folder of transcripts, one folder a project."""
        return (settings_path().parent / "projects",)

    def files(self, settings: Settings) -> Sequence[SettingsFile]:
        """Hooks and MCP server, with absolute paths."""
        home = unusual_home(settings)
        hooks, entry = wanted_hooks(hook_command(home)), server_entry(home)
        path, servers = settings_path(), servers_path()
        return (
            SettingsFile(
                "hooks",
                path,
                edit_bytes(
                    path, lambda text, where: with_hooks(text, hooks, where), self.title, comments=False
                ),
                edit_bytes(path, without_hooks, self.title, comments=False),
                "hooks that tell which skills are used",
            ),
            SettingsFile(
                "MCP server",
                servers,
                edit_bytes(
                    servers,
                    lambda text, where: with_server(text, entry, where, _UNDER, self.title),
                    self.title,
                    comments=False,
                ),
                edit_bytes(
                    servers,
                    lambda text, where: without_server(text, where, _UNDER),
                    self.title,
                    comments=False,
                ),
                "the MCP server that records and answers",
            ),
        )

    def checks(self, settings: Settings, project: Path) -> Sequence[Check]:
        """Whether hooks and server are in place, and what keeps Claude Code from using them."""
        home = unusual_home(settings)
        return checks_of(
            settings_path(),
            servers_path(),
            project,
            hooks=wanted_hooks(hook_command(home)),
            server=server_entry(home),
            error_log=Path(settings.home, "hook-errors.log"),
        )


def settings_path() -> Path:
    """The user's settings, which is where hooks go; `CLAUDE_CONFIG_DIR` moves them."""
    return claude_home() / "settings.json"


def servers_path() -> Path:
    """The client's own state, where `claude mcp add --scope user` writes, too."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home(), ".claude.json")


def server_entry(home: str | None) -> dict[str, Any]:
    """How the client starts our server."""
    command, *args = server_words(home)
    return {"type": "stdio", "command": command, "args": args, "env": {}}
