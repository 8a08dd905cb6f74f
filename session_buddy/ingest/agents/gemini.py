"""Gemini CLI: MCP server and hooks go into `settings.json`."""

from collections.abc import Sequence
from pathlib import Path

from session_buddy.config import Settings
from session_buddy.ingest.agents.claude_hooks import hook_command, with_hooks, without_hooks
from session_buddy.ingest.agents.places import gemini_home
from session_buddy.ingest.agents.protocol import SettingsFile
from session_buddy.ingest.agents.settings_files import (
    FileAdapter,
    edit_bytes,
    server_words,
    unusual_home,
    with_server,
    without_server,
)

_UNDER = "mcpServers"
_EVENTS = ("SessionStart", "BeforeAgent", "AfterAgent", "SessionEnd")
_MILLISECONDS = 10_000


class Gemini(FileAdapter):
    """The adapter for Gemini CLI, for all projects of this user."""

    name = "gemini"
    title = "Gemini CLI"
    next_step = ""

    def detect(self) -> Path | None:
        """Its home; None if it never ran here."""
        return gemini_home() if gemini_home().is_dir() else None

    def sessions(self) -> Sequence[Path]:
        """Its session records, one folder a project."""
        return (gemini_home() / "tmp",)

    def files(self, settings: Settings) -> Sequence[SettingsFile]:
        """One file with both, with absolute paths."""
        home = unusual_home(settings)
        command, *args = server_words(home)
        entry = {"command": command, "args": args}
        run = {"type": "command", "name": "session-buddy", "command": hook_command(home, agent=self.name)}
        wanted = {event: {"hooks": [run | {"timeout": _MILLISECONDS}]} for event in _EVENTS}
        path = gemini_home() / "settings.json"

        def put(text: str, where: Path) -> str:
            return with_hooks(with_server(text, entry, where, _UNDER, self.title), wanted, where)

        def take(text: str, where: Path) -> str:
            return without_hooks(without_server(text, where, _UNDER), where)

        return (
            SettingsFile(
                "MCP server and hooks",
                path,
                edit_bytes(path, put, self.title),
                edit_bytes(path, take, self.title),
                "the MCP server, and hooks that tell when a session has grown",
            ),
        )
