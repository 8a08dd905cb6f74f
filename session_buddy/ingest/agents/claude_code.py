"""Claude Code: its hooks go into `settings.json`, our MCP server into `.claude.json`."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from session_buddy.config import Settings, default_home
from session_buddy.errors import ConfigurationError
from session_buddy.ingest.agents.changes import kept_files, read_file, restored
from session_buddy.ingest.agents.claude_checks import checks_of
from session_buddy.ingest.agents.claude_hooks import (
    SERVER,
    hook_command,
    wanted_hooks,
    with_hooks,
    without_hooks,
)
from session_buddy.ingest.agents.json_text import remove_value, set_value
from session_buddy.ingest.agents.protocol import Change, Check

_SETTINGS = "settings.json"
_SERVERS = ".claude.json"


class ClaudeCode:
    """The adapter for Claude Code, for all projects of this user."""

    name = "claude"
    title = "Claude Code"

    def detect(self) -> Path | None:
        """Where its settings lie; None if it never ran here."""
        directory = settings_path().parent
        return directory if directory.is_dir() or servers_path().is_file() else None

    def plan_install(self, settings: Settings) -> list[Change]:
        """Hooks and MCP server with absolute paths; empty if all is there already.

        Raises:
            ConfigurationError: a file is no JSON object, or the name of our server is taken.
        """
        home = _unusual_home(settings)
        hooks = wanted_hooks(hook_command(home))
        return _changes(
            (
                settings_path(),
                lambda text, where: with_hooks(text, hooks, where),
                "hooks that tell which skills are used",
            ),
            (
                servers_path(),
                lambda text, where: _with_server(text, server_entry(home), where),
                "the MCP server that records and answers",
            ),
        )

    def plan_uninstall(self, settings: Settings) -> list[Change]:
        """What takes everything of ours out again; errors as `plan_install`."""
        paths = dict.fromkeys([settings_path(), servers_path(), *map(Path, kept_files(settings, self.name))])
        changes = []
        for path in paths:
            remove = without_hooks if path.name == _SETTINGS else _without_server
            before, after = restored(settings, self.name, path, _edit_bytes(path, remove))
            if before != after:
                changes.append(Change(path, before, after, "as it was before session-buddy"))
        return changes

    def checks(self, settings: Settings, project: Path) -> Sequence[Check]:
        """Whether hooks and server are in place, and what keeps Claude Code from using them."""
        home = _unusual_home(settings)
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
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude", _SETTINGS)


def servers_path() -> Path:
    """The client's own state, where `claude mcp add --scope user` writes, too."""
    return Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home(), _SERVERS)


def server_entry(home: str | None) -> dict[str, Any]:
    """How the client starts our server: the program beside this Python, else the package in it."""
    program = Path(sys.executable).with_name(
        "session-buddy.exe" if sys.platform == "win32" else "session-buddy"
    )
    words = [str(program)] if program.is_file() else [sys.executable, "-P", "-m", "session_buddy"]
    words.append("serve")
    if home is not None:
        words += ["--home", home]
    return {"type": "stdio", "command": words[0], "args": words[1:], "env": {}}


def is_our_server(entry: object) -> bool:
    """Whether an MCP server entry under our name starts this program, wherever it was installed."""
    if not isinstance(entry, dict) or not isinstance(entry.get("args"), list):
        return False
    words = [str(entry.get("command")), *map(str, entry["args"])]
    return "serve" in words and (Path(words[0]).stem == "session-buddy" or "session_buddy" in words)


def _unusual_home(settings: Settings) -> str | None:
    usual = os.path.abspath(default_home(os.environ))
    return None if settings.home == usual else settings.home


def _changes(*edits: tuple[Path, Callable[[str, Path], str], str]) -> list[Change]:
    changes = []
    for path, edit, why in edits:
        before = read_file(path)
        after = _edit_bytes(path, edit)(before or b"")
        if after != before:
            changes.append(Change(path, before, after, why))
    return changes


def _edit_bytes(path: Path, edit: Callable[[str, Path], str]) -> Callable[[bytes], bytes]:
    """An edit of text as one of bytes, refused where the bytes are no JSON object."""

    def edited(data: bytes) -> bytes:
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        try:
            text = data[len(mark) :].decode()
            document = json.loads(text) if text.strip() else {}
        except (ValueError, RecursionError) as error:
            raise ConfigurationError(
                f"{path} is not valid JSON ({error}). Claude Code cannot use it either; correct it, then "
                "try again."
            ) from error
        if not isinstance(document, dict):
            raise ConfigurationError(f"{path} does not hold a JSON object. Correct it, then try again.")
        return mark + edit(text if text.strip() else "{}\n", path).encode()

    return edited


def _with_server(text: str, entry: dict[str, Any], where: Path) -> str:
    servers = _servers(text, where)
    known = servers.get(SERVER)
    if known == entry:
        return text
    if known is not None and not is_our_server(known):
        raise ConfigurationError(
            f"{where} has an MCP server {SERVER!r} that belongs to another program. Remove it "
            f"(claude mcp remove --scope user {SERVER}), then try again."
        )
    return set_value(text, ("mcpServers", SERVER), entry)


def _without_server(text: str, where: Path) -> str:
    servers = _servers(text, where)
    if not is_our_server(servers.get(SERVER)):
        return text
    return remove_value(text, ("mcpServers", SERVER) if len(servers) > 1 else ("mcpServers",))


def _servers(text: str, where: Path) -> dict[str, Any]:
    servers = json.loads(text).get("mcpServers", {})
    if not isinstance(servers, dict):
        raise ConfigurationError(f"mcpServers in {where} is not an object. Correct that, then try again.")
    return servers
